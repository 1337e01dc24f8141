/**
 * Text from configurations, disks and networks, made safe to put on a terminal: nothing in it is obeyed by a
 * terminal, reorders a line, or takes more than its own line.
 */

const PLAIN = /^[\x20-\x7e]*$/;

/** Longer than any line that is shown; keeps a hostile megabyte of title from costing time on each redraw. */
const MAX_LENGTH = 8192;

let unsafe: RegExp | null = null;

/**
 * One line without controls (C0, C1), without invisible format characters (Cf: bidi marks, zero-width joiners, tag
 * characters), surrogates that stand alone, private use and noncharacters. Line breaks and tabs become spaces; what
 * would be obeyed becomes U+FFFD, so that its presence shows.
 */
export function sanitizeLine(text: string): string {
  const head = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text;
  if (PLAIN.test(head)) return head;
  unsafe ??= /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}]/gu;
  return head.replace(/[\t\r\n\v\f\u0085\u2028\u2029\u00a0]+/g, " ").replace(unsafe, (char) => {
    // A soft hyphen or zero-width joiner is no attack and simply not shown.
    return char === "\u00ad" || (char >= "\u200b" && char <= "\u200d") || char === "\ufeff" ? "" : "\ufffd";
  });
}

/** The punctuation that titles and our own texts use, for terminals that know ASCII alone. */
const ASCII_FORMS: Readonly<Record<string, string>> = {
  "…": "...",
  "–": "-",
  "—": "-",
  "‐": "-",
  "‑": "-",
  "−": "-",
  "‘": "'",
  "’": "'",
  "“": '"',
  "”": '"',
  "«": '"',
  "»": '"',
  "·": "-",
  "•": "*",
  "×": "x",
  "→": "->",
  ß: "ss",
  æ: "ae",
  Æ: "AE",
  ø: "o",
  Ø: "O",
  ł: "l",
  Ł: "L",
};

/** ASCII that comes closest: accents dropped, typographic marks plain, anything else a question mark. */
export function toAscii(text: string): string {
  if (PLAIN.test(text)) return text;
  let out = "";
  for (const char of text) {
    const base = char < "\u0080" ? char : char.normalize("NFD")[0]!;
    if (base < "\u0080") out += base;
    // A combining mark by itself: the letter before it is there already.
    else if (base < "\u0300" || base > "\u036f") out += ASCII_FORMS[char] ?? "?";
  }
  return out;
}
