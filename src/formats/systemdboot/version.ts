/** Version comparison as the UAPI group defines it (UAPI.10, "Version Format Specification"). Pure. */

const TILDE = 0x7e;
const DASH = 0x2d;
const CARET = 0x5e;
const DOT = 0x2e;
const ZERO = 0x30;

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isLetter = (c: number): boolean => (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a);
const isSkipped = (c: number): boolean =>
  !isDigit(c) && !isLetter(c) && c !== TILDE && c !== DASH && c !== CARET && c !== DOT;

/**
 * Which of two versions is newer. Runs of digits and runs of letters are compared one after the other; whatever is
 * neither of these nor a mark (`~ - ^ .`) only separates them.
 *
 * Where the text of the specification and systemd's own comparison differ (a tilde at the end of one of them), this
 * follows systemd, whose menu it has to match: 1.0~rc1 is older than 1.0.
 *
 * It runs for every comparison in a sort of thousands of entries, so it walks the two texts by character code and
 * makes no new strings.
 * @returns below 0 where `a` is older, above 0 where it is newer, 0 where neither is.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  let j = 0;
  for (;;) {
    while (i < a.length && isSkipped(a.charCodeAt(i))) i++;
    while (j < b.length && isSkipped(b.charCodeAt(j))) j++;

    // Before the end is looked at: a tilde makes a version older than one that ends here.
    if (a.charCodeAt(i) === TILDE || b.charCodeAt(j) === TILDE) {
      if (a.charCodeAt(i) !== b.charCodeAt(j)) return a.charCodeAt(i) === TILDE ? -1 : 1;
      i++;
      j++;
    }
    if (i >= a.length || j >= b.length) return i >= a.length ? (j >= b.length ? 0 : -1) : 1;

    // One after the other: a dash in both, then a caret in both, then a dot.
    if (a.charCodeAt(i) === DASH || b.charCodeAt(j) === DASH) {
      if (a.charCodeAt(i) !== b.charCodeAt(j)) return a.charCodeAt(i) === DASH ? -1 : 1;
      i++;
      j++;
    }
    if (a.charCodeAt(i) === CARET || b.charCodeAt(j) === CARET) {
      if (a.charCodeAt(i) !== b.charCodeAt(j)) return a.charCodeAt(i) === CARET ? -1 : 1;
      i++;
      j++;
    }
    if (a.charCodeAt(i) === DOT || b.charCodeAt(j) === DOT) {
      if (a.charCodeAt(i) !== b.charCodeAt(j)) return a.charCodeAt(i) === DOT ? -1 : 1;
      i++;
      j++;
    }

    const startA = i;
    const startB = j;
    let order: number;
    if (isDigit(a.charCodeAt(i)) || isDigit(b.charCodeAt(j))) {
      while (isDigit(a.charCodeAt(i))) i++;
      while (isDigit(b.charCodeAt(j))) j++;
      order = compareNumbers(a, startA, i, b, startB, j);
    } else {
      while (isLetter(a.charCodeAt(i))) i++;
      while (isLetter(b.charCodeAt(j))) j++;
      order = compareWords(a, startA, i, b, startB, j);
    }
    if (order !== 0) return order;
  }
}

/** By value, of any length; no digits at all are older than a zero. */
function compareNumbers(a: string, i: number, endA: number, b: string, j: number, endB: number): number {
  if (i === endA || j === endB) return endA - i - (endB - j);
  while (i < endA && a.charCodeAt(i) === ZERO) i++;
  while (j < endB && b.charCodeAt(j) === ZERO) j++;
  if (endA - i !== endB - j) return endA - i - (endB - j);
  return compareWords(a, i, endA, b, j, endB);
}

/** Character by character, then the longer one is newer. */
function compareWords(a: string, i: number, endA: number, b: string, j: number, endB: number): number {
  for (; i < endA && j < endB; i++, j++) {
    const difference = a.charCodeAt(i) - b.charCodeAt(j);
    if (difference !== 0) return difference;
  }
  return endA - i - (endB - j);
}

/** Characters that stand for marks in a key, the oldest first: a tilde is older than a version's end, the end than a dash. */
const KEY_TILDE = "\u0001";
const KEY_END = "\u0002";
const KEY_MARKS: Readonly<Record<string, string>> = { "~": KEY_TILDE, "-": "\u0003", "^": "\u0004", ".": "\u0005" };
/** Above all letters. */
const KEY_NUMBER = "\u007e";
const MAX_KEYED_LENGTH = 256;
/** Below all letters. */
const KEY_WORD_END = "\u0000";

/**
 * A text whose order is the version's: `<` of two keys is what {@link compareVersions} says of the versions, and costs a
 * fraction of it. A sort of thousands makes it once for each.
 * @returns null for versions in which no letter or digit follows a mark, whose order is not that simple
 */
export function versionKey(version: string): string | null {
  if (version.length > MAX_KEYED_LENGTH || /[~^.-](?![A-Za-z0-9])/.test(version)) return null;
  let key = "";
  for (const [part] of version.matchAll(/[~^.-]|[A-Za-z]+|[0-9]+/g)) {
    const mark = KEY_MARKS[part];
    if (mark !== undefined) key += mark;
    else if (isDigit(part.charCodeAt(0))) {
      const digits = part.replace(/^0+/, "");
      key += KEY_NUMBER + String.fromCharCode(digits.length + 1) + digits;
    } else key += part + KEY_WORD_END;
  }
  return key + KEY_END;
}
