/** How much memory programs can have without anything being ended for it. */

import { readFile } from "node:fs/promises";
import { freemem } from "node:os";

/** Bytes: the kernel's own estimate (Documentation/filesystems/proc.rst, MemAvailable). */
export async function availableMemory(): Promise<number> {
  try {
    const line = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile("/proc/meminfo", "utf8"));
    if (line !== null) return Number(line[1]) * 1024;
  } catch {
    // A host without /proc: what Node says will do.
  }
  return freemem();
}
