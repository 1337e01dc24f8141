/** Where the family's configurations lie (syslinux.cfg(5), "LOCATION/NAME"; U-Boot's `boot_prefixes`). */

import type { FormatVolume } from "../format.ts";
import { Lookup } from "../lookup.ts";

const join = (folders: readonly string[], names: readonly string[]): string[] =>
  folders.flatMap((folder) => names.map((name) => `${folder === "/" ? "" : folder}/${name}`));

/** SYSLINUX and EXTLINUX look in the folder where they were installed first; these are where people install them. */
const DISK = join(
  ["/boot/extlinux", "/extlinux", "/boot/syslinux", "/syslinux", "/"],
  ["extlinux.conf", "syslinux.cfg"],
);
/** U-Boot looks below / before below /boot. */
const UBOOT = ["/extlinux/extlinux.conf", "/boot/extlinux/extlinux.conf"];
const CD = join(["/boot/isolinux", "/isolinux", "/boot/syslinux", "/syslinux", "/"], ["isolinux.cfg", "syslinux.cfg"]);
/** SYSLINUX for EFI reads the folder that it was started from. */
const EFI = join(["/EFI/syslinux", "/EFI/BOOT"], ["syslinux.cfg", "extlinux.conf"]);

/**
 * The configurations on a volume. Each variant stops at the first that it finds, so this does too: a medium that is
 * made for CD and stick alike carries several copies of one menu.
 */
export async function findSyslinux(volume: FormatVolume): Promise<readonly string[]> {
  const lookup = new Lookup(volume.reader);
  const orders = volume.type === "iso9660" ? [CD] : [[...UBOOT, ...DISK], EFI];
  const found: string[] = [];
  for (const order of orders) {
    const first = await firstOf(lookup, order);
    if (first !== null) found.push(first);
  }
  // A stick with the files of a CD on it, or the EFI half of a CD.
  for (const order of [CD, EFI]) {
    if (found.length > 0) break;
    const first = await firstOf(lookup, order);
    if (first !== null) found.push(first);
  }
  return found;
}

async function firstOf(lookup: Lookup, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const found = await lookup.find(path);
    if (found !== null) return found;
  }
  return null;
}
