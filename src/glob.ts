/** Shell patterns for names (glob(7)), as people, bootloaders and depmod write them: `*`, `?`, `[a-z]`, `[!a-z]`, `\`. */

/**
 * True where all of `text` matches `pattern`. Linear in pattern times text: a pattern from a disk must not be able
 * to take exponential time, so there is no regular expression and no recursion.
 */
export function globMatches(pattern: string, text: string): boolean {
  return matchAll(charactersOf(pattern), charactersOf(text));
}

/** `?` stands for a whole character, whatever it takes in UTF-16; few names have one that takes two. */
type Characters = string | readonly string[];

const charactersOf = (text: string): Characters => (/[\ud800-\udfff]/.test(text) ? [...text] : text);

function matchAll(pattern: Characters, text: Characters): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      resume = t;
      continue;
    }
    const next = matchOne(pattern, p, text[t]!);
    if (next > 0) {
      p = next;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/** Where the pattern goes on after matching one character; 0 where it doesn't match. */
function matchOne(pattern: Characters, p: number, c: string): number {
  const sign = pattern[p];
  if (sign === undefined) return 0;
  if (sign === "?") return p + 1;
  if (sign === "\\") return pattern[p + 1] === c ? p + 2 : 0;
  if (sign !== "[") return sign === c ? p + 1 : 0;
  let at = p + 1;
  const negated = pattern[at] === "!" || pattern[at] === "^";
  if (negated) at++;
  let matched = false;
  for (let first = true; first || pattern[at] !== "]"; first = false) {
    const low = pattern[at];
    // An opening bracket that is never closed stands for itself.
    if (low === undefined) return c === "[" ? p + 1 : 0;
    const isRange = pattern[at + 1] === "-" && pattern[at + 2] !== undefined && pattern[at + 2] !== "]";
    const high = isRange ? pattern[at + 2]! : low;
    if (c >= low && c <= high) matched = true;
    at += isRange ? 3 : 1;
  }
  return matched !== negated ? at + 1 : 0;
}
