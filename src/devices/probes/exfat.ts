/** exFAT (Microsoft's exFAT file system specification). */

import type { Probe } from "./probe.ts";
import { label16Text, serialText } from "./text.ts";
import type { Window } from "./window.ts";

const VOLUME_DIRTY = 0x2;
const ENTRY_LABEL = 0x83;
const MAX_CLUSTERS = 32;
const MAX_CLUSTER_BYTES = 64 * 1024;

export const exfat: Probe = {
  type: "exfat",
  usage: "filesystem",
  magics: [{ at: 3, bytes: "EXFAT   " }],
  async read(window) {
    const boot = await window.bytes(0, 512);
    if (boot?.readUInt16LE(510) !== 0xaa55) return null;
    const sectorShift = boot[108]!;
    const clusterShift = sectorShift + boot[109]!;
    if (sectorShift < 9 || sectorShift > 12 || clusterShift > 25) return null;
    const fats = boot[110]!;
    if (fats < 1 || fats > 2 || boot.subarray(11, 64).some((byte) => byte !== 0)) return null;
    if (!(await checksumFits(window, 2 ** sectorShift))) return null;
    return {
      uuid: serialText(boot.readUInt32LE(100)),
      label: await readLabel(window, boot, 2 ** sectorShift, 2 ** clusterShift),
      dirty: (boot.readUInt16LE(106) & VOLUME_DIRTY) !== 0,
      version: `${boot[105]}.${boot[104]}`,
    };
  },
};

/** Section 3.4: the first eleven sectors, but for the two fields that change while mounted. */
async function checksumFits(window: Window, sectorSize: number): Promise<boolean> {
  const region = await window.bytes(0, 12 * sectorSize);
  if (!region) return false;
  let sum = 0;
  for (let index = 0; index < 11 * sectorSize; index++) {
    if (index === 106 || index === 107 || index === 112) continue;
    sum = (((sum << 31) | (sum >>> 1)) + region[index]!) >>> 0;
  }
  return region.readUInt32LE(11 * sectorSize) === sum;
}

async function readLabel(window: Window, boot: Buffer, sector: number, cluster: number): Promise<string | null> {
  const fat = boot.readUInt32LE(80) * sector;
  const heap = boot.readUInt32LE(88) * sector;
  const clusters = boot.readUInt32LE(92);
  let current = boot.readUInt32LE(96);
  for (let count = 0; count < MAX_CLUSTERS && current >= 2 && current < clusters + 2; count++) {
    const entries = await window.bytes(heap + (current - 2) * cluster, Math.min(cluster, MAX_CLUSTER_BYTES));
    if (!entries) return null;
    for (let at = 0; at + 32 <= entries.length; at += 32) {
      if (entries[at] === 0) return null;
      if (entries[at] !== ENTRY_LABEL) continue;
      return label16Text(entries.subarray(at + 2, at + 2 + 2 * Math.min(entries[at + 1]!, 11)), "le");
    }
    const next = await window.bytes(fat + current * 4, 4);
    if (!next) return null;
    current = next.readUInt32LE(0);
  }
  return null;
}
