/**
 * Linux as an ELF file (vmlinux), what a bzImage unpacks to: entered where the unpacker would go, with boot_params as
 * in a bzImage's case (Documentation/arch/x86/boot.rst).
 */

import { type Elf, readElf } from "../binary/elf.ts";
import { BatonError } from "../errors.ts";
import { type LinuxInput, layOutParams } from "./bzimageload.ts";
import type { SegmentMemory, Start } from "./segment.ts";
import { firmwareTables } from "./x86boot.ts";

/** Of a 32-bit kernel: what it maps directly, in which its initrd must lie (896 MiB). */
const LOWMEM_END = 0x37ff_ffffn;
/** __START_KERNEL_map: 64-bit Linux is linked here, plus its physical address. */
const KERNEL_MAP = 0xffff_ffff_8000_0000n;
/** A kernel's segments begin at a page's beginning. */
const PAGE = 4096n;
/** Large pages map it. */
const ALIGNMENT = 0x200000n;

interface VmlinuxInput extends LinuxInput {
  /** The file. */
  readonly kernel: Uint8Array;
}

/**
 * Puts the kernel's segments where they are linked to lie, or, a 64-bit one, elsewhere where that memory isn't free (a
 * crash kernel's never is); and initrds and boot_params behind.
 * @throws BatonError `bad-format`, `refused` where that memory isn't free
 */
export function layOutVmlinux(input: VmlinuxInput, memory: SegmentMemory): Start {
  const { kernel } = input;
  const elf = readElf(kernel, kernel.length);
  if (elf === null || elf.segments.length === 0)
    throw new BatonError("bad-format", "It is no ELF file that can be loaded.");
  const crooked = elf.segments.find(({ physicalAddress }) => physicalAddress % PAGE !== 0n);
  if (crooked !== undefined) {
    const where = `0x${crooked.physicalAddress.toString(16)}`;
    throw new BatonError("bad-format", `It is a program, no kernel: a part of it lies at ${where}, within a page.`);
  }
  const moved = placeElsewhere(elf, memory);
  for (const segment of elf.segments) {
    const content = kernel.subarray(segment.offset, segment.offset + segment.fileSize);
    memory.addAt(segment.physicalAddress + moved, content, "kernel", segment.memorySize);
  }
  const address = physicalEntry(elf) + moved;
  const is64 = elf.machine === "x86_64";
  const params = layOutParams(
    { ...input, setup: setupHeader(is64), kernelAddress: 0n },
    memory,
    is64 ? null : LOWMEM_END,
  );
  if (is64) return { cpu: "x86_64", address, registers: { rsi: params }, reads: firmwareTables(input.machine) };
  return { cpu: "i386", address, registers: { esi: params } };
}

/**
 * How far from where it is linked to lie a kernel must go: not at all where that place is free. 64-bit Linux sees by its
 * first instructions where it lies, and maps itself from there (phys_base in arch/x86/kernel/head64.c); its virtual
 * addresses stay.
 */
function placeElsewhere({ machine, entry, segments }: Elf, memory: SegmentMemory): bigint {
  let [start, end] = [segments[0]!.physicalAddress, 0n];
  for (const { physicalAddress, memorySize } of segments) {
    if (physicalAddress < start) start = physicalAddress;
    if (physicalAddress + memorySize > end) end = physicalAddress + memorySize;
  }
  const isLinux = machine === "x86_64" && entry === start && segments[0]!.virtualAddress === KERNEL_MAP + start;
  if (!isLinux || memory.isFree(start, end - start)) return 0n;
  return memory.find(end - start, { name: "kernel", alignment: ALIGNMENT }) - start;
}

/** Linux gives a physical address; others, and what was processed by tools, a virtual one. */
function physicalEntry({ entry, segments }: Elf): bigint {
  const within = (start: bigint, size: bigint): boolean => entry >= start && entry < start + size;
  if (segments.some((one) => within(one.physicalAddress, one.memorySize))) return entry;
  const home = segments.find((one) => within(one.virtualAddress, one.memorySize));
  if (home === undefined) throw new BatonError("bad-format", "Its entry lies outside of all that is loaded.");
  return entry - home.virtualAddress + home.physicalAddress;
}

/** The setup header that its bzImage would have had, as far as a kernel looks at it once it runs. */
function setupHeader(is64: boolean): Buffer {
  const setup = Buffer.alloc(0x290);
  setup.writeUInt16LE(0xaa55, 0x1fe);
  // The header's length counts from the jump's end, at 0x202.
  setup.writeUInt8(0xeb, 0x200);
  setup.writeUInt8(0x6a, 0x201);
  setup.write("HdrS", 0x202, "latin1");
  setup.writeUInt16LE(0x20f, 0x206);
  setup.writeUInt8(1, 0x211);
  setup.writeUInt32LE(0x7fff_ffff, 0x22c);
  setup.writeUInt16LE(is64 ? 0x3 : 0, 0x236);
  setup.writeUInt32LE(2047, 0x238);
  return setup;
}
