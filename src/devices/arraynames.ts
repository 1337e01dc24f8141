/** GRUB's names for Linux software RAID arrays (grub-core/disk/diskfilter.c, mdraid*_linux.c). */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Identity } from "./device.ts";

/** The devices that an array is made of, by kernel name, and what is below such layers as Baton puts above them. */
export function membersOf(array: string, sysfs = "/sys"): string[] {
  const below = (name: string): string[] => {
    try {
      return readdirSync(join(sysfs, "class/block", name, "slaves")).sort();
    } catch {
      return [];
    }
  };
  return below(array).flatMap((name) =>
    name.startsWith("dm-") ? [name, ...below(name).filter((other) => !other.startsWith("loop"))] : [name],
  );
}

/**
 * `md/boot` and `mduuid/…` for an array, the usual one first. Only its members know its name: GRUB leaves out the host
 * that mdadm writes before it (`server:boot`), and calls an array without one by its number.
 * @param array kernel name: `md127`.
 * @param member what was found on one of its members.
 */
export function arrayNames(array: string, member: Identity): string[] {
  if (member.type !== "linux_raid_member") return [];
  const name = member.label?.replace(/^[^:]*:/, "") || array.replace(/^md[_/]?/, "");
  const uuid = member.uuid?.replace(/[^0-9a-f]/gi, "").toLowerCase() ?? "";
  return [`md/${name}`, ...(uuid === "" ? [] : [`mduuid/${uuid}`])];
}
