/** Which configuration language a text is in. Each format's `signs` say what its lines look like; they are weighed here. */

import type { Format, LineSigns } from "./format.ts";
import { formats } from "./formats.ts";

/** A line that no other language has counts for so many that others have too. */
const OWN_WEIGHT = 10;
/** The usual name of such a file counts for half of its lines. */
const NAME_WEIGHT = 0.5;
/** A word by chance makes no configuration of a novel: this part of the lines must fit. */
const MIN_FIT = 0.3;

/**
 * The format in whose language a text is. The time it takes grows with the text and with the number of formats.
 * @param text a file's first lines, comments included.
 * @param name the file's, which tells apart what fits two languages.
 * @returns null where it is in none.
 */
export function recogniseText(text: string, name: string): Format | null {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*(#.*)?$/.test(line));
  let best: Format | null = null;
  let bestFit = MIN_FIT;
  let bestSigns: LineSigns | null = null;
  for (const format of formats) {
    const { signs } = format;
    if (signs === undefined) continue;
    if ("beginning" in signs) {
      if (signs.beginning.test(text)) return format;
      continue;
    }
    const fit = fitOf(signs, lines, name);
    const isBetter = fit > bestFit || (fit === bestFit && signs.precedence < (bestSigns?.precedence ?? Infinity));
    if (!isBetter) continue;
    best = format;
    bestFit = fit;
    bestSigns = signs;
  }
  return best;
}

/** 0 where no line fits, 1 where each does, up to 11 where each is the language's own. */
function fitOf({ line, ownLine, fileName }: LineSigns, lines: readonly string[], name: string): number {
  let count = 0;
  for (const each of lines) {
    if (line.test(each)) count++;
    if (ownLine.test(each)) count += OWN_WEIGHT;
  }
  const fit = count / Math.max(1, lines.length);
  return fit > 0 && fileName.test(name) ? fit + NAME_WEIGHT : fit;
}
