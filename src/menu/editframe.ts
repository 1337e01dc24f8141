/** The screen on which an entry is edited. Pure. */

import { printable } from "../text.ts";
import { type KeyHint, keyBar, titleBar } from "./bars.ts";
import { breakLine, lineText } from "./editline.ts";
import type { EntryEditor } from "./entryeditor.ts";
import { cutRow, type Frame, field, type Row, rule, type Size, span } from "./frame.ts";
import type { Look } from "./style.ts";
import { truncate, wrap } from "./width.ts";

const EDIT_KEYS: readonly KeyHint[] = [
  ["Enter", "boot"],
  ["Esc", "leave"],
  ["Tab", "next field"],
  ["Ctrl-W", "delete word"],
  ["Ctrl-U", "to the start"],
  ["Ctrl-K", "to the end"],
  ["Ctrl-Y", "put back"],
];

const LABEL = 9;

/** Columns of the edited line on a screen of that width. */
export function editColumns(columns: number): number {
  return Math.max(2, columns - 2);
}

/**
 * The field with the cursor over the whole width, the others in a line each; below, what the changed ones were.
 * @param elsewhere the console that alone answers, where that is another; else null
 */
export function editFrame(page: EntryEditor, size: Size, look: Look, elsewhere: string | null = null): Frame {
  const { columns } = size;
  const current = page.fields[page.at]!;
  const line = breakLine(page.line, editColumns(columns));
  const rows: Row[] = [titleBar(page.at === 0 ? "Command line" : current.label, columns, look)];
  const wide = size.rows >= 10;
  const others = wide ? otherRows(page, columns, look) : [];
  const before = size.rows >= 16 ? beforeRows(page, columns, look) : [];
  if (wide) rows.push([], [span(" "), span(look.text(page.entry.title), "strong")], []);
  const below = (wide ? 3 : 1) + others.length + before.length;
  const height = Math.max(1, size.rows - rows.length - below);
  const first = Math.max(0, Math.min(line.cursor.row - height + 1, line.rows.length - height));
  const start = rows.length;
  for (let i = 0; i < height; i++) {
    const text = (line.rows[first + i] ?? []).map((cluster) => cluster.text).join("");
    rows.push(text === "" ? [] : [span(" "), span(look.unicode ? text : look.text(text))]);
  }
  if (wide) {
    rows.push(...before, rule(columns, look, `${Buffer.byteLength(lineText(page.line))} bytes`), ...others);
    const note = page.problem ?? "This changes the one boot that follows, and nothing on the disk.";
    const style = page.problem === null ? "label" : "warning";
    rows.push([span(` ${truncate(look.text(note), columns - 2, look.glyphs.ellipsis)}`, style)]);
  }
  rows.push(keyBar(elsewhere === null ? EDIT_KEYS : [["Esc", `leaves; it is edited on ${elsewhere}`]], columns));
  return { rows, cursor: { row: start + line.cursor.row - first, column: line.cursor.column + 1, visible: true } };
}

function otherRows(page: EntryEditor, columns: number, look: Look): Row[] {
  return page.fields.flatMap(({ label, line }, index) => {
    if (index === page.at) return [];
    return [cutRow(field(` ${label}`, LABEL, look.text(lineText(line)), "normal", look), columns - 1, look)];
  });
}

/** At most three lines for each field that was changed. */
function beforeRows(page: EntryEditor, columns: number, look: Look): Row[] {
  return page.fields.flatMap(({ label, line, was }): Row[] => {
    if (lineText(line) === printable(was)) return [];
    const name = page.fields[page.at]!.label === label ? "Was" : `${label} was`;
    const lines = wrap(look.text(was === "" ? "empty" : was), Math.max(8, columns - name.length - 4));
    const shown = lines.slice(0, 3);
    if (lines.length > 3)
      shown[2] = truncate(lines.slice(2).join(" "), columns - name.length - 4, look.glyphs.ellipsis);
    return shown.map((text, index) => [
      span(` ${index === 0 ? name : " ".repeat(name.length)}  `, "label"),
      span(text, "soft"),
    ]);
  });
}
