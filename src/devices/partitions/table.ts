/** The partition table of a disk: only to name what the kernel found, never to decide what there is. */

import type { Window } from "../probes/window.ts";
import { readGpt } from "./gpt.ts";
import { readMbr } from "./mbr.ts";
import type { PartitionTable } from "./partition.ts";

/** @returns null where the disk has none that is valid. */
export async function readPartitionTable(window: Window): Promise<PartitionTable | null> {
  const mbr = await readMbr(window);
  if (mbr === null) return null;
  // As the kernel: a GPT counts only behind an MBR that announces it.
  if (mbr.announcesGpt) {
    const partitions = await readGpt(window);
    if (partitions) return { scheme: "gpt", partitions };
  }
  return { scheme: "msdos", partitions: mbr.partitions };
}

/**
 * True where a partition holds all of this range, so that what is found there belongs to the partition and not to
 * the disk. A table whose partitions don't fit on the disk is taken for a RAID's, seen through one of its members.
 */
export async function isCovered(window: Window, start: number, length: number): Promise<boolean> {
  const table = await readPartitionTable(window);
  if (!table) return false;
  if (table.partitions.some((partition) => partition.start + partition.size > window.size)) return false;
  return table.partitions.some(
    (partition) => partition.start <= start && partition.start + partition.size >= start + length,
  );
}
