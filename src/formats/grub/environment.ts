/** GRUB's variables: contexts, exports, and the copies in which menu entries run. */

import { BudgetExceeded } from "./budget.ts";

/** A variable of an overlay. Null: it is unset there, and the environment below isn't asked. */
interface Binding {
  readonly name: string;
  value: string | null;
  readonly next: Binding | null;
}

/** The one of that name in a list. */
function bindingOf(first: Binding | null, name: string): Binding | null {
  for (let at = first; at !== null; at = at.next) if (at.name === name) return at;
  return null;
}

/** Different wherever a menu is opened from. */
const WAY_HERE = ["chosen", "config_file", "config_directory"];

/** With more variables than this an overlay keeps a Map. Most entries set two or three. */
const MAX_LISTED = 16;
/** In all: a configuration of any system sets a few hundred. Comparing two environments takes time for each. */
const MAX_VARIABLES = 10_000;

/**
 * One set of variables. An overlay sees those of the environment below it and keeps what is changed to itself:
 * each menu entry runs in one, so that entries don't see what others did.
 */
export class Environment {
  readonly #below: Environment | null;
  /** Either these or those of {@link #first}; a value as in {@link Binding}. */
  #values: Map<string, string | null> | null = null;
  #first: Binding | null = null;
  #count = 0;
  /** Variables that the environments below had when this one was made. */
  readonly #under: number;
  #exported: Set<string> | null = null;
  /** Device names that were given out, with the volume's kernel name. */
  #devices: Binding | null = null;
  /** As {@link missedRoot}; undefined where the environment below is asked. */
  #missedRoot: string | null | undefined = undefined;

  private constructor(below: Environment | null) {
    this.#below = below;
    this.#under = below === null ? 0 : below.#under + (below.#values?.size ?? below.#count);
    if (below === null) this.#values = new Map();
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
      for (let at = env.#devices; at !== null; at = at.next) {
        if (context.device(at.name) === undefined) context.nameDevice(at.name, at.value!);
      }
    }
    context.missedRoot = this.missedRoot;
    return context;
  }

  /** What a search for `$root` looked for in vain (`UUID=…`) after which it is what it was; null where none did. */
  get missedRoot(): string | null {
    for (let env: Environment | null = this; env !== null; env = env.#below) {
      if (env.#missedRoot !== undefined) return env.#missedRoot;
    }
    return null;
  }

  set missedRoot(selector: string | null) {
    this.#missedRoot = selector;
  }

  /** All variables in one text, by which two environments are compared; without those that say how one came here. */
  state(onlyExported: boolean): string {
    const names = this.exportedNames();
    for (let env: Environment | null = onlyExported ? null : this; env !== null; env = env.#below) {
      for (const name of env.#values?.keys() ?? []) names.add(name);
      for (let at = env.#first; at !== null; at = at.next) names.add(at.name);
    }
    for (const name of WAY_HERE) names.delete(name);
    return JSON.stringify([...names].sort().map((name) => [name, this.get(name)]));
  }

  get(name: string): string | undefined {
    for (let env: Environment | null = this; env !== null; env = env.#below) {
      const value = env.#values === null ? bindingOf(env.#first, name)?.value : env.#values.get(name);
      if (value !== undefined) return value ?? undefined;
    }
    return undefined;
  }

  set(name: string, value: string): void {
    this.#bind(name, value);
  }

  unset(name: string): void {
    if (this.#below === null) this.#values!.delete(name);
    else this.#bind(name, null);
  }

  #bind(name: string, value: string | null): void {
    if (this.#values !== null) {
      this.#values.set(name, value);
      if (this.#values.size + this.#under > MAX_VARIABLES) {
        throw new BudgetExceeded(`more than ${MAX_VARIABLES} variables were set`);
      }
      return;
    }
    const known = bindingOf(this.#first, name);
    if (known !== null) known.value = value;
    else if (this.#count++ < MAX_LISTED) this.#first = { name, value, next: this.#first };
    else {
      this.#values = new Map([[name, value]]);
      for (let at = this.#first; at !== null; at = at.next) this.#values.set(at.name, at.value);
      this.#first = null;
    }
  }

  export(name: string): void {
    this.#exported ??= new Set();
    this.#exported.add(name);
    if (this.get(name) === undefined) this.set(name, "");
  }

  /** Remembers which volume a GRUB device name means that `search` or `probe` gave out. */
  nameDevice(name: string, volume: string): void {
    const known = bindingOf(this.#devices, name);
    if (known !== null) known.value = volume;
    else this.#devices = { name, value: volume, next: this.#devices };
  }

  /** The volume's kernel name, undefined where this device name was never given out. */
  device(name: string): string | undefined {
    for (let env: Environment | null = this; env !== null; env = env.#below) {
      const known = bindingOf(env.#devices, name);
      if (known !== null) return known.value!;
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
}
