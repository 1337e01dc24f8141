/** What the machine's physical address space holds, as the kernel tells it. */

import { readdir, readFile } from "node:fs/promises";
import { BatonError } from "../errors.ts";
import { Range, Ranges } from "./ranges.ts";

export type MemoryType =
  | "ram"
  | "reserved"
  /** Tables of the firmware, which may be overwritten once they were read. */
  | "acpi"
  /** Memory that the firmware uses while the system sleeps. */
  | "acpi-nvs"
  | "unusable"
  | "persistent"
  /** RAM that this kernel keeps for a crash kernel. */
  | "crash-kernel"
  /** Whatever else the kernel names: devices, ROMs. */
  | "other";

export interface MemoryRegion {
  readonly range: Range;
  readonly type: MemoryType;
}

/** Regions in order, none of which overlap. Never changes. */
export class MemoryMap implements Iterable<MemoryRegion> {
  readonly #regions: readonly MemoryRegion[];

  /** @param regions a later one takes its place from the earlier ones that it overlaps */
  constructor(regions: Iterable<MemoryRegion> = []) {
    let map: MemoryRegion[] = [];
    for (const region of regions) {
      if (region.range.isEmpty) continue;
      map = map.flatMap((old) => old.range.minus(region.range).map((range) => ({ range, type: old.type })));
      map.push(region);
    }
    this.#regions = map.sort((a, b) => (a.range.start < b.range.start ? -1 : 1));
  }

  [Symbol.iterator](): Iterator<MemoryRegion> {
    return this.#regions[Symbol.iterator]();
  }

  /** With a region put in, which takes its place from whatever is there. */
  insert(region: MemoryRegion): MemoryMap {
    return new MemoryMap([...this.#regions, region]);
  }

  filterByType(type: MemoryType): Ranges {
    return new Ranges(this.#regions.filter((region) => region.type === type).map((region) => region.range));
  }

  /** What a new kernel may be put into. */
  ram(): Ranges {
    return this.filterByType("ram");
  }
}

/** Types of a UEFI payload's map (edk2, UefiPayloadPkg/Include/Linuxboot.h and BlParseLib). */
const PAYLOAD_TYPES: Readonly<Record<MemoryType, number>> = {
  ram: 1,
  "crash-kernel": 1,
  reserved: 2,
  other: 2,
  persistent: 2,
  acpi: 3,
  "acpi-nvs": 4,
  unusable: 5,
};

/**
 * The map as a UEFI payload that is started from Linux takes it: for each region start and last address, 64 bits each,
 * and a type of 32 bits, one behind the other.
 */
export function toPayloadMap(map: MemoryMap): Buffer {
  const regions = [...map];
  const bytes = Buffer.alloc(regions.length * 20);
  for (const [index, { range, type }] of regions.entries()) {
    bytes.writeBigUInt64LE(range.start, index * 20);
    bytes.writeBigUInt64LE(range.end - 1n, index * 20 + 8);
    bytes.writeUInt32LE(PAYLOAD_TYPES[type], index * 20 + 16);
  }
  return bytes;
}

/**
 * What the firmware's map and /proc/iomem call things: exactly (E820 and EFI names of arch/x86/kernel/e820.c and
 * drivers/firmware/memmap.c).
 */
const TYPES: Readonly<Record<string, MemoryType>> = {
  "System RAM": "ram",
  Reserved: "reserved",
  reserved: "reserved",
  "ACPI Tables": "acpi",
  "ACPI Non-volatile Storage": "acpi-nvs",
  "Unusable memory": "unusable",
  "Persistent Memory": "persistent",
  "Persistent Memory (legacy)": "persistent",
  "Soft Reserved": "reserved",
  "Crash kernel": "crash-kernel",
};

function typeNamed(name: string): MemoryType {
  return TYPES[name] ?? "other";
}

/**
 * Reads /proc/iomem. Within RAM, what is reserved and what is kept for a crash kernel is taken out of it; the running
 * kernel's own code and data aren't, for kexec moves the new kernel there only after this one has stopped.
 * @throws BatonError `refused` where the kernel hides the addresses (all zeros, which it shows to all but root)
 */
export function parseIomem(text: string): MemoryMap {
  const regions: MemoryRegion[] = [];
  let hidden = true;
  for (const line of text.split("\n")) {
    const found = /^( *)([0-9a-f]+)-([0-9a-f]+) : (.*)$/.exec(line);
    if (found === null) continue;
    const [start, last] = [BigInt(`0x${found[2]}`), BigInt(`0x${found[3]}`)];
    if (last < start) continue;
    if (last > 0n) hidden = false;
    const type = typeNamed(found[4]!.trim());
    // Of what lies within something else, only these two matter; devices within a bus do not.
    const nested = found[1] !== "";
    if (nested && type !== "reserved" && type !== "crash-kernel") continue;
    regions.push({ range: new Range(start, last + 1n), type });
  }
  if (hidden) {
    throw new BatonError("refused", "/proc/iomem doesn't show the addresses of memory: run Baton as root.");
  }
  return new MemoryMap(regions);
}

/** One entry of /sys/firmware/memmap, as its three files hold it. */
export interface FirmwareEntry {
  readonly start: string;
  /** The last address, inclusive. */
  readonly end: string;
  readonly type: string;
}

/** The map as the firmware gave it to the first kernel, whatever the kernel has done with it since. */
export function parseFirmwareMap(entries: Iterable<FirmwareEntry>): MemoryMap {
  const regions: MemoryRegion[] = [];
  for (const entry of entries) {
    const [start, last] = [entry.start.trim(), entry.end.trim()];
    if (!/^0x[0-9a-f]{1,16}$/i.test(start) || !/^0x[0-9a-f]{1,16}$/i.test(last)) {
      throw new BatonError("bad-format", `/sys/firmware/memmap has a range from "${start}" to "${last}".`);
    }
    if (BigInt(last) < BigInt(start)) continue;
    regions.push({ range: new Range(BigInt(start), BigInt(last) + 1n), type: typeNamed(entry.type.trim()) });
  }
  return new MemoryMap(regions);
}

/**
 * Reads memblock's two lists from debugfs, as kernels without a firmware map have them (arm64).
 * @param memory content of /sys/kernel/debug/memblock/memory: all RAM
 * @param reserved content of /sys/kernel/debug/memblock/reserved
 */
export function parseMemblock(memory: string, reserved: string): MemoryMap {
  return new MemoryMap([...memblockList(memory, "ram"), ...memblockList(reserved, "reserved")]);
}

function* memblockList(text: string, type: MemoryType): Generator<MemoryRegion> {
  // `   0: 0x0000000040000000..0x00000000bfffffff`, newer kernels with more words behind it.
  for (const [, start, last] of text.matchAll(/^\s*\d+:\s*0x([0-9a-f]{1,16})\.\.0x([0-9a-f]{1,16})/gim)) {
    const [from, to] = [BigInt(`0x${start}`), BigInt(`0x${last}`)];
    if (from <= to) yield { range: new Range(from, to + 1n), type };
  }
}

/** Reads this machine's /proc/iomem. Needs root. */
export async function readIomem(path = "/proc/iomem"): Promise<MemoryMap> {
  return parseIomem(await readFile(path, "latin1"));
}

/**
 * Reads this machine's /sys/firmware/memmap.
 * @returns null where this kernel has none (arm64, and CONFIG_FIRMWARE_MEMMAP unset)
 */
export async function readFirmwareMap(directory = "/sys/firmware/memmap"): Promise<MemoryMap | null> {
  const names = await readdir(directory).catch(() => null);
  if (names === null || names.length === 0) return null;
  const entries = names
    .sort((a, b) => Number(a) - Number(b))
    .map(async (name): Promise<FirmwareEntry> => {
      const read = (file: string) => readFile(`${directory}/${name}/${file}`, "latin1");
      return { start: await read("start"), end: await read("end"), type: await read("type") };
    });
  return parseFirmwareMap(await Promise.all(entries));
}

/**
 * Reads this machine's memblock lists. Needs root.
 * @returns null where debugfs isn't mounted, or the kernel has forgotten them (CONFIG_ARCH_KEEP_MEMBLOCK unset, as on x86)
 */
export async function readMemblock(directory = "/sys/kernel/debug/memblock"): Promise<MemoryMap | null> {
  const read = (name: string) => readFile(`${directory}/${name}`, "latin1").catch(() => null);
  const [memory, reserved] = await Promise.all([read("memory"), read("reserved")]);
  return memory === null || reserved === null ? null : parseMemblock(memory, reserved);
}
