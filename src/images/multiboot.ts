/**
 * What both multiboot specifications share: finding the header, laying out kernel and modules in memory, and the
 * facts about the machine that the kernel is told. multiboot1.ts and multiboot2.ts have the formats.
 */

import { readElf } from "../binary/elf.ts";
import { BatonError } from "../errors.ts";
import { type Content, contentSize, type SegmentMemory, type Start } from "./segment.ts";
import type { X86Machine } from "./x86boot.ts";

const MULTIBOOT1_MAGIC = 0x1badb002;
/** The header stands in the first 8 KiB, aligned to 4 (Multiboot Specification 0.6.96, section 3.1). */
const MULTIBOOT1_WINDOW = 8192;
const MULTIBOOT2_MAGIC = 0xe85250d6;
/** In the first 32 KiB, aligned to 8 (Multiboot2 Specification, section 3.1). */
const MULTIBOOT2_WINDOW = 32768;

/** Kernel, modules and information lie below this: the kernel is entered in 32-bit mode. */
export const MAX_ADDRESS = 0xffff_ffffn;
export const PAGE = 4096n;

/** As in both specifications (and the BIOS's E820): 1 RAM, 2 reserved, 3 ACPI tables, 4 ACPI NVS, 5 broken RAM. */
interface MultibootRegion {
  readonly start: bigint;
  readonly size: bigint;
  readonly type: number;
}

/** A linear framebuffer that is on and stays on. Sizes in pixels, the pitch in bytes. */
interface MultibootFramebuffer {
  readonly address: bigint;
  readonly width: number;
  readonly height: number;
  readonly pitch: number;
  readonly bitsPerPixel: number;
  /** Position and size of each colour in bits. */
  readonly red: { readonly position: number; readonly size: number };
  readonly green: { readonly position: number; readonly size: number };
  readonly blue: { readonly position: number; readonly size: number };
}

/** What the kernel is told about the machine. */
interface MultibootMachine {
  /** In order of address. */
  readonly memoryMap: readonly MultibootRegion[];
  /** The ACPI root pointer structure, as it stands in memory; null where there is none. */
  readonly rsdp: Uint8Array | null;
  readonly framebuffer: MultibootFramebuffer | null;
}

export interface MultibootModule {
  readonly content: Content;
  /** The module's own command line, its name included where the boot loader adds it. */
  readonly cmdline: string;
}

export interface MultibootRequest {
  /** The file, unpacked. */
  readonly kernel: Uint8Array;
  readonly cmdline: string;
  readonly modules: readonly MultibootModule[];
  /** How the loader calls itself. */
  readonly loaderName: string;
  readonly machine: MultibootMachine;
}

/** A module in memory. Addresses are physical. */
export interface PlacedModule {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly cmdline: string;
}

/** Where a multiboot header stands, by its magic number and checksum; null where there is none. */
export function findMultiboot(start: Buffer): { readonly version: 1 | 2; readonly offset: number } | null {
  const sums = (at: number, words: number): boolean => {
    let sum = 0;
    for (let word = 0; word < words; word++) sum += start.readUInt32LE(at + word * 4);
    return sum % 2 ** 32 === 0;
  };
  for (let at = 0; at + 16 <= Math.min(start.length, MULTIBOOT2_WINDOW); at += 8) {
    if (start.readUInt32LE(at) === MULTIBOOT2_MAGIC && sums(at, 4)) return { version: 2, offset: at };
  }
  for (let at = 0; at + 12 <= Math.min(start.length, MULTIBOOT1_WINDOW); at += 4) {
    if (start.readUInt32LE(at) === MULTIBOOT1_MAGIC && sums(at, 3)) return { version: 1, offset: at };
  }
  return null;
}

/** The address fields of a header, which say how to load a file that is no ELF ("a.out kludge"). */
export interface AddressFields {
  readonly headerAddress: number;
  readonly loadAddress: number;
  /** 0: to the file's end. */
  readonly loadEnd: number;
  /** 0: no bss. */
  readonly bssEnd: number;
}

/** Loads the kernel by its header's addresses. */
export function placeByAddress(
  kernel: Uint8Array,
  headerOffset: number,
  fields: AddressFields,
  memory: SegmentMemory,
): void {
  const start = headerOffset - (fields.headerAddress - fields.loadAddress);
  const size = fields.loadEnd === 0 ? kernel.length - start : fields.loadEnd - fields.loadAddress;
  if (start < 0 || size <= 0 || start + size > kernel.length) {
    throw new BatonError("bad-format", "Its multiboot header's addresses lead outside of the file.");
  }
  const memorySize = Math.max(fields.bssEnd === 0 ? size : fields.bssEnd - fields.loadAddress, size);
  const content = kernel.subarray(start, start + size);
  memory.addAt(BigInt(fields.loadAddress), content, "kernel", BigInt(memorySize));
}

interface PlacedElf {
  readonly entry: bigint;
  /** The lowest address. */
  readonly base: bigint;
}

/** Where a kernel that may be moved may lie (multiboot 2). Addresses inclusive. */
export interface Relocation {
  readonly minimum: bigint;
  readonly maximum: bigint;
  readonly alignment: bigint;
  /** Take the highest place. */
  readonly preferHigh: boolean;
}

/**
 * Loads an ELF kernel's segments.
 * @param relocation null where it must lie where its headers say
 */
export function placeElf(kernel: Uint8Array, memory: SegmentMemory, relocation: Relocation | null): PlacedElf {
  const elf = readElf(kernel, kernel.length);
  if (elf === null) throw new BatonError("bad-format", "It is no ELF file, and its multiboot header has no addresses.");
  const [first] = elf.segments;
  if (first === undefined) throw new BatonError("bad-format", "It is an ELF file without anything to load.");
  let low = first.physicalAddress;
  let high = 0n;
  for (const { physicalAddress, memorySize } of elf.segments) {
    if (physicalAddress < low) low = physicalAddress;
    if (physicalAddress + memorySize > high) high = physicalAddress + memorySize;
  }
  if (high - 1n > MAX_ADDRESS)
    throw new BatonError("bad-format", "Its headers put it above 4 GiB, where it can't be entered.");
  if (relocation === null) {
    for (const segment of elf.segments) {
      const content = kernel.subarray(segment.offset, segment.offset + segment.fileSize);
      memory.addAt(segment.physicalAddress, content, "kernel", segment.memorySize);
    }
    return { entry: elf.entry, base: low };
  }
  // All of it moves together.
  const whole = new Uint8Array(Number(high - low));
  for (const segment of elf.segments) {
    const content = kernel.subarray(segment.offset, segment.offset + segment.fileSize);
    whole.set(content, Number(segment.physicalAddress - low));
  }
  const base = memory.add(whole, {
    name: "kernel",
    alignment: relocation.alignment < PAGE ? PAGE : relocation.alignment,
    minimum: relocation.minimum,
    maximum: relocation.maximum < MAX_ADDRESS ? relocation.maximum : MAX_ADDRESS,
    fromTop: relocation.preferHigh,
  });
  return { entry: elf.entry - low + base, base };
}

/** Puts the modules below 4 GiB, each at the beginning of a page, in their order. */
export function placeModules(modules: readonly MultibootModule[], memory: SegmentMemory): PlacedModule[] {
  return modules.map(({ content, cmdline }, index) => {
    const size = contentSize(content);
    // Above the first mebibytes, into which kernels unpack themselves.
    const place = { name: `module ${index + 1}`, maximum: MAX_ADDRESS, fromTop: true };
    const start = size === 0 ? 0n : memory.add(content, place);
    return { start: Number(start), end: Number(start) + size, cmdline };
  });
}

/** KiB of RAM from 0, and from 1 MiB up to the first hole, as both specifications want them. */
export function basicMemory(map: readonly MultibootRegion[]): { readonly lower: number; readonly upper: number } {
  const kibibytesFrom = (start: bigint): number => {
    let end = start;
    for (const region of map) {
      if (region.type === 1 && region.start <= end && region.start + region.size > end)
        end = region.start + region.size;
    }
    return Number((end - start) / 1024n);
  };
  return { lower: Math.min(kibibytesFrom(0n), 640), upper: Math.min(kibibytesFrom(0x100000n), 0xffff_ffff) };
}

/** Address, size and type, as both specifications have them. */
export function regionFields({ start, size, type }: MultibootRegion): Buffer {
  const fields = Buffer.alloc(20);
  fields.writeBigUInt64LE(start, 0);
  fields.writeBigUInt64LE(size, 8);
  fields.writeUInt32LE(type, 16);
  return fields;
}

/** As both specifications have it: first what it is, which ends with the type for RGB, and then its colours. */
export function framebufferFields(framebuffer: MultibootFramebuffer): { fields: Buffer; colours: Buffer } {
  const { address, pitch, width, height, bitsPerPixel, red, green, blue } = framebuffer;
  const fields = Buffer.alloc(22);
  fields.writeBigUInt64LE(address, 0);
  for (const [index, value] of [pitch, width, height].entries()) fields.writeUInt32LE(value, 8 + index * 4);
  fields.set([bitsPerPixel, 1], 20);
  return { fields, colours: Buffer.from([red, green, blue].flatMap(({ position, size }) => [position, size])) };
}

/** Xen's option by which it asks the BIOS for nothing. */
const NO_REAL_MODE = "no-real-mode";

/**
 * Xen calls the BIOS for its disks, memory and video modes, and the BIOS of a machine on which Linux has run waits for
 * ever for devices that Linux has set up anew. Of memory the loader tells it, too.
 * @returns the command line for a kernel, with the option where the kernel knows it
 */
export function withoutBios(kernel: Uint8Array, cmdline: string): string {
  if (cmdline.split(/\s+/).includes(NO_REAL_MODE)) return cmdline;
  return isXen(kernel) ? `${cmdline} ${NO_REAL_MODE}`.trimStart() : cmdline;
}

/** Whether this kernel knows Xen's option. */
function isXen(kernel: Uint8Array): boolean {
  return Buffer.from(kernel.buffer, kernel.byteOffset, kernel.length).includes(`${NO_REAL_MODE}\0`);
}

/**
 * Xen's first module is Linux, which looks for ACPI's root pointer where a BIOS has it, in memory that under Xen is not
 * the machine's: where there is no BIOS it has to be told (Documentation/admin-guide/kernel-parameters.txt).
 */
export function withRootPointer(
  kernel: Uint8Array,
  modules: readonly MultibootModule[],
  rsdpAt: bigint | null,
): readonly MultibootModule[] {
  const [linux, ...others] = modules;
  if (linux === undefined || rsdpAt === null || !isXen(kernel)) return modules;
  if (/(^|\s)acpi_rsdp=/.test(linux.cmdline)) return modules;
  return [{ ...linux, cmdline: `${linux.cmdline} acpi_rsdp=0x${rsdpAt.toString(16)}`.trimStart() }, ...others];
}

/** The BIOS's data area: the segment of its extended one, and KiB of memory below that. */
const EBDA_SEGMENT = 0x40e;
const BASE_MEMORY = 0x413;
const LOW_END = 0x9ffffn;
/** ACPI's root pointer stands at a multiple of 16 bytes; in the extended area the first of them is taken. */
const RSDP_PLACE = 16;

/**
 * Where the firmware is UEFI there is no BIOS's data area, in which Xen looks for the end of the low memory that it may
 * use, and for ACPI's root pointer. So it gets one: the two words that are read, and a page for the pointer.
 * @returns the machine with that page reserved, the words that the trampoline writes, and where the pointer stands
 */
export function withBiosData(
  machine: MultibootMachine,
  memory: SegmentMemory,
): { machine: MultibootMachine; words: NonNullable<Start["words"]>; rsdpAt: bigint | null } {
  const page = Buffer.alloc(Number(PAGE));
  // Its size in KiB, and the pointer at the next place where it may stand.
  page.writeUInt8(4, 0);
  page.set(machine.rsdp ?? [], RSDP_PLACE);
  const at = memory.add(page, { name: "BIOS data", minimum: 0x40000n, maximum: LOW_END, fromTop: true });
  const memoryMap = machine.memoryMap.flatMap((region): MultibootRegion[] => {
    const end = region.start + region.size;
    if (region.type !== 1 || region.start > at || end <= at) return [region];
    return [
      { start: region.start, size: at - region.start, type: 1 },
      { start: at, size: end - at, type: 2 },
    ];
  });
  const words = [
    { address: EBDA_SEGMENT, value: Number(at >> 4n) },
    { address: BASE_MEMORY, value: Number(at >> 10n) },
  ];
  const rsdpAt = machine.rsdp === null ? null : at + BigInt(RSDP_PLACE);
  return { machine: { ...machine, memoryMap }, words, rsdpAt };
}

/** Where screen_info holds what (include/uapi/linux/screen_info.h), from boot_params' start. */
const SCREEN = {
  ...{ type: 0x0f, width: 0x12, height: 0x14, depth: 0x16, base: 0x18, pitch: 0x24, colours: 0x26, baseHigh: 0x3a },
} as const;
/** Video types with a linear framebuffer: VESA's and EFI's. */
const LINEAR = [0x23, 0x70];

/** The machine as multiboot kernels are told of it. */
export function multibootMachine(machine: X86Machine, rsdp: Uint8Array | null): MultibootMachine {
  // What multiboot has no number for is reserved to it.
  const memoryMap = machine.e820.map(({ start, size, type }) => ({
    start,
    size,
    type: type >= 1 && type <= 5 ? type : 2,
  }));
  const params = machine.bootParams;
  const framebuffer = machine.framebufferKept && params !== null && params.length >= 0x40 ? readScreen(params) : null;
  return { memoryMap, rsdp, framebuffer };
}

function readScreen(bootParams: Uint8Array): MultibootFramebuffer | null {
  const bytes = Buffer.from(bootParams.buffer, bootParams.byteOffset, bootParams.length);
  if (!LINEAR.includes(bytes[SCREEN.type]!)) return null;
  const colour = (index: number) => ({
    size: bytes[SCREEN.colours + index * 2]!,
    position: bytes[SCREEN.colours + index * 2 + 1]!,
  });
  return {
    address: BigInt(bytes.readUInt32LE(SCREEN.base)) | (BigInt(bytes.readUInt32LE(SCREEN.baseHigh)) << 32n),
    width: bytes.readUInt16LE(SCREEN.width),
    height: bytes.readUInt16LE(SCREEN.height),
    pitch: bytes.readUInt16LE(SCREEN.pitch),
    bitsPerPixel: bytes.readUInt16LE(SCREEN.depth),
    red: colour(0),
    green: colour(1),
    blue: colour(2),
  };
}
