/**
 * `baton rauc`: RAUC's custom boot loader backend
 * (https://rauc.readthedocs.io/en/latest/integration.html#custom). An answer is one line; a failure is exit code 1.
 */

import { readFileSync } from "node:fs";
import { BatonError } from "../errors.ts";
import type { OwnState } from "../state/own.ts";
import { isSlotGood, lastSlot, makePrimary, markSlot, primarySlot, slotName } from "../state/slots.ts";
import { CONFIRM_OPTIONS } from "./shared/manual.ts";
import { readArgs } from "./shared/options.ts";
import { findState } from "./shared/ownstate.ts";

/** @throws BatonError where RAUC asks for what isn't known, or what it says can't be kept */
export async function rauc(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, options: CONFIRM_OPTIONS, allowPositionals: true });
  const [action, slot, mark] = positionals;
  const { state, perform } = findState(values.state, true);
  const answer = (text: string | null): number => {
    if (text === null)
      throw new BatonError("not-found", `${action}: no slot is known; rauc status mark-active names one`);
    process.stdout.write(`${text}\n`);
    return 0;
  };
  switch (action) {
    case "get-primary":
      return answer(primarySlot(state) ?? currentSlot(state));
    case "get-current":
      return answer(currentSlot(state));
    case "get-state":
      return answer(isSlotGood(state, slotName(slot)) ? "good" : "bad");
    case "set-primary":
      await perform(makePrimary(state, slotName(slot)));
      return 0;
    case "set-state":
      if (mark !== "good" && mark !== "bad") throw new BatonError("usage", "a slot's state is good or bad");
      await perform(markSlot(state, slotName(slot), mark === "good"));
      return 0;
    default:
      throw new BatonError("usage", `${action ?? "nothing"} is none of what RAUC asks: baton rauc --help lists it`);
  }
}

/** As the command line of the running kernel says, else the slot that Baton booted last. */
function currentSlot(state: OwnState): string | null {
  const words = readFileSync("/proc/cmdline", "utf8").split(/\s+/);
  const word = words.findLast((one) => one.startsWith("rauc.slot="));
  return word === undefined ? lastSlot(state) : slotName(word.slice("rauc.slot=".length));
}
