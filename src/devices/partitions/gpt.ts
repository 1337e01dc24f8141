/** The GUID partition table (UEFI specification, section 5.3). */

import { crc32, without } from "../../binary/crc.ts";
import { guidText, label16Text } from "../probes/text.ts";
import type { Window } from "../probes/window.ts";
import type { Partition } from "./partition.ts";

/** Tables have 128 entries of 128 bytes; this is eight times as much. */
const MAX_BYTES = 128 * 1024;

/** From the primary table, else from the backup at the disk's end; null where neither is intact. */
export async function readGpt(window: Window): Promise<readonly Partition[] | null> {
  const last = Math.floor(window.size / window.sectorSize) - 1;
  return (await readTable(window, 1)) ?? (await readTable(window, last));
}

async function readTable(window: Window, lba: number): Promise<readonly Partition[] | null> {
  const { sectorSize } = window;
  const sector = await window.bytes(lba * sectorSize, 512);
  if (sector?.toString("latin1", 0, 8) !== "EFI PART") return null;
  const headerSize = sector.readUInt32LE(12);
  if (headerSize < 92 || headerSize > 512) return null;
  const header = sector.subarray(0, headerSize);
  if (crc32(without(header, 16, 4)) !== header.readUInt32LE(16)) return null;
  if (header.readBigUInt64LE(24) !== BigInt(lba)) return null;

  const count = header.readUInt32LE(80);
  const entrySize = header.readUInt32LE(84);
  if (entrySize < 128 || entrySize % 8 !== 0 || count * entrySize > MAX_BYTES) return null;
  const entries = await window.bytes(Number(header.readBigUInt64LE(72)) * sectorSize, count * entrySize);
  if (!entries || crc32(entries) !== header.readUInt32LE(88)) return null;

  const partitions: Partition[] = [];
  for (let index = 0; index < count; index++) {
    const entry = entries.subarray(index * entrySize, (index + 1) * entrySize);
    if (entry.readBigUInt64LE(0) === 0n && entry.readBigUInt64LE(8) === 0n) continue; // unused
    const type = guidText(entry.subarray(0, 16));
    const first = Number(entry.readBigUInt64LE(32));
    const end = Number(entry.readBigUInt64LE(40)) + 1;
    if (end <= first) continue;
    partitions.push({
      number: index + 1,
      start: first * sectorSize,
      size: (end - first) * sectorSize,
      type,
      uuid: guidText(entry.subarray(16, 32)),
      name: label16Text(entry.subarray(56, 128), "le"),
      attributes: entry.readBigUInt64LE(48),
    });
  }
  return partitions;
}
