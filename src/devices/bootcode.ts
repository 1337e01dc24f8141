/**
 * The code in a boot sector, which a BIOS starts: whose it is, and GRUB's core image behind it. What its bytes mean is
 * told by each loader's own sources; nothing of it is ever run.
 */

import type { BlockDevice } from "./device.ts";
import { readPartitionTable } from "./partitions/table.ts";
import { Window } from "./probes/window.ts";
import { Deadline, withDevice } from "./reader.ts";

export type BootCodeName =
  | "grub"
  | "grub-legacy"
  | "grub4dos"
  | "lilo"
  | "syslinux"
  | "windows"
  /** It starts the boot sector of the partition that is marked as active. */
  | "active";

export interface BootCode {
  readonly name: BootCodeName;
  /** GRUB's core image as it lies on the disk, behind its first sector; left out where it can't be read, or there is none. */
  readonly core?: Uint8Array;
  /** The number of the partition that is marked as active; left out where none is. */
  readonly active?: number;
}

const SECTOR = 512;
const MARK = 0xaa55;

/** Of grub-core/boot/i386/pc/boot.S (include/grub/i386/pc/boot.h): its first sector's number, and the drive that it is on. */
const KERNEL_ADDRESS = 0x5a;
const KERNEL_SECTOR = 0x5c;
const BOOT_DRIVE = 0x64;
const OWN_DRIVE = 0xff;
/** Where both GRUBs load what comes next. */
const LOAD_ADDRESS = 0x8000;
/** Of diskboot.S: lists of sectors from the end of its own sector downwards, each a first sector and a count. */
const LIST_SIZE = 12;
const MAX_LISTS = 32;
/** It has to fit below the BIOS's own memory. */
const MAX_CORE_SIZE = 512 * 1024;
const READ_SIZE = 32 * 1024;

const at = (sector: Buffer, offset: number, text: string): boolean =>
  sector.toString("latin1", offset, offset + text.length) === text;
const has = (sector: Buffer, ...texts: readonly string[]): boolean => texts.some((text) => sector.includes(text));
const hasGrub = (sector: Buffer): boolean => has(sector, "GRUB \0Geom\0");

/** The first that fits. A loader is one row. */
const CODES: readonly (readonly [BootCodeName, (sector: Buffer) => boolean])[] = [
  ["grub", (sector) => hasGrub(sector) && sector[1] === 0x63 && sector.readUInt16LE(KERNEL_ADDRESS) === LOAD_ADDRESS],
  // stage1.S: the version of what it fits together with.
  ["grub-legacy", (sector) => hasGrub(sector) && sector[1] === 0x48 && sector[0x3e] === 3],
  ["grub4dos", (sector) => has(sector, "GRLDR", "Missing MBR-helper")],
  ["lilo", (sector) => at(sector, 2, "LILO") || at(sector, 6, "LILO")],
  // In the name of the system that made the filesystem; isohybrid's code looks for the loader itself.
  [
    "syslinux",
    (sector) => at(sector, 3, "SYSLINUX") || at(sector, 3, "EXTLINUX") || has(sector, "isolinux.bin missing"),
  ],
  ["windows", (sector) => has(sector, "BOOTMGR", "NTLDR")],
  // Those of Windows, of DOS, of Debian's mbr and of SYSLINUX (mbr.bin, gptmbr.bin).
  [
    "active",
    (sector) => has(sector, "Invalid partition table", "Missing operating system", "Missing OS", "\0\0MBR \0"),
  ],
];

/**
 * Reads the code of a disk or a partition, off the main thread.
 * @param timeoutMs for everything together
 * @returns null where it is nobody's that is known, and where the device is no plain disk, on which alone a BIOS starts
 * @throws BatonError `timeout`, `io`
 */
export async function bootCodeOf(device: BlockDevice, timeoutMs: number): Promise<BootCode | null> {
  const { kind, name, node, size, start } = device;
  if (kind === "other" || /^sr\d/.test(name)) return null;
  return withDevice(node, new Deadline(timeoutMs), (read) =>
    readBootCode(new Window(read, size, { wholeDisk: kind === "disk" }), start ?? 0),
  );
}

/**
 * @param start where the device begins on its disk, in bytes: GRUB counts from the disk's beginning
 * @returns null where it is nobody's that is known. Sectors that can't be read are as if they weren't there.
 * @throws BatonError `timeout`, and what reading the device's beginning throws
 */
export async function readBootCode(window: Window, start: number): Promise<BootCode | null> {
  const sector = await window.bytes(0, SECTOR);
  if (sector === null || sector.readUInt16LE(SECTOR - 2) !== MARK) return null;
  const name = CODES.find(([, is]) => is(sector))?.[0];
  if (name === undefined) return null;
  const core = name === "grub" ? await readCore(window, sector, start) : null;
  const active = name === "active" && window.wholeDisk ? await activePartition(window, sector) : undefined;
  return { name, ...(core !== null && { core }), ...(active !== undefined && { active }) };
}

async function readCore(window: Window, sector: Buffer, start: number): Promise<Buffer | null> {
  if (sector[BOOT_DRIVE] !== OWN_DRIVE) return null;
  const offset = (number: bigint): number => Number(number) * SECTOR - start;
  const first = await window.bytes(offset(sector.readBigUInt64LE(KERNEL_SECTOR)), SECTOR);
  if (first === null) return null;
  const parts: Buffer[] = [];
  let size = 0;
  for (let list = 1; list <= MAX_LISTS; list++) {
    const entry = SECTOR - list * LIST_SIZE;
    const length = first.readUInt16LE(entry + 8) * SECTOR;
    if (length === 0) break;
    size += length;
    if (size > MAX_CORE_SIZE) return null;
    const from = offset(first.readBigUInt64LE(entry));
    for (let done = 0; done < length; done += READ_SIZE) {
      const part = await window.bytes(from + done, Math.min(READ_SIZE, length - done));
      if (part === null) return null;
      parts.push(part);
    }
  }
  return parts.length === 0 ? null : Buffer.concat(parts);
}

/** The MBR's table, and what stands first in the entry of the active partition. */
const FIRST_PARTITION = 446;
const PARTITION_SIZE = 16;
const ACTIVE = 0x80;
/** "Legacy BIOS bootable" (UEFI specification, 5.3.3). */
const GPT_ACTIVE = 4n;

async function activePartition(window: Window, sector: Buffer): Promise<number | undefined> {
  const table = await readPartitionTable(window);
  if (table?.scheme === "gpt") {
    return table.partitions.find(({ attributes = 0n }) => (attributes & GPT_ACTIVE) !== 0n)?.number;
  }
  return [1, 2, 3, 4].find((number) => sector[FIRST_PARTITION + (number - 1) * PARTITION_SIZE] === ACTIVE);
}
