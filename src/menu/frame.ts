/** A picture of text: what a screen shows, before blessed puts it on a terminal. Pure. */

import type { Look, Style } from "./style.ts";
import { clusters, fit, textWidth, truncate } from "./width.ts";

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Row = readonly Span[];

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Frame {
  readonly rows: readonly Row[];
  /**
   * Where the terminal's cursor stands, from 0. It is shown where text is typed; elsewhere it is hidden, but stands
   * at the selected row all the same: braille displays and screen readers follow it.
   */
  readonly cursor: { readonly row: number; readonly column: number; readonly visible: boolean };
}

export const span = (text: string, style: Style = "normal"): Span => ({ text, style });

export const rowWidth = (row: Row): number => row.reduce((sum, part) => sum + textWidth(part.text), 0);

/**
 * A row of exactly `columns` columns: `left` at the left, `right` at the right; where both don't fit, `left` is cut.
 * @param fill the style of what lies between
 */
export function edges(left: Row, right: Row, columns: number, look: Look, fill: Style = "normal"): Row {
  const rightWidth = rowWidth(right);
  if (rightWidth > 0 && rightWidth >= columns - 8) return edges(left, [], columns, look, fill);
  const room = columns - rightWidth - (rightWidth > 0 ? 1 : 0);
  const out = cutRow(left, room, look);
  const gap = columns - rightWidth - rowWidth(out);
  return [...out, ...(gap > 0 ? [span(" ".repeat(gap), fill)] : []), ...right];
}

/** The row, cut to at most `columns` columns. */
export function cutRow(row: Row, columns: number, look: Look): Span[] {
  const out: Span[] = [];
  let room = columns;
  for (const part of row) {
    if (room <= 0) break;
    const width = textWidth(part.text);
    if (width <= room) {
      out.push(part);
      room -= width;
    } else {
      out.push(span(truncate(part.text, room, look.glyphs.ellipsis), part.style));
      room = 0;
    }
  }
  return out;
}

/** A line across, with a word near its right end. */
export function rule(columns: number, look: Look, label = ""): Row {
  const line = look.glyphs.horizontal;
  if (label === "" || textWidth(label) + 6 > columns) return [span(line.repeat(Math.max(0, columns)), "soft")];
  return [span(line.repeat(columns - textWidth(label) - 4), "soft"), span(` ${label} `), span(line.repeat(2), "soft")];
}

/**
 * Lines in a box with a title in its upper edge and a word in its lower one. Lines are cut to fit.
 * @param columns of the whole box
 */
export function box(
  lines: readonly Row[],
  columns: number,
  look: Look,
  options: { title?: string; footer?: string; style: Style; titleStyle: Style },
): Row[] {
  const { horizontal, vertical, corners } = look.glyphs;
  const inner = Math.max(1, columns - 4);
  const edge = (left: string, right: string, word: string, style: Style): Row => {
    const label = word === "" ? "" : ` ${truncate(look.text(word), Math.max(0, columns - 6), look.glyphs.ellipsis)} `;
    const rest = Math.max(0, columns - 3 - textWidth(label));
    return [
      span(left + horizontal, options.style),
      span(label, style),
      span(horizontal.repeat(rest) + right, options.style),
    ];
  };
  return [
    edge(corners[0], corners[1], options.title ?? "", options.titleStyle),
    ...lines.map((line) => [
      span(`${vertical} `, options.style),
      ...edges(line, [], inner, look),
      span(` ${vertical}`, options.style),
    ]),
    edge(corners[2], corners[3], options.footer ?? "", "normal"),
  ];
}

/** `label` in a column of its own, and text after it. */
export function field(label: string, width: number, text: string, style: Style, look: Look): Row {
  return [span(fit(label, width, look.glyphs.ellipsis), "label"), span(text, style)];
}

/** What is left of a row when `columns` columns are taken from its left; half a wide character becomes a space. */
function dropColumns(row: Row, columns: number): Row {
  const out: Span[] = [];
  let drop = columns;
  for (const part of row) {
    if (drop <= 0) {
      out.push(part);
      continue;
    }
    let text = "";
    for (const cluster of clusters(part.text)) {
      if (drop <= 0) text += cluster.text;
      else if (cluster.width > drop) text += " ".repeat(cluster.width - drop);
      drop = Math.max(0, drop - cluster.width);
    }
    if (text !== "") out.push(span(text, part.style));
  }
  return out;
}

/** Lays `over`, whose rows are all as wide as its first, on the middle of `under`. */
export function centre(under: readonly Row[], over: readonly Row[], columns: number, look: Look): Row[] {
  const width = over.length === 0 ? 0 : rowWidth(over[0]!);
  const top = Math.max(0, Math.floor((under.length - over.length) / 2));
  const left = Math.max(0, Math.floor((columns - width) / 2));
  return under.map((row, index) => {
    const line = over[index - top];
    if (line === undefined) return row;
    const before = cutRow(row, left, { ...look, glyphs: { ...look.glyphs, ellipsis: "" } });
    const gap = left - rowWidth(before);
    return [...before, span(" ".repeat(gap)), ...line, ...dropColumns(row, left + width)];
  });
}
