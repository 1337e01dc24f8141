/** ESP and XBOOTLDR: two volumes of one disk whose entries systemd-boot shows as one list. */

import type { FormatContext, FormatVolume } from "../format.ts";
import { Lookup } from "../lookup.ts";

interface Partner {
  readonly volume: FormatVolume;
  /** `this`: the list is the other volume's, and this one adds to it there. `other`: the other way round. */
  readonly shows: "this" | "other";
}

/**
 * The volume with which this one shares its list: of one ESP and one XBOOTLDR that both have entries, the ESP has the
 * list. With more than one of a kind it is unknown which belong together: each has a list of its own.
 */
export async function findPartner({ volume, volumes }: FormatContext): Promise<Partner | null> {
  // Plain directories don't tell their disk; two of them can only be meant to be one machine's.
  if (volume.disk === null && volumes.length !== 2) return null;
  const sameDisk = volumes.filter((candidate) => candidate.disk === volume.disk);
  if (sameDisk.length < 2) return null;
  const esps: FormatVolume[] = [];
  const others: FormatVolume[] = [];
  for (const candidate of sameDisk) {
    const kind = await kindOf(candidate);
    if (kind === "esp") esps.push(candidate);
    else if (kind === "other") others.push(candidate);
  }
  const [esp] = esps;
  const [other] = others;
  if (!esp || !other || esps.length + others.length !== 2) return null;
  if (volume.name === esp.name) return { volume: other, shows: "other" };
  return volume.name === other.name ? { volume: esp, shows: "this" } : null;
}

/** Null for a volume without entries, and for one that can't be read. */
async function kindOf(volume: FormatVolume): Promise<"esp" | "other" | null> {
  const lookup = new Lookup(volume.reader);
  try {
    const hasEntries =
      (await hasFile(lookup, "/loader/entries", ".conf")) || (await hasFile(lookup, "/EFI/Linux", ".efi"));
    if (!hasEntries) return null;
    if (volume.type !== null && volume.type !== "vfat") return "other";
    const isEsp =
      (await lookup.find("/loader/loader.conf")) !== null ||
      (await hasFile(lookup, "/EFI/systemd", ".efi")) ||
      (await hasFile(lookup, "/EFI/BOOT", ".efi"));
    return isEsp ? "esp" : "other";
  } catch {
    // It is said where that volume is read for its own sake.
    return null;
  }
}

async function hasFile(lookup: Lookup, folder: string, suffix: string): Promise<boolean> {
  const path = await lookup.find(folder, "directory");
  return path !== null && (await lookup.list(path)).some(({ name }) => name.toLowerCase().endsWith(suffix));
}
