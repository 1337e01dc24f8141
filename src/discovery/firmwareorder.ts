/**
 * Which configuration the machine's firmware would come to: the loaders in BootOrder, else what lies where firmware
 * looks by itself (UEFI 2.10, 3.1 and 3.5.1.1; on a BIOS what its boot sectors start). A partition for service or
 * recovery may have a configuration that names a default: it isn't the machine's for that.
 */

import type { FormatVolume, Platform } from "../formats/format.ts";
import { type LoaderName, loaderByName } from "../formats/loaderprogram.ts";
import { folderOf } from "../formats/paths.ts";
import { hasTag } from "../identity.ts";
import type { ReadConfig } from "../policy/readconfig.ts";
import type { BootOptions, FirmwareEntry } from "../state/firmware.ts";
import { startedByBios } from "./biosstart.ts";
import { BOOT_FOLDER, isEspType } from "./espprograms.ts";
import { atPlace, builtIn, type Candidate, type Disks, isElsewhere, menuOf, STUB } from "./loadermenus.ts";

/** The order, and whether a disk that isn't there (yet) could change what comes first. */
export interface FirmwareOrder {
  readonly configs: readonly ReadConfig[];
  readonly isAwaited: boolean;
}

/** @param options the firmware's own boot entries; null where there are none */
export function withFirmwareOrder(
  disks: Disks,
  platform: Pick<Platform, "firmware">,
  options: BootOptions | null,
): FirmwareOrder {
  const started = options === null ? NOTHING : followOptions(disks, options);
  const told = started.ways.size === 0 ? toldByPrograms(disks, platform) : new Map<Candidate, Place>();
  const bios = startedByBios(platform.firmware === "pc" ? disks : { ...disks, bootSectors: new Map() });
  const configs = disks.candidates.map((candidate) => {
    const { config } = candidate;
    const way = started.ways.get(candidate);
    if (way !== undefined) return { ...config, ...way };
    const start = bios.started.get(candidate);
    const byBios = start && { ...start, rank: BOOT_SECTOR };
    const [found] = [
      byBios,
      told.get(candidate),
      isPassedBy(candidate, disks) ? undefined : byPlace(candidate, platform),
    ]
      .filter((place): place is Place => place !== undefined)
      .sort((a, b) => a.rank - b.rank);
    if (found === undefined) return config;
    const rank = found.rank + (candidate.isOpened ? OPENED : 0);
    return {
      ...config,
      firmware: { disk: config.origin?.disk ?? null, ...found, rank, how: `${found.how}${started.note}` },
    };
  });
  return { configs, isAwaited: started.isAwaited || bios.isAwaited };
}

/** Before what merely lies beside a loader's files: those may be left over. */
const BOOT_SECTOR = -1;

/** Less than one place: the other one is a menu before this one, on the same way. */
const OPENED = 0.5;

type Way = Pick<ReadConfig, "firmware"> & Partial<Pick<ReadConfig, "defaultIndex" | "defaultIsExplicit">>;

interface Started {
  readonly ways: ReadonlyMap<Candidate, Way>;
  /** What was passed over, for people; empty where nothing was. */
  readonly note: string;
  readonly isAwaited: boolean;
}

const NOTHING: Started = { ways: new Map(), note: "", isAwaited: false };

function followOptions(disks: Disks, { current, entries }: BootOptions): Started {
  const { volumes } = disks;
  const ways = new Map<Candidate, Way>();
  const passed: string[] = [];
  const note = (): string => (passed.length === 0 ? "" : `; passed over: ${passed.join(", ")}`);
  const fixedFirst = [...volumes].sort((a, b) => Number(a.removable) - Number(b.removable));
  let rank = 0;
  let isAwaited = false;
  for (const entry of entries) {
    const name = `Boot${entry.number} ${entry.title}`;
    const volume =
      entry.partuuid === null ? undefined : fixedFirst.find((one) => hasTag(one, "PARTUUID", entry.partuuid!));
    if (volume === undefined) {
      // A disk that comes later may be the one that the firmware takes first.
      if (entry.partuuid !== null && ways.size === 0) isAwaited = true;
      passed.push(`${name} (${entry.partuuid === null ? "on no disk" : "its disk isn't there"})`);
      continue;
    }
    const found = follow(entry, volume, disks, entry.number === current);
    if (found === null) {
      passed.push(`${name} (${entry.number === current ? "Baton itself" : "Baton can't follow it"})`);
      continue;
    }
    if (ways.has(found.candidate)) continue;
    const how = `is what the firmware's ${name} starts with${note()}`;
    const { disk } = found.candidate.config.origin ?? {};
    const isOne = found.index === null ? {} : { defaultIndex: found.index, defaultIsExplicit: true };
    ways.set(found.candidate, { firmware: { rank: rank++, how, isBootOrder: true, disk: disk ?? null }, ...isOne });
  }
  return { ways, note: note(), isAwaited };
}

/** @param isCurrent it started this machine: Baton itself, unless it is a loader with a menu of its own */
function follow(
  { file }: FirmwareEntry,
  volume: FormatVolume,
  disks: Disks,
  isCurrent: boolean,
): { readonly candidate: Candidate; readonly index: number | null } | null {
  const path = (file ?? "").replaceAll("\\", "/").toLowerCase();
  if (isCurrent && (path === "" || folderOf(path) === BOOT_FOLDER)) return null;
  const here = disks.candidates.filter((candidate) => candidate.volume === volume);
  // Firmware that is given no file looks for the default loader.
  const [at, named] = path === "" ? [`${BOOT_FOLDER}/boot.efi`, "default" as const] : [path, loaderByName(path)];
  const found = menuOf(at, loaderOf(path, volume, disks) ?? named, volume, disks);
  if (found !== undefined) return { candidate: found, index: null };
  if (isCurrent) return null;
  for (const candidate of here) {
    const index = candidate.config.entries.findIndex(
      ({ linux }) =>
        linux !== null && "device" in linux && linux.device === volume.name && linux.path.toLowerCase() === path,
    );
    if (index >= 0 && path.endsWith(".efi")) return { candidate, index };
  }
  return null;
}

/** By what the program on an EFI system partition holds; null where that isn't known. @param path in lower case, "" for the default one */
function loaderOf(path: string, volume: FormatVolume, { programs }: Disks): LoaderName | null {
  const all = programs.get(volume)?.programs ?? [];
  const isIt = (one: string): boolean => (path === "" ? one.startsWith(`${BOOT_FOLDER}/boot`) : one === path);
  return all.find((one) => isIt(one.path))?.loader ?? null;
}

/** How firmware comes to a configuration without an entry of its own. */
interface Place {
  readonly rank: number;
  readonly how: string;
  /** The disk that the firmware starts, where that may be another than the configuration's own. */
  readonly disk?: string;
}

/** Where Baton stands in the firmware's place there is no EFI to ask, and disks for EFI are laid out all the same. */
const efiRank = ({ firmware }: Pick<Platform, "firmware">): number => (firmware === "pc" ? 1 : 0);

/** Loaders that say who they are, and whose configuration is found by where they lie. */
const OTHERS: Partial<Record<LoaderName, string>> = {
  limine: "Limine",
  refind: "rEFInd",
  elilo: "ELILO",
  syslinux: "SYSLINUX",
};

/** What programs on EFI system partitions say: the one that shim's fallback starts, and those that have a place built in. */
function toldByPrograms(disks: Disks, platform: Pick<Platform, "firmware">): ReadonlyMap<Candidate, Place> {
  const told = new Map<Candidate, Place>();
  const tell = (candidate: Candidate | undefined, rank: number, how: string): void => {
    if (candidate === undefined) return;
    const known = told.get(candidate);
    if (known === undefined || rank < known.rank) told.set(candidate, { rank, how });
  };
  const first = efiRank(platform);
  for (const [volume, { programs, fallback }] of disks.programs) {
    for (const path of fallback) {
      const how = `is what shim in \\EFI\\BOOT starts by itself (${path} of ${volume.name}'s BOOTX64.CSV)`;
      tell(menuOf(path, loaderByName(path), volume, disks), first - OPENED / 2, how);
    }
    for (const { path, loader, place } of programs) {
      const rank = folderOf(path) === BOOT_FOLDER ? first + 1 : first;
      if (loader !== null && OTHERS[loader] !== undefined) {
        tell(
          menuOf(path, loader, volume, disks),
          rank,
          `is the menu of the ${OTHERS[loader]} in ${volume.name}:${path}`,
        );
      }
      if (place === null) continue;
      tell(atPlace(place, volume, disks), rank, `is what the GRUB in ${volume.name}:${path} has built in`);
    }
  }
  return told;
}

/** The GRUB beside it has another place built in, and doesn't read it. */
function isPassedBy(candidate: Candidate, disks: Disks): boolean {
  const place = builtIn(folderOf(candidate.path).toLowerCase(), candidate.volume, disks);
  if (place === null || candidate.format !== "grub") return false;
  const read = atPlace(place, candidate.volume, disks);
  return read !== candidate && (read !== undefined || isElsewhere(place));
}

/** By what lies where. */
function byPlace({ format, path, volume, loader }: Candidate, platform: Pick<Platform, "firmware">): Place | undefined {
  if (loader === "boot sector") return { rank: 0, how: "is what the boot loader that is installed beside it reads" };
  const after = efiRank(platform);
  if (loader === "systemd-boot") return { rank: after, how: "is the menu of the systemd-boot on its own partition" };
  if (loader === "default loader") {
    return { rank: after + 1, how: "is the menu of the loader in its own partition's \\EFI\\BOOT" };
  }
  const [, folder] = (format === "grub" && isEspType(volume) ? STUB.exec(path.toLowerCase()) : null) ?? [];
  if (folder === undefined) return undefined;
  return {
    rank: folder === BOOT_FOLDER ? after + 1 : after,
    how: "is what the EFI system partition's GRUB starts with",
  };
}
