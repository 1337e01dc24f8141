/**
 * Device-mapper devices (include/uapi/linux/dm-ioctl.h, version 4): made from one target, and taken away. Off the main
 * thread: loading a table opens the devices that it names.
 */

import { constants } from "node:fs";
import { closeDescriptor, openDescriptor } from "./descriptor.ts";
import { callBlocking } from "./libc.ts";

const CONTROL = "/dev/mapper/control";
/** struct dm_ioctl: the head that every call has. */
const HEAD = 312;
const TARGET = 40;
const NAME_AT = 48;
const NAME_SIZE = 128;
const DEV_CREATE = 3;
const DEV_REMOVE = 4;
const DEV_SUSPEND = 6;
const TABLE_LOAD = 9;
const DM_READONLY_FLAG = 1;

const NAMES: Readonly<Record<number, string>> = {
  [DEV_CREATE]: "DM_DEV_CREATE",
  [DEV_REMOVE]: "DM_DEV_REMOVE",
  [DEV_SUSPEND]: "DM_DEV_SUSPEND",
  [TABLE_LOAD]: "DM_TABLE_LOAD",
};

const TIMEOUT_MS = 10_000;

/** One target over the whole of the device. */
interface DmTarget {
  /** `snapshot`, `linear`. */
  readonly type: string;
  /** In sectors of 512 bytes. */
  readonly sectors: number;
  readonly parameters: string;
  readonly readOnly?: boolean;
}

/**
 * Makes a device and starts it.
 * @returns its node: `/dev/dm-0`
 * @throws LinuxError; nothing is left behind
 */
export async function createDmDevice(name: string, target: DmTarget): Promise<string> {
  const made = await control(DEV_CREATE, name, Buffer.alloc(0), 0, 0);
  try {
    const parameters = Buffer.from(`${target.parameters}\0`);
    const size = TARGET + Math.ceil(parameters.length / 8) * 8;
    const spec = Buffer.alloc(size);
    spec.writeBigUInt64LE(BigInt(target.sectors), 8);
    spec.writeUInt32LE(size, 20);
    spec.write(target.type, 24, 15, "latin1");
    parameters.copy(spec, TARGET);
    await control(TABLE_LOAD, name, spec, 1, target.readOnly ? DM_READONLY_FLAG : 0);
    // Resuming what is not suspended puts the new table into force.
    await control(DEV_SUSPEND, name, Buffer.alloc(0), 0, 0);
  } catch (error) {
    await removeDmDevice(name).catch(() => {});
    throw error;
  }
  // A huge dev_t, as new_encode_dev() makes it: the minor is in the lowest 8 bits and above the major.
  const dev = Number(made.readBigUInt64LE(40));
  return `/dev/dm-${(dev & 0xff) | ((dev >>> 12) & 0xfff00)}`;
}

/** @throws LinuxError (EBUSY while it is mounted or open) */
export async function removeDmDevice(name: string): Promise<void> {
  await control(DEV_REMOVE, name, Buffer.alloc(0), 0, 0);
}

async function control(command: number, name: string, data: Buffer, targets: number, flags: number): Promise<Buffer> {
  // Room for answers that are longer than the question.
  const message = Buffer.alloc(HEAD + Math.max(data.length, 512));
  message.writeUInt32LE(4, 0);
  message.writeUInt32LE(message.length, 12);
  message.writeUInt32LE(HEAD, 16);
  message.writeUInt32LE(targets, 20);
  message.writeUInt32LE(flags, 28);
  message.write(name, NAME_AT, NAME_SIZE - 1, "latin1");
  data.copy(message, HEAD);
  const fd = await openDescriptor(CONTROL, constants.O_RDWR);
  try {
    // _IOWR(0xfd, command, struct dm_ioctl)
    const request = 0xc0000000 + HEAD * 0x10000 + 0xfd00 + command;
    await callBlocking(
      "ioctl",
      [fd, request, message],
      { call: "ioctl", args: [CONTROL, { word: NAMES[command] ?? String(command) }, name] },
      { timeoutMs: TIMEOUT_MS, timeoutReason: "the device-mapper does not answer" },
    );
  } finally {
    void closeDescriptor(fd);
  }
  return message;
}
