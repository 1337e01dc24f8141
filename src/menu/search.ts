/** Searching as one types, over the entries of all submenus. */

import { actionOfKey } from "./actions.ts";
import { applyKey, type EditLine, editLine, lineText } from "./editline.ts";
import { move } from "./moves.ts";
import { type EntryItem, findAgain, type Level } from "./tree.ts";

export class SearchPage {
  readonly kind = "search";
  line: EditLine = editLine("");
  /** Index in what was found, and what was there when a person moved to it; null before. */
  #at = 0;
  #item: EntryItem | null = null;
  #for: Level | null = null;
  #text = "";
  #index: readonly { readonly item: EntryItem; readonly all: string }[] = [];
  #found: readonly EntryItem[] = [];

  /**
   * What has all the words in its title, its submenus' titles, its version or its device, in the order of the list.
   * The same list and words are searched once: 10,000 entries are drawn again on every change of the countdown.
   */
  found(top: Level): readonly EntryItem[] {
    const text = lineText(this.line).toLowerCase().trim();
    if (this.#for === top && this.#text === text) return this.#found;
    if (this.#for !== top) this.#index = indexOf(top);
    const words = text.split(/\s+/).filter((word) => word !== "");
    this.#found = this.#index.filter(({ all }) => words.every((word) => all.includes(word))).map(({ item }) => item);
    this.#for = top;
    this.#text = text;
    return this.#found;
  }

  /** Stays with its entry where the list is read again. */
  selection(top: Level): number {
    const found = this.found(top);
    const index = this.#item === null || found[this.#at]?.key === this.#item.key ? -1 : findAgain(found, this.#item);
    if (index >= 0) this.#select(index, found);
    return Math.max(0, Math.min(this.#at, found.length - 1));
  }

  #select(index: number, found: readonly EntryItem[]): void {
    this.#at = index;
    this.#item = found[index] ?? null;
  }

  /** @returns what the page itself can't do: `leave`, or to `select` what is selected here */
  key(name: string, text: string, top: Level, view: { columns: number; listRows: number }): "leave" | "select" | null {
    if (name === "escape" || name === "C-c" || name === "C-g") return "leave";
    if (name === "enter" || name === "tab") return "select";
    // Letters are typed here, and these keys move within the line.
    const isLines = name.length === 1 || /^(home|end|C-[abef])$/.test(name);
    const step = isLines ? undefined : actionOfKey(name)?.step;
    if (step !== undefined) {
      const found = this.found(top);
      this.#select(move(step, this.selection(top), Math.max(0, found.length - 1), view.listRows), found);
      return null;
    }
    this.line = applyKey(this.line, name, text, view.columns) ?? this.line;
    this.#select(0, this.found(top));
    return null;
  }
}

/** Every entry, titled with its submenus', and the text in which it is searched; made once for a list. */
function indexOf(top: Level): { item: EntryItem; all: string }[] {
  const index: { item: EntryItem; all: string }[] = [];
  const walk = (level: Level): void => {
    for (const item of level.items) {
      if (item.kind === "submenu") {
        walk(item.level);
        continue;
      }
      const title = level.path.length === 0 ? item.title : [...level.path, item.title].join(" > ");
      const all = `${title} ${item.entry.version ?? ""} ${item.device}`.toLowerCase();
      index.push({ item: level.path.length === 0 ? item : { ...item, title }, all });
    }
  };
  walk(top);
  return index;
}
