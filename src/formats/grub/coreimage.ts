/**
 * GRUB's core image for a BIOS, behind the sector that loads it: an unpacker, then kernel and modules as bare LZMA
 * (grub-core/boot/i386/pc/startup_raw.S, include/grub/offsets.h). Those have the same texts built in as an EFI program.
 */

import { type GrubPlace, placeIn } from "./embedded.ts";

const COMPRESSED_SIZE = 0x08;
const UNCOMPRESSED_SIZE = 0x0c;
/** The unpacker is nearly 3 KB long. */
const MAX_UNPACKER_SIZE = 16 * 1024;
/** The unpacker sets where to (1 MiB) and then where from, by the address to which it was loaded itself. */
const SETS_ADDRESSES = Buffer.from("bf00001000be", "hex");
const LOAD_ADDRESS = 0x8200;
/** More than all of GRUB's modules. */
const MAX_SIZE = 4 << 20;
/** How grub-mkimage packs: lc 3, lp 0, pb 2, and a dictionary of 64 KiB. */
const LZMA_PROPERTIES = 0x5d;
const DICTIONARY_SIZE = 1 << 16;
const LZMA_HEADER_SIZE = 13;

/** "mimg" before the modules; the kernel's own code has it as well. */
const MAGIC = "mimg";
const MAX_MAGICS = 64;

/**
 * What is packed in a core image.
 * @returns a .lzma file and the size to which it unpacks, 4 MiB at most; null where it is no such image
 */
export function packedKernel(image: Uint8Array): { readonly file: Uint8Array; readonly size: number } | null {
  const core = Buffer.from(image.buffer, image.byteOffset, image.length);
  const found = core.subarray(0, MAX_UNPACKER_SIZE).indexOf(SETS_ADDRESSES);
  if (found < 0 || found + SETS_ADDRESSES.length + 4 > core.length) return null;
  const start = core.readUInt32LE(found + SETS_ADDRESSES.length) - LOAD_ADDRESS;
  const packed = core.readUInt32LE(COMPRESSED_SIZE);
  const size = core.readUInt32LE(UNCOMPRESSED_SIZE);
  if (start <= found || start + packed > core.length || size === 0 || size > MAX_SIZE) return null;
  const header = Buffer.alloc(LZMA_HEADER_SIZE);
  header[0] = LZMA_PROPERTIES;
  header.writeUInt32LE(DICTIONARY_SIZE, 1);
  header.writeBigUInt64LE(BigInt(size), 5);
  return { file: Buffer.concat([header, core.subarray(start, start + packed)]), size };
}

/** @returns null where nothing is built in that can be told without running it */
export async function placeInKernel(kernel: Buffer): Promise<GrubPlace | null> {
  let at = kernel.indexOf(MAGIC);
  for (let count = 0; at >= 0 && count < MAX_MAGICS; count++) {
    const start = at;
    const place = await placeIn(async (from, length) => {
      const bytes = kernel.subarray(start + from, start + from + Math.max(0, length));
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    });
    if (place !== null) return place;
    at = kernel.indexOf(MAGIC, at + 1);
  }
  return null;
}
