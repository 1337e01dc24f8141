/** The boxes that lie over the list. */

import { formatSize } from "../text.ts";
import { box, type Row, span } from "./frame.ts";
import type { Look } from "./look.ts";
import type { Progress } from "./model.ts";
import { truncate, wrap } from "./width.ts";

/** A column of air on both sides of a box that lies over other text. */
const aired = (rows: readonly Row[]): Row[] => rows.map((row) => [span(" "), ...row, span(" ")]);

/** Why the last boot failed. At most `most` lines of text, the last of which says that there is more in the log. */
export function messageBox(message: string, columns: number, most: number, look: Look): Row[] {
  const width = Math.max(10, columns - 2);
  const lines = wrap(look.text(message), width - 4);
  const shown = lines.slice(0, most);
  if (lines.length > most)
    shown[most - 1] = `${truncate(shown[most - 1]!, width - 20, "")}${look.glyphs.ellipsis} (l: the log)`;
  return box(
    shown.map((line) => [span(line)]),
    width,
    look,
    { title: "Failed", footer: "any key closes this", style: "error", titleStyle: "errorStrong" },
  ).map((row) => [span(" "), ...row]);
}

export function confirmBox(action: "reboot" | "power-off", columns: number, look: Look): Row[] {
  const question = action === "reboot" ? "Reboot this machine?" : "Power this machine off?";
  const width = Math.min(columns - 2, 40);
  const rows = box(
    [
      [],
      [span(`  ${question}`, "strong")],
      [],
      [span("  "), span("y", "strong"), span(" yes   "), span("n", "strong"), span(" no")],
      [],
    ],
    width,
    look,
    { title: action === "reboot" ? "Reboot" : "Power off", style: "warning", titleStyle: "warning" },
  );
  return aired(rows);
}

/** What is being loaded, with a bar where the size is known. */
export function progressBox(progress: Progress | null, busy: string | null, columns: number, look: Look): Row[] {
  const width = Math.max(12, Math.min(columns - 2, 64));
  const inner = width - 6;
  const title = progress?.title ?? busy ?? "";
  const rows: Row[] = [[], [span(` ${truncate(look.text(title), inner, look.glyphs.ellipsis)}`, "strong")]];
  if (progress === null) return aired(box([...rows, []], width, look, { style: "normal", titleStyle: "strong" }));
  rows.push([span(` ${truncate(look.text(progress.detail), inner, look.glyphs.ellipsis)}`)], []);
  if (progress.total !== null && progress.total > 0) {
    const share = Math.max(0, Math.min(1, progress.done / progress.total));
    const full = Math.round(share * inner);
    rows.push([
      span(" "),
      span(look.glyphs.barFull.repeat(full), "accent"),
      span(look.glyphs.barEmpty.repeat(inner - full), "soft"),
    ]);
    rows.push([span(` ${formatSize(progress.done)} of ${formatSize(progress.total)}`)]);
  } else if (progress.done > 0) {
    rows.push([span(` ${formatSize(progress.done)}`)]);
  }
  return aired(box([...rows, []], width, look, { style: "normal", titleStyle: "strong" }));
}
