/** The list as people walk through it: entries and submenus, level by level. */

import { type BootEntry, shownFileRef, sourceDevice } from "../entry.ts";
import { printable } from "../text.ts";

interface ItemBase {
  /** Stable across rescans: the entry's id, or the submenu's source and titles. */
  readonly key: string;
  /** Safe to show. */
  readonly title: string;
  /** Name of the device that its configuration is on, or the URL's scheme and host. */
  readonly device: string;
  /** What tells it from its neighbours: the device where there are several, and more for equal titles. */
  hint: string;
}

export interface EntryItem extends ItemBase {
  readonly kind: "entry";
  readonly entry: BootEntry;
}

interface SubmenuItem extends ItemBase {
  readonly kind: "submenu";
  readonly level: Level;
}

export type Item = EntryItem | SubmenuItem;

/** One list on the screen. */
export interface Level {
  readonly key: string;
  /** Titles of the submenus that were opened, outermost first. */
  readonly path: readonly string[];
  readonly items: Item[];
  /** How many entries are in it, submenus' included. */
  entries: number;
}

let builtFrom: readonly BootEntry[] | null = null;
let built: Level | null = null;
let byId = new Map<string, BootEntry>();

/** The top level. The same list gives the same tree, so that a key press doesn't walk 10,000 entries. */
export function buildTree(entries: readonly BootEntry[]): Level {
  if (built !== null && builtFrom === entries) return built;
  const top: Level = { key: "", path: [], items: [], entries: 0 };
  // A submenu is its configuration's own: two disks may each have "Advanced options".
  const submenus = new Map<string, Level>();
  byId = new Map();
  for (const entry of entries) {
    byId.set(entry.id, entry);
    const device = printable(sourceDevice(entry.source));
    let level = top;
    level.entries++;
    for (let depth = 0; depth < entry.submenu.length; depth++) {
      const key = JSON.stringify([entry.config ?? entry.source, ...entry.submenu.slice(0, depth + 1)]);
      let next = submenus.get(key);
      if (next === undefined) {
        const title = printable(entry.submenu[depth]!);
        next = { key, path: [...level.path, title], items: [], entries: 0 };
        submenus.set(key, next);
        level.items.push({ kind: "submenu", key, title, device, hint: "", level: next });
      }
      level = next;
      level.entries++;
    }
    level.items.push({ kind: "entry", key: entry.id, title: printable(entry.title), device, hint: "", entry });
  }
  for (const level of [top, ...submenus.values()]) giveHints(level);
  builtFrom = entries;
  built = top;
  return top;
}

/** The entry of that id in the list. */
export function entryById(entries: readonly BootEntry[], id: string | null): BootEntry | undefined {
  buildTree(entries);
  return id === null ? undefined : byId.get(id);
}

function giveHints(level: Level): void {
  const mixed = level.items.some((item) => item.device !== level.items[0]!.device);
  const seen = new Map<string, number>();
  const name = (item: Item): string => `${item.device}\0${item.title}`;
  for (const item of level.items) seen.set(name(item), (seen.get(name(item)) ?? 0) + 1);
  for (const item of level.items) {
    const parts: string[] = [];
    if (seen.get(name(item))! > 1 && item.kind === "entry") {
      parts.push(distinction(item.entry));
    }
    if (mixed) parts.push(item.device);
    item.hint = parts.join(" ");
  }
}

/** What tells an entry from others of the same title on the same device: its version, else its kernel's name. */
export function distinction(entry: BootEntry): string {
  const file = bootFile(entry) || entry.source;
  return printable(entry.version ?? file.slice(file.lastIndexOf("/") + 1));
}

/** Keys of the submenus around an entry and of the entry itself, outermost first; null where it isn't there. */
export function pathTo(level: Level, id: string): string[] | null {
  for (const item of level.items) {
    if (item.kind === "entry") {
      if (item.key === id) return [id];
    } else {
      const below = pathTo(item.level, id);
      if (below !== null) return [item.key, ...below];
    }
  }
  return null;
}

/**
 * Where an item is in a list that was read anew: a configuration that another one takes in gives its entries other ids,
 * and what looks the same and boots the same is then meant.
 * @returns -1 where it is gone
 */
export function findAgain(items: readonly Item[], item: Item): number {
  const index = items.findIndex(({ key }) => key === item.key);
  return index >= 0 ? index : items.findIndex((other) => isSame(other, item));
}

function isSame(one: Item, other: Item): boolean {
  if (one.title !== other.title || one.device !== other.device) return false;
  if (one.kind === "submenu" || other.kind === "submenu") return one.kind === other.kind;
  const { entry } = one;
  return (
    entry.source === other.entry.source &&
    entry.options === other.entry.options &&
    bootFile(entry) === bootFile(other.entry)
  );
}

/** The first row of the list to show, so that `selected` is visible and the list moves as little as it can. */
export function scrollTo(selected: number, total: number, height: number, top: number): number {
  if (height <= 0) return 0;
  let first = top;
  if (selected < first) first = selected;
  if (selected >= first + height) first = selected - height + 1;
  return Math.max(0, Math.min(first, total - height));
}

/** The file that an entry boots, for a person: `/boot/vmlinuz-6.1`, with its device where that is another's. */
export function bootFile(entry: BootEntry): string {
  const ref = entry.linux ?? entry.modules[0]?.file ?? null;
  if (ref === null) return "";
  if ("device" in ref && ref.device === sourceDevice(entry.source)) return ref.path;
  if ("selector" in ref) return `${ref.path} on ${ref.selector}`;
  return shownFileRef(ref);
}
