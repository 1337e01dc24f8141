/** Keys that move through a list or a page of text, as vi, less, emacs and other boot menus have them. Pure. */

/** What a key moves by: rows, pages, or all the way. */
type Step = { readonly rows: number } | { readonly pages: number } | "first" | "last";

const STEPS: Readonly<Record<string, Step>> = {
  up: { rows: -1 },
  "C-p": { rows: -1 },
  down: { rows: 1 },
  "C-n": { rows: 1 },
  pageup: { pages: -1 },
  "C-b": { pages: -1 },
  pagedown: { pages: 1 },
  "C-f": { pages: 1 },
  home: "first",
  end: "last",
};

/** Where no text is typed. */
const LETTERS: Readonly<Record<string, string>> = { k: "up", j: "down", g: "home", G: "end" };

/**
 * @param at   the row where one is, `last` the last one, from 0
 * @param page rows that are seen at once
 * @returns the new row, or null where the key doesn't move; letters do, see {@link moveTyping}
 */
export function move(name: string, at: number, last: number, page: number): number | null {
  return moveTyping(LETTERS[name] ?? name, at, last, page);
}

/** As {@link move}, where letters are typed into a line. */
export function moveTyping(name: string, at: number, last: number, page: number): number | null {
  if (!Object.hasOwn(STEPS, name)) return null;
  const step = STEPS[name]!;
  if (step === "first") return 0;
  // A row of the page before stays in sight.
  const target = step === "last" ? last : at + ("rows" in step ? step.rows : step.pages * Math.max(1, page - 1));
  return Math.max(0, Math.min(last, target));
}

/** As {@link move} on a page of text, where Space and b turn pages, too. */
export function scroll(name: string, top: number, last: number, page: number): number | null {
  return move(name === " " ? "pagedown" : name === "b" ? "pageup" : name, top, last, page);
}
