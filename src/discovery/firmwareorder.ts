/**
 * Which configuration the machine's firmware would come to: the loaders in BootOrder, else what lies where firmware
 * looks by itself (UEFI 2.10, 3.1 and 3.5.1.1; on a BIOS what its boot sectors start). A partition for service or
 * recovery may have a configuration that names a default: it isn't the machine's for that.
 */

import type { FormatVolume, Platform } from "../formats/format.ts";
import { loaderByName } from "../formats/loaderprogram.ts";
import { folderOf } from "../formats/paths.ts";
import { hasTag } from "../identity.ts";
import type { ReadConfig } from "../policy/readconfig.ts";
import type { BootOptions, FirmwareEntry } from "../state/firmware.ts";
import { BOOT_FOLDER, type Candidate, isEspType, menuOf, STUB } from "./loadermenus.ts";

/** The order, and whether a disk that isn't there (yet) could change what comes first. */
export interface FirmwareOrder {
  readonly configs: readonly ReadConfig[];
  readonly isAwaited: boolean;
}

/** @param options the firmware's own boot entries; null where there are none */
export function withFirmwareOrder(
  candidates: readonly Candidate[],
  volumes: readonly FormatVolume[],
  platform: Pick<Platform, "firmware">,
  options: BootOptions | null,
): FirmwareOrder {
  const started = options === null ? NOTHING : followOptions(candidates, volumes, options);
  const configs = candidates.map((candidate) => {
    const { config } = candidate;
    const way = started.ways.get(candidate);
    if (way !== undefined) return { ...config, ...way };
    const found = byPlace(candidate, platform);
    if (found === null) return config;
    const rank = found.rank + (candidate.isOpened ? OPENED : 0);
    return {
      ...config,
      firmware: { ...found, rank, how: `${found.how}${started.note}`, disk: config.origin?.disk ?? null },
    };
  });
  return { configs, isAwaited: started.isAwaited };
}

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

function followOptions(
  candidates: readonly Candidate[],
  volumes: readonly FormatVolume[],
  { current, entries }: BootOptions,
): Started {
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
    const found = follow(entry, volume, candidates, entry.number === current);
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
  candidates: readonly Candidate[],
  isCurrent: boolean,
): { readonly candidate: Candidate; readonly index: number | null } | null {
  const path = (file ?? "").replaceAll("\\", "/").toLowerCase();
  const folder = path === "" ? BOOT_FOLDER : folderOf(path);
  if (isCurrent && folder === BOOT_FOLDER) return null;
  const here = candidates.filter((candidate) => candidate.volume === volume);
  // Firmware that is given no file looks for the default loader.
  const found = menuOf(folder, path === "" ? "default" : loaderByName(path), volume, candidates);
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

/** How firmware comes to it without an entry of its own; by what lies where. */
function byPlace(
  { format, path, volume, loader }: Candidate,
  { firmware }: Pick<Platform, "firmware">,
): { readonly rank: number; readonly how: string } | null {
  if (loader === "boot sector") return { rank: 0, how: "is what the boot loader that is installed beside it reads" };
  // Where Baton stands in the firmware's place there is no EFI to ask, and disks for EFI are laid out all the same.
  const after = firmware === "pc" ? 1 : 0;
  if (loader === "systemd-boot") return { rank: after, how: "is the menu of the systemd-boot on its own partition" };
  if (loader === "default loader") {
    return { rank: after + 1, how: "is the menu of the loader in its own partition's \\EFI\\BOOT" };
  }
  const [, folder] = (format === "grub" && isEspType(volume) ? STUB.exec(path.toLowerCase()) : null) ?? [];
  if (folder === undefined) return null;
  return {
    rank: folder === BOOT_FOLDER ? after + 1 : after,
    how: "is what the EFI system partition's GRUB starts with",
  };
}
