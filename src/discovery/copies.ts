/** Copies of a disk, and names that are given twice: `root=UUID=…` may then mean any of them, and a person is told. */

import type { BootEntry } from "../entry.ts";
import { hasTag, TAGS } from "../identity.ts";
import { filesystem } from "../volumes/filesystems.ts";
import type { Volume } from "../volumes/volume.ts";

/** @returns a note for the device's row; null where no other volume has a name of this one's */
export function copyNote(
  volume: Volume,
  volumes: readonly Volume[],
  entries: readonly Pick<BootEntry, "options">[],
): string | null {
  if (filesystem(volume.type).isMultiDevice) return null;
  for (const { tag, of } of TAGS) {
    const own = of(volume);
    if (own === null || own === "") continue;
    const copies = volumes.filter((other) => other.name !== volume.name && hasTag(other, tag, own));
    if (copies.length === 0) continue;
    const root = `root=${tag}=${own}`;
    // Many disks have a partition that is called EFI: that matters where a command line names it.
    if (tag !== "UUID" && !entries.some(({ options }) => options.includes(root))) continue;
    const names = copies.map(({ name }) => name).join(", ");
    return `${names} ${copies.length === 1 ? "has" : "have"} the same ${tag}: ${root} may mean either`;
  }
  return null;
}
