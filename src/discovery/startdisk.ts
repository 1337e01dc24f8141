/**
 * The disk that Baton was started from: built in, whatever it says of itself. Its loader names a partition by PARTUUID,
 * which a copy of it has as well: a stick must not pass for it.
 */

import type { BlockDevice } from "../devices/device.ts";
import type { Platform } from "../formats/format.ts";

type Candidate = Pick<BlockDevice, "name" | "disk" | "baseDisk" | "partuuid" | "removable">;

/** The one disk that a device lies on. */
export const diskOf = ({ name, disk, baseDisk }: Pick<BlockDevice, "name" | "disk" | "baseDisk">): string =>
  disk ?? baseDisk ?? name;

/** What systemd-boot and systemd-stub say of where they were loaded from (systemd-stub(7)): a PARTUUID, null where they don't. */
export function startPartition({ loaderVariable }: Pick<Platform, "loaderVariable">): string | null {
  const value = loaderVariable?.("LoaderDevicePartUUID") ?? loaderVariable?.("StubDevicePartUUID") ?? "";
  return value === "" ? null : value.toLowerCase();
}

/**
 * @param partition as {@link startPartition}
 * @param isSettled every device of the start has been read, or given up: until then the partition's owner may be still to
 * come, and a removable disk that answers may be a copy of it
 * @returns null where it isn't known: of several, the one that is built in is meant; of several others, none
 */
export function startDisk(devices: readonly Candidate[], partition: string | null, isSettled: boolean): string | null {
  if (partition === null) return null;
  const found = devices.filter(({ partuuid }) => partuuid?.toLowerCase() === partition);
  const disksOf = (some: readonly Candidate[]): readonly string[] => [...new Set(some.map(diskOf))];
  const fixed = disksOf(found.filter(({ removable }) => !removable));
  const meant = fixed.length > 0 ? fixed : isSettled ? disksOf(found) : [];
  return meant.length === 1 ? meant[0]! : null;
}
