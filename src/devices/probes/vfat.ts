/** FAT12, FAT16, FAT32 (Microsoft's FAT32 File System Specification 1.03). */

import type { Match, Probe } from "./probe.ts";
import { labelText, serialText } from "./text.ts";
import type { Window } from "./window.ts";

const FAT12_MAX = 0xff4;
const FAT16_MAX = 0xfff4;
const FAT32_MAX = 0x0ffffff6;
const ATTRIBUTE_VOLUME = 0x08;
const ATTRIBUTE_DIRECTORY = 0x10;
const ATTRIBUTE_LONG_NAME = 0x0f;
/** A volume label far down a huge root directory isn't worth reading on. */
const MAX_CLUSTERS = 100;
const MAX_ROOT_BYTES = 64 * 1024;

interface Geometry {
  readonly sectorSize: number;
  readonly clusterBytes: number;
  readonly reserved: number;
  readonly fatSectors: number;
  readonly rootEntries: number;
  /** FAT12 or FAT16: the root directory lies at a fixed place. */
  readonly fixedRoot: boolean;
  readonly clusters: number;
}

export const vfat: Probe = {
  type: "vfat",
  usage: "filesystem",
  magics: [
    { at: 0x52, bytes: "MSWIN" },
    { at: 0x52, bytes: "FAT32   " },
    { at: 0x36, bytes: "MSDOS" },
    { at: 0x36, bytes: "FAT16   " },
    { at: 0x36, bytes: "FAT12   " },
    { at: 0x36, bytes: "FAT     " },
    { at: 0, bytes: "\xeb" },
    { at: 0, bytes: "\xe9" },
    { at: 0x1fe, bytes: "\x55\xaa" },
  ],
  async read(window, magic) {
    const boot = await window.bytes(0, 512);
    if (!boot || !magic) return null;
    const geometry = fatGeometry(boot, magic.bytes.length <= 2);
    if (!geometry) return null;
    // FAT-like stuff before a usable partition table, as some boot loaders put there, is no FAT.
    if (window.wholeDisk && hasUsablePartition(boot)) return null;
    return geometry.fixedRoot ? readFat16(window, boot, geometry) : readFat32(window, boot, geometry);
  },
};

function hasUsablePartition(boot: Buffer): boolean {
  if (boot.readUInt16LE(0x1fe) !== 0xaa55 || boot.readUInt32LE(0x1be + 12) === 0) return false;
  return boot[0x1be] === 0 || boot[0x1be] === 0x80;
}

/**
 * What the boot sector says, where it can be one of FAT at all.
 * @param unnamed it was recognised by a jump or the boot signature only, which others have too.
 */
function fatGeometry(boot: Buffer, unnamed: boolean): Geometry | null {
  if (unnamed) {
    if (boot.readUInt16LE(0x1fe) !== 0xaa55) return null;
    // OS/2 puts a FAT-like boot sector before these.
    const name = boot.toString("latin1", 0x36, 0x3e);
    if (name === "JFS     " || name === "HPFS    ") return null;
  }
  const sectorSize = boot.readUInt16LE(0x0b);
  const perCluster = boot[0x0d]!;
  const reserved = boot.readUInt16LE(0x0e);
  const fats = boot[0x10]!;
  const media = boot[0x15]!;
  if (fats === 0 || reserved === 0 || (media < 0xf8 && media !== 0xf0)) return null;
  if (!powerOfTwo(perCluster) || !powerOfTwo(sectorSize) || sectorSize < 512 || sectorSize > 4096) return null;

  const rootEntries = boot.readUInt16LE(0x11);
  const sectors = boot.readUInt16LE(0x13) || boot.readUInt32LE(0x20);
  const shortFat = boot.readUInt16LE(0x16);
  const longFat = boot.readUInt32LE(0x24);
  const fatSectors = (shortFat || longFat) * fats;
  const rootSectors = Math.ceil((rootEntries * 32) / sectorSize);
  const clusters = Math.floor((sectors - (reserved + fatSectors + rootSectors)) / perCluster);
  if (fatSectors === 0 || clusters < 0) return null;
  const most = shortFat === 0 ? FAT32_MAX : FAT16_MAX;
  if (clusters > most) return null;
  const clusterBytes = perCluster * sectorSize;
  return { sectorSize, clusterBytes, reserved, fatSectors, rootEntries, fixedRoot: shortFat !== 0, clusters };
}

function powerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

async function readFat16(window: Window, boot: Buffer, geometry: Geometry): Promise<Match> {
  const start = (geometry.reserved + geometry.fatSectors) * geometry.sectorSize;
  const label = await labelIn(window, start, Math.min(geometry.rootEntries * 32, MAX_ROOT_BYTES));
  return {
    uuid: serialText(boot.readUInt32LE(0x27)),
    label: label ?? null,
    // Byte 0x25 is Linux's and Windows' "state"; the spec itself calls it reserved.
    dirty: (boot[0x25]! & 1) !== 0,
    version: geometry.clusters < FAT12_MAX ? "FAT12" : "FAT16",
  };
}

async function readFat32(window: Window, boot: Buffer, geometry: Geometry): Promise<Match | null> {
  const { sectorSize } = geometry;
  const fsinfoSector = boot.readUInt16LE(0x30);
  if (fsinfoSector !== 0) {
    const fsinfo = await window.bytes(fsinfoSector * sectorSize, 512);
    if (!fsinfo || !fsinfoValid(fsinfo)) return null;
  }
  return {
    uuid: serialText(boot.readUInt32LE(0x43)),
    label: await fat32Label(window, boot, geometry),
    dirty: (boot[0x41]! & 1) !== 0,
    version: "FAT32",
  };
}

/** The signatures, which some formatters leave zero. */
function fsinfoValid(fsinfo: Buffer): boolean {
  const first = fsinfo.toString("latin1", 0, 4);
  const second = fsinfo.toString("latin1", 484, 488);
  return ["RRaA", "RRdA", "\0\0\0\0"].includes(first) && ["rrAa", "\0\0\0\0"].includes(second);
}

async function fat32Label(window: Window, boot: Buffer, geometry: Geometry): Promise<string | null> {
  const { sectorSize, clusterBytes, reserved, fatSectors, clusters } = geometry;
  let cluster = boot.readUInt32LE(0x2c);
  for (let count = 0; count < MAX_CLUSTERS && cluster >= 2 && cluster < clusters + 2; count++) {
    const start = (reserved + fatSectors) * sectorSize + (cluster - 2) * clusterBytes;
    const label = await labelIn(window, start, clusterBytes);
    if (label !== undefined) return label;
    const next = await window.bytes(reserved * sectorSize + cluster * 4, 4);
    if (!next) return null;
    cluster = next.readUInt32LE(0) & 0x0fffffff;
  }
  return null;
}

/** @returns the label, null where the directory ends without one, undefined where it goes on. */
async function labelIn(window: Window, offset: number, length: number): Promise<string | null | undefined> {
  // In pieces: a device's last cluster may be cut off, and the label is nearly always the first entry.
  const piece = 4096;
  for (let at = 0; at < length; at += piece) {
    const size = Math.min(piece, length - at);
    const entries = await window.bytes(offset + at, size);
    if (!entries) return null;
    for (let entry = 0; entry + 32 <= size; entry += 32) {
      const first = entries[entry]!;
      if (first === 0) return null;
      const attributes = entries[entry + 11]!;
      const cluster = entries.readUInt16LE(entry + 20) + entries.readUInt16LE(entry + 26);
      if (first === 0xe5 || cluster !== 0 || (attributes & 0x3f) === ATTRIBUTE_LONG_NAME) continue;
      if ((attributes & (ATTRIBUTE_VOLUME | ATTRIBUTE_DIRECTORY)) !== ATTRIBUTE_VOLUME) continue;
      const name = Buffer.from(entries.subarray(entry, entry + 11));
      // 0x05 stands for a first byte 0xe5, which would mean that the entry is free.
      if (name[0] === 0x05) name[0] = 0xe5;
      return labelText(name);
    }
  }
  return undefined;
}
