/**
 * Slots of an updater (RAUC) in Baton's own state: which is booted by itself, and which doesn't work. A slot's name is the
 * title, or the last part of the id, of its entry, or the whole id. Pure.
 */

import type { StateWrite } from "../entry.ts";
import { BatonError } from "../errors.ts";
import type { OwnState } from "./own.ts";

/** The slots that were heard of, the one that was primary last first. */
const SLOTS = "slots";
const BAD = "bad.";
/** What an environment block and a list with blanks can hold. */
const NAME = /^[^\s=#\p{Cc}][^\s=\p{Cc}]{0,127}$/u;

type State = Pick<OwnState, "saved" | "last" | "names" | "value" | "change" | "triesOf" | "countedIds">;

/** @throws BatonError `usage` */
export function slotName(name: string | undefined): string {
  if (name === undefined || !NAME.test(name)) {
    throw new BatonError("usage", `${name === undefined ? "a slot's name is missing" : `'${name}' is no slot's name`}`);
  }
  return name;
}

const isOf = (name: string, id: string): boolean => id === name || id.endsWith(`:${name}`);

const slotsOf = (state: State): string[] => (state.value(SLOTS) ?? "").split(" ").filter((name) => name !== "");

/** Slots that were marked as bad. */
export const badSlots = (state: Pick<OwnState, "names">): string[] =>
  state.names.filter((name) => name.startsWith(BAD)).map((name) => name.slice(BAD.length));

/** False for what was marked as bad, and for what was booted, wasn't confirmed, and gave way to another. */
export function isSlotGood(state: State, name: string): boolean {
  if (state.value(BAD + name) !== null) return false;
  if (state.last !== null && isOf(name, state.last)) return true;
  return !state.countedIds.some((id) => isOf(name, id) && state.triesOf(id) > 0);
}

/** The slot that boots by itself: the one that was made primary last among those that are good; null where none is known. */
export const primarySlot = (state: State): string | null =>
  slotsOf(state).find((name) => isSlotGood(state, name)) ?? null;

/** The slot that was booted last, where that is known. */
export const lastSlot = (state: State): string | null => {
  const { last } = state;
  return last === null ? null : (slotsOf(state).find((name) => isOf(name, last)) ?? null);
};

/** It boots by itself from now on, where the configuration says `default: "@saved"`. */
export const makePrimary = (state: OwnState, name: string): StateWrite =>
  state.change(
    { saved: name, [SLOTS]: [name, ...slotsOf(state).filter((one) => one !== name)].join(" ") },
    forgetting(state, name),
  );

export function markSlot(state: OwnState, name: string, isGood: boolean): StateWrite {
  const known = slotsOf(state);
  const slots = known.includes(name) ? {} : { [SLOTS]: [...known, name].join(" ") };
  return isGood ? state.change(slots, forgetting(state, name)) : state.change({ ...slots, [BAD + name]: "1" }, []);
}

/** What counts against a slot. */
const forgetting = (state: OwnState, name: string): string[] => [
  ...(state.value(BAD + name) === null ? [] : [BAD + name]),
  ...state.countsOf((id) => isOf(name, id)),
];
