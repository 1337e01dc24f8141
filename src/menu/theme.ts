/** Colours from the configuration (`theme:`). Loaded only where there are any. */

import { cell, type Style } from "./style.ts";

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
/** As blessed keeps them in a cell; its bit for invisible text stands for dim (style.ts). */
const FLAGS: Readonly<Record<string, number>> = { bold: 1, underline: 2, reverse: 8, dim: 16 };

/** `bold white on blue` as a cell's attribute; words that mean nothing are left out. */
function parseLook(text: string): number {
  let flags = 0;
  let foreground: number | undefined;
  let background: number | undefined;
  let isBackground = false;
  for (const word of text.toLowerCase().split(/\s+/)) {
    const colour = COLOURS.indexOf(word);
    if (word === "on") isBackground = true;
    else if (Object.hasOwn(FLAGS, word)) flags |= FLAGS[word]!;
    else if (colour >= 0 && isBackground) background = colour;
    else if (colour >= 0) foreground = colour;
  }
  return cell(flags, foreground, background);
}

/** The attributes of the styles that a theme names. */
export function parseTheme(theme: Readonly<Record<string, string>>): Partial<Record<Style, number>> {
  return Object.fromEntries(Object.entries(theme).map(([style, text]) => [style, parseLook(text)]));
}
