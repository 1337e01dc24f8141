/** What chain.c32 starts (SYSLINUX's doc/chain.txt): the boot sector of a disk or of a partition, or a file. */

import type { FileRef } from "../../entry.ts";
import { bootSectorOf, bootSectorOn, bootSectorWith, diskWithMbrId } from "../bootsector.ts";
import type { FormatContext } from "../format.ts";

/** Loads a file in the place of a boot sector. */
const FROM_FILE = /^(?:file|seg|bss|bs|ntldr|cmldr|freedos|msdos7?|pcdos|drmk|grub|isolinux)=/i;
const DRIVE = /^(hd\d+|boot|fs|mbr[:=]\w+|guid[:=][\w-]+|label[:=][^,]+)(?:,(\d+))?$/i;

/**
 * @param args of chain.c32. A disk's number is known to the firmware of the day only: `hd0` is taken for the disk that the
 * configuration came from.
 * @returns a device with the path `/`; null where it starts a file, and where no device that is attached is meant
 */
export function chainedSector(args: string, context: Pick<FormatContext, "volume" | "volumes">): FileRef | null {
  const words = args.split(/\s+/).filter((word) => word !== "");
  if (words.some((word) => FROM_FILE.test(word))) return null;
  const at = words.findIndex((word) => DRIVE.test(word));
  if (at < 0) return null;
  const [, drive = "", comma] = DRIVE.exec(words[at]!)!;
  const number = Number(comma ?? (/^\d+$/.test(words[at + 1] ?? "") ? words[at + 1] : 0));
  const [, kind = "", value = ""] = /^(\w+?)(?:[:=](.*))?$/s.exec(drive)!;
  switch (kind.toLowerCase()) {
    case "boot":
    case "hd0":
      return bootSectorOn(context.volume.disk, number, context);
    case "fs":
      return bootSectorOf(context.volume.name);
    case "mbr":
      return bootSectorOn(diskWithMbrId(value, context), number, context);
    case "guid":
      return bootSectorWith("PARTUUID", value, context);
    case "label":
      return bootSectorWith("PARTLABEL", value, context);
    default:
      return null;
  }
}
