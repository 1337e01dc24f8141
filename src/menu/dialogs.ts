/** The boxes that lie over the list. */

import type { Progress } from "../status.ts";
import { formatSize } from "../text.ts";
import type { Confirmation } from "./actions.ts";
import { lineText } from "./editline.ts";
import { box, type Row, span } from "./frame.ts";
import type { PromptPage } from "./prompt.ts";
import type { Look } from "./style.ts";
import { textWidth, truncate, wrap } from "./width.ts";

/** A column of air on both sides of a box that lies over other text. */
const aired = (rows: readonly Row[]): Row[] => rows.map((row) => [span(" "), ...row, span(" ")]);

/** Why the last boot failed, or what else there is to say. At most `most` lines of text, the last of which says that there is more in the log. */
export function messageBox(
  message: string,
  columns: number,
  most: number,
  look: Look,
  { isNote = false, more = false } = {},
): Row[] {
  const title = isNote ? "Note" : "Failed";
  const [style, titleStyle] = isNote ? (["accent", "strong"] as const) : (["error", "errorStrong"] as const);
  const width = Math.max(10, columns - 2);
  const lines = wrap(look.text(message), width - 4);
  const shown = lines.slice(0, most);
  if (lines.length > most)
    shown[most - 1] = `${truncate(shown[most - 1]!, width - 20, "")}${look.glyphs.ellipsis} (l: the log)`;
  return box(
    shown.map((line) => [span(line)]),
    width,
    look,
    {
      title,
      footer: !more
        ? "any key closes this"
        : columns < 50
          ? "any key closes, w: more"
          : "any key closes this, w says more",
      style,
      titleStyle,
    },
  ).map((row) => [span(" "), ...row]);
}

/** What can be done about a page that another console alone answers. */
const elsewhereNote = (name: string): string => `Esc closes it; it is answered on ${name}`;

/** @param elsewhere the console that alone answers, where that is another; else null */
export function confirmBox(
  { title, question }: Confirmation,
  columns: number,
  look: Look,
  elsewhere: string | null = null,
): Row[] {
  const width = Math.min(columns - 2, Math.max(elsewhere === null ? 40 : 56, question.length + 8));
  const rows = box(
    [
      [],
      ...wrap(look.text(question), width - 7).map((line) => [span(`  ${line}`, "strong")]),
      [],
      ...(elsewhere === null
        ? [[span("  "), span("y", "strong"), span(" yes   "), span("n", "strong"), span(" no")]]
        : wrap(elsewhereNote(elsewhere), width - 7).map((line) => [span(`  ${line}`, "label")])),
      [],
    ],
    width,
    look,
    { title, style: "warning", titleStyle: "warning" },
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
    rows.push(...wrap(`${amount(progress)}${pace(progress)}`, inner).map((line) => [span(` ${line}`)]));
  } else if (progress.done > 0) {
    rows.push([span(` ${formatSize(progress.done)}${pace(progress)}`)]);
  }
  const footer = progress.canCancel ? "Esc ends this" : "";
  return aired(box([...rows, []], width, look, { footer, style: "normal", titleStyle: "strong" }));
}

const amount = ({ done, total }: Progress): string => `${formatSize(done)} of ${formatSize(total ?? done)}`;

/** `, 11.2 MiB/s, 3 s left`; empty where nothing was measured. */
function pace({ done, total, rate }: Progress): string {
  if (rate == null || rate <= 0) return "";
  const left = total === null ? null : Math.ceil((total - done) / rate);
  const time =
    left === null || left <= 0 ? "" : left < 120 ? `, ${left} s left` : `, ${Math.round(left / 60)} min left`;
  return `, ${formatSize(rate)}/s${time}`;
}

/** One line that is asked for, and what there is to say about the last one. */
export function promptBox(
  page: PromptPage,
  columns: number,
  look: Look,
  elsewhere: string | null = null,
): { rows: Row[]; column: number } {
  const width = Math.max(12, Math.min(columns - 2, 64));
  const inner = width - 6;
  const text = page.hidden ? "*".repeat(page.line.text.length) : lineText(page.line);
  const shown = look.unicode ? text : look.text(text);
  // The end is what is being typed.
  const from = Math.max(0, shown.length - inner + 1);
  const note = page.note === null ? "" : look.text(page.note);
  const rows = box(
    [
      [],
      [span(" "), span(shown.slice(from)), span(" ", "selected")],
      [],
      ...wrap(note, inner).map((line) => [span(` ${line}`, "label")]),
    ],
    width,
    look,
    {
      title: page.title,
      footer: elsewhere === null ? "Enter goes on, Esc leaves" : elsewhereNote(elsewhere),
      style: "normal",
      titleStyle: "strong",
    },
  );
  return { rows: aired(rows), column: 4 + textWidth(shown.slice(from)) };
}
