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

export interface ItemMenu {
  readonly title: string;
  readonly items: readonly Item[];
  readonly default: string | null;
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
  readonly settings: Map<string, string>;
  images: readonly ScriptImage[];
  selected: string | null;
  readonly menus: Map<string, ItemMenu>;
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
    settings: from?.settings ?? new Map(),
    menus: from?.menus ?? new Map(),
    images: from?.images ?? [],
    selected: from?.selected ?? null,
  };
}

export function copyState(state: ScriptState): ScriptState {
  const settings = new Map(state.settings);
  const menus = new Map(state.menus);
  const copy = (one: ScriptState): ScriptState => ({ ...one, settings, menus, caller: one.caller && copy(one.caller) });
  return copy(state);
}

/** The script that called this one, with what this one leaves behind. @param ok whether this one succeeded */
export function returnToCaller(from: ScriptState, caller: ScriptState, ok: boolean): ScriptState {
  return Object.assign(caller, { ok, images: from.images, selected: from.selected });
}
