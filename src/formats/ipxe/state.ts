/** What an iPXE script has done so far. */

import type { FileRef } from "../../entry.ts";
import type { Script } from "./script.ts";
import { Settings } from "./settings.ts";
import { Table } from "./table.ts";

/** A file that has been fetched, under a name, which others may have too. */
export interface ScriptImage {
  /** By this it stays the same image whatever is changed about it. */
  readonly id: number;
  readonly name: string;
  readonly ref: FileRef;
  readonly args: string;
}

/** Of a menu or a form. */
export interface Item {
  /** Null for a gap. */
  readonly name: string | null;
  readonly text: string;
  readonly key: string | null;
  /** What is typed into a form's field isn't shown. */
  readonly isSecret: boolean;
}

interface ItemMenu {
  readonly title: string;
  readonly items: readonly Item[];
  readonly default: string | null;
}

/** What a form (`params`) holds, sent with a request. */
interface Parameter {
  readonly key: string;
  readonly value: string;
  readonly isHeader: boolean;
}

/** What belongs to no script: iPXE itself has it, and scripts that replace one another find it as it was. */
export interface Machine {
  readonly settings: Settings;
  readonly menus: Table<ItemMenu>;
  readonly params: Table<readonly Parameter[]>;
  images: readonly ScriptImage[];
  /** The `id` of the image that `boot` starts. */
  selected: number | null;
  /** How many images there have been. */
  fetched: number;
  /** A check that the script asks for and Baton can't make: what it boots from here on doesn't boot by itself. */
  unchecked: string | null;
  /** What the script has written last without ending the line (`echo -n`): a question stands behind it. */
  said: string;
}

/** Why a command failed, and in which line. */
export interface Failure {
  readonly line: number;
  readonly why: string;
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
  /** The last command that failed. */
  failure: Failure | null;
  readonly machine: Machine;
  /** The script that called this one with `chain`; it goes on where it stood. */
  readonly caller: ScriptState | null;
}

/**
 * A script before its first command.
 * @param from the script that starts it, with whose machine it works; null for the first one.
 * @param caller the script that goes on after it.
 */
export function startState(script: Script, base: FileRef, from: ScriptState | null, caller = from): ScriptState {
  const machine = from?.machine ?? {
    ...{ settings: new Settings(), menus: new Table(), params: new Table() },
    ...{ images: [], selected: null, fetched: 0, unchecked: null, said: "" },
  };
  return { script, base, caller, machine, line: 0, segment: 0, ok: true, failure: null };
}

export function copyState(state: ScriptState): ScriptState {
  const { settings, menus, params, ...rest } = state.machine;
  const machine = { ...rest, settings: settings.copy(), menus: menus.copy(), params: params.copy() };
  const copy = (one: ScriptState): ScriptState => ({ ...one, machine, caller: one.caller && copy(one.caller) });
  return copy(state);
}

/** The script that called this one. @param ok whether this one succeeded */
export function returnToCaller({ failure }: ScriptState, caller: ScriptState, ok: boolean): ScriptState {
  return Object.assign(caller, { ok, failure: failure ?? caller.failure });
}

/** The first image of a name, as iPXE finds it. */
export const imageNamed = ({ images }: Machine, name: string): ScriptImage | undefined =>
  images.find((image) => image.name === name);

/** The image that `boot` starts where none is named: the one that was selected, else the only one. */
export function selectedImage({ images, selected }: Machine): ScriptImage | null {
  if (selected !== null) return images.find(({ id }) => id === selected) ?? null;
  return images.length === 1 ? images[0]! : null;
}

/** Puts a changed image in the place of the one with its `id`. */
export function changeImage(machine: Machine, changed: ScriptImage): void {
  machine.images = machine.images.map((image) => (image.id === changed.id ? changed : image));
}
