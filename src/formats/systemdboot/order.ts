/** The order of a Boot Loader Specification menu, and the titles in it (UAPI.1, "Sorting"). Pure. */

import { compareVersions, versionKey } from "./version.ts";

/** What the order depends on; Type #1 and Type #2 entries stand in one list. */
export interface Sortable {
  /** File name without boot counter, and without profile. */
  readonly id: string;
  readonly sortKey: string | null;
  readonly machineId: string | null;
  readonly version: string | null;
  readonly triesLeft: number | null;
  readonly triesDone: number | null;
  /** Of a unified kernel image, from 0; 0 for all others. */
  readonly profile: number;
}

/** As systemd-boot and `bootctl list` sort: below 0 where `a` stands above `b`. */
export function compareEntries(a: Sortable, b: Sortable): number {
  // Those that were tried and never came up go last.
  const bad = Number(a.triesLeft === 0) - Number(b.triesLeft === 0);
  if (bad !== 0) return bad;

  const keyed = Number(!a.sortKey) - Number(!b.sortKey);
  if (keyed !== 0) return keyed;
  if (a.sortKey && b.sortKey) {
    const order =
      compareText(a.sortKey, b.sortKey) ||
      compareText(a.machineId ?? "", b.machineId ?? "") ||
      compareVersions(b.version ?? "", a.version ?? "");
    if (order !== 0) return order;
  }
  // With its suffix, as systemd does: `arch.conf` stands above `arch-fallback.conf`.
  const order = compareVersions(b.id, a.id) || a.profile - b.profile;
  if (order !== 0) return order;
  // The same entry with several counters. One without is known to be good; systemd leaves those as they come.
  const left = (entry: Sortable): number => entry.triesLeft ?? Number.MAX_SAFE_INTEGER;
  return left(b) - left(a) || (a.triesDone ?? 0) - (b.triesDone ?? 0);
}

/** Sorts as {@link compareEntries} compares, in place. Of thousands it takes each version apart once. */
export function sortEntries(entries: Sortable[]): void {
  if (entries.length < WORTH_KEYS) {
    entries.sort(compareEntries);
    return;
  }
  // One string for equal texts: those are then compared by where they lie.
  const shared = new Map<string, string>();
  const share = (text: string | null): string => {
    const known = shared.get(text ?? "");
    if (known === undefined) shared.set(text ?? "", text ?? "");
    return known ?? text ?? "";
  };
  const keyed = entries.map((entry) => ({
    entry,
    // Only the plain case, which is that of nearly all; the others are compared as a few are.
    version: entry.sortKey && entry.triesLeft !== 0 ? versionKey(entry.version ?? "") : null,
    sortKey: share(entry.sortKey),
    machineId: share(entry.machineId),
  }));
  keyed.sort((a, b) => {
    if (a.version === null || b.version === null) return compareEntries(a.entry, b.entry);
    const order = compareText(a.sortKey, b.sortKey) || compareText(a.machineId, b.machineId);
    return order || compareText(b.version, a.version) || compareEntries(a.entry, b.entry);
  });
  for (const [index, { entry }] of keyed.entries()) entries[index] = entry;
}

/** With this many entries or more, making the keys costs less than it saves. */
const WORTH_KEYS = 50;

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** What a title is made of. */
export interface Titled {
  /** As the entry gives it; its id stands for one that is missing. */
  readonly ownTitle: string | null;
  readonly version: string | null;
  readonly machineId: string | null;
  /** Its id, with its profile's; unique, or nearly. */
  readonly shownId: string;
}

/**
 * The titles as the menu shows them: where several entries have the same, their versions are added, then their
 * machine ids (whole, as bootctl shows them; the firmware's menu has room for eight digits), then their names, until
 * each is different.
 */
export function uniqueTitles(entries: readonly Titled[]): string[] {
  const titles = entries.map((entry) => entry.ownTitle || entry.shownId);
  const details: readonly ((entry: Titled) => string | null)[] = [
    (entry) => entry.version,
    (entry) => entry.machineId,
    (entry) => entry.shownId,
  ];
  for (const detail of details) {
    const count = new Map<string, number>();
    for (const title of titles) count.set(title, (count.get(title) ?? 0) + 1);
    if (count.size === titles.length) break;
    for (const [index, entry] of entries.entries()) {
      const title = titles[index]!;
      const more = count.get(title)! > 1 ? detail(entry) : null;
      if (more) titles[index] = `${title} (${more})`;
    }
  }
  return titles;
}
