/** `baton confirm`: on the booted system, says that it works, so that Baton doesn't pass it over. */

import { existsSync, readFileSync } from "node:fs";
import { BatonError } from "../errors.ts";
import { readVariable, textOfVariable, variableOfText, writeVariable } from "../state/efivars.ts";
import { rewriteFile } from "../state/files.ts";
import { BOOTED_STATE_FILES, OwnState, STATE_FILES, STATE_VARIABLE } from "../state/own.ts";
import { printable } from "../text.ts";
import { CONFIRM_OPTIONS } from "./shared/manual.ts";
import { readArgs } from "./shared/options.ts";

/** @returns the exit code: 0 also where nothing waits to be confirmed */
export async function confirm(args: string[]): Promise<number> {
  const { values } = readArgs({ args, options: CONFIRM_OPTIONS });
  const { state, file } = findState(values.state);
  const id = state.last;
  const write = state.confirm();
  if (write === null) {
    process.stdout.write("nothing waits to be confirmed\n");
    return 0;
  }
  if ("efivar" in write && write.value !== null) writeVariable(write.efivar, variableOfText(write.value));
  else if ("file" in write && file !== null) await rewriteFile(file, write.set, write.unset);
  process.stdout.write(`${printable(String(id))} is confirmed\n`);
  return 0;
}

/** The file that is named, else the EFI variable, else the file in its usual places. */
function findState(named: string | undefined): { state: OwnState; file: string | null } {
  const text = named === undefined ? readVariable(STATE_VARIABLE) : null;
  if (text !== null) return { state: OwnState.fromVariable(textOfVariable(text)), file: null };
  const file = named ?? BOOTED_STATE_FILES.find((path) => existsSync(path));
  if (file === undefined) {
    throw new BatonError(
      "not-found",
      `Baton has left nothing to confirm: no EFI variable, and none of ${STATE_FILES.join(", ")}`,
    );
  }
  return { state: OwnState.fromFile({ device: "here", path: file }, readFileSync(file)), file };
}
