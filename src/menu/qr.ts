/** A QR code (ISO/IEC 18004) as rows of a terminal, for a phone's camera. */

import { type Row, span } from "./frame.ts";

/** Light modules around the code. The standard asks for four; readers find it with two, and 24 rows hold no more. */
const QUIET = 2;

/** What version 5 holds at level L: the largest code that fits 24 rows, two modules in a row. */
export const QR_BYTES = 106;

type Modules = readonly (readonly boolean[])[];

let makeCode: ((text: string) => Modules) | null = null;

/** Reads the library, when something has failed for the first time. */
export async function loadQr(): Promise<void> {
  if (makeCode !== null) return;
  const { default: qrcode } = await import("qrcode-generator");
  makeCode = (text) => {
    // 0: the smallest version that holds it.
    const code = qrcode(0, "L");
    code.addData([...Buffer.from(text)].map((byte) => String.fromCharCode(byte)).join(""), "Byte");
    code.make();
    const count = code.getModuleCount();
    return Array.from({ length: count }, (_, row) =>
      Array.from({ length: count }, (__, column) => code.isDark(row, column)),
    );
  };
}

/** At most so many bytes of UTF-8, whole characters. */
export function cutBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  let out = "";
  let bytes = 0;
  for (const char of text) {
    bytes += Buffer.byteLength(char);
    if (bytes > most) break;
    out += char;
  }
  return out;
}

/**
 * Light where the code is light, in inverse video or half blocks: right on dark and on light terminals.
 * @param unicode whether half blocks can be shown: then two modules stand in a row of text
 * @returns null before {@link loadQr}
 */
export function qrRows(text: string, unicode: boolean): Row[] | null {
  if (makeCode === null) return null;
  const modules = makeCode(cutBytes(text, QR_BYTES));
  const size = modules.length + 2 * QUIET;
  const isDark = (row: number, column: number): boolean => modules[row - QUIET]?.[column - QUIET] ?? false;
  const rows: Row[] = [];
  if (!unicode) {
    for (let y = 0; y < size; y++) {
      const row: Row[number][] = [];
      for (let x = 0; x < size; x++) row.push(span("  ", isDark(y, x) ? "normal" : "selected"));
      rows.push(row);
    }
    return rows;
  }
  for (let y = 0; y < size; y += 2) {
    let line = "";
    for (let x = 0; x < size; x++) {
      // In inverse video the block is dark and what is around it light; below the last row it stays light.
      const [upper, lower] = [isDark(y, x), y + 1 < size && isDark(y + 1, x)];
      line += upper ? (lower ? "█" : "▀") : lower ? "▄" : " ";
    }
    rows.push([span(line, "selected")]);
  }
  return rows;
}
