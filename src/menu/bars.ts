/** The first and the last row of every screen. Pure. */

import { VERSION } from "../version.ts";
import { edges, type Row, span } from "./frame.ts";
import type { Look } from "./style.ts";

/** Baton's name and the owner's title at the left, where one is at the right. */
export function titleBar(right: string, columns: number, look: Look, title: string | null = null): Row {
  const named = title === null ? "" : `  ${look.text(title)}`;
  const left = [span(` Baton ${VERSION}${named}`, "bar")];
  const fill = span("  ", "barSoft");
  return edges(left, right === "" ? [fill] : [span(`${right} `, "barSoft")], columns, look, "barSoft");
}

export type KeyHint = readonly [key: string, what: string];

/** As many as fit, the most used first. */
export function keyBar(hints: readonly KeyHint[], columns: number): Row {
  const row: Row[number][] = [];
  let width = 1;
  for (const [name, what] of hints) {
    const need = name.length + what.length + 1 + (width > 1 ? 2 : 0);
    if (width + need > columns - 1) break;
    row.push(span(width > 1 ? "  " : " "), span(name, "strong"), span(` ${what}`));
    width += need;
  }
  return row;
}
