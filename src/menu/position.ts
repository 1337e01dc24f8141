/** Where in the list one is: the submenus that are open, and what is selected in each. One for all consoles. */

import type { MenuState, MenuStore } from "./model.ts";
import { buildTree, findAgain, type Item, type Level, pathTo } from "./tree.ts";

export class Position {
  readonly #store: MenuStore;
  /** The submenus that are open, outermost first. */
  #open: Item[] = [];
  /** The selected item in each level that was seen, by the level's key. */
  readonly #selected = new Map<string, { item: Item; index: number }>();
  /** False until a person has moved: the selection follows the default. */
  #touched = false;
  #defaultFor: MenuState["entries"] | null = null;
  #defaultId: string | null = null;
  #defaultKeys: readonly string[] = [];

  constructor(store: MenuStore) {
    this.#store = store;
  }

  /** The level that is open now; submenus that are gone are left. */
  level(): Level {
    let level = buildTree(this.#store.state.entries);
    for (let depth = 0; depth < this.#open.length; depth++) {
      const open = this.#open[depth]!;
      const below = level.items[findAgain(level.items, open)];
      if (below?.kind !== "submenu") {
        this.#open = this.#open.slice(0, depth);
        break;
      }
      const selected = this.#selected.get(open.key);
      if (selected !== undefined) this.#selected.set(below.key, selected);
      this.#open[depth] = below;
      level = below.level;
    }
    return level;
  }

  /** Index of the selected item in the open level; 0 where it is empty. */
  selection(level: Level = this.level()): number {
    const known = this.#selected.get(level.key);
    if (known === undefined || !this.#touched) {
      // Before anybody moves, the default is selected; and so it is where a submenu is opened for the first time.
      const preferred = this.defaultKeys()[level.path.length];
      const index = preferred === undefined ? -1 : level.items.findIndex((item) => item.key === preferred);
      return Math.max(0, index);
    }
    if (level.items[known.index]?.key === known.item.key) return known.index;
    const index = findAgain(level.items, known.item);
    known.index = index >= 0 ? index : Math.max(0, Math.min(known.index, level.items.length - 1));
    if (index >= 0) known.item = level.items[index]!;
    return known.index;
  }

  selectedItem(): Item | undefined {
    const level = this.level();
    return level.items[this.selection(level)];
  }

  /** Keys of the default entry and of the submenus around it, outermost first; empty where there is none. */
  defaultKeys(): readonly string[] {
    const { state } = this.#store;
    if (this.#defaultFor !== state.entries || this.#defaultId !== state.defaultId) {
      const id = state.defaultId ?? state.entries.find((entry) => entry.isDefault)?.id ?? null;
      this.#defaultKeys = id === null ? [] : (pathTo(buildTree(state.entries), id) ?? []);
      this.#defaultFor = state.entries;
      this.#defaultId = state.defaultId;
    }
    return this.#defaultKeys;
  }

  /** Selects an item of the open level, the nearest where there is none at that index. */
  select(index: number, level: Level = this.level()): void {
    const at = Math.max(0, Math.min(level.items.length - 1, index));
    const item = level.items[at];
    if (!this.#touched) {
      // From here on every level keeps its own selection; the ones above are where the default led.
      this.#touched = true;
      this.#selected.clear();
    }
    if (item !== undefined) this.#selected.set(level.key, { item, index: at });
  }

  /** Opens the submenu that is selected, at the default if that is in it, else where one was, else at the top. */
  open(): void {
    const level = this.level();
    const at = this.selection(level);
    const item = level.items[at];
    if (item?.kind !== "submenu") return;
    this.select(at, level);
    this.#open.push(item);
    const preferred = this.defaultKeys()[item.level.path.length];
    const index = item.level.items.findIndex((candidate) => candidate.key === preferred);
    if (!this.#selected.has(item.level.key)) this.select(index, item.level);
  }

  /** Leaves the innermost submenu; it stays selected. */
  back(): void {
    if (this.#open.length === 0) return;
    this.select(this.selection());
    const left = this.#open.pop()!;
    const outer = this.level();
    const index = findAgain(outer.items, left);
    if (index >= 0) this.select(index, outer);
  }

  /** Opens the submenus around an entry, and no more than so many, and selects it or what leads to it. */
  show(id: string, levels = Number.POSITIVE_INFINITY): void {
    const path = pathTo(buildTree(this.#store.state.entries), id)?.slice(0, levels + 1);
    if (path === undefined) return;
    this.#open = [];
    for (const [depth, key] of path.entries()) {
      const level = this.level();
      const index = level.items.findIndex((item) => item.key === key);
      this.select(index, level);
      if (depth < path.length - 1) this.#open.push(level.items[index]!);
    }
  }
}
