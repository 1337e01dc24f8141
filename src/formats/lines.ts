/** Files of `key value` lines: loader.conf, Boot Loader Specification entries, os-release. */

interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/**
 * Reads `key value` lines as systemd-boot does: blanks around a line and lines that begin with `#` don't count, a
 * line without a value is nothing, and one pair of quotes around a value falls away. CR ends a line as LF does.
 * @param separator what stands between key and value: blanks, or `=`.
 */
export function keyValues(text: string, separator: "blank" | "=" = "blank"): KeyValue[] {
  const found: KeyValue[] = [];
  let line = 0;
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    line++;
    let from = at;
    at = end + 1;
    // A NUL ends the text for a program in C; here it only ends the line, so that nothing after it is lost.
    while (from < end && isBlank(text.charCodeAt(from))) from++;
    while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
    if (from >= end || text.charCodeAt(from) === 0x23) continue;
    let keyEnd = from;
    while (keyEnd < end && !isSeparator(text.charCodeAt(keyEnd), separator)) keyEnd++;
    if (keyEnd >= end) continue;
    let valueStart = keyEnd;
    while (valueStart < end && isSeparator(text.charCodeAt(valueStart), separator)) valueStart++;
    const key = text.slice(from, keyEnd);
    found.push({ key, value: unquote(text.slice(valueStart, end)), line });
  }
  return found;
}

const isBlank = (c: number): boolean => c === 0x20 || c === 0x09 || c === 0x0d || c === 0;

function isSeparator(c: number, separator: "blank" | "="): boolean {
  return separator === "=" ? c === 0x3d : c === 0x20 || c === 0x09;
}

function unquote(value: string): string {
  const quote = value[0];
  if (value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote)) return value.slice(1, -1);
  return value;
}

/** systemd's words for a boolean; null for any other text. */
export function parseBoolean(text: string): boolean | null {
  if (["1", "yes", "y", "true", "t", "on"].includes(text)) return true;
  if (["0", "no", "n", "false", "f", "off"].includes(text)) return false;
  return null;
}
