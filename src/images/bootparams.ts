/**
 * boot_params, the "zero page" (Documentation/arch/x86/zero-page.rst, boot.rst): what a Linux kernel on x86 is told by
 * whoever loads it.
 */

import { E820, type E820Entry, type EfiRange, type X86Machine } from "./x86boot.ts";

/** Offsets in boot_params. */
const AT = {
  screenInfo: 0x000,
  acpiRsdp: 0x070,
  extRamdiskImage: 0x0c0,
  extRamdiskSize: 0x0c4,
  extCmdlinePtr: 0x0c8,
  edidInfo: 0x140,
  efiInfo: 0x1c0,
  e820Entries: 0x1e8,
  eddEntries: 0x1e9,
  eddMbrEntries: 0x1ea,
  secureBoot: 0x1ec,
  setupHeader: 0x1f1,
  typeOfLoader: 0x210,
  loadflags: 0x211,
  code32Start: 0x214,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  cmdlinePtr: 0x228,
  setupData: 0x250,
  eddMbrSignatures: 0x290,
  e820Table: 0x2d0,
  eddInfo: 0xd00,
} as const;

const SIZE = 4096;
const E820_MAX = 128;
const E820_SIZE = 20;
/** Kexec's own number among the boot loaders, as the kernel's and kexec-tools' loaders give it. */
const LOADER_KEXEC = 0xd0;

// Types of setup_data (arch/x86/include/uapi/asm/bootparam.h).
const SETUP_E820_EXT = 1;
const SETUP_EFI = 4;
const SETUP_RNG_SEED = 9;
const SETUP_DATA_HEADER = 16;

export interface BootParamsInput {
  /** The kernel file's first sectors, up to the end of its setup header at least. */
  readonly setup: Uint8Array;
  readonly cmdline: string;
  readonly machine: X86Machine;
  /** The memory map that the new kernel sees, where that isn't the machine's own (a crash kernel's). */
  readonly e820?: readonly E820Entry[];
  readonly initrd: { readonly address: bigint; readonly size: bigint } | null;
  /** Where the kernel's 32-bit code begins, 0 where there is none. */
  readonly kernelAddress: bigint;
  /** 32 random bytes for the kernel's pool; none unless given. */
  readonly seed?: Uint8Array;
  /** Bits to be set in loadflags. */
  readonly loadflags?: number;
}

/** How many bytes {@link bootParams} makes of this input. */
export function bootParamsSize(input: BootParamsInput): number {
  return bootParams(input, 0n).length;
}

/**
 * boot_params with all that it points to behind it: the command line, setup_data, the EFI memory map.
 * @param at the physical address where this will lie
 */
export function bootParams(input: BootParamsInput, at: bigint): Buffer {
  const { machine, setup, initrd } = input;
  const params = Buffer.alloc(SIZE);
  const old = machine.bootParams === null ? Buffer.alloc(SIZE) : Buffer.from(machine.bootParams);
  const take = (offset: number, size: number): void => void old.copy(params, offset, offset, offset + size);

  if (machine.framebufferKept) take(AT.screenInfo, 0x40);
  take(AT.edidInfo, 0x80);
  take(AT.secureBoot, 1);
  take(AT.eddEntries, 2);
  take(AT.eddMbrSignatures, 16 * 4);
  take(AT.eddInfo, 6 * 82);
  params.writeBigUInt64LE(machine.rsdp, AT.acpiRsdp);

  // The header as the file has it, as long as it says it is: from 0x1f1 to 0x202 and as much as the byte at 0x201 says.
  const headerEnd = Math.min(0x202 + setup[0x201]!, AT.eddMbrSignatures);
  params.set(setup.subarray(AT.setupHeader, headerEnd), AT.setupHeader);
  params.writeUInt8(LOADER_KEXEC, AT.typeOfLoader);
  params.writeUInt8(params.readUInt8(AT.loadflags) | (input.loadflags ?? 0), AT.loadflags);
  params.writeUInt32LE(low(input.kernelAddress), AT.code32Start);
  if (initrd !== null) {
    writeSplit(params, initrd.address, AT.ramdiskImage, AT.extRamdiskImage);
    writeSplit(params, initrd.size, AT.ramdiskSize, AT.extRamdiskSize);
  }

  const behind = new Appendix(at, SIZE);
  const cmdline = behind.add(Buffer.from(`${input.cmdline}\0`, "utf8"));
  writeSplit(params, cmdline, AT.cmdlinePtr, AT.extCmdlinePtr);

  const e820 = input.e820 ?? machine.e820;
  const table = e820Bytes(e820);
  params.writeUInt8(Math.min(e820.length, E820_MAX), AT.e820Entries);
  table.copy(params, AT.e820Table, 0, E820_MAX * E820_SIZE);
  const setupData: { type: number; bytes: Buffer }[] = [];
  if (e820.length > E820_MAX) setupData.push({ type: SETUP_E820_EXT, bytes: table.subarray(E820_MAX * E820_SIZE) });
  if (input.seed !== undefined) setupData.push({ type: SETUP_RNG_SEED, bytes: Buffer.from(input.seed) });

  if (machine.efi !== null && old.readUInt32LE(AT.efiInfo) !== 0) {
    take(AT.efiInfo, 32);
    const descriptorSize = old.readUInt32LE(AT.efiInfo + 8);
    const map = efiMemoryMap(machine.efi.ranges, descriptorSize);
    writeSplit(params, behind.add(map), AT.efiInfo + 16, AT.efiInfo + 28);
    params.writeUInt32LE(map.length, AT.efiInfo + 20);
    // struct efi_setup_data
    const bytes = Buffer.alloc(96);
    bytes.writeBigUInt64LE(machine.efi.fwVendor, 0);
    bytes.writeBigUInt64LE(machine.efi.configTable, 16);
    bytes.writeBigUInt64LE(machine.efi.smbios, 24);
    setupData.push({ type: SETUP_EFI, bytes });
  }

  // A list, of which each element points to the next: the last one is made first.
  let next = 0n;
  for (const { type, bytes } of setupData.reverse()) {
    const head = Buffer.alloc(SETUP_DATA_HEADER);
    head.writeBigUInt64LE(next, 0);
    head.writeUInt32LE(type, 8);
    head.writeUInt32LE(bytes.length, 12);
    next = behind.add(Buffer.concat([head, bytes]));
  }
  params.writeBigUInt64LE(next, AT.setupData);
  return Buffer.concat([params, ...behind.parts]);
}

/** What stands behind boot_params, each part at a multiple of 16. */
class Appendix {
  readonly parts: Buffer[] = [];
  #next: bigint;

  constructor(at: bigint, offset: number) {
    this.#next = at + BigInt(offset);
  }

  /** @returns its physical address */
  add(bytes: Buffer): bigint {
    const address = this.#next;
    const padded = Buffer.alloc(Math.ceil(bytes.length / 16) * 16);
    bytes.copy(padded);
    this.parts.push(padded);
    this.#next += BigInt(padded.length);
    return address;
  }
}

function e820Bytes(entries: readonly E820Entry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * E820_SIZE);
  for (const [index, { start, size, type }] of entries.entries()) {
    bytes.writeBigUInt64LE(start, index * E820_SIZE);
    bytes.writeBigUInt64LE(size, index * E820_SIZE + 8);
    bytes.writeUInt32LE(type || E820.reserved, index * E820_SIZE + 16);
  }
  return bytes;
}

/** EFI_MEMORY_DESCRIPTORs (UEFI Specification, GetMemoryMap), each as large as this firmware's are. */
function efiMemoryMap(ranges: readonly EfiRange[], size: number): Buffer {
  const stride = Math.max(size, 40);
  const bytes = Buffer.alloc(ranges.length * stride);
  for (const [index, range] of ranges.entries()) {
    const at = index * stride;
    bytes.writeUInt32LE(range.type, at);
    bytes.writeBigUInt64LE(range.physical, at + 8);
    bytes.writeBigUInt64LE(range.virtual, at + 16);
    bytes.writeBigUInt64LE(range.pages, at + 24);
    bytes.writeBigUInt64LE(range.attribute, at + 32);
  }
  return bytes;
}

function low(value: bigint): number {
  return Number(value & 0xffff_ffffn);
}

/** A 64-bit value whose halves stand in two fields. */
function writeSplit(params: Buffer, value: bigint, lowAt: number, highAt: number): void {
  params.writeUInt32LE(low(value), lowAt);
  params.writeUInt32LE(Number(value >> 32n), highAt);
}
