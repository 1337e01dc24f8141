/** The MBR's partition table and the chain of extended ones (Linux: block/partitions/msdos.c). */

import type { Window } from "../probes/window.ts";
import type { Partition } from "./partition.ts";

const ENTRIES = 0x1be;
const EXTENDED: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85]);
const PROTECTIVE = 0xee;
/** As the kernel: a chain that goes on longer than this is a loop. */
const MAX_LINKS = 100;

interface Entry {
  readonly type: number;
  /** Sectors, from whatever this table counts from. */
  readonly start: number;
  readonly size: number;
}

interface Mbr {
  /** Has an entry that protects a GPT from tools that don't know it. */
  readonly announcesGpt: boolean;
  readonly partitions: readonly Partition[];
}

/** @returns null where the first sector holds no such table. */
export async function readMbr(window: Window): Promise<Mbr | null> {
  const sector = await window.bytes(0, 512);
  const entries = sector && readEntries(sector);
  if (!sector || !entries || entries.every((entry) => entry.size === 0)) return null;
  // A filesystem's boot sector has text and code where the table would be; it passes for empty or senseless.
  for (let index = 0; index < 4; index++) if ((sector[ENTRIES + index * 16]! & 0x7f) !== 0) return null;

  const signature = sector.readUInt32LE(0x1b8);
  const partition = (number: number, entry: Entry, base: number): Partition => ({
    number,
    start: (base + entry.start) * window.sectorSize,
    size: entry.size * window.sectorSize,
    type: `0x${entry.type.toString(16)}`,
    uuid: signature === 0 ? null : `${hex(signature, 8)}-${hex(number, 2)}`,
    name: null,
  });

  const partitions: Partition[] = [];
  for (const [index, entry] of entries.entries()) if (entry.size > 0) partitions.push(partition(index + 1, entry, 0));
  let next = 5;
  for (const entry of entries) {
    if (!EXTENDED.has(entry.type) || entry.size === 0) continue;
    for await (const { base, logical } of extendedChain(window, entry.start)) {
      partitions.push(partition(next++, logical, base));
    }
  }
  return { announcesGpt: entries.some((entry) => entry.type === PROTECTIVE), partitions };
}

/** Each link holds a logical partition, counted from the link, and the next link, counted from the first. */
async function* extendedChain(window: Window, first: number): AsyncGenerator<{ base: number; logical: Entry }> {
  const seen = new Set<number>();
  for (let at = first; seen.size < MAX_LINKS && !seen.has(at); ) {
    seen.add(at);
    const sector = await window.bytes(at * window.sectorSize, 512);
    const entries = sector && readEntries(sector);
    if (!entries) return;
    for (const entry of entries) {
      if (entry.size > 0 && !EXTENDED.has(entry.type)) yield { base: at, logical: entry };
    }
    const link = entries.find((entry) => EXTENDED.has(entry.type) && entry.size > 0);
    if (!link) return;
    at = first + link.start;
  }
}

function readEntries(sector: Buffer): Entry[] | null {
  if (sector.readUInt16LE(0x1fe) !== 0xaa55) return null;
  return [0, 1, 2, 3].map((index) => {
    const at = ENTRIES + index * 16;
    return { type: sector[at + 4]!, start: sector.readUInt32LE(at + 8), size: sector.readUInt32LE(at + 12) };
  });
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
