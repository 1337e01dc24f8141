/** Which entry a name means: for a person, who may mean anything that is listed, and for the machine's owner. Pure. */

import type { BootEntry } from "../entry.ts";
import { globMatches } from "../glob.ts";

const pathOf = (entry: BootEntry): string => [...entry.submenu, entry.title].join(">");

/**
 * The entry that a person named: an id, else a title (`Advanced options>Debian, with Linux 6.1` for one in a
 * submenu), else an index from 1, else a pattern with `*`.
 * @returns null where nothing answers to it.
 */
export function findEntry(entries: readonly BootEntry[], name: string): BootEntry | null {
  return findEntries(entries, name)[0] ?? null;
}

/** Every entry that answers to a name in the same way, in the order of the list. */
export function findEntries(entries: readonly BootEntry[], name: string): readonly BootEntry[] {
  const ways: readonly ((entry: BootEntry) => boolean)[] = [
    (entry) => entry.id === name,
    (entry) => entry.title === name,
    (entry) => pathOf(entry) === name,
    (entry) => entry.nativeId === name,
  ];
  for (const answers of ways) {
    const found = entries.filter(answers);
    if (found.length > 0) return found;
  }
  const numbered = /^[1-9]\d*$/.test(name) ? entries[Number(name) - 1] : undefined;
  if (numbered !== undefined) return [numbered];
  if (!/[*?[]/.test(name)) return [];
  const found = findByPattern(entries, name);
  const bootable = found.filter((entry) => entry.bootable);
  return bootable.length > 0 ? bootable : found;
}

/** By {@link globMatches}. */
function findByPattern(entries: readonly BootEntry[], pattern: string): readonly BootEntry[] {
  // A backslash in a title is no quotation mark.
  const wanted = pattern.replaceAll("\\", "\\\\");
  return entries.filter((entry) =>
    [entry.id, entry.title, pathOf(entry), entry.nativeId ?? ""].some((name) => globMatches(wanted, name)),
  );
}
