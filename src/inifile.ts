/**
 * INI files: Baton's configuration, its list of entries, and petitboot.conf. The package `ini` says what quotes, escapes
 * and `[]` mean; its own reader of whole files keeps neither places nor repeated keys nor the order of sections, so the
 * pass over the lines is here. Where its answer differs from this one's stands with the reason in test/inifile.test.ts.
 * Pure; loaded where there is such a file.
 */

import { unsafe } from "ini";

export interface IniLine {
  readonly key: string;
  readonly value: string;
  /** Written `key[]`: one item of a list. */
  readonly isItem: boolean;
  /** From 1, as the columns are. */
  readonly line: number;
  readonly keyColumn: number;
  /** Of the value. */
  readonly column: number;
}

export interface IniSection {
  /** Null for what stands before the first section. */
  readonly name: string | null;
  readonly line: number;
  readonly column: number;
  /** In their order; a key may come several times. */
  readonly lines: readonly IniLine[];
}

interface Ini {
  /** In their order; the first one is what stands before any name in brackets. */
  readonly sections: readonly IniSection[];
  /** Lines that are neither a section nor a key with a value. */
  readonly wrong: readonly { readonly line: number; readonly column: number; readonly text: string }[];
}

/** Lines after which other work has its turn: a few milliseconds. */
const LINES_AT_ONCE = 5000;

/**
 * A line that ends with `\` goes on; `#` and `;` make a comment of a line that begins with them.
 * @param decode what a name or a value means as it is written
 */
export async function parseIni(text: string, decode: (written: string) => string = decodeIni): Promise<Ini> {
  const sections: { name: string | null; line: number; column: number; lines: IniLine[] }[] = [
    { name: null, line: 1, column: 1, lines: [] },
  ];
  const wrong: { line: number; column: number; text: string }[] = [];
  const pieces: string[] = [];
  let line = 1;
  for (const [index, raw] of text.split("\n").entries()) {
    if (index % LINES_AT_ONCE === LINES_AT_ONCE - 1) await new Promise(setImmediate);
    if (pieces.length === 0) line = index + 1;
    const piece = raw.replace(/[\r\0]/g, "");
    if (piece.endsWith("\\")) {
      pieces.push(piece.slice(0, -1));
      continue;
    }
    const whole = [...pieces, piece].join("");
    pieces.length = 0;
    const content = whole.trim();
    const column = whole.length - whole.trimStart().length + 1;
    if (content === "" || content.startsWith("#") || content.startsWith(";")) continue;
    // No regular expression: one with blanks on both sides of `=` takes square time on a line of blanks.
    const equals = content.indexOf("=");
    if (content.startsWith("[") && content.endsWith("]")) {
      sections.push({ name: decode(content.slice(1, -1).trim()), line, column, lines: [] });
    } else if (equals > 0) {
      const key = decode(content.slice(0, equals).trimEnd());
      const rest = content.slice(equals + 1);
      const value = rest.trimStart();
      const isItem = key.length > 2 && key.endsWith("[]");
      sections.at(-1)!.lines.push({
        ...{ key: isItem ? key.slice(0, -2) : key, value: decode(value), isItem, line, keyColumn: column },
        column: column + equals + 1 + rest.length - value.length,
      });
    } else wrong.push({ line, column, text: content.slice(0, 60) });
  }
  return { sections, wrong };
}

const inQuotes = (written: string, quotes: string): boolean =>
  written.length >= 2 && quotes.includes(written[0]!) && written.endsWith(written[0]!);

/** What a value or name means in Baton's own files. */
export function decodeIni(written: string): string {
  // To the package, a quote alone is an empty text.
  if (written.length < 2) return written;
  // What stands in single quotes stays as it is; the package would read it as JSON, and make a number of '1e3'.
  if (inQuotes(written, "'")) return written.slice(1, -1);
  const isQuoted = inQuotes(written, '"');
  // To the package, ; and # end a value; here they don't: a URL's #sha256= would be lost in silence.
  const answer: unknown = unsafe(isQuoted ? written : written.replace(/\\[\\;#]|[;#]/g, escapeAlone));
  // Quotes around what is no JSON string come back from the package as they were.
  return isQuoted && answer === written ? written.slice(1, -1) : String(answer);
}

const escapeAlone = (found: string): string => (found.length === 1 ? `\\${found}` : found);

/** As petitboot reads it: one pair of quotes falls away, and nothing else means anything. */
export function decodeLiteral(written: string): string {
  return inQuotes(written, "'\"") ? written.slice(1, -1) : written;
}
