/** Baton's own state (state/own.ts) on a booted system. */

import { existsSync, readFileSync } from "node:fs";
import type { StateWrite } from "../../entry.ts";
import { BatonError } from "../../errors.ts";
import { readVariable, textOfVariable, variableOfText, writeVariable } from "../../state/efivars.ts";
import { rewriteFile } from "../../state/files.ts";
import { BOOTED_STATE_FILES, OwnState, STATE_FILES, STATE_VARIABLE } from "../../state/own.ts";
import { fileError } from "../../volumes/files.ts";

interface FoundState {
  readonly state: OwnState;
  /** Writes what the state says that is to be written. */
  perform(write: StateWrite): Promise<void>;
}

/** @throws BatonError that names the file and says why it can't be read */
function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(path, error);
  }
}

/**
 * The file that is named, else the EFI variable, else the file in its usual places.
 * @param mayBegin an EFI machine whose variable isn't there yet has an empty state
 * @throws BatonError `not-found`
 */
export function findState(named: string | undefined, mayBegin = false): FoundState {
  const text = named === undefined ? readVariable(STATE_VARIABLE) : null;
  const file = text === null ? (named ?? BOOTED_STATE_FILES.find((path) => existsSync(path))) : undefined;
  if (file !== undefined) {
    return {
      state: OwnState.fromFile({ device: "here", path: file }, bytesOf(file)),
      perform: async (write) => {
        if ("file" in write) await rewriteFile(file, write.set, write.unset);
      },
    };
  }
  if (text === null && !(mayBegin && existsSync("/sys/firmware/efi/efivars"))) {
    throw new BatonError(
      "not-found",
      `Baton remembers nothing here: there is no EFI variable of its own, and none of ${STATE_FILES.join(", ")}`,
    );
  }
  return {
    state: OwnState.fromVariable(text === null ? "" : textOfVariable(text)),
    perform: async (write) => {
      if ("efivar" in write && write.value !== null) writeVariable(write.efivar, variableOfText(write.value));
    },
  };
}
