/** Loop devices: a file as a block device (include/uapi/linux/loop.h; LOOP_CONFIGURE since Linux 5.8). */

import { closeSync, constants, openSync } from "node:fs";
import { callNow } from "./libc.ts";

const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CLR_FD = 0x4c01;
/** struct loop_config: fd, block size, struct loop_info64, reserved. */
const CONFIG_SIZE = 304;

/** @returns `/dev/loop0`. @throws LinuxError, or an error of open(2) */
export function attachFile(path: string): string {
  const file = openSync(path, constants.O_RDWR);
  try {
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
    const config = Buffer.alloc(CONFIG_SIZE);
    config.writeUInt32LE(file, 0);
    control(node, "LOOP_CONFIGURE", LOOP_CONFIGURE, config);
    return node;
  } finally {
    closeSync(file);
  }
}

/** @throws LinuxError */
export function detachFile(node: string): void {
  control(node, "LOOP_CLR_FD", LOOP_CLR_FD, null);
}

function control(node: string, name: string, request: number, argument: Buffer | null): void {
  const fd = openSync(node, constants.O_RDWR);
  try {
    callNow("ioctl", [fd, request, argument], { call: "ioctl", args: [node, { word: name }] });
  } finally {
    closeSync(fd);
  }
}
