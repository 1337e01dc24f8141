/** NTFS (Linux: fs/ntfs3/ntfs.h, struct NTFS_BOOT). */

import type { Probe } from "./probe.ts";
import { label16Text } from "./text.ts";
import type { Window } from "./window.ts";

export const ntfs: Probe = {
  type: "ntfs",
  usage: "filesystem",
  magics: [{ at: 3, bytes: "NTFS    " }],
  async read(window) {
    const boot = await window.bytes(0, 512);
    if (!boot) return null;
    const sector = boot.readUInt16LE(11);
    const code = boot[13]!;
    const cluster = sector * (code <= 128 ? code : 2 ** (256 - code));
    const record = boot.readInt8(64);
    const recordSize = record > 0 ? record * cluster : 2 ** -record;
    // Fields that NTFS has to leave zero, sizes as they can be.
    if (sector < 256 || sector > 4096 || cluster === 0 || cluster > 2 ** 21) return null;
    if (boot.readUInt16LE(14) !== 0 || boot[16] !== 0 || boot.readUInt16LE(22) !== 0) return null;
    if (recordSize < 256 || recordSize > 65536) return null;
    const serial = boot.readBigUInt64LE(72).toString(16).toUpperCase().padStart(16, "0");
    // $Volume is record 3 of the master file table.
    const at = Number(boot.readBigUInt64LE(48)) * cluster + 3 * recordSize;
    return { uuid: serial, ...(await ntfsVolume(window, at, recordSize)) };
  },
};

async function ntfsVolume(
  window: Window,
  offset: number,
  size: number,
): Promise<{ label: string | null; dirty: boolean }> {
  const record = await window.bytes(offset, size);
  let label: string | null = null;
  let dirty = false;
  if (record?.toString("latin1", 0, 4) !== "FILE") return { label, dirty };
  let at = record.readUInt16LE(20);
  while (at + 24 <= size) {
    const type = record.readUInt32LE(at);
    const length = record.readUInt32LE(at + 4);
    if (type === 0xffffffff || length < 24 || at + length > size) break;
    const value = record.subarray(at + record.readUInt16LE(at + 20), at + length);
    if (type === 0x60) label = label16Text(value.subarray(0, record.readUInt32LE(at + 16)), "le");
    if (type === 0x70 && value.length >= 12) dirty = (value.readUInt16LE(10) & 1) !== 0;
    at += length;
  }
  return { label, dirty };
}
