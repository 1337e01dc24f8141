/**
 * Which configuration the machine's firmware would come to: the loaders in BootOrder, else what lies where firmware
 * looks by itself (UEFI 2.10, 3.1 and 3.5.1.1; on a BIOS what its boot sectors start). A partition for service or
 * recovery may have a configuration that names a default: it isn't the machine's for that.
 */

import type { EntryType } from "../entry.ts";
import type { FormatVolume, Platform } from "../formats/format.ts";
import { Lookup } from "../formats/lookup.ts";
import { folderOf } from "../formats/paths.ts";
import { hasTag } from "../identity.ts";
import type { ReadConfig } from "../policy/readconfig.ts";
import type { BootOptions, FirmwareEntry } from "../state/firmware.ts";

/** What lies beside a configuration and would read it. */
export type Loader = "boot sector" | "systemd-boot" | "default loader";

/** A configuration with what it takes to tell how firmware comes to it. */
export interface Candidate {
  readonly config: ReadConfig;
  readonly format: EntryType;
  readonly path: string;
  readonly volume: FormatVolume;
  readonly loader: Loader | null;
}

/** The order, and whether a disk that isn't there (yet) could change what comes first. */
export interface FirmwareOrder {
  readonly configs: readonly ReadConfig[];
  readonly isAwaited: boolean;
}

/** Folders' and files' names on an EFI system partition have no case. */
const BOOT_FOLDER = "/efi/boot";
const STUB = /^(\/efi\/[^/]+)\/grub\.cfg$/;
/** Programs that read `grub.cfg` in their own folder: GRUB, shim, which starts it, and either in the default place. */
const GRUB = /^(grub|shim|boot(x64|ia32|aa64|arm|riscv64|loongarch64)\.efi$)/;
const SYSTEMD_BOOT = /^systemd-boot/;
const SYSLINUX = /^syslinux/;
/** systemd-boot's own entries lie in these folders of its partition. */
const SYSTEMD_FOLDER = /^\/(loader\/entries|efi\/linux)$/;

const isEspType = ({ type }: FormatVolume): boolean => type === "vfat" || type === null;
const isSystemdMenu = ({ format, path }: Candidate): boolean =>
  (format === "bls" || format === "uki") && SYSTEMD_FOLDER.test(path.toLowerCase());

/**
 * Looks for the loader beside a configuration.
 * @returns null where there is none, and where it isn't known
 */
export async function loaderBeside(
  format: EntryType,
  path: string,
  volume: FormatVolume,
  { firmware }: Pick<Platform, "firmware">,
): Promise<Loader | null> {
  const lookup = new Lookup(volume.reader);
  const folder = folderOf(path).replace(/\/$/, "");
  const beside = { grub: "i386-pc/core.img", syslinux: "ldlinux.sys" }[format as string];
  try {
    if (beside !== undefined) {
      const isInstalled = firmware === "pc" && (await lookup.find(`${folder}/${beside}`)) !== null;
      return isInstalled ? "boot sector" : null;
    }
    if (!(format === "bls" || format === "uki") || !SYSTEMD_FOLDER.test(path.toLowerCase()) || !isEspType(volume)) {
      return null;
    }
    const has = async (at: string, name: RegExp): Promise<boolean> => {
      const found = await lookup.find(at, "directory");
      return found !== null && (await lookup.list(found)).some((item) => name.test(item.name.toLowerCase()));
    };
    if (await has("/EFI/systemd", SYSTEMD_BOOT)) return "systemd-boot";
    const isDefault = (await lookup.find("/loader/loader.conf")) !== null && (await has(BOOT_FOLDER, /^boot.*\.efi$/));
    return isDefault ? "default loader" : null;
  } catch {
    // It is said where that volume is read for its own sake.
    return null;
  }
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
    return { ...config, firmware: { ...found, how: `${found.how}${started.note}`, disk: config.origin?.disk ?? null } };
  });
  return { configs, isAwaited: started.isAwaited };
}

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
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isCurrent && folder === BOOT_FOLDER) return null;
  const here = candidates.filter((candidate) => candidate.volume === volume);
  const near = volume.disk === null ? [] : candidates.filter((one) => one.volume.disk === volume.disk);
  const found = menuOf(folder, name, here, near);
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

/**
 * The configuration that a loader reads.
 * @param here what lies on the loader's own partition
 * @param near what lies on its disk, where that is known
 */
function menuOf(
  folder: string,
  name: string,
  here: readonly Candidate[],
  near: readonly Candidate[],
): Candidate | undefined {
  const isDefault = folder === BOOT_FOLDER;
  const inFolder = (format: EntryType): Candidate | undefined =>
    here.find((one) => one.format === format && folderOf(one.path).toLowerCase() === folder);
  const onDisk = (is: (one: Candidate) => boolean): Candidate | undefined => here.find(is) ?? near.find(is);
  if (SYSLINUX.test(name)) return inFolder("syslinux");
  if (SYSTEMD_BOOT.test(name)) return onDisk(isSystemdMenu);
  if (!GRUB.test(name) && !(isDefault && name === "")) return undefined;
  const stub = inFolder("grub");
  if (stub !== undefined) return stub;
  if (isDefault) {
    const menu = here.find(({ loader }) => loader !== null);
    // shim in the default place starts what the vendor's folder names (fbx64.efi): which, is known where there is one.
    const stubs = here.filter(({ format, path }) => format === "grub" && STUB.test(path.toLowerCase()));
    return menu ?? (stubs.length === 1 ? stubs[0] : undefined);
  }
  // Without a stub, GRUB has the place of its configuration built in (grub-install's prefix): on its own disk.
  return onDisk(({ format, path }) => format === "grub" && !STUB.test(path.toLowerCase()));
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
