/** Text from disks and networks, made safe for people to see. Imports nothing. */

/** ASCII, Latin letters, and the dashes, arrows and lines of Baton's own texts: nothing of it needs a look at Unicode's tables. */
const PLAIN = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u024f\u2010-\u2027\u2190-\u21ff\u2500-\u259f]*$/;

/** Longer than any line that is shown; keeps a hostile megabyte of title from costing time on each redraw. */
const MAX_LENGTH = 8192;

/** Controls (C0, C1), what reorders or tags text (Cf), lone surrogates, private use, noncharacters, and what is invisible. */
const UNSAFE =
  "[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Noncharacter_Code_Point}\\p{Default_Ignorable_Code_Point}\\u2028\\u2029\\u2800]";

/** Soft hyphens, joiners and what selects an emoji's form are no attack, and simply not shown. */
const UNSEEN = /^(?:\u00ad|\u034f|[\u200b-\u200d]|[\ufe00-\ufe0f]|\ufeff)$/;

// Made when the first text comes that isn't plain: most machines never see one.
let unsafe: RegExp | null = null;
const unsafeCharacters = (): RegExp => {
  unsafe ??= new RegExp(UNSAFE, "gu");
  return unsafe;
};

/**
 * The one function through which text from outside goes before people see it: on a terminal, in the menu, in the
 * logs. Nothing in its result is obeyed by a terminal, reorders a line, or takes more than its own line. Line breaks
 * and tabs become a space; what would be obeyed, or would not be seen, becomes U+FFFD, so that its presence shows. At
 * most {@link MAX_LENGTH} characters are kept. Only for showing: what is booted is the text as it came.
 */
export function printable(text: string): string {
  const head = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text;
  if (PLAIN.test(head)) return head;
  return head
    .replace(/[\t\r\n\v\f\u0085\u2028\u2029\u00a0]+/g, " ")
    .replace(unsafeCharacters(), (char) => (UNSEEN.test(char) ? "" : "\ufffd"));
}

/** JSON that says the same, in which what {@link printable} would replace stands as `\uXXXX`. */
export function printableJson(json: string): string {
  if (/^[\n\x20-\x7e]*$/.test(json)) return json;
  const escaped = (char: string): string =>
    char
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join("");
  // Of the controls, only the line breaks between JSON's own tokens are left by JSON.stringify.
  return json.replace(/[^\n\x20-\x7e]+/g, (piece) => piece.replace(unsafeCharacters(), escaped));
}

/** `38.2 MiB`; bytes below 1024 as they are. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 100 ? 1 : 0)} ${units[unit]}`;
}
