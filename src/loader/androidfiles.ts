/**
 * Takes kernel, ramdisks and devicetree out of Android's boot images (binary/androidboot.ts): slices of the file or the
 * partition, of which nothing is copied but the few lines of a bootconfig.
 */

import { closeSync } from "node:fs";
import { open } from "node:fs/promises";
import {
  type AndroidPart,
  readAndroidBoot,
  readAndroidVendorBoot,
  withBootconfigTrailer,
} from "../binary/androidboot.ts";
import { readCompatible } from "../binary/fdtroot.ts";
import type { ReadAt } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import { readAtWithin } from "../images/uki.ts";
import { memfd } from "../linux/memfd.ts";
import { type OpenFile, readAtOfFile } from "./openfiles.ts";

const FDT_MAGIC = Buffer.from("d00dfeed", "hex");
const FDT_HEADER = 40;
/** More than any image has for all of its machines. */
const MAX_TREES = 256;
/** Places that look like a devicetree's beginning, and are followed. */
const MAX_PLACES = 64;
/** Bytes that are searched at once. */
const PIECE = 1 << 20;
/** The kernel takes no more lines (include/linux/bootconfig.h). */
const MAX_BOOTCONFIG = 32 << 10;

interface AndroidKernel {
  readonly kernel: OpenFile;
  readonly ramdisk: OpenFile | null;
  readonly devicetree: OpenFile | null;
}

/**
 * What a boot image holds.
 * @param compatible what the machine's devicetree calls it: of several devicetrees the one that has it most exactly
 * @returns null where the file is none
 * @throws BatonError `bad-format`
 */
export async function androidKernel(file: OpenFile, compatible: readonly string[]): Promise<AndroidKernel | null> {
  const readAt = readAtOfFile(file);
  const boot = await readAndroidBoot(readAt, file.size);
  if (boot === null) return null;
  if (boot.kernel === null) throw new BatonError("bad-format", "It is an Android boot image without a kernel.");
  // Before version 2 devicetrees stand behind the kernel, packed or not.
  const behind = boot.devicetree === null ? await treesBehind(readAt, boot.kernel) : null;
  const { offset } = boot.kernel;
  const kernel = behind === null ? boot.kernel : { offset, size: behind.offset - offset };
  const trees = boot.devicetree ?? behind;
  const tree = trees === null ? null : await treeFor(readAt, trees, compatible);
  return {
    kernel: slice(file, kernel, "kernel"),
    ramdisk: boot.ramdisk && slice(file, boot.ramdisk, "ramdisk"),
    devicetree: tree && slice(file, tree, "devicetree"),
  };
}

interface AndroidRamdisks {
  readonly ramdisks: readonly OpenFile[];
  /** What comes behind all ramdisks. */
  readonly bootconfig: Uint8Array | null;
}

/**
 * The ramdisks of a boot, init_boot or vendor_boot image; of vendor_boot's those that start a system and no recovery.
 * @returns null where the file is none
 * @throws BatonError `bad-format`
 */
export async function androidRamdisks(file: OpenFile): Promise<AndroidRamdisks | null> {
  const readAt = readAtOfFile(file);
  const boot = await readAndroidBoot(readAt, file.size);
  if (boot !== null) {
    return { ramdisks: boot.ramdisk === null ? [] : [slice(file, boot.ramdisk, "ramdisk")], bootconfig: null };
  }
  const vendor = await readAndroidVendorBoot(readAt, file.size);
  if (vendor === null) return null;
  const { bootconfig } = vendor;
  if (bootconfig !== null && bootconfig.size > MAX_BOOTCONFIG) {
    throw new BatonError(
      "bad-format",
      `Its bootconfig has ${bootconfig.size} bytes, and kernels take ${MAX_BOOTCONFIG}.`,
    );
  }
  return {
    ramdisks: vendor.ramdisks
      .filter(({ type, size }) => type !== "recovery" && size > 0)
      .map((part, index) => slice(file, part, `vendor ramdisk ${index + 1}`)),
    bootconfig: bootconfig && (await readAt(bootconfig.offset, bootconfig.size)),
  };
}

/** The lines as a file in memory, which the caller closes: it stands behind everything else that an initrd is made of. */
export async function bootconfigFile(lines: Uint8Array, name: string): Promise<OpenFile> {
  const bytes = withBootconfigTrailer(lines);
  const fd = memfd("bootconfig");
  try {
    const handle = await open(`/proc/self/fd/${fd}`, "r+");
    try {
      await handle.writeFile(bytes);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { name: `${name} (bootconfig)`, handle, size: bytes.length, offset: 0 };
  } finally {
    closeSync(fd);
  }
}

/**
 * The devicetree for this machine in a boot or vendor_boot image.
 * @returns `none` where there is none for it; null where the file is no such image
 */
export async function androidTree(file: OpenFile, compatible: readonly string[]): Promise<OpenFile | "none" | null> {
  const readAt = readAtOfFile(file);
  const image = (await readAndroidBoot(readAt, file.size)) ?? (await readAndroidVendorBoot(readAt, file.size));
  if (image === null) return null;
  const tree = image.devicetree === null ? null : await treeFor(readAt, image.devicetree, compatible);
  return tree === null ? "none" : slice(file, tree, "devicetree");
}

function slice(file: OpenFile, { offset, size }: AndroidPart, name: string): OpenFile {
  return { ...file, name: `${file.name} (${name})`, offset: file.offset + offset, size };
}

/** Devicetrees behind each other, with or without padding to a multiple of 4, up to the end of a part or what is none. */
async function treesIn(readAt: ReadAt, { offset, size }: AndroidPart): Promise<AndroidPart[]> {
  const found: AndroidPart[] = [];
  for (let at = 0; at + FDT_HEADER <= size && found.length < MAX_TREES; ) {
    const bytes = Buffer.from(await readAt(offset + at, FDT_HEADER + 3));
    const padding = found.length === 0 ? 0 : bytes.indexOf(FDT_MAGIC);
    if (padding < 0 || padding > 3) break;
    at += padding;
    const length = isTree(bytes.subarray(padding), size - at);
    if (length === null) break;
    found.push({ offset: offset + at, size: length });
    at += length;
  }
  return found;
}

/** The length of the devicetree that begins so; null where none does. */
function isTree(header: Buffer, room: number): number | null {
  if (header.length < FDT_HEADER || !header.subarray(0, 4).equals(FDT_MAGIC)) return null;
  const [total, structure, strings] = [header.readUInt32BE(4), header.readUInt32BE(8), header.readUInt32BE(12)];
  const isSound = total > FDT_HEADER && total <= room && structure < total && strings < total;
  return isSound ? total : null;
}

async function treeFor(readAt: ReadAt, trees: AndroidPart, compatible: readonly string[]): Promise<AndroidPart | null> {
  let best: { readonly tree: AndroidPart; readonly rank: number } | null = null;
  for (const tree of await treesIn(readAt, trees)) {
    const names = (await readCompatible(readAtWithin(readAt, tree))) ?? [];
    const rank = compatible.findIndex((name) => names.includes(name));
    if (rank >= 0 && (best === null || rank < best.rank)) best = { tree, rank };
  }
  return best?.tree ?? null;
}

/** Where devicetrees follow a kernel in its part: the first place from which they reach to the end of it. */
async function treesBehind(readAt: ReadAt, kernel: AndroidPart): Promise<AndroidPart | null> {
  const end = kernel.offset + kernel.size;
  let places = 0;
  for (let at = kernel.offset; at < end; at += PIECE) {
    // One that begins in this piece may end in the next.
    const piece = Buffer.from(await readAt(at, Math.min(PIECE + FDT_HEADER, end - at)));
    for (
      let found = piece.indexOf(FDT_MAGIC);
      found !== -1 && found < PIECE;
      found = piece.indexOf(FDT_MAGIC, found + 1)
    ) {
      const rest = { offset: at + found, size: end - at - found };
      if (isTree(piece.subarray(found, found + FDT_HEADER), rest.size) === null) continue;
      if (++places > MAX_PLACES) return null;
      const last = (await treesIn(readAt, rest)).at(-1);
      // Padding to a multiple of 4 may follow.
      if (last !== undefined && end - (last.offset + last.size) < FDT_HEADER) return rest;
    }
  }
  return null;
}
