/** How the menu looks on a kind of terminal: characters, attributes and colours. */

import { printable } from "../text.ts";
import { toAscii } from "./ascii.ts";

/** What a piece of text is; the theme says how that looks. */
export type Style =
  | "normal"
  | "bar"
  | "barSoft"
  | "selected"
  | "selectedSoft"
  | "soft"
  | "strong"
  | "label"
  | "accent"
  | "warning"
  | "error"
  | "errorStrong";

/** The characters of boxes, rules and bars. */
interface Glyphs {
  readonly ellipsis: string;
  readonly horizontal: string;
  readonly vertical: string;
  /** Top left, top right, bottom left, bottom right. */
  readonly corners: readonly [string, string, string, string];
  readonly barFull: string;
  readonly barEmpty: string;
}

const ASCII: Glyphs = {
  ellipsis: "...",
  horizontal: "-",
  vertical: "|",
  corners: ["+", "+", "+", "+"],
  barFull: "#",
  barEmpty: ".",
};

/** What the fonts of the Linux console all have: code page 437's. */
const CONSOLE: Glyphs = {
  ellipsis: "...",
  horizontal: "─",
  vertical: "│",
  corners: ["┌", "┐", "└", "┘"],
  barFull: "█",
  barEmpty: "░",
};

const UNICODE: Glyphs = { ...CONSOLE, ellipsis: "…" };

export interface Look {
  readonly unicode: boolean;
  readonly glyphs: Glyphs;
  /** The attribute of a blessed cell. */
  attribute(style: Style): number;
  /** Text from anywhere, as it may stand on this terminal. */
  text(text: string): string;
}

/**
 * @param term    the terminfo name
 * @param unicode whether it reads UTF-8
 * @param colour  whether it shows the eight ANSI colours and SGR 2
 * @param theme   attributes from the configuration
 */
export function makeLook(
  term: string,
  unicode: boolean,
  colour: boolean,
  theme: Partial<Readonly<Record<Style, number>>> = {},
): Look {
  return {
    // A theme is of colours; a terminal without any keeps to what it can show.
    attribute: (style) => (colour ? (theme[style] ?? COLOURED[style]) : MONOCHROME[style]),
    unicode,
    glyphs: !unicode ? ASCII : term === "linux" ? CONSOLE : UNICODE,
    text: unicode ? printable : (text) => toAscii(printable(text)),
  };
}

/** Bits as blessed keeps them in a cell: flags << 18 | foreground << 9 | background. */
const BOLD = 1;
const INVERSE = 8;
/** blessed has no bit for dim; its bit for invisible text stands for it (screen.ts turns SGR 8 into SGR 2). */
const DIM = 16;
const DEFAULT = 0x1ff;
const RED = 1;
const YELLOW = 3;
const BLUE = 4;
const CYAN = 6;
const WHITE = 7;

/** blessed's attribute; colours from 0 to 7. */
export const cell = (flags: number, foreground = DEFAULT, background = DEFAULT): number =>
  (flags << 18) | (foreground << 9) | background;

const MONOCHROME: Readonly<Record<Style, number>> = {
  normal: cell(0),
  bar: cell(INVERSE),
  barSoft: cell(INVERSE),
  selected: cell(INVERSE),
  selectedSoft: cell(INVERSE),
  soft: cell(0),
  strong: cell(BOLD),
  label: cell(0),
  accent: cell(BOLD),
  warning: cell(BOLD),
  error: cell(0),
  errorStrong: cell(BOLD),
};

const COLOURED: Readonly<Record<Style, number>> = {
  normal: cell(0),
  bar: cell(BOLD, WHITE, BLUE),
  barSoft: cell(0, WHITE, BLUE),
  selected: cell(INVERSE),
  selectedSoft: cell(INVERSE),
  soft: cell(DIM),
  strong: cell(BOLD),
  label: cell(0, CYAN),
  accent: cell(0, CYAN),
  warning: cell(0, YELLOW),
  error: cell(0, RED),
  errorStrong: cell(BOLD, RED),
};
