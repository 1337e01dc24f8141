/** Loop devices: a file as a block device (include/uapi/linux/loop.h; LOOP_CONFIGURE since Linux 5.8). */

import { closeSync, constants, openSync } from "node:fs";
import { withDeadline } from "./deadline.ts";
import { closeDescriptor, openDescriptor } from "./descriptor.ts";
import { callNow } from "./libc.ts";

const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CLR_FD = 0x4c01;
const OPEN_MS = 10_000;
/** struct loop_config: fd, block size, struct loop_info64, reserved. */
const CONFIG_SIZE = 304;
/** Offsets in it: lo_offset, lo_sizelimit, lo_flags. */
const AT = { offset: 32, size: 40, flags: 60 } as const;
const LO_FLAGS_READ_ONLY = 1;

/** @returns `/dev/loop0`. @throws LinuxError, or an error of open(2) */
export function attachFile(path: string): string {
  const file = openSync(path, constants.O_RDWR);
  try {
    return attachDescriptor(file, Buffer.alloc(CONFIG_SIZE));
  } finally {
    closeSync(file);
  }
}

/**
 * A part of a file, in bytes, as a device to which nothing can be written. The file may lie on a disk that hangs.
 * @returns `/dev/loop0`
 * @throws LinuxError, or an error of open(2); BatonError `timeout`
 */
export async function attachReadOnly(path: string, offset: number, size: number): Promise<string> {
  const opening = openDescriptor(path, constants.O_RDONLY);
  const file = await withDeadline(opening, OPEN_MS, `open(${JSON.stringify(path)})`, closeDescriptor);
  try {
    const config = Buffer.alloc(CONFIG_SIZE);
    config.writeBigUInt64LE(BigInt(offset), AT.offset);
    config.writeBigUInt64LE(BigInt(size), AT.size);
    config.writeUInt32LE(LO_FLAGS_READ_ONLY, AT.flags);
    return attachDescriptor(file, config);
  } finally {
    void closeDescriptor(file);
  }
}

function attachDescriptor(file: number, config: Buffer): string {
  const controller = openSync("/dev/loop-control", constants.O_RDWR);
  let number: number;
  try {
    number = callNow("ioctl", [controller, LOOP_CTL_GET_FREE, null], {
      call: "ioctl",
      args: [{ word: "LOOP_CTL_GET_FREE" }],
    });
  } finally {
    closeSync(controller);
  }
  const node = `/dev/loop${number}`;
  config.writeUInt32LE(file, 0);
  // The kernel makes a device read-only where the node itself isn't opened to be written.
  const isReadOnly = (config.readUInt32LE(AT.flags) & LO_FLAGS_READ_ONLY) !== 0;
  control(node, "LOOP_CONFIGURE", LOOP_CONFIGURE, config, isReadOnly ? constants.O_RDONLY : constants.O_RDWR);
  return node;
}

/** @throws LinuxError */
export function detachFile(node: string): void {
  control(node, "LOOP_CLR_FD", LOOP_CLR_FD, null);
}

function control(
  node: string,
  name: string,
  request: number,
  argument: Buffer | null,
  flags: number = constants.O_RDONLY,
): void {
  const fd = openSync(node, flags);
  try {
    callNow("ioctl", [fd, request, argument], { call: "ioctl", args: [node, { word: name }] });
  } finally {
    closeSync(fd);
  }
}
