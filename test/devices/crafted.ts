/** Superblocks of formats whose tools can't run here (no md driver, no ntfs-3g…), laid down by hand and tried on blkid. */

import { open } from "node:fs/promises";
import type { Workshop } from "./images.ts";

const MiB = 1024 * 1024;

export type Piece = readonly [offset: number, bytes: Uint8Array | string];

/** An image with these pieces in it, everything else as it was, or zero. */
export async function patch(path: string, ...pieces: readonly Piece[]): Promise<string> {
  const handle = await open(path, "r+");
  for (const [offset, bytes] of pieces) {
    const buffer = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    await handle.write(buffer, 0, buffer.length, offset);
  }
  await handle.close();
  return path;
}

function bytes(
  length: number,
  ...fields: readonly [offset: number, value: number | bigint | string, size?: number][]
): Buffer {
  const buffer = Buffer.alloc(length);
  for (const [offset, value, size = 4] of fields) {
    if (typeof value === "string") buffer.write(value, offset, "latin1");
    else if (typeof value === "bigint") buffer.writeBigUInt64LE(value, offset);
    else buffer.writeUIntLE(value, offset, size);
  }
  return buffer;
}

const UUID = "\x6b\x5d\x1c\x0e\x8f\x3a\x4b\x2c\x9d\x10\x22\x33\x44\x55\x66\x77";

/** md 1.x; `at` in bytes, as its super_offset says. */
export function mdNew(at: number, usedSectors: number): Buffer {
  const sb = bytes(
    256 + 2 * 128,
    [0, 0xa92b4efc],
    [4, 1],
    [16, UUID],
    [32, "host:array"],
    [72, 1],
    [80, BigInt(usedSectors)],
    [92, 2],
    [128, 0n],
    [136, BigInt(usedSectors)],
    [144, BigInt(at / 512)],
    [168, UUID],
    [220, 128],
  );
  let sum = 0;
  for (let offset = 0; offset < sb.length; offset += 4) sum += sb.readUInt32LE(offset);
  sb.writeUInt32LE(((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) >>> 0, 216);
  return sb;
}

/** md 0.90. */
export function mdOld(usedKiB: number, endian: "le" | "be"): Buffer {
  const words = new Map([
    [0, 0xa92b4efc],
    [2, 90],
    [3, 3],
    [5, 0x01020304],
    [7, 1],
    [8, usedKiB],
    [9, 2],
    [10, 2],
    [13, 0x11223344],
    [14, 0x55667788],
    [15, 0x99aabbcc],
  ]);
  const sb = Buffer.alloc(4096);
  for (const [index, word] of words) {
    if (endian === "le") sb.writeUInt32LE(word, index * 4);
    else sb.writeUInt32BE(word, index * 4);
  }
  return sb;
}

function ntfs(): Piece[] {
  const boot = bytes(512, [0, "\xeb\x52\x90NTFS    "], [11, 512, 2], [13, 8, 1], [21, 0xf8, 1], [40, 32767n]);
  boot.writeBigUInt64LE(4n, 48);
  boot.writeBigUInt64LE(2n, 56);
  boot.writeInt8(-10, 64);
  boot.writeInt8(1, 68);
  boot.writeBigUInt64LE(0x1234abcd5678ef90n, 72);
  boot.writeUInt16LE(0xaa55, 510);
  // Records 0 and 3 of the master file table; in $Volume a name and the flags.
  const zero = bytes(1024, [0, "FILE"], [20, 56, 2], [24, 1024], [28, 1024], [56, 0xffffffff]);
  const name = Buffer.from("Daten ü", "utf16le");
  const volume = bytes(
    1024,
    [0, "FILE"],
    [20, 56, 2],
    [24, 1024],
    [28, 1024],
    [56, 0x60],
    [60, 48],
    [72, name.length],
    [76, 24, 2],
    [104, 0x70],
    [108, 40],
    [120, 12],
    [124, 24, 2],
    [136, 3, 1],
    [138, 1, 2],
    [144, 0xffffffff],
  );
  name.copy(volume, 80);
  return [
    [0, boot],
    [4 * 4096, zero],
    [4 * 4096 + 3 * 1024, volume],
  ];
}

function zfs(): Piece[] {
  const uberblock = bytes(1024, [0, 0x00bab10cn], [8, 5000n], [16, 1n]);
  return [0, 256 * 1024].flatMap((label) =>
    Array.from({ length: 8 }, (_, i): Piece => [label + 128 * 1024 + i * 1024, uberblock]),
  );
}

/** Name → size and what is where; usually blkid agrees on everything. */
export const CRAFTED: Readonly<Record<string, { size: number; pieces: Piece[] }>> = {
  "md 0.90": { size: 4 * MiB + 12345 * 512, pieces: [[10 * MiB - 64 * 1024, mdOld(4096, "le")]] },
  "md 0.90, big-endian": { size: 4 * MiB, pieces: [[4 * MiB - 64 * 1024, mdOld(2048, "be")]] },
  "md 1.0": { size: 4 * MiB, pieces: [[4 * MiB - 8192, mdNew(4 * MiB - 8192, 4096)]] },
  "md 1.1": { size: 4 * MiB, pieces: [[0, mdNew(0, 4096)]] },
  "md 1.2": { size: 4 * MiB, pieces: [[4096, mdNew(4096, 4096)]] },
  "Intel firmware RAID": { size: 4 * MiB, pieces: [[4 * MiB - 1024, "Intel Raid ISM Cfg Sig. 1.2.01"]] },
  bcache: {
    size: 4 * MiB,
    pieces: [
      [
        0x1000,
        bytes(
          256,
          [8, 8n],
          [16, 1n],
          [0x18, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"],
          [0x28, UUID],
        ),
      ],
    ],
  },
  ntfs: { size: 4 * MiB, pieces: ntfs() },
  BitLocker: {
    size: 4 * MiB,
    pieces: [
      [0, bytes(512, [0, "\xeb\x58\x90-FVE-FS-"], [176, 0x10000n], [510, 0xaa55, 2])],
      [0x10000, bytes(64, [0, "-FVE-FS-"], [8, 64, 2], [10, 2, 2])],
    ],
  },
  jfs: {
    size: 16 * MiB,
    pieces: [
      [
        0x8000,
        bytes(
          184,
          [0, "JFS1"],
          [4, 1],
          [16, 4096],
          [20, 12, 2],
          [22, 3, 2],
          [24, 512],
          [28, 9, 2],
          [136, UUID],
          [152, "jfs"],
        ),
      ],
    ],
  },
  reiserfs: {
    size: 4 * MiB,
    pieces: [[0x10000, bytes(128, [12, 18], [0x2c, 4096, 2], [0x34, "ReIsEr2Fs"], [84, UUID], [100, "reiser"])]],
  },
  apfs: { size: 4 * MiB, pieces: [[0, bytes(4096, [24, 1, 2], [32, "NXSB"], [36, 4096], [72, UUID])]] },
  zfs: { size: 64 * MiB, pieces: zfs() },
  "a hibernated system": {
    size: 1 * MiB,
    pieces: [
      [1024, bytes(44, [0, 1], [4, 100], [12, UUID], [28, "swap"])],
      [4086, "S1SUSPEND"],
    ],
  },
};

export async function craft(shop: Workshop, name: string): Promise<string> {
  const { size, pieces } = CRAFTED[name]!;
  return patch(await shop.blank(name, size), ...pieces);
}
