/** The lines of refind.conf and refind_linux.conf (rEFInd's "Configuring the Boot Manager"). */

export interface TokenLine {
  readonly words: readonly string[];
  /** From 1. */
  readonly line: number;
}

/** Blanks, `=` and commas stand between words, but within quotes; two quotes in quotes are one. `#` begins a comment. */
export function* tokenLines(text: string): Iterable<TokenLine> {
  let line = 0;
  for (const raw of text.split(/\r?\n/)) {
    line++;
    const words = wordsOf(raw);
    if (words.length > 0) yield { words, line };
  }
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    const c = text[at]!;
    if (c === "#") break;
    if (" \t=,".includes(c)) {
      at++;
      continue;
    }
    let word = "";
    let isQuoted = false;
    for (; at < text.length; at++) {
      const next = text[at]!;
      if (next === '"') {
        if (isQuoted && text[at + 1] === '"') word += text[at++];
        else isQuoted = !isQuoted;
      } else if (!isQuoted && (" \t=,".includes(next) || next === "#")) break;
      else word += next;
    }
    words.push(word);
  }
  return words;
}

/** Lists may stand in one pair of quotes, too. */
export const listOf = (words: readonly string[]): string[] =>
  words.flatMap((word) => word.split(",")).flatMap((word) => word.trim() || []);

/** `\EFI\linux\kernel` with slashes, from the root. */
export const slashed = (path: string): string => `/${path.replaceAll("\\", "/").replace(/^\/+/, "")}`;

export function isOn(words: readonly string[]): boolean {
  return !["0", "false", "off", "no"].includes((words[1] ?? "").toLowerCase());
}
