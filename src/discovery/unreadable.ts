/** What a configuration names and Baton can't read, in words: a device that is there without a filesystem of Linux's. */

import { parseSelector } from "../identity.ts";
import type { DeviceStatus } from "../status.ts";

/**
 * @param selector `UUID=…` or `LABEL=…`, as a configuration names a filesystem
 * @returns null where none of the devices answers to it
 */
export function unreadable(
  selector: string,
  devices: readonly Pick<DeviceStatus, "name" | "type" | "uuid" | "label" | "reason">[],
): string | null {
  const wanted = parseSelector(selector);
  if (wanted === null) return null;
  const found = devices.find(({ type, uuid, label }) => {
    if (wanted.tag === "LABEL") return label === wanted.value;
    return wanted.tag === "UUID" && uuid !== null && names(wanted.value, uuid, type);
  });
  return found?.reason == null ? null : `${found.name} answers to ${selector}: ${found.reason}`;
}

/** GRUB writes a pool's number in hexadecimal, blkid in decimal. */
function names(value: string, uuid: string, type: string | null): boolean {
  if (value.toLowerCase() === uuid.toLowerCase()) return true;
  return type === "zfs_member" && /^[0-9a-f]{1,16}$/i.test(value) && uuid === BigInt(`0x${value}`).toString();
}
