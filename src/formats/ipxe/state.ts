/** What an iPXE script has done so far. */

import type { FileRef } from "../../entry.ts";
import type { Script } from "./script.ts";

/** A file that has been fetched, under a name. */
export interface ScriptImage {
  readonly name: string;
  readonly ref: FileRef;
  readonly args: string;
}

export interface Item {
  /** Null for a gap. */
  readonly name: string | null;
  readonly text: string;
  readonly key: string | null;
}

interface ItemMenu {
  readonly title: string;
  readonly items: readonly Item[];
  readonly default: string | null;
}

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

/** A script in the middle of its work; copied where a choice splits it. */
export interface ScriptState {
  readonly script: Script;
  /** The script's own file, from which names are resolved. */
  readonly base: FileRef;
  /** Index of the line, and in it of the command, that runs next. */
  line: number;
  segment: number;
  /** Whether the last command succeeded. */
  ok: boolean;
  readonly settings: Table<string>;
  images: readonly ScriptImage[];
  selected: string | null;
  /** A check that the script asks for and Baton can't make: what it boots from here on doesn't boot by itself. */
  unchecked: string | null;
  readonly menus: Table<ItemMenu>;
  /** The script that called this one with `chain`; it goes on where it stood. */
  readonly caller: ScriptState | null;
}

/**
 * A script before its first command.
 * @param from the script that starts it, on whose settings, images and menus it works; null for the first one.
 * @param caller the script that goes on after it.
 */
export function startState(script: Script, base: FileRef, from: ScriptState | null, caller = from): ScriptState {
  return {
    ...{ script, base, caller, line: 0, segment: 0, ok: true },
    settings: from?.settings ?? new Table(),
    menus: from?.menus ?? new Table(),
    images: from?.images ?? [],
    selected: from?.selected ?? null,
    unchecked: from?.unchecked ?? null,
  };
}

export function copyState(state: ScriptState): ScriptState {
  const settings = state.settings.copy();
  const menus = state.menus.copy();
  const copy = (one: ScriptState): ScriptState => ({ ...one, settings, menus, caller: one.caller && copy(one.caller) });
  return copy(state);
}

/** The script that called this one, with what this one leaves behind. @param ok whether this one succeeded */
export function returnToCaller(from: ScriptState, caller: ScriptState, ok: boolean): ScriptState {
  return Object.assign(caller, { ok, images: from.images, selected: from.selected, unchecked: from.unchecked });
}

/** The image that `boot` starts: the one that was selected, else the only one. */
export function bootImage(state: ScriptState, name?: string): ScriptImage | null {
  const wanted = name ?? state.selected;
  if (wanted !== null) return state.images.findLast((image) => image.name === wanted) ?? null;
  return state.images.length === 1 ? state.images[0]! : null;
}
