/** One editable line, with the keys that shells and GRUB have taught people. Pure: an edit gives a new line. */

import { printable } from "../text.ts";
import { type Cluster, clusters } from "./width.ts";

export interface EditLine {
  readonly text: readonly Cluster[];
  /** Before which cluster the cursor stands: 0 to the number of clusters. */
  readonly cursor: number;
  /** What Ctrl-K, Ctrl-U or Ctrl-W took last, for Ctrl-Y. */
  readonly killed: readonly Cluster[];
}

/** The kernel reads at most 4 KiB on any architecture; more than this is a stuck key or a paste gone wrong. */
const MAX_LINE_LENGTH = 4096;

const join = (parts: readonly Cluster[]): string => parts.map((cluster) => cluster.text).join("");

/** The cursor stands at the end, where people add things. */
export function editLine(text: string): EditLine {
  const all = clusters(printable(text));
  return { text: all, cursor: all.length, killed: [] };
}

export function lineText(line: EditLine): string {
  return join(line.text);
}

/** Removes from `from` up to `to` and leaves the cursor there. */
function remove(line: EditLine, from: number, to: number, kill: boolean): EditLine {
  if (from >= to) return line;
  return {
    text: [...line.text.slice(0, from), ...line.text.slice(to)],
    cursor: from,
    killed: kill ? line.text.slice(from, to) : line.killed,
  };
}

function insert(line: EditLine, added: string): EditLine {
  if (added === "" || line.text.length + added.length > MAX_LINE_LENGTH) return line;
  // Split anew: a combining mark that was typed joins the letter before it.
  const head = clusters(join(line.text.slice(0, line.cursor)) + added);
  return { ...line, text: [...head, ...line.text.slice(line.cursor)], cursor: head.length };
}

const isSpace = (cluster: Cluster | undefined): boolean => cluster?.text === " ";
const isWordPart = (cluster: Cluster | undefined): boolean =>
  cluster !== undefined && /^[\p{L}\p{N}_]/u.test(cluster.text);

/** Where the word before the cursor begins; a word ends at a space, or (`fine`) at any punctuation. */
function wordStart(line: EditLine, fine: boolean): number {
  let at = line.cursor;
  const inside = fine ? isWordPart : (cluster: Cluster | undefined): boolean => !isSpace(cluster);
  while (at > 0 && !inside(line.text[at - 1])) at--;
  while (at > 0 && inside(line.text[at - 1])) at--;
  return at;
}

function wordEnd(line: EditLine): number {
  let at = line.cursor;
  while (at < line.text.length && !isWordPart(line.text[at])) at++;
  while (at < line.text.length && isWordPart(line.text[at])) at++;
  return at;
}

type Edit = (line: EditLine) => EditLine;

const move =
  (to: (line: EditLine) => number): Edit =>
  (line) => ({ ...line, cursor: Math.max(0, Math.min(line.text.length, to(line))) });

const EDITS: Readonly<Record<string, Edit>> = {
  left: move((line) => line.cursor - 1),
  "C-b": move((line) => line.cursor - 1),
  right: move((line) => line.cursor + 1),
  "C-f": move((line) => line.cursor + 1),
  home: move(() => 0),
  "C-a": move(() => 0),
  end: move((line) => line.text.length),
  "C-e": move((line) => line.text.length),
  "C-left": move((line) => wordStart(line, true)),
  "M-left": move((line) => wordStart(line, true)),
  "M-b": move((line) => wordStart(line, true)),
  "C-right": move(wordEnd),
  "M-right": move(wordEnd),
  "M-f": move(wordEnd),
  backspace: (line) => remove(line, line.cursor - 1, line.cursor, false),
  delete: (line) => ({ ...remove(line, line.cursor, Math.min(line.text.length, line.cursor + 1), false) }),
  "C-d": (line) => remove(line, line.cursor, Math.min(line.text.length, line.cursor + 1), false),
  "C-k": (line) => remove(line, line.cursor, line.text.length, true),
  "C-u": (line) => remove(line, 0, line.cursor, true),
  "C-w": (line) => remove(line, wordStart(line, false), line.cursor, true),
  "M-backspace": (line) => remove(line, wordStart(line, true), line.cursor, true),
  "M-d": (line) => remove(line, line.cursor, wordEnd(line), true),
  "C-y": (line) => insert(line, join(line.killed)),
};

/** Rows up and down on the screen need its width. */
function moveRow(line: EditLine, columns: number, by: number): EditLine {
  const { rows, cursor } = breakLine(line, columns);
  const target = cursor.row + by;
  if (target < 0) return { ...line, cursor: 0 };
  if (target >= rows.length) return { ...line, cursor: line.text.length };
  let at = 0;
  for (let row = 0; row < target; row++) at += rows[row]!.length;
  let column = 0;
  for (const cluster of rows[target]!) {
    if (column + cluster.width > cursor.column) break;
    column += cluster.width;
    at++;
  }
  return { ...line, cursor: Math.min(at, line.text.length) };
}

/**
 * @param name the key's name (keys.ts)
 * @param text what the key inserts, else ""
 * @param columns width of the line on the screen where the key was pressed, for up and down
 * @returns null where the key means nothing to an editor
 */
export function applyKey(line: EditLine, name: string, text: string, columns: number): EditLine | null {
  if (text !== "") return insert(line, printable(text));
  if (name === "up" || name === "C-p") return moveRow(line, columns, -1);
  if (name === "down" || name === "C-n") return moveRow(line, columns, 1);
  if (!Object.hasOwn(EDITS, name)) return null;
  if (name === "backspace" && line.cursor === 0) return line;
  return EDITS[name]!(line);
}

/**
 * The line broken at the screen's edge, as GRUB's editor and the shell break it: every column counts, so that no
 * space is hidden. A cursor behind the last column stands at the start of a row of its own.
 */
export function breakLine(
  line: EditLine,
  columns: number,
): { rows: readonly (readonly Cluster[])[]; cursor: { row: number; column: number } } {
  const limit = Math.max(2, columns);
  const rows: Cluster[][] = [[]];
  let width = 0;
  let cursor = { row: 0, column: 0 };
  for (let i = 0; i <= line.text.length; i++) {
    const cluster = line.text[i];
    if (width + (cluster?.width ?? 1) > limit) {
      rows.push([]);
      width = 0;
    }
    if (i === line.cursor) cursor = { row: rows.length - 1, column: width };
    if (cluster === undefined) break;
    rows.at(-1)!.push(cluster);
    width += cluster.width;
  }
  return { rows, cursor };
}
