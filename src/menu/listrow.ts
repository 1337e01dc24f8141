/** One row of the list. */

import { edges, type Row, span } from "./frame.ts";
import type { Look } from "./style.ts";
import type { Item } from "./tree.ts";
import { textWidth, truncate, truncateMiddle } from "./width.ts";

/** ` * Title >            hint ` in exactly `columns` columns; what can't be booted is dim and says why in short. */
export function listRow(item: Item, selected: boolean, isDefault: boolean, columns: number, look: Look): Row {
  const bootable = item.kind === "submenu" || item.entry.bootable;
  const style = selected ? "selected" : bootable ? "normal" : "soft";
  const soft = selected ? "selectedSoft" : "soft";
  const beside = selected ? "selectedSoft" : bootable ? "label" : "soft";
  const mark = isDefault ? " * " : "   ";
  const suffix = item.kind === "submenu" || item.entry.opens !== undefined || item.entry.leadsTo ? " >" : "";
  const title = look.text(item.title);
  const hint = columns < 30 ? "" : look.text(item.hint);
  const room = columns - mark.length - 1;
  const hintRoom = hint === "" ? 0 : textWidth(hint) + 3;
  let note = "";
  if (!bootable && item.kind === "entry") {
    // The reason takes what the title leaves, and a third of the row from a title that is long; the details below
    // the list have it in full, so that a reason of two words and dots is not worth a cut title.
    const left = room - hintRoom - 3;
    const most = Math.max(Math.floor(left / 3), left - textWidth(title) - suffix.length);
    if (most >= 12) note = truncate(look.text(item.entry.reason ?? "cannot be booted"), most, look.glyphs.ellipsis);
  }
  const noteRoom = note === "" ? 0 : textWidth(note) + 3;
  const titleRoom = room - hintRoom - noteRoom - suffix.length;
  return edges(
    [span(mark, style), span(truncateMiddle(title, titleRoom, look.glyphs.ellipsis) + suffix, style)],
    [span(note === "" ? "" : `  ${note}`, soft), span(hint === "" ? " " : `  ${hint} `, beside)],
    columns,
    look,
    style,
  );
}
