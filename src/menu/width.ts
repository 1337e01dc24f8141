/**
 * How many columns text takes on a terminal, and text cut, padded and wrapped to columns. Widths follow Unicode's
 * East Asian Width (UAX #11: Wide and Fullwidth take two) and give marks that combine none. Emoji that are joined count
 * one by one, as the Linux console and most terminals draw them; where one draws them as one, what follows still
 * stands where it should, since screen.ts says the column after each such character.
 */

import { eastAsianWidth } from "get-east-asian-width";

/** What a person sees as one character: a code point and the marks on it. */
export interface Cluster {
  readonly text: string;
  /** Columns: 0 (marks with nothing before them), 1 or 2. */
  readonly width: number;
}

const ASCII = /^[\x20-\x7e]*$/;

// Made when the first text comes that isn't ASCII: most machines never see one.
let marks: RegExp | null = null;

/** Columns of one code point: 0, 1 or 2. Text must have been made safe: controls count as 1 here. */
function codePointWidth(point: number): number {
  if (point < 0x300) return 1;
  // Dashes and quotation marks, arrows, lines and blocks: what the menu itself is drawn with.
  if ((point >= 0x2010 && point <= 0x2027) || (point >= 0x2190 && point <= 0x21ff)) return 1;
  if (point >= 0x2500 && point <= 0x259f) return 1;
  // The vowels and finals of decomposed Hangul join the syllable before them.
  if (point >= 0x1160 && point <= 0x11ff) return 0;
  marks ??= /^[\p{Mn}\p{Me}\u200b-\u200d]$/u;
  if (marks.test(String.fromCodePoint(point))) return 0;
  return eastAsianWidth(point);
}

/** No writing system stacks more marks on a letter; text that does is a prank on the lines around it. */
const MARKS_KEPT = 4;

/** Splits text into what takes columns. */
export function clusters(text: string): Cluster[] {
  const out: Cluster[] = [];
  if (ASCII.test(text)) {
    for (const char of text) out.push({ text: char, width: 1 });
    return out;
  }
  let marksOnLast = 0;
  for (const char of text) {
    const width = codePointWidth(char.codePointAt(0)!);
    const last = out.at(-1);
    if (width === 0 && last !== undefined) {
      if (marksOnLast < MARKS_KEPT) out[out.length - 1] = { text: last.text + char, width: last.width };
      marksOnLast++;
      continue;
    }
    // A mark with nothing to stand on gets a space, so that every cluster has a column of its own.
    out.push(width === 0 ? { text: ` ${char}`, width: 1 } : { text: char, width });
    marksOnLast = width === 0 ? 1 : 0;
  }
  return out;
}

/** Columns that the text takes. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const cluster of clusters(text)) width += cluster.width;
  return width;
}

/**
 * Text of at most `columns` columns.
 * @param ellipsis stands for what was cut; must itself be narrow
 */
export function truncate(text: string, columns: number, ellipsis: string): string {
  if (columns <= 0) return "";
  // The test for long text first: a title of a megabyte is not measured to its end.
  const head = text.length > columns * 16 ? text.slice(0, columns * 16) : text;
  if (head.length === text.length && textWidth(text) <= columns) return text;
  const room = columns - ellipsis.length;
  if (room <= 0) return ellipsis.slice(0, columns);
  let out = "";
  let width = 0;
  for (const cluster of clusters(head)) {
    if (width + cluster.width > room) break;
    out += cluster.text;
    width += cluster.width;
  }
  return out.trimEnd() + ellipsis;
}

/**
 * Text of at most `columns` columns, cut in its middle: what tells kernels apart stands at the end of their titles.
 */
export function truncateMiddle(text: string, columns: number, ellipsis: string): string {
  if (columns <= 0) return "";
  const head = text.length > columns * 16 ? text.slice(0, columns * 16) : text;
  if (textWidth(head) <= columns) return head;
  const room = columns - ellipsis.length;
  if (room < 8) return truncate(head, columns, ellipsis);
  const all = clusters(head);
  let tail = "";
  let width = 0;
  for (let i = all.length - 1; i >= 0 && width + all[i]!.width <= Math.floor(room / 2); i--) {
    tail = all[i]!.text + tail;
    width += all[i]!.width;
  }
  return truncate(head, columns - width, ellipsis) + tail.trimStart();
}

/** Exactly `columns` columns: cut, or filled with spaces. */
export function fit(text: string, columns: number, ellipsis: string): string {
  const cut = truncate(text, columns, ellipsis);
  return cut + " ".repeat(Math.max(0, columns - textWidth(cut)));
}

/**
 * Lines of at most `columns` columns (at least 1), broken at spaces, and within a word only where the word alone is
 * longer than a line. A space at a break is dropped; every other character stays.
 */
export function wrap(text: string, columns: number): string[] {
  const limit = Math.max(1, columns);
  if (text.length <= limit && ASCII.test(text)) return [text];
  const lines: string[] = [];
  let line: Cluster[] = [];
  let width = 0;
  let lastSpace = -1;
  const flush = (upTo: number, skip: number): void => {
    lines.push(join(line, upTo));
    line = line.slice(upTo + skip);
    width = 0;
    lastSpace = -1;
    for (let i = 0; i < line.length; i++) {
      width += line[i]!.width;
      if (line[i]!.text === " ") lastSpace = i;
    }
  };
  for (const cluster of clusters(text)) {
    if (width + cluster.width > limit && line.length > 0) {
      if (cluster.text === " ") {
        flush(line.length, 0);
        continue;
      }
      if (lastSpace > 0) flush(lastSpace, 1);
      else flush(line.length, 0);
    }
    if (cluster.text === " ") lastSpace = line.length;
    line.push(cluster);
    width += cluster.width;
  }
  if (line.length > 0 || lines.length === 0) lines.push(join(line, line.length));
  return lines;
}

function join(line: readonly Cluster[], upTo: number): string {
  let out = "";
  for (let i = 0; i < upTo; i++) out += line[i]!.text;
  return out;
}
