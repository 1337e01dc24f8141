/** The screen about a boot that failed: what was tried, why it failed, what to try next, a code for a phone, the log. */

import type { LogLine } from "../log.ts";
import { VERSION } from "../version.ts";
import { type Row, rowWidth, span } from "./frame.ts";
import type { Failure } from "./model.ts";
import { paragraph } from "./paragraph.ts";
import { qrRows } from "./qr.ts";
import type { Look } from "./style.ts";
import { fit } from "./width.ts";

const LOG_LINES = 40;

/** What the code says: enough to find the machine's log and Baton's source. */
function failureCode({ id, reason }: Failure): string {
  return `Baton ${VERSION}\n${id}\n${reason}`;
}

export function failureRows(failure: Failure | null, log: readonly LogLine[], columns: number, look: Look): Row[] {
  if (failure === null) return [[], [span(" No boot has failed.")]];
  const code = qrRows(failureCode(failure), look.unicode) ?? [];
  const codeWidth = code[0] === undefined ? 0 : rowWidth(code[0]);
  const beside = codeWidth > 0 && columns - codeWidth >= 30;
  const width = beside ? columns - codeWidth - 2 : columns;
  const text: Row[] = [
    ...paragraph("What was tried", 1, width, look, "label"),
    ...paragraph(failure.title, 1, width, look, "strong"),
    ...paragraph(failure.source, 1, width, look),
    [],
    ...paragraph("Why it failed", 1, width, look, "label"),
    ...paragraph(failure.reason, 1, width, look, "error"),
    ...(failure.advice.length > 0 ? [[], ...paragraph("What to try next", 1, width, look, "label")] : []),
    ...failure.advice.flatMap((line) => paragraph(line, 1, width, look)),
  ];
  const rows = beside ? besides(text, code, width, look) : [...text, [], ...code];
  const tail = log
    .slice(-LOG_LINES)
    .flatMap((line) => paragraph(line.text, 1, columns, look, line.level <= 3 ? "error" : "normal"));
  return [...rows, [], [span(" The end of the log", "label")], ...tail];
}

/** Text at the left, the code at the right. */
function besides(text: readonly Row[], code: readonly Row[], width: number, look: Look): Row[] {
  const rows: Row[] = [];
  for (let i = 0; i < Math.max(text.length, code.length); i++) {
    const left = text[i] ?? [];
    const gap = span(fit("", Math.max(0, width + 1 - rowWidth(left)), look.glyphs.ellipsis));
    rows.push(code[i] === undefined ? left : [...left, gap, ...code[i]!]);
  }
  return rows;
}
