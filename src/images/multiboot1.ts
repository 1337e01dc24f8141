/** Multiboot Specification 0.6.96: what the header asks for, and the information that the kernel gets. */

import { BatonError } from "../errors.ts";
import {
  basicMemory,
  framebufferFields,
  MAX_ADDRESS,
  type MultibootRequest,
  type PlacedModule,
  placeByAddress,
  placeElf,
  placeModules,
  regionFields,
} from "./multiboot.ts";
import type { SegmentMemory, Start } from "./segment.ts";

/** What a loader leaves in EAX (section 3.2). */
const LOADED_MAGIC = 0x2badb002n;

// Flags of the header (section 3.1.2). Of the first sixteen a loader must know all that are set.
const KNOWN_FLAGS = 0x7;
const HAS_ADDRESSES = 0x10000;

// Flags of the information (section 3.3).
const INFO_MEMORY = 1 << 0;
const INFO_CMDLINE = 1 << 2;
const INFO_MODULES = 1 << 3;
const INFO_MEMORY_MAP = 1 << 6;
const INFO_LOADER_NAME = 1 << 9;
const INFO_FRAMEBUFFER = 1 << 12;
/** Up to and including the framebuffer's fields. */
const INFO_SIZE = 116;
const MODULE_SIZE = 16;
const MAP_ENTRY_SIZE = 24;

/**
 * Lays out a multiboot kernel with its modules.
 * @param headerOffset where its header stands (`findMultiboot`)
 * @throws BatonError `bad-format`, `unsupported`, `refused` where there is no room
 */
export function loadMultiboot1(request: MultibootRequest, headerOffset: number, memory: SegmentMemory): Start {
  const { kernel } = request;
  const header = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.length).subarray(headerOffset);
  const flags = header.readUInt32LE(4);
  const unknown = flags & 0xffff & ~KNOWN_FLAGS;
  if (unknown !== 0) {
    const message = `Its multiboot header demands features that no loader knows (flags 0x${unknown.toString(16)}).`;
    throw new BatonError("unsupported", message);
  }
  let entry: bigint;
  if (flags & HAS_ADDRESSES) {
    if (header.length < 32) throw new BatonError("bad-format", "It ends within its multiboot header.");
    const [headerAddress, loadAddress, loadEnd, bssEnd] = [12, 16, 20, 24].map((at) => header.readUInt32LE(at));
    placeByAddress(
      kernel,
      headerOffset,
      { headerAddress: headerAddress!, loadAddress: loadAddress!, loadEnd: loadEnd!, bssEnd: bssEnd! },
      memory,
    );
    entry = BigInt(header.readUInt32LE(28));
  } else entry = placeElf(kernel, memory, null).entry;
  const modules = placeModules(request.modules, memory);
  const ebx = addInformation(request, modules, memory);
  return { cpu: "i386", address: entry, registers: { eax: LOADED_MAGIC, ebx } };
}

/** One segment: the fixed fields, then what they point to. */
function addInformation(request: MultibootRequest, modules: readonly PlacedModule[], memory: SegmentMemory): bigint {
  const { memoryMap, framebuffer } = request.machine;
  const text = (value: string): Buffer => Buffer.from(`${value}\0`);
  const strings = [text(request.cmdline), text(request.loaderName), ...modules.map(({ cmdline }) => text(cmdline))];
  const modulesAt = INFO_SIZE;
  const mapAt = modulesAt + modules.length * MODULE_SIZE;
  const stringsAt = mapAt + memoryMap.length * MAP_ENTRY_SIZE;
  const info = Buffer.alloc(strings.reduce((sum, { length }) => sum + length, stringsAt));
  // Its contents depend on its place, and only its size decides about that.
  const address = memory.add(info, { name: "multiboot information", maximum: MAX_ADDRESS });
  const base = Number(address);

  const stringAddresses: number[] = [];
  let at = stringsAt;
  for (const bytes of strings) {
    stringAddresses.push(base + at);
    bytes.copy(info, at);
    at += bytes.length;
  }
  const memoryInfo = basicMemory(memoryMap);
  let flags = INFO_MEMORY | INFO_CMDLINE | INFO_MEMORY_MAP | INFO_LOADER_NAME;
  info.writeUInt32LE(memoryInfo.lower, 4);
  info.writeUInt32LE(memoryInfo.upper, 8);
  info.writeUInt32LE(stringAddresses[0]!, 16);
  info.writeUInt32LE(modules.length, 20);
  info.writeUInt32LE(modules.length > 0 ? base + modulesAt : 0, 24);
  if (modules.length > 0) flags |= INFO_MODULES;
  info.writeUInt32LE(memoryMap.length * MAP_ENTRY_SIZE, 44);
  info.writeUInt32LE(base + mapAt, 48);
  info.writeUInt32LE(stringAddresses[1]!, 64);
  if (framebuffer !== null) {
    flags |= INFO_FRAMEBUFFER;
    const { fields, colours } = framebufferFields(framebuffer);
    info.set(fields, 88);
    info.set(colours, 110);
  }
  info.writeUInt32LE(flags, 0);
  for (const [index, { start, end }] of modules.entries()) {
    const entryAt = modulesAt + index * MODULE_SIZE;
    info.writeUInt32LE(start, entryAt);
    info.writeUInt32LE(end, entryAt + 4);
    info.writeUInt32LE(stringAddresses[index + 2]!, entryAt + 8);
  }
  for (const [index, region] of memoryMap.entries()) {
    const entryAt = mapAt + index * MAP_ENTRY_SIZE;
    // The size field doesn't count itself.
    info.writeUInt32LE(MAP_ENTRY_SIZE - 4, entryAt);
    info.set(regionFields(region), entryAt + 4);
  }
  return address;
}
