/** One file among many: a fault in it becomes a diagnostic, and the others are read. */

import { BatonError, describeError } from "../../errors.ts";
import type { DiagnosticSink } from "../budget.ts";
import type { FormatVolume } from "../format.ts";
import { readAll } from "../readall.ts";
import { decodeText } from "../text.ts";

/**
 * The text of a file; null, with a diagnostic, where that one file can't be read. Rejects where the volume doesn't
 * answer at all.
 * @param source the file's name for diagnostics.
 */
export async function readText(
  volume: FormatVolume,
  path: string,
  source: string,
  limit: number,
  diagnostics: DiagnosticSink,
): Promise<string | null> {
  const [file] = await readAll(volume.reader, [path], limit);
  return textOf(file!, source, diagnostics);
}

/** The same for a file that {@link readAll} has read. */
export function textOf(file: Uint8Array | BatonError, source: string, diagnostics: DiagnosticSink): string | null {
  if (file instanceof BatonError) {
    diagnostics.push({ severity: "error", source, line: null, column: null, message: describeError(file) });
    return null;
  }
  const { text, problem } = decodeText(file);
  if (problem !== null) diagnostics.push({ severity: "warning", source, line: null, column: null, message: problem });
  return text;
}
