/** Block device ioctls, off the main thread: even opening a device can wait for ever for a disk. */

import { constants } from "node:fs";
import { withDeadline } from "./deadline.ts";
import { closeDescriptor, openDescriptor } from "./descriptor.ts";
import { callBlocking } from "./libc.ts";

// include/uapi/linux/fs.h and cdrom.h; the same numbers on x86-64 and arm64.
const BLKROSET = 0x125d;
const BLKROGET = 0x125e;
const BLKGETSIZE64 = 0x80081272;
const CDROM_DRIVE_STATUS = 0x5326;
const CDS_NO_DISC = 1;
const CDS_TRAY_OPEN = 2;
const BLKRRPART = 0x125f;
const BLKFLSBUF = 0x1261;

const DEFAULT_BLKDEV_TIMEOUT_MS = 10_000;

interface Options {
  readonly timeoutMs?: number;
}

/**
 * Sets a block device read-only, or writable again (BLKROSET), so that the kernel itself refuses every write to it:
 * a filesystem's journal replay included. It applies to this node alone: each partition needs its own.
 * @param node `/dev/vda1`
 * @throws LinuxError (EACCES without CAP_SYS_ADMIN); BatonError `timeout`
 */
export async function setReadOnly(node: string, readOnly: boolean, options: Options = {}): Promise<void> {
  const value = Buffer.alloc(8);
  value.writeInt32LE(readOnly ? 1 : 0);
  await control(node, "BLKROSET", BLKROSET, value, readOnly ? 1 : 0, options);
}

/** True where the kernel refuses writes to the device. */
export async function isReadOnly(node: string, options: Options = {}): Promise<boolean> {
  const value = Buffer.alloc(8);
  await control(node, "BLKROGET", BLKROGET, value, undefined, options);
  return value.readInt32LE() !== 0;
}

/** The device's size in bytes. */
export async function deviceSize(node: string, options: Options = {}): Promise<number> {
  const value = Buffer.alloc(8);
  await control(node, "BLKGETSIZE64", BLKGETSIZE64, value, undefined, options);
  return Number(value.readBigUInt64LE());
}

/**
 * True where an optical drive says that it holds no disc (CDROM_DRIVE_STATUS). Reading one that is empty has the kernel
 * print an error for each sector.
 * @throws LinuxError (ENOTTY, ENOSYS where the drive can't tell); BatonError `timeout`
 */
export async function isEmptyDrive(node: string, options: Options = {}): Promise<boolean> {
  const status = await control(node, "CDROM_DRIVE_STATUS", CDROM_DRIVE_STATUS, null, undefined, options);
  return status === CDS_NO_DISC || status === CDS_TRAY_OPEN;
}

/**
 * Writes out what the kernel holds of a device, and forgets it (BLKFLSBUF): the next read comes from the device.
 * @throws LinuxError (EACCES without CAP_SYS_ADMIN); BatonError `timeout`
 */
export async function dropCache(node: string, options: Options = {}): Promise<void> {
  await control(node, "BLKFLSBUF", BLKFLSBUF, null, undefined, options);
}

/** Has the kernel read a disk's partition table anew (BLKRRPART). @throws LinuxError (EBUSY where one is in use, EINVAL where it has none); BatonError `timeout` */
export async function rereadPartitions(node: string, options: Options = {}): Promise<void> {
  await control(node, "BLKRRPART", BLKRRPART, null, undefined, options);
}

/** @returns what the ioctl returns; what it writes is in `value` */
async function control(
  node: string,
  name: string,
  request: number,
  value: Buffer | null,
  shown: number | undefined,
  { timeoutMs = DEFAULT_BLKDEV_TIMEOUT_MS }: Options,
): Promise<number> {
  const fd = await openDevice(node, timeoutMs);
  try {
    return await callBlocking(
      "ioctl",
      [fd, request, value],
      { call: "ioctl", args: [node, { word: name }, shown] },
      { timeoutMs, timeoutReason: "the device does not answer" },
    );
  } finally {
    // Not awaited: the last close of a device can wait for it too, and nothing depends on it.
    void closeDescriptor(fd);
  }
}

function openDevice(node: string, timeoutMs: number): Promise<number> {
  // O_NONBLOCK: a drive without a medium is opened without waiting for one.
  const opened = openDescriptor(node, constants.O_RDONLY | constants.O_NONBLOCK);
  return withDeadline(opened, timeoutMs, `open(${JSON.stringify(node)})`, closeDescriptor);
}
