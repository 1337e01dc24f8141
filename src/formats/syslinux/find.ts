/**
 * Where the family's configurations lie (syslinux.cfg(5), "LOCATION/NAME"; syslinux.org "Config", "Location and name";
 * U-Boot's `boot_prefixes`).
 */

import type { FormatVolume } from "../format.ts";
import { efiFolders, Lookup } from "../lookup.ts";

const join = (folders: readonly string[], names: readonly string[]): string[] =>
  folders.flatMap((folder) => names.map((name) => `${folder === "/" ? "" : folder}/${name}`));

/** One of the family's programs on a medium: its parts show where it was installed, and it looks there first. */
interface Variant {
  /** In lower case. */
  readonly parts: readonly string[];
  /** Its configurations, in the order in which it looks for them. */
  readonly names: readonly string[];
  /** Where people install it, and where it looks after its own folder. */
  readonly folders: readonly string[];
}

const DISK: Variant = {
  parts: ["ldlinux.sys"],
  names: ["extlinux.conf", "syslinux.cfg"],
  folders: ["/boot/extlinux", "/extlinux", "/boot/syslinux", "/syslinux", "/boot", "/"],
};
const CD: Variant = {
  parts: ["isolinux.bin"],
  names: ["isolinux.cfg", "syslinux.cfg"],
  folders: ["/boot/isolinux", "/isolinux", "/boot/syslinux", "/syslinux", "/"],
};
/** SYSLINUX for EFI reads the folder that it was started from: the firmware's, or a vendor's. */
const EFI: Variant = {
  parts: ["ldlinux.e64", "ldlinux.e32"],
  names: ["syslx64.cfg", "syslinux.cfg", "syslia32.cfg", "extlinux.conf"],
  folders: ["/EFI/syslinux", "/EFI/BOOT"],
};
/** U-Boot looks below / before below /boot. */
const UBOOT = ["/extlinux/extlinux.conf", "/boot/extlinux/extlinux.conf"];

/** Folders below the root in which a live system keeps its bootloader: so deep, so many. */
const MAX_DEPTH = 2;
const MAX_FOLDERS = 100;
/** Of an installed system or of Windows: large, and never a bootloader's. */
const SYSTEM_FOLDERS =
  /^(bin|dev|etc|home|lib\d*|libx?32|lost\+found|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var|\$.*|windows|users|program.*|system volume information)$/i;
/** For EFI, on one volume: each is compared with those before it. */
const MAX_CONFIGS = 4;

/**
 * The configurations on a volume. Each variant stops at the first that it finds, so this does too: a medium that is
 * made for CD and stick alike carries several copies of one menu. SYSLINUX for EFI may be there several times, one in
 * each vendor's folder.
 */
export async function findSyslinux(volume: FormatVolume): Promise<readonly string[]> {
  const lookup = new Lookup(volume.reader);
  const own = new OwnFolders(lookup);
  const first = async (variant: Variant, before: readonly string[] = []): Promise<string[]> => {
    const { names, folders } = variant;
    const paths = [...join(await own.of(variant), names), ...before, ...join(folders, names)];
    const found = await firstOf(lookup, paths);
    return found === null ? [] : [found];
  };
  if (volume.type === "iso9660") {
    const found = await first(CD);
    return found.length > 0 ? found : efiConfigs(lookup, own);
  }
  const found = [...(await first(DISK, UBOOT)), ...(await efiConfigs(lookup, own))];
  // A stick with the files of a CD on it.
  return found.length > 0 ? found : first(CD);
}

async function efiConfigs(lookup: Lookup, own: OwnFolders): Promise<string[]> {
  const vendors = await efiFolders(lookup);
  const usual = (path: string): boolean => EFI.folders.some((folder) => folder.toLowerCase() === path.toLowerCase());
  const others = vendors.filter((path) => !usual(path));
  const found: string[] = [];
  for (const folder of [...EFI.folders, ...others, ...(await own.of(EFI))]) {
    const path = await firstOf(lookup, join([folder], EFI.names));
    if (path !== null && !found.includes(path)) found.push(path);
    if (found.length === MAX_CONFIGS) break;
  }
  return found;
}

async function subfolders(lookup: Lookup, folder: string): Promise<string[]> {
  const items = await lookup.list(folder);
  return items.flatMap(({ name, type }) => (type === "directory" ? `${folder === "/" ? "" : folder}/${name}` : []));
}

/** The folders in which a variant was installed: the usual ones, else those that have its parts. */
class OwnFolders {
  readonly #lookup: Lookup;
  #all: Promise<readonly string[]> | null = null;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  async of({ parts, folders }: Variant): Promise<readonly string[]> {
    const usual = await this.#having(parts, folders);
    if (usual.length > 0) return usual;
    this.#all ??= this.#walk();
    return this.#having(parts, await this.#all);
  }

  async #having(parts: readonly string[], folders: readonly string[]): Promise<string[]> {
    const having: string[] = [];
    for (const folder of folders) {
      const found = await firstOf(this.#lookup, join([folder], parts));
      if (found !== null) having.push(folder);
    }
    return having;
  }

  /** Folders that may be a bootloader's, the upper ones first. */
  async #walk(): Promise<readonly string[]> {
    const all: string[] = [];
    let level = ["/"];
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const next: string[] = [];
      for (const folder of level) {
        const inside = await subfolders(this.#lookup, folder);
        next.push(...(depth === 0 ? inside.filter((path) => !SYSTEM_FOLDERS.test(path.slice(1))) : inside));
        if (all.length + next.length > MAX_FOLDERS) break;
      }
      all.push(...next);
      level = next;
    }
    return all.slice(0, MAX_FOLDERS);
  }
}

async function firstOf(lookup: Lookup, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const found = await lookup.find(path);
    if (found !== null) return found;
  }
  return null;
}
