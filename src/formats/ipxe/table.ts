/** Values by name whose copies take no time. */

/** What the copies of a table have in common; nothing in it changes any more. */
interface Layer<Value> {
  readonly values: ReadonlyMap<string, Value | null>;
  readonly below: Layer<Value> | null;
  readonly depth: number;
}

/** With more layers than this looking something up takes longer than making one of them. */
const MAX_LAYERS = 16;

/** Values by name. A copy takes no time, however many there are: a menu's every item is followed in one. */
export class Table<Value> {
  #own = new Map<string, Value | null>();
  #below: Layer<Value> | null = null;

  copy(): Table<Value> {
    if (this.#own.size > 0) {
      const isDeep = (this.#below?.depth ?? 0) >= MAX_LAYERS;
      const below: Layer<Value> | null = isDeep ? null : this.#below;
      this.#below = { values: isDeep ? this.#all() : this.#own, below, depth: (below?.depth ?? 0) + 1 };
      this.#own = new Map();
    }
    const copy = new Table<Value>();
    copy.#below = this.#below;
    return copy;
  }

  get(name: string): Value | undefined {
    const own = this.#own.get(name);
    if (own !== undefined) return own ?? undefined;
    for (let layer = this.#below; layer !== null; layer = layer.below) {
      const value = layer.values.get(name);
      if (value !== undefined) return value ?? undefined;
    }
    return undefined;
  }

  set(name: string, value: Value): void {
    this.#own.set(name, value);
  }

  delete(name: string): void {
    this.#own.set(name, null);
  }

  #all(): Map<string, Value | null> {
    const layers: ReadonlyMap<string, Value | null>[] = [this.#own];
    for (let layer = this.#below; layer !== null; layer = layer.below) layers.push(layer.values);
    return new Map(layers.reverse().flatMap((values) => [...values]));
  }
}
