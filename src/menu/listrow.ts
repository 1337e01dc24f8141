/** One row of the list. */

import { edges, type Row, span } from "./frame.ts";
import type { Look } from "./look.ts";
import type { Item } from "./tree.ts";
import { truncate } from "./width.ts";

/** ` * Title >            hint ` in exactly `columns` columns; what can't be booted is dim and says why in short. */
export function listRow(item: Item, selected: boolean, isDefault: boolean, columns: number, look: Look): Row {
  const bootable = item.kind === "submenu" || item.entry.bootable;
  const style = selected ? "selected" : bootable ? "normal" : "soft";
  const soft = selected ? "selectedSoft" : "soft";
  const mark = isDefault ? " * " : "   ";
  const suffix = item.kind === "submenu" ? " >" : "";
  const notes: string[] = [];
  if (!bootable && item.kind === "entry") notes.push(look.text(item.entry.reason ?? "cannot be booted"));
  if (item.hint !== "") notes.push(look.text(item.hint));
  const title = look.text(item.title);
  // The title comes first; the note takes what it leaves, but is not squeezed out by a long one.
  const room = columns - mark.length - 1;
  const noteRoom = Math.max(Math.floor(room / 3), Math.min(room - title.length - suffix.length - 3, room - 8));
  let note = "";
  if (notes.length > 0 && columns >= 30) {
    const last = notes.length > 1 ? `  ${notes[1]}` : "";
    note = truncate(notes[0]!, Math.max(4, noteRoom - last.length), look.glyphs.ellipsis) + last;
  }
  const width = note === "" ? room : room - note.length - 2;
  return edges(
    [span(mark, style), span(truncate(title, width - suffix.length, look.glyphs.ellipsis) + suffix, style)],
    note === "" ? [span(" ", style)] : [span(`  ${note} `, soft)],
    columns,
    look,
    style,
  );
}
