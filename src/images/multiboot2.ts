/** Multiboot2 Specification 2.0: what the header's tags ask for, and the information that the kernel gets. */

import { BatonError } from "../errors.ts";
import {
  type AddressFields,
  basicMemory,
  framebufferFields,
  MAX_ADDRESS,
  type MultibootRequest,
  placeByAddress,
  placeElf,
  placeModules,
  type Relocation,
  regionFields,
} from "./multiboot.ts";
import type { SegmentMemory, Start } from "./segment.ts";

/** What a loader leaves in EAX (section 3.4). */
const LOADED_MAGIC = 0x36d76289n;
/** Architecture 0 is 32-bit protected mode of i386; 4 is MIPS. */
const I386 = 0;

/** Types of the header's tags (section 3.1). */
const HEADER = {
  end: 0,
  information: 1,
  addresses: 2,
  entry: 3,
  console: 4,
  framebuffer: 5,
  alignment: 6,
  efiBootServices: 7,
  efiEntryI386: 8,
  efiEntryX64: 9,
  relocatable: 10,
} as const;
const HEADER_NAMES = new Map<number, string>(Object.entries(HEADER).map(([name, type]) => [type, name]));

/** Types of the information's tags (section 3.6). */
const INFO = {
  end: 0,
  cmdline: 1,
  loaderName: 2,
  module: 3,
  basicMemory: 4,
  memoryMap: 6,
  framebuffer: 8,
  oldRsdp: 14,
  newRsdp: 15,
  loadBase: 21,
} as const;
/** What {@link addInformation} can tell where the machine has it. */
const KNOWN_INFO: readonly number[] = Object.values(INFO);

interface Wanted {
  readonly addresses: AddressFields | null;
  readonly entry: bigint | null;
  readonly relocation: Relocation | null;
}

/**
 * Lays out a multiboot2 kernel with its modules.
 * @param headerOffset where its header stands (`findMultiboot`)
 * @throws BatonError `bad-format`, `unsupported`, `refused` where there is no room
 */
export function loadMultiboot2(request: MultibootRequest, headerOffset: number, memory: SegmentMemory): Start {
  const { kernel } = request;
  const wanted = readHeader(Buffer.from(kernel.buffer, kernel.byteOffset, kernel.length), headerOffset);
  let entry: bigint | null = null;
  let base: bigint | null = null;
  if (wanted.addresses !== null) placeByAddress(kernel, headerOffset, wanted.addresses, memory);
  else {
    const placed = placeElf(kernel, memory, wanted.relocation);
    entry = placed.entry;
    if (wanted.relocation !== null) base = placed.base;
  }
  // An entry that the header gives is an address before any relocation.
  if (wanted.entry !== null && base === null) entry = wanted.entry;
  if (entry === null) throw new BatonError("bad-format", "Its multiboot2 header gives addresses, but no entry.");
  const ebx = addInformation(request, base, memory);
  return { cpu: "i386", address: entry, registers: { eax: LOADED_MAGIC, ebx } };
}

function readHeader(kernel: Buffer, offset: number): Wanted {
  const architecture = kernel.readUInt32LE(offset + 4);
  if (architecture !== I386) {
    throw new BatonError("unsupported", `Its multiboot2 header is for another machine (architecture ${architecture}).`);
  }
  const end = Math.min(kernel.length, offset + kernel.readUInt32LE(offset + 8));
  let addresses: AddressFields | null = null;
  let entry: bigint | null = null;
  let relocation: Relocation | null = null;
  for (let at = offset + 16; at + 8 <= end; ) {
    const type = kernel.readUInt16LE(at);
    const isOptional = (kernel.readUInt16LE(at + 2) & 1) !== 0;
    const size = kernel.readUInt32LE(at + 4);
    if (type === HEADER.end) break;
    if (size < 8 || at + size > end) throw new BatonError("bad-format", "Its multiboot2 header has a malformed tag.");
    const word = (index: number): number => {
      if (8 + index * 4 + 4 > size)
        throw new BatonError("bad-format", "Its multiboot2 header has a tag that is cut short.");
      return kernel.readUInt32LE(at + 8 + index * 4);
    };
    switch (type) {
      case HEADER.information:
        for (let index = 0; index < (size - 8) / 4; index++) {
          if (isOptional || KNOWN_INFO.includes(word(index))) continue;
          const message = `It demands information of type ${word(index)}, which there is none of after kexec.`;
          throw new BatonError("unsupported", message);
        }
        break;
      case HEADER.addresses:
        addresses = { headerAddress: word(0), loadAddress: word(1), loadEnd: word(2), bssEnd: word(3) };
        break;
      case HEADER.entry:
        entry = BigInt(word(0));
        break;
      case HEADER.relocatable:
        relocation = {
          minimum: BigInt(word(0)),
          maximum: BigInt(word(1)),
          alignment: BigInt(word(2)),
          preferHigh: word(3) === 2,
        };
        break;
      default:
        // Modules are always aligned; consoles and framebuffers are as they are; the entries for EFI are only used
        // while its boot services run.
        if (!isOptional && !HEADER_NAMES.has(type)) {
          throw new BatonError("unsupported", `Its multiboot2 header demands a feature of the unknown type ${type}.`);
        }
    }
    at += Math.ceil(size / 8) * 8;
  }
  return { addresses, entry, relocation };
}

function addInformation(request: MultibootRequest, base: bigint | null, memory: SegmentMemory): bigint {
  const { memoryMap, framebuffer, rsdp } = request.machine;
  const parts: Buffer[] = [];
  const tag = (type: number, ...contents: Buffer[]): void => {
    const size = contents.reduce((sum, { length }) => sum + length, 8);
    parts.push(words(type, size), ...contents, Buffer.alloc((8 - (size % 8)) % 8));
  };
  const text = (value: string): Buffer => Buffer.from(`${value}\0`);
  tag(INFO.cmdline, text(request.cmdline));
  tag(INFO.loaderName, text(request.loaderName));
  for (const { start, end, cmdline } of placeModules(request.modules, memory)) {
    tag(INFO.module, words(start, end), text(cmdline));
  }
  const { lower, upper } = basicMemory(memoryMap);
  tag(INFO.basicMemory, words(lower, upper));
  const entries = memoryMap.flatMap((region) => [regionFields(region), words(0)]);
  tag(INFO.memoryMap, words(24, 0), ...entries);
  if (framebuffer !== null) {
    const { fields, colours } = framebufferFields(framebuffer);
    tag(INFO.framebuffer, fields, Buffer.alloc(2), colours);
  }
  // The first form of the root pointer has 20 bytes, the later one says how many.
  if (rsdp !== null) {
    const bytes = Buffer.from(rsdp);
    if (bytes[15] === 0) tag(INFO.oldRsdp, bytes.subarray(0, 20));
    else tag(INFO.newRsdp, bytes);
  }
  if (base !== null) tag(INFO.loadBase, words(Number(base)));
  tag(INFO.end);
  const size = parts.reduce((sum, { length }) => sum + length, 8);
  const information = Buffer.concat([words(size, 0), ...parts]);
  return memory.add(information, { name: "multiboot2 information", maximum: MAX_ADDRESS });
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}
