/** Words and numbers of a directive's line. Pure. */

/** The first word in lower case, and the rest of the line after blanks. */
export function splitWord(text: string): [string, string] {
  const [word, rest] = splitRaw(text);
  return [word.toLowerCase(), rest];
}

/** The first word as it is, and the rest without blanks at its ends. */
export function splitRaw(text: string): [string, string] {
  const trimmed = text.trim();
  const end = trimmed.search(/[ \t\v\f]/);
  return end < 0 ? [trimmed, ""] : [trimmed.slice(0, end), trimmed.slice(end).trim()];
}

/** As C's atoi: the decimal digits in front, 0 where there are none; less than nothing counts as nothing. */
export function toNumber(text: string): number {
  return Number(/^\s*[+]?([0-9]{1,15})/.exec(text)?.[1] ?? 0);
}

/** As C's strtoul with base 0: decimal, 0x… or octal 0…; 0 for anything else. */
export function toMask(text: string): number {
  const digits = /^\s*[+]?(0x[0-9a-f]{1,12}|[0-9]{1,15})/i.exec(text)?.[1] ?? "0";
  return /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
}

export const shorten = (word: string): string => (word.length > 40 ? `${word.slice(0, 40)}…` : word);
