/** What is said about the selected item, below the list. */

import { type BootEntry, shownFileRef, sourceDevice } from "../entry.ts";
import { cutRow, field, type Row } from "./frame.ts";
import type { MenuState } from "./model.ts";
import { describeDevice } from "./pages.ts";
import type { Look } from "./style.ts";
import { bootFile, type Item } from "./tree.ts";
import { truncate, truncateMiddle, wrap } from "./width.ts";

const LABEL = 10;

/** At most `room` rows: why it can't be booted, disk, paths, and the command line in what is left. */
export function detailRows(item: Item, state: MenuState, columns: number, room: number, look: Look): Row[] {
  if (item.kind === "submenu") {
    const count = item.level.entries === 1 ? "1 entry" : `${item.level.entries} entries`;
    return [
      field(" Submenu", LABEL, count, "normal", look),
      field(" Disk", LABEL, diskText(item.device, state, look), "normal", look),
    ]
      .slice(0, room)
      .map((row) => cutRow(row, columns - 1, look));
  }
  const { entry } = item;
  const rows: Row[] = [];
  const add = (label: string, text: string, most: number, style: "normal" | "warning" = "normal"): void => {
    if (text === "" || rows.length >= room) return;
    const limit = Math.min(most, room - rows.length);
    const width = Math.max(8, columns - LABEL - 1);
    const lines = wrap(look.text(text), width);
    lines.slice(0, limit).forEach((line, index) => {
      const last = index === limit - 1 && lines.length > limit;
      // Of a path in one row the end tells most.
      const isPath = limit === 1 && !text.includes(" ");
      const rest = isPath ? look.text(text) : lines.slice(index).join(" ");
      const shown = last ? (isPath ? truncateMiddle : truncate)(rest, width, look.glyphs.ellipsis) : line;
      rows.push(cutRow(field(index === 0 ? ` ${label}` : "", LABEL, shown, style, look), columns - 1, look));
    });
  };
  if (room <= 2) {
    // A small screen: the reason or the command line, and where it lies.
    add("Disk", `${entry.source}`, 1);
    if (entry.bootable) add("Options", entry.options, 1);
    else add("Problem", entry.reason ?? "it cannot be booted", 1, "warning");
    return rows;
  }
  if (!entry.bootable) add("Problem", entry.reason ?? "it cannot be booted", 2, "warning");
  add("Disk", diskText(item.device, state, look), 1);
  const note = state.devices.find((candidate) => candidate.name === item.device)?.note ?? "";
  add("Beware", note, 2, "warning");
  if (entry.restricted !== null)
    add("Beware", "its bootloader asks for a user's password; it doesn't boot by itself", 1);
  if (entry.unchecked !== undefined) add("Beware", `it doesn't boot by itself: ${entry.unchecked}`, 2, "warning");
  const why = entry.id === state.defaultId ? state.why.replace("names it as its default", "names it") : "";
  // Where there was something to choose: the configuration, and which others there are.
  const isChosen = why.startsWith(`${entry.source} `) && why.includes(";");
  if (isChosen) add("Default", why, 2);
  else add("Config", entry.source, 1);
  if (entry.unattended === "fallback") add("Boots", "by itself, where the default has failed", 1);
  if (entry.leadsTo !== undefined) add("Opens", entry.menu ?? "", 1);
  add(entry.kind === "linux" ? "Kernel" : entry.kind === "other" ? "File" : entry.kind, bootFile(entry), 1);
  if (entry.initrd.length > 0 && room - rows.length > 1) add("Initrd", initrdText(entry), 1);
  if (entry.devicetree !== null && room - rows.length > 2) add("Dtb", shownFileRef(entry.devicetree), 1);
  const left = room - rows.length;
  const optionLines = wrap(look.text(entry.options), Math.max(8, columns - LABEL - 1)).length;
  if (!isChosen && optionLines < left) add("Default", why, left - optionLines);
  add("Options", entry.options, room);
  return rows;
}

function diskText(name: string, state: MenuState, look: Look): string {
  const device = state.devices.find((candidate) => candidate.name === name);
  return look.text(device === undefined ? name : `${name}: ${describeDevice(device)}`);
}

function initrdText(entry: BootEntry): string {
  const device = sourceDevice(entry.source);
  return entry.initrd.map((ref) => ("device" in ref && ref.device === device ? ref.path : shownFileRef(ref))).join(" ");
}
