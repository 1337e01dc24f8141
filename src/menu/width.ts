/**
 * How many columns text takes on a terminal, and text cut, padded and wrapped to columns. Widths follow Unicode's
 * East Asian Width (UAX #11: Wide and Fullwidth take two) and give marks that combine none.
 */

/** What a person sees as one character: a code point and the marks on it. */
export interface Cluster {
  readonly text: string;
  /** Columns: 0 (marks with nothing before them), 1 or 2. */
  readonly width: number;
}

const ASCII = /^[\x20-\x7e]*$/;

/** First and last code points of the ranges that take two columns, from Unicode's EastAsianWidth.txt (W and F). */
const WIDE =
  "1100-115f,231a-231b,2329-232a,23e9-23ec,23f0,23f3,25fd-25fe,2614-2615,2648-2653,267f,2693,26a1,26aa-26ab," +
  "26bd-26be,26c4-26c5,26ce,26d4,26ea,26f2-26f3,26f5,26fa,26fd,2705,270a-270b,2728,274c,274e,2753-2755,2757," +
  "2795-2797,27b0,27bf,2b1b-2b1c,2b50,2b55,2e80-303e,3041-3247,3250-4dbf,4e00-a4cf,a960-a97f,ac00-d7a3," +
  "f900-faff,fe10-fe19,fe30-fe6f,ff01-ff60,ffe0-ffe6,16fe0-18d08,1aff0-1b2fb,1f004,1f0cf,1f18e,1f191-1f19a," +
  "1f200-1f320,1f32d-1f335,1f337-1f37c,1f37e-1f393,1f3a0-1f3ca,1f3cf-1f3d3,1f3e0-1f3f0,1f3f4,1f3f8-1f43e,1f440," +
  "1f442-1f4fc,1f4ff-1f53d,1f54b-1f54e,1f550-1f567,1f57a,1f595-1f596,1f5a4,1f5fb-1f64f,1f680-1f6c5,1f6cc," +
  "1f6d0-1f6d2,1f6d5-1f6d7,1f6dc-1f6df,1f6eb-1f6ec,1f6f4-1f6fc,1f7e0-1f7eb,1f7f0,1f90c-1f93a,1f93c-1f945," +
  "1f947-1f9ff,1fa70-1faff,20000-3fffd";

// Made when the first text comes that isn't ASCII: most machines never see one.
let wideRanges: Uint32Array | null = null;
let marks: RegExp | null = null;

function isWide(point: number): boolean {
  if (point < 0x1100) return false;
  wideRanges ??= Uint32Array.from(
    WIDE.split(",").flatMap((range) => {
      const [first, last = first] = range.split("-");
      return [Number.parseInt(first!, 16), Number.parseInt(last!, 16)];
    }),
  );
  let low = 0;
  let high = wideRanges.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (point < wideRanges[middle * 2]!) high = middle - 1;
    else if (point > wideRanges[middle * 2 + 1]!) low = middle + 1;
    else return true;
  }
  return false;
}

/** Columns of one code point: 0, 1 or 2. Text must have been made safe: controls count as 1 here. */
function codePointWidth(point: number): number {
  if (point < 0x300) return 1;
  // The vowels and finals of decomposed Hangul join the syllable before them.
  if (point >= 0x1160 && point <= 0x11ff) return 0;
  marks ??= /^[\p{Mn}\p{Me}\u200b-\u200d]$/u;
  if (marks.test(String.fromCodePoint(point))) return 0;
  return isWide(point) ? 2 : 1;
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
