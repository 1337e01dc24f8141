/** Text broken to the screen. Pure. */

import { type Row, span } from "./frame.ts";
import type { Look, Style } from "./style.ts";
import { wrap } from "./width.ts";

/** All lines are indented by `indent` columns. */
export function paragraph(text: string, indent: number, columns: number, look: Look, style: Style = "normal"): Row[] {
  return wrap(look.text(text), columns - indent - 1).map((line) => [span(" ".repeat(indent)), span(line, style)]);
}
