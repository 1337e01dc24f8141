/** A member of a Linux software RAID (Linux: include/uapi/linux/raid/md_p.h). */

import { isCovered } from "../partitions/table.ts";
import type { Match, Probe } from "./probe.ts";
import { labelText, uuidText } from "./text.ts";
import type { Window } from "./window.ts";

const MAGIC = 0xa92b4efc;
const RESERVED = 64 * 1024;

export const md: Probe = {
  type: "linux_raid_member",
  usage: "raid",
  magics: [],
  async read(window) {
    if (window.size > RESERVED) {
      const old = await readOld(window, Math.floor(window.size / RESERVED) * RESERVED - RESERVED);
      if (old) return old;
      const end = await readNew(window, Math.floor(window.size / 4096) * 4096 - 8192, "1.0");
      if (end) return end;
    }
    return (await readNew(window, 0, "1.1")) ?? (await readNew(window, 4096, "1.2"));
  },
};

/** Version 0.90, at the end, in the byte order of the machine that made it. */
async function readOld(window: Window, offset: number): Promise<Match | null> {
  const sb = await window.bytes(offset, 4096);
  if (!sb) return null;
  const little = sb.readUInt32LE(0) === MAGIC;
  if (!little && sb.readUInt32BE(0) !== MAGIC) return null;
  const word = (index: number): number => (little ? sb.readUInt32LE(index * 4) : sb.readUInt32BE(index * 4));
  const [major, minor, patch] = [word(1), word(2), word(3)];
  const used = word(8) * 1024;
  if (major !== 0 || offset < used) return null;
  // At the end of the last partition is also at the end of the disk: then it is the partition's.
  if (window.wholeDisk && (await isCovered(window, offset - used, used + RESERVED))) return null;

  const uuid = Buffer.alloc(16);
  for (const [index, from] of [5, 13, 14, 15].entries()) {
    if (index === 0 || minor >= 90) uuid.writeUInt32BE(word(from), index * 4);
  }
  return { uuid: uuidText(uuid), label: null, version: `${major}.${minor}.${patch}`, devices: word(10) };
}

/** Version 1, little-endian, in one of three places. */
async function readNew(window: Window, offset: number, version: string): Promise<Match | null> {
  const fixed = await window.bytes(offset, 256);
  if (!fixed || fixed.readUInt32LE(0) !== MAGIC || fixed.readUInt32LE(4) !== 1) return null;
  if (fixed.readBigUInt64LE(144) !== BigInt(offset / 512)) return null;
  const devices = fixed.readUInt32LE(220);
  if (devices > 1920) return null;
  const sb = await window.bytes(offset, 256 + devices * 2);
  if (!sb || sb.readUInt32LE(216) !== checksum(sb)) return null;
  if (version === "1.0" && window.wholeDisk) {
    const used = Number(sb.readBigUInt64LE(80)) * 512;
    if (await isCovered(window, Math.max(0, offset - used), used + 8192)) return null;
  }
  const members = sb.readUInt32LE(92);
  return { uuid: uuidText(sb.subarray(16, 32)), label: labelText(sb.subarray(32, 64)), version, devices: members };
}

/** The sum of the words, the carry folded in (md.c, calc_sb_1_csum). */
function checksum(sb: Buffer): number {
  let sum = 0;
  let at = 0;
  for (; at + 4 <= sb.length; at += 4) if (at !== 216) sum += sb.readUInt32LE(at);
  if (at + 2 <= sb.length) sum += sb.readUInt16LE(at);
  return ((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) >>> 0;
}
