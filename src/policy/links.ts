/**
 * Entries that start another bootloader: where Baton has read that one's configuration, they open its menu, and as a
 * default they boot its default (docs/manual.md, "What boots by itself"). Pure.
 */

import type { BootEntry, MenuLink, ParsedEntry } from "../entry.ts";
import { hazardEvidence } from "./evidence.ts";
import { type BootRules, type Listed, mayBootByItself, type ReadConfig } from "./readconfig.ts";

/** One file's item, read by two ways; others in the file may be called the same. */
const isSameItem = (a: ParsedEntry, b: ParsedEntry): boolean =>
  a.source === b.source &&
  a.title === b.title &&
  a.nativeId === b.nativeId &&
  a.submenu.join("\n") === b.submenu.join("\n");

/**
 * Where an item stands that was read by another way, too: of several that are called the same, the one of the same number.
 * @returns -1 where it isn't among the others
 */
export function placeAmong(others: readonly ParsedEntry[], items: readonly ParsedEntry[], index: number): number {
  const item = items[index]!;
  let before = items.slice(0, index).filter((one) => isSameItem(one, item)).length;
  return others.findIndex((other) => isSameItem(other, item) && before-- === 0);
}

/**
 * With what each such entry leads to.
 * @param configs as they were read: what a configuration leads to may be listed with another one
 */
export function withLinks(listed: readonly Listed[], configs: readonly ReadConfig[]): readonly Listed[] {
  const all = listed.flatMap(({ entries }) => entries);
  const opening = all.filter(({ menu }) => menu !== undefined);
  if (opening.length === 0) return listed;
  // Thousands of entries may open one menu.
  const links = new Map(
    [...new Set(opening.map(({ menu }) => menu))].map((menu) => [menu, linkTo(menu, all, configs)]),
  );
  const linked = all.map((entry) => {
    const leadsTo = links.get(entry.menu) ?? null;
    return leadsTo === null ? entry : { ...entry, leadsTo };
  });
  const known = new Map(linked.map((entry) => [entry.id, entry]));
  const final = new Map(linked.map((entry) => [entry.id, withEnd(entry, known)]));
  return listed.map(({ config, entries }) => ({ config, entries: entries.map(({ id }) => final.get(id)!) }));
}

function linkTo(menu: string | undefined, all: readonly BootEntry[], configs: readonly ReadConfig[]): MenuLink | null {
  const config = configs.find(({ source }) => source === menu);
  const index = config?.defaultIndex ?? 0;
  if (config?.entries[index] === undefined) return null;
  const to = all[placeAmong(all, config.entries, index)];
  if (to === undefined) return null;
  return { id: to.id, by: config.defaultIndex === null ? "nothing" : config.defaultIsExplicit ? "name" : "order" };
}

/** It can be booted where what it leads to in the end can. */
function withEnd(entry: BootEntry, known: ReadonlyMap<string, BootEntry>): BootEntry {
  if (entry.leadsTo === undefined) return entry;
  const end = follow(entry, (id) => known.get(id));
  if (end === null) return { ...entry, bootable: false, reason: "it leads back to itself, through other menus" };
  const { bootable, title, reason } = end;
  return {
    ...entry,
    bootable,
    reason: bootable ? null : `it opens ${entry.menu}, whose ${title} can't boot: ${reason}`,
  };
}

/** The kernel that is booted in the end; null where that leads in a circle. */
function follow(entry: BootEntry, find: (id: string) => BootEntry | undefined): BootEntry | null {
  const passed = new Set<string>();
  let at: BootEntry | undefined = entry;
  while (at?.leadsTo !== undefined && !passed.has(at.id)) {
    passed.add(at.id);
    at = find(at.leadsTo.id);
  }
  return at?.leadsTo === undefined ? (at ?? null) : null;
}

/** What a person boots who chooses the entry: itself, or what stands selected in the menu that it opens. */
export function bootedBy(entries: readonly BootEntry[], entry: BootEntry): BootEntry {
  return follow(entry, (id) => entries.find((one) => one.id === id)) ?? entry;
}

/** The entry in another menu to which this one leads, and which that menu's bootloader asks a password for; else null. */
export function restrictedBehind(entries: readonly BootEntry[], entry: BootEntry): BootEntry | null {
  const passed = new Set<string>();
  let at: BootEntry | undefined = entry;
  while (at?.leadsTo !== undefined && !passed.has(at.id)) {
    passed.add(at.id);
    const { id }: MenuLink = at.leadsTo;
    at = entries.find((one) => one.id === id);
    if (at !== undefined && at.restricted !== null) return at;
  }
  return null;
}

/** Where an entry leads that boots by itself. */
interface Followed {
  readonly entry: BootEntry;
  /** The configuration whose menu that is; undefined where no other menu was opened. */
  readonly from: Listed | undefined;
  /** The entries on the way, each of which opened the next menu. */
  readonly via: readonly BootEntry[];
  /** Why it ends at an entry that opens a menu, else null. */
  readonly obstacle: string | null;
}

/**
 * Follows an entry without a person: each menu once, and only into places that may boot by themselves. Where that ends
 * before a kernel, the entry stays what it is, and boots nothing by itself.
 */
export function followByItself(listed: readonly Listed[], rules: BootRules, start: BootEntry): Followed {
  if (start.leadsTo === undefined) return { entry: start, from: undefined, via: [], obstacle: null };
  const none = (obstacle: string | null): Followed => ({ entry: start, from: undefined, via: [], obstacle });
  const holding = (id: string): Listed | undefined =>
    listed.find(({ entries }) => entries.some((one) => one.id === id));
  let entry = start;
  let from = holding(start.id);
  const isRemovable = from?.config.removable ?? false;
  const via: BootEntry[] = [];
  while (entry.leadsTo !== undefined && from !== undefined) {
    const { menu, leadsTo, title } = entry;
    if (via.includes(entry)) return none(`${start.title} leads back to itself, through other menus`);
    if (entry.restricted !== null || entry.unchecked !== undefined) return none(`a person must choose ${title}`);
    if (leadsTo.by === "nothing") return none(`${title} opens ${menu}, which has no default`);
    via.push(entry);
    from = holding(leadsTo.id);
    const next = from?.entries.find(({ id }) => id === leadsTo.id);
    if (from === undefined || next === undefined) return none(null);
    if ((from.config.removable && !isRemovable) || !mayBootByItself(from.config, rules)) {
      return none(`${title} opens ${menu}, which may not boot by itself`);
    }
    const hazard = leadsTo.by === "name" ? null : hazardEvidence(next);
    if (hazard !== null) return none(`${title} opens ${menu}, whose ${next.title} does not boot by itself: ${hazard}`);
    entry = next;
  }
  return { entry, from: via.length === 0 ? undefined : from, via, obstacle: null };
}
