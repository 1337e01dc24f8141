/** Which of the configurations that were read a bootloader would read: by what lies where. */

import type { EntryType } from "../entry.ts";
import type { FormatVolume, Platform } from "../formats/format.ts";
import type { GrubPlace } from "../formats/grub/embedded.ts";
import type { LoaderName } from "../formats/loaderprogram.ts";
import { Lookup } from "../formats/lookup.ts";
import { folderOf } from "../formats/paths.ts";
import { hasTag } from "../identity.ts";
import type { ReadConfig } from "../policy/readconfig.ts";
import type { BootSector } from "./bootsector.ts";
import { BOOT_FOLDER, type EspPrograms, isEspType } from "./espprograms.ts";

/** What lies beside a configuration and would read it. */
export type Loader = "boot sector" | "systemd-boot" | "default loader";

/** A configuration with what it takes to tell how firmware comes to it. */
export interface Candidate {
  readonly config: ReadConfig;
  readonly format: EntryType;
  readonly path: string;
  readonly volume: FormatVolume;
  readonly loader: Loader | null;
  /** Another configuration opens it, by starting the loader that reads it. */
  readonly isOpened?: boolean;
}

export const STUB = /^(\/efi\/[^/]+)\/grub\.cfg$/;
/** systemd-boot's own entries lie in these folders of its partition. */
const SYSTEMD_FOLDER = /^\/(loader\/entries|efi\/linux)$/;

/** Whose configurations lie beside their EFI programs. */
const BESIDE: readonly EntryType[] = ["limine", "refind", "elilo", "syslinux"];

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
    if (await has("/EFI/systemd", /^systemd-boot/)) return "systemd-boot";
    const isDefault = (await lookup.find("/loader/loader.conf")) !== null && (await has(BOOT_FOLDER, /^boot.*\.efi$/));
    return isDefault ? "default loader" : null;
  } catch {
    // It is said where that volume is read for its own sake.
    return null;
  }
}

/** What is known of a machine's disks. */
export interface Disks {
  readonly candidates: readonly Candidate[];
  readonly volumes: readonly FormatVolume[];
  readonly programs: ReadonlyMap<FormatVolume, EspPrograms>;
  /** By device, in the order of devices. */
  readonly bootSectors: ReadonlyMap<string, BootSector>;
}

/**
 * The configuration that an EFI program reads.
 * @param path of the program, in lower case
 * @param loader what it is; null where it is none
 * @param among several that it may be, whether the first of them is meant or none
 */
export function menuOf(
  path: string,
  loader: LoaderName | null,
  volume: FormatVolume,
  disks: Disks,
  among: "first" | "only" = "first",
): Candidate | undefined {
  const { candidates } = disks;
  const folder = folderOf(path);
  const here = candidates.filter((one) => one.volume === volume);
  const near = candidates.filter((one) => one.volume.disk !== null && one.volume.disk === volume.disk);
  const inFolder = (format: EntryType): Candidate | undefined =>
    here.find((one) => one.format === format && folderOf(one.path).toLowerCase() === folder);
  const onDisk = (is: (one: Candidate) => boolean): Candidate | undefined => here.find(is) ?? near.find(is);
  if (loader === "systemd-boot") return onDisk(isSystemdMenu);
  if (loader === "limine") return inFolder("limine") ?? onDisk(({ format }) => format === "limine");
  if (loader === "syslinux" || loader === "refind" || loader === "elilo") return inFolder(loader);
  if (loader === null) return undefined;
  const place = builtIn(folder, volume, disks);
  const built = place === null ? undefined : atPlace(place, volume, disks);
  if (built !== undefined || (place !== null && isElsewhere(place))) return built;
  const stub = inFolder("grub");
  if (stub !== undefined) return stub;
  if (loader === "default") {
    // What nothing tells of the program, the configuration beside it does.
    const beside = BESIDE.map(inFolder).find((one) => one !== undefined);
    if (beside !== undefined) return beside;
  }
  if (folder === BOOT_FOLDER) {
    const menu = loader === "default" ? here.find((one) => one.loader !== null) : undefined;
    // shim in the default place starts what the vendor's folder names (fbx64.efi): which, is known where there is one.
    const stubs = here.filter(({ format, path }) => format === "grub" && STUB.test(path.toLowerCase()));
    return menu ?? (stubs.length === 1 ? stubs[0] : undefined);
  }
  // Without a stub, GRUB has the place of its configuration built in (grub-install's prefix): on its own disk.
  const all = [...here, ...near].filter(({ format, path }) => format === "grub" && !STUB.test(path.toLowerCase()));
  return among === "first" || new Set(all).size === 1 ? all[0] : undefined;
}

/** What the GRUB in a folder has built in; shim starts the one beside it. @param folder in lower case */
export function builtIn(folder: string, volume: FormatVolume, { programs }: Pick<Disks, "programs">): GrubPlace | null {
  const beside = programs.get(volume)?.programs.find((one) => one.place !== null && folderOf(one.path) === folder);
  return beside?.place ?? null;
}

/** Not on the program's own disk, or not for sure. */
export const isElsewhere = ({ tag, alias }: GrubPlace): boolean => tag !== null || alias !== undefined;

/** A name means the program's own disk first, and a removable one only where that is removable, too. */
export function atPlace(
  { tag, alias, partition, folder }: GrubPlace,
  own: Pick<FormatVolume, "disk" | "removable">,
  { candidates, volumes }: Pick<Disks, "candidates" | "volumes">,
): Candidate | undefined {
  const isNear = (one: FormatVolume): boolean => one === own || (one.disk !== null && one.disk === own.disk);
  const isMeant = (one: FormatVolume): boolean => {
    const isNamed = tag === null ? one.aliases?.includes(alias ?? "") : hasTag(one, tag.tag, tag.value);
    if (tag !== null || alias !== undefined) return isNamed === true && (own.removable || !one.removable);
    return partition === null ? one === own : isNear(one) && one.partition === partition;
  };
  const meant = volumes.filter(isMeant);
  const volume = meant.find(isNear) ?? meant[0];
  const path = `${folder}/grub.cfg`.toLowerCase();
  return candidates.find((one) => one.volume === volume && one.format === "grub" && one.path.toLowerCase() === path);
}
