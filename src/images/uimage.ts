/**
 * Files as U-Boot's mkimage wraps them: a header of 64 bytes in front of a kernel, a ramdisk or a devicetree, or of
 * several of these (U-Boot's include/image.h, "legacy" images). Nothing but U-Boot understands the header.
 */

import { crc32, without } from "../binary/crc.ts";
import type { ReadAt } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import { type Image, image, type Subject } from "./image.ts";
import type { Extent } from "./uki.ts";

const MAGIC = 0x27051956;
const HEADER_SIZE = 64;
/** Bytes that are summed up at once. */
const PIECE = 1 << 20;
/** Parts of an image of several: a kernel, a ramdisk, a devicetree. */
const MAX_PARTS = 16;

export type UimageType = "kernel" | "ramdisk" | "multi" | "devicetree" | "other";

/** IH_TYPE_… */
const TYPES: Readonly<Record<number, UimageType>> = {
  2: "kernel",
  3: "ramdisk",
  4: "multi",
  8: "devicetree",
  14: "kernel",
};

/** IH_ARCH_…, as `uname -m`. */
const ARCHITECTURES: Readonly<Record<number, string>> = {
  2: "arm",
  3: "i386",
  5: "mips",
  7: "ppc",
  22: "aarch64",
  24: "x86_64",
  26: "riscv64",
};

interface Uimage {
  readonly type: UimageType;
  /** As `uname -m`; null for one that Baton doesn't know. */
  readonly arch: string | null;
  /** As its maker called it. */
  readonly name: string;
  /** What stands behind the header: one part, or those of an image of several. */
  readonly parts: readonly Extent[];
}

/**
 * Reads the header.
 * @param size of the file in bytes
 * @returns null where there is none
 * @throws BatonError `bad-format` where it is damaged or the file is cut short; what `readAt` rejects with
 */
export async function readUimage(readAt: ReadAt, size: number): Promise<Uimage | null> {
  const header = Buffer.from(await readAt(0, HEADER_SIZE));
  if (header.length < HEADER_SIZE || header.readUInt32BE(0) !== MAGIC) return null;
  if (crc32(without(header, 4, 4)) !== header.readUInt32BE(4)) throw damaged("its header's checksum is wrong");
  const data: Extent = { offset: HEADER_SIZE, size: header.readUInt32BE(12) };
  if (data.offset + data.size > size) {
    throw damaged(`its header says ${data.size} bytes, and ${size - data.offset} are there`);
  }
  const type = TYPES[header.readUInt8(30)] ?? "other";
  return {
    type,
    arch: ARCHITECTURES[header.readUInt8(29)] ?? null,
    name: header.toString("latin1", 32, 64).replace(/\0.*$/s, ""),
    parts: type === "multi" ? await partsOf(readAt, data) : [data],
  };
}

/** Recognises a wrapped kernel. What is inside is looked at once the wrapping is off. */
export async function probeUimage({ readAt, size }: Subject): Promise<Image | null> {
  const found = await readUimage(readAt, size).catch(() => null);
  if (found?.type !== "kernel" && found?.type !== "multi") return null;
  const reason = "It is a kernel in a U-Boot image, of which the kernel must be taken out first.";
  return image({ format: "uImage", description: "a kernel in a U-Boot image (uImage)", arch: found.arch, reason });
}

/** Sizes, a zero, and the parts, each at a multiple of 4. */
async function partsOf(readAt: ReadAt, data: Extent): Promise<Extent[]> {
  const table = Buffer.from(await readAt(data.offset, Math.min(data.size, (MAX_PARTS + 1) * 4)));
  const sizes: number[] = [];
  for (let at = 0; ; at += 4) {
    if (at + 4 > table.length) throw damaged("its list of parts doesn't end");
    const size = table.readUInt32BE(at);
    if (size === 0) break;
    sizes.push(size);
  }
  let offset = data.offset + (sizes.length + 1) * 4;
  return sizes.map((size) => {
    const part = { offset, size };
    if (offset + size > data.offset + data.size) throw damaged("one of its parts lies outside of it");
    offset += Math.ceil(size / 4) * 4;
    return part;
  });
}

/**
 * Compares what stands behind the header with its checksum. U-Boot does so unless it is told not to (`verify`).
 * @throws BatonError `bad-format` where it is another; what `readAt` rejects with
 */
export async function checkUimage(readAt: ReadAt): Promise<void> {
  const header = Buffer.from(await readAt(0, HEADER_SIZE));
  const end = HEADER_SIZE + header.readUInt32BE(12);
  let crc = 0;
  for (let at = HEADER_SIZE; at < end; at += PIECE) {
    crc = crc32(await readAt(at, Math.min(PIECE, end - at)), crc);
  }
  if (crc !== header.readUInt32BE(24)) throw damaged("its checksum is wrong");
}

function damaged(why: string): BatonError {
  return new BatonError("bad-format", `It is a U-Boot image that is damaged: ${why}. Copy it to the disk again.`);
}
