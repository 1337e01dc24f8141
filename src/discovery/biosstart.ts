/** What the code in boot sectors leads to, which a BIOS starts: evidence of which configuration is the machine's. */

import type { BootCodeName } from "../devices/bootcode.ts";
import type { EntryType } from "../entry.ts";
import type { FormatVolume } from "../formats/format.ts";
import type { BootSector } from "./bootsector.ts";
import { atPlace, type Candidate, type Disks, isElsewhere } from "./loadermenus.ts";

/** The loaders that have a configuration, and the rest by what people call them. */
const LOADERS: Readonly<Record<BootCodeName, { readonly title: string; readonly format: EntryType | null }>> = {
  grub: { title: "GRUB", format: "grub" },
  "grub-legacy": { title: "GRUB legacy", format: "grub-legacy" },
  grub4dos: { title: "GRUB4DOS", format: "grub-legacy" },
  lilo: { title: "LILO", format: "lilo" },
  syslinux: { title: "SYSLINUX", format: "syslinux" },
  windows: { title: "Windows", format: null },
  active: { title: "the active partition's loader", format: null },
};

/** The boot sector whose code runs in the end: that of the active partition, where the disk's starts that. */
function lastOf(sector: BootSector, { bootSectors, volumes }: Disks): BootSector | null {
  const { code, device } = sector;
  if (code.name !== "active") return sector;
  const next = volumes.find(({ disk, partition }) => disk === device && partition === code.active);
  const found = next === undefined ? undefined : bootSectors.get(next.name);
  return found === undefined || found.code.name === "active" ? null : found;
}

/** Whose code it is, as people call it, for a sentence. */
export function titleOf(sector: BootSector, disks: Disks): string {
  const last = lastOf(sector, disks) ?? sector;
  const { title } = LOADERS[last.code.name];
  return last === sector ? title : `${title} on ${last.device}`;
}

/** The configuration that the code in a boot sector reads; undefined where that isn't there, or can't be told. */
export function menuOfBootSector(sector: BootSector, disks: Disks): Candidate | undefined {
  const last = lastOf(sector, disks);
  if (last === null) return undefined;
  const { code, device, disk, place, removable } = last;
  const { candidates, volumes } = disks;
  const { format } = LOADERS[code.name];
  const own = volumes.find(({ name }) => name === device);
  if (code.name === "grub")
    return place === null ? undefined : atPlace(place, own ?? { disk: disk ?? device, removable }, disks);
  const all = candidates.filter((one) => one.format === format);
  const here = all.filter(({ volume }) => volume === own);
  const near = all.filter(({ volume }) => isOn(volume, disk ?? device));
  // A file that an upgrade left behind has no default.
  const [first] = [...here, ...near].filter(({ config }) => config.defaultIndex !== null);
  return first;
}

const isOn = (volume: FormatVolume, disk: string): boolean => volume.disk === disk || volume.name === disk;

/** How a BIOS comes to a configuration. */
interface Started {
  readonly how: string;
  /** The disk that it starts. */
  readonly disk: string;
}

/** What the machine's disks start, in their order. */
export interface StartedByBios {
  readonly started: ReadonlyMap<Candidate, Started>;
  /** What leads to a filesystem that isn't there (yet), and comes first. */
  readonly isAwaited: boolean;
}

export function startedByBios(disks: Disks): StartedByBios {
  const started = new Map<Candidate, Started>();
  const passed: string[] = [];
  let isAwaited = false;
  for (const sector of disks.bootSectors.values()) {
    const { device, disk, removable } = sector;
    if (disk !== null) continue;
    const title = titleOf(sector, disks);
    const found = menuOfBootSector(sector, disks);
    if (found === undefined) {
      const { place = null } = lastOf(sector, disks) ?? {};
      const isGone = place !== null && isElsewhere(place);
      if (isGone && !removable && started.size === 0) isAwaited = true;
      passed.push(
        `${device}'s boot sector (${title}: ${isGone ? "what it leads to isn't there" : "Baton can't follow it"})`,
      );
      continue;
    }
    // A stick says nothing of which of the machine's own configurations is the right one.
    if ((removable && !found.config.removable) || started.has(found)) continue;
    const note = passed.length === 0 ? "" : `; passed over: ${passed.join(", ")}`;
    started.set(found, { how: `is what ${title} in ${device}'s boot sector starts with${note}`, disk: device });
  }
  return { started, isAwaited };
}
