/** Text for terminals that know ASCII alone. */

const PLAIN = /^[\x20-\x7e]*$/;

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
