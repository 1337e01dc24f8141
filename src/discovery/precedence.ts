/** Whose entries a disk's own wait for, while the devices of the start are read. */

import { compareDevices } from "../devices/block.ts";
import type { BlockDevice } from "../devices/device.ts";
import { diskOf, startDisk } from "./startdisk.ts";

type Device = Pick<BlockDevice, "name" | "disk" | "baseDisk" | "partuuid" | "removable">;

/** What is known of the machine meanwhile. */
export interface Known<T extends Device = Device> {
  readonly devices: readonly T[];
  /** As `startPartition` (startdisk.ts) has it. */
  readonly startPartition: string | null;
  /** A removable device's entries may boot by themselves. */
  readonly mayRemovableBoot: boolean;
  /** False for the disk that Baton was started from. */
  isRemovable(device: T): boolean;
}

/**
 * Whether entries of a device that has not been read may come before those of `own`: it is of the same disk, or before it in
 * the order of devices. To a built-in disk, a stick that boots nothing by itself may not.
 * @param other null where nothing is known of it but its name
 */
export function mayPrecede<T extends Device>(name: string, other: T | null, own: T, known: Known<T>): boolean {
  if (other !== null && bootsNothing(other, known) && !known.isRemovable(own)) return false;
  if (other !== null && diskOf(other) === diskOf(own)) return true;
  return compareDevices(other ?? { name }, own) <= 0;
}

/** What is on it may not boot by itself; nor can it prove to be the disk that Baton was started from. */
function bootsNothing<T extends Device>(device: T, known: Known<T>): boolean {
  if (known.mayRemovableBoot || !known.isRemovable(device)) return false;
  return known.startPartition === null || startDisk(known.devices, known.startPartition, false) !== null;
}
