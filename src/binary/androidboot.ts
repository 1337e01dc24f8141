/**
 * Android's boot images: a header, and parts that each begin a page (AOSP, system/tools/mkbootimg, bootimg.h). Versions 3
 * and 4 leave the machine's own part to a second image, vendor_boot.
 */

import { Buffer } from "node:buffer";
import { BatonError } from "../errors.ts";
import type { ReadAt } from "./readat.ts";

const BOOT_MAGIC = "ANDROID!";
const VENDOR_MAGIC = "VNDRBOOT";
/** More than any header has. */
const HEADER_SIZE = 4096;
/** Of versions 3 and 4. */
const GKI_PAGE = 4096;
const MIN_PAGE = 512;
const MAX_PAGE = 1 << 20;
/** Of vendor_boot, version 4: each has a row of a table. */
const MAX_RAMDISKS = 64;
const RAMDISK_ROW = 108;
/** VENDOR_RAMDISK_TYPE_… */
const RAMDISK_TYPES = ["none", "platform", "recovery", "dlkm"] as const;

/** Bytes of an image. */
export interface AndroidPart {
  /** From the image's beginning. */
  readonly offset: number;
  readonly size: number;
}

export interface AndroidBoot {
  /** Of its header, 0 to 4. */
  readonly version: number;
  /** Empty where it has none. */
  readonly name: string;
  /** Both pieces, as one. */
  readonly cmdline: string;
  /** `13`, `8.1`; null where it doesn't say. */
  readonly osVersion: string | null;
  /** Of its security patches: `2023-05`; null where it doesn't say. */
  readonly patchLevel: string | null;
  /** Each null where it isn't there: init_boot has no kernel, and some systems have no ramdisk. */
  readonly kernel: AndroidPart | null;
  readonly ramdisk: AndroidPart | null;
  /** A second-stage loader. */
  readonly second: AndroidPart | null;
  /** Devicetrees behind each other; version 2 alone. */
  readonly devicetree: AndroidPart | null;
}

export interface AndroidVendorBoot {
  readonly cmdline: string;
  /** In the order in which they are unpacked. */
  readonly ramdisks: readonly (AndroidPart & { readonly type: (typeof RAMDISK_TYPES)[number] })[];
  readonly devicetree: AndroidPart | null;
  /** Lines for the kernel's bootconfig, without the trailer; version 4 alone. */
  readonly bootconfig: AndroidPart | null;
}

/**
 * Reads the header of a boot, init_boot or recovery image.
 * @param size of the image, or of the partition that it lies in
 * @returns null where it is none
 * @throws BatonError `bad-format` where it is damaged or cut short; what `readAt` rejects with
 */
export async function readAndroidBoot(readAt: ReadAt, size: number): Promise<AndroidBoot | null> {
  const header = await headerOf(readAt, BOOT_MAGIC);
  if (header === null) return null;
  const version = header.readUInt32LE(40);
  if (version === 3 || version === 4) return gkiBoot(header, version, size);
  // Before there were versions, Qualcomm's images had the size of a devicetree there.
  return oldBoot(header, version > 4 ? 0 : version, size);
}

/** The same for a vendor_boot image. */
export async function readAndroidVendorBoot(readAt: ReadAt, size: number): Promise<AndroidVendorBoot | null> {
  const header = await headerOf(readAt, VENDOR_MAGIC);
  if (header === null) return null;
  const version = header.readUInt32LE(8);
  if (version !== 3 && version !== 4) throw damaged(`its header's version is ${version}`);
  const parts = new Parts(header.readUInt32LE(12), version === 3 ? 2112 : 2128, size);
  const ramdisk = parts.take(header.readUInt32LE(24), "vendor ramdisk");
  const devicetree = parts.take(header.readUInt32LE(2100), "devicetree");
  const table = version < 4 ? null : parts.take(header.readUInt32LE(2112), "table of ramdisks");
  const bootconfig = version < 4 ? null : parts.take(header.readUInt32LE(2124), "bootconfig");
  const rows = { count: header.readUInt32LE(2116), size: header.readUInt32LE(2120) };
  return {
    cmdline: text(header, 28, 2048),
    ramdisks:
      ramdisk === null
        ? []
        : table === null
          ? [{ ...ramdisk, type: "none" }]
          : await rowsOf(readAt, table, rows, ramdisk),
    devicetree,
    bootconfig,
  };
}

async function headerOf(readAt: ReadAt, magic: string): Promise<Buffer | null> {
  const bytes = Buffer.from(await readAt(0, HEADER_SIZE));
  if (bytes.toString("latin1", 0, magic.length) !== magic) return null;
  if (bytes.length < HEADER_SIZE) throw damaged(`it has only ${bytes.length} bytes`);
  return bytes;
}

function oldBoot(header: Buffer, version: number, size: number): AndroidBoot {
  const parts = new Parts(header.readUInt32LE(36), 1, size);
  const kernel = parts.take(header.readUInt32LE(8), "kernel");
  const ramdisk = parts.take(header.readUInt32LE(16), "ramdisk");
  const second = parts.take(header.readUInt32LE(24), "second stage");
  // For recoveries alone.
  if (version >= 1) parts.take(header.readUInt32LE(1632), "recovery's overlays");
  const devicetree = version >= 2 ? parts.take(header.readUInt32LE(1648), "devicetree") : null;
  return {
    ...{ version, kernel, ramdisk, second, devicetree },
    name: text(header, 48, 16),
    // The second field begins where the first one is full, in the middle of a word.
    cmdline: text(header, 64, 512) + text(header, 608, 1024),
    ...osOf(header.readUInt32LE(44)),
  };
}

function gkiBoot(header: Buffer, version: number, size: number): AndroidBoot {
  const parts = new Parts(GKI_PAGE, 1, size);
  return {
    version,
    name: "",
    cmdline: text(header, 44, 1536),
    ...osOf(header.readUInt32LE(16)),
    kernel: parts.take(header.readUInt32LE(8), "kernel"),
    ramdisk: parts.take(header.readUInt32LE(12), "ramdisk"),
    second: null,
    devicetree: null,
  };
}

/** Eleven bits of year and month, and above them three numbers of seven bits. */
function osOf(packed: number): Pick<AndroidBoot, "osVersion" | "patchLevel"> {
  const numbers = [packed >>> 25, (packed >>> 18) & 0x7f, (packed >>> 11) & 0x7f];
  const [year, month] = [2000 + ((packed >>> 4) & 0x7f), packed & 0xf];
  const version = numbers.join(".").replace(/(\.0)+$/, "");
  return {
    osVersion: version === "0" ? null : version,
    patchLevel: month < 1 || month > 12 ? null : `${year}-${String(month).padStart(2, "0")}`,
  };
}

/** Parts one after the other, each at the beginning of a page. */
class Parts {
  readonly #page: number;
  readonly #size: number;
  #at: number;

  /** @param headerSize bytes before the first part */
  constructor(page: number, headerSize: number, size: number) {
    if (page < MIN_PAGE || page > MAX_PAGE || (page & (page - 1)) !== 0) throw damaged(`its pages have ${page} bytes`);
    this.#page = page;
    this.#size = size;
    this.#at = Math.ceil(headerSize / page) * page;
  }

  /** @returns null for one of no bytes */
  take(size: number, what: string): AndroidPart | null {
    const offset = this.#at;
    if (offset + size > this.#size) {
      throw damaged(`its ${what} ends at byte ${offset + size}, and ${this.#size} are there`);
    }
    this.#at += Math.ceil(size / this.#page) * this.#page;
    return size === 0 ? null : { offset, size };
  }
}

async function rowsOf(
  readAt: ReadAt,
  table: AndroidPart,
  rows: { readonly count: number; readonly size: number },
  all: AndroidPart,
): Promise<AndroidVendorBoot["ramdisks"]> {
  if (rows.count > MAX_RAMDISKS || rows.size < RAMDISK_ROW || rows.count * rows.size > table.size) {
    throw damaged(`its table of ramdisks has ${rows.count} rows of ${rows.size} bytes`);
  }
  const bytes = Buffer.from(await readAt(table.offset, rows.count * rows.size));
  if (bytes.length < rows.count * rows.size) throw damaged("its table of ramdisks is cut short");
  let left = all.size;
  return Array.from({ length: rows.count }, (_, index) => {
    const row = index * rows.size;
    const [size, offset, type] = [bytes.readUInt32LE(row), bytes.readUInt32LE(row + 4), bytes.readUInt32LE(row + 8)];
    // Those that lie upon one another would take many times the image's size in memory.
    left -= size;
    if (offset + size > all.size || left < 0) throw damaged("a vendor ramdisk lies outside of their part");
    return { offset: all.offset + offset, size, type: RAMDISK_TYPES[type] ?? "none" };
  });
}

const BOOTCONFIG_END = "#BOOTCONFIG\n";

/** With what the kernel looks for at an initrd's end (Documentation/admin-guide/bootconfig.rst, Boot Kernel With a Boot Config). */
export function withBootconfigTrailer(lines: Uint8Array): Uint8Array {
  if (Buffer.from(lines).toString("latin1").endsWith(BOOTCONFIG_END)) return lines;
  const padded = Buffer.alloc(Math.ceil(lines.length / 4) * 4);
  padded.set(lines);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(padded.length, 0);
  numbers.writeUInt32LE(padded.reduce((sum, byte) => sum + byte, 0) >>> 0, 4);
  return Buffer.concat([padded, numbers, Buffer.from(BOOTCONFIG_END)]);
}

/** Up to its NUL, in one line. */
function text(header: Buffer, offset: number, size: number): string {
  return header
    .toString("utf8", offset, offset + size)
    .replace(/\0.*$/s, "")
    .replace(/[\r\n]+/g, " ");
}

function damaged(why: string): BatonError {
  return new BatonError(
    "bad-format",
    `It is an Android boot image that is damaged: ${why}. Write it to its place again.`,
  );
}
