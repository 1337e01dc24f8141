/** A file of the host's that is named on the command line. */

import { readFileSync } from "node:fs";
import { fileError } from "../../volumes/files.ts";

/** @throws BatonError that names the file and says why it can't be read */
export function readOwnFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fileError(path, error);
  }
}
