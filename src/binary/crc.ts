/** The two CRCs that superblocks, partition tables and archives carry. */

import * as zlib from "node:zlib";

const tables = new Map<number, Uint32Array>();

function table(polynomial: number): Uint32Array {
  let entries = tables.get(polynomial);
  if (!entries) {
    entries = new Uint32Array(256);
    for (let index = 0; index < 256; index++) {
      let value = index;
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
      entries[index] = value;
    }
    tables.set(polynomial, entries);
  }
  return entries;
}

function crc(polynomial: number, bytes: Uint8Array, seed: number): number {
  const entries = table(polynomial);
  let value = seed;
  for (const byte of bytes) value = entries[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return value >>> 0;
}

/** Reflected IEEE 802.3, without the usual inversions: the caller gives the seed and inverts if its format does. */
export function crc32Raw(bytes: Uint8Array, seed: number): number {
  return crc(0xedb88320, bytes, seed);
}

/**
 * As zlib, GPT and everybody else computes it.
 * @param previous of what comes before these bytes
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  // Node has its own since 22.2: a partition table's 16 KiB are much for an interpreter.
  return zlib.crc32 === undefined ? ~crc32Raw(bytes, ~previous >>> 0) >>> 0 : zlib.crc32(bytes, previous);
}

/** Castagnoli's (RFC 3720), without inversions: ext4 and erofs keep it like this, btrfs and xfs inverted. */
export function crc32cRaw(bytes: Uint8Array, seed = 0xffffffff): number {
  return crc(0x82f63b78, bytes, seed);
}

/** Zeros in place of the `length` bytes at `offset`, where the checksum itself stands. */
export function without(bytes: Uint8Array, offset: number, length: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0, offset, offset + length);
  return copy;
}
