/** `baton confirm`: on the booted system, says that it works, so that Baton doesn't pass it over. */

import { printable } from "../text.ts";
import { CONFIRM_OPTIONS } from "./shared/manual.ts";
import { readArgs } from "./shared/options.ts";
import { findState } from "./shared/ownstate.ts";

/** @returns the exit code: 0 also where nothing waits to be confirmed */
export async function confirm(args: string[]): Promise<number> {
  const { values } = readArgs({ args, options: CONFIRM_OPTIONS });
  const { state, perform } = findState(values.state);
  const id = state.last;
  const write = state.confirm();
  if (write === null) {
    process.stdout.write("nothing waits to be confirmed\n");
    return 0;
  }
  await perform(write);
  process.stdout.write(`${printable(String(id))} is confirmed\n`);
  return 0;
}
