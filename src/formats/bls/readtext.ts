/** One file among many: what is wrong with it is said, and costs nothing else. */

import type { Diagnostic } from "../../entry.ts";
import { BatonError, describeError } from "../../errors.ts";
import type { FormatVolume } from "../format.ts";
import { decodeText } from "../text.ts";

/**
 * The text of a file; null, with a diagnostic, where that one file can't be read. Rejects where the volume doesn't
 * answer at all.
 * @param source the file's name for diagnostics.
 */
export function readText(
  volume: FormatVolume,
  path: string,
  source: string,
  limit: number,
  diagnostics: Diagnostic[],
): Promise<string | null> {
  // Plain promises and not `await`: this runs for thousands of files, and each await is one more turn.
  return volume.reader.read(path, limit).then(
    (bytes) => {
      const { text, problem } = decodeText(bytes);
      if (problem !== null) {
        diagnostics.push({ severity: "warning", source, line: null, column: null, message: problem });
      }
      return text;
    },
    (error: unknown) => {
      if (error instanceof BatonError && error.code === "timeout") throw error;
      diagnostics.push({ severity: "error", source, line: null, column: null, message: describeError(error) });
      return null;
    },
  );
}
