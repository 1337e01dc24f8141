/** GRUB's variables: contexts, exports, and the copies in which menu entries run. */

/**
 * One set of variables. An overlay sees those of the environment below it and keeps what is changed to itself:
 * each menu entry runs in one, so that entries don't see what others did.
 */
export class Environment {
  readonly #below: Environment | null;
  /** null: unset here, whatever the environment below says. */
  #values: Map<string, string | null> | null = null;
  #exported: Set<string> | null = null;
  #devices: Map<string, string> | null = null;

  private constructor(below: Environment | null) {
    this.#below = below;
  }

  static empty(): Environment {
    return new Environment(null);
  }

  /** Sees everything, changes nothing below. */
  overlay(): Environment {
    return new Environment(this);
  }

  /** A new context as `configfile` and submenus open it: only exported variables are there. */
  context(): Environment {
    const context = new Environment(null);
    for (const name of this.exportedNames()) {
      const value = this.get(name);
      if (value === undefined) continue;
      context.set(name, value);
      context.export(name);
    }
    for (let env: Environment | null = this; env !== null; env = env.#below) {
      for (const [name, volume] of env.#devices ?? []) {
        if (context.device(name) === undefined) context.nameDevice(name, volume);
      }
    }
    return context;
  }

  get(name: string): string | undefined {
    for (let env: Environment | null = this; env !== null; env = env.#below) {
      const value = env.#values?.get(name);
      if (value !== undefined) return value ?? undefined;
    }
    return undefined;
  }

  set(name: string, value: string): void {
    this.#values ??= new Map();
    this.#values.set(name, value);
  }

  unset(name: string): void {
    this.#values ??= new Map();
    if (this.#below === null) this.#values.delete(name);
    else this.#values.set(name, null);
  }

  export(name: string): void {
    this.#exported ??= new Set();
    this.#exported.add(name);
    if (this.get(name) === undefined) this.set(name, "");
  }

  /** Remembers which volume a GRUB device name means that `search` or `probe` gave out. */
  nameDevice(name: string, volume: string): void {
    this.#devices ??= new Map();
    this.#devices.set(name, volume);
  }

  /** The volume's kernel name, undefined where this device name was never given out. */
  device(name: string): string | undefined {
    for (let env: Environment | null = this; env !== null; env = env.#below) {
      const volume = env.#devices?.get(name);
      if (volume !== undefined) return volume;
    }
    return undefined;
  }

  exportedNames(): Set<string> {
    const names = new Set<string>();
    for (let env: Environment | null = this; env !== null; env = env.#below) {
      for (const name of env.#exported ?? []) names.add(name);
    }
    return names;
  }

  /** Every variable's name, sorted. */
  names(): string[] {
    const names = new Set<string>();
    for (let env: Environment | null = this; env !== null; env = env.#below) {
      for (const name of env.#values?.keys() ?? []) names.add(name);
    }
    return [...names].filter((name) => this.get(name) !== undefined).sort();
  }
}
