/** Inode flags (FS_IOC_GETFLAGS, FS_IOC_SETFLAGS; include/uapi/linux/fs.h). */

import { callNow } from "./libc.ts";

/** The same numbers on x86-64 and arm64; the argument is an int whatever they say. */
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_IMMUTABLE_FL = 0x10;

/**
 * Takes the immutable flag from a file, which efivarfs sets on variables that firmware may not live without.
 * @returns whether it was set
 * @throws LinuxError
 */
export function clearImmutable(fd: number): boolean {
  const flags = Buffer.alloc(8);
  callNow("ioctl", [fd, FS_IOC_GETFLAGS, flags], { call: "ioctl", args: [fd, { word: "FS_IOC_GETFLAGS" }] });
  const value = flags.readUInt32LE();
  if ((value & FS_IMMUTABLE_FL) === 0) return false;
  flags.writeUInt32LE(value & ~FS_IMMUTABLE_FL);
  callNow("ioctl", [fd, FS_IOC_SETFLAGS, flags], { call: "ioctl", args: [fd, { word: "FS_IOC_SETFLAGS" }] });
  return true;
}
