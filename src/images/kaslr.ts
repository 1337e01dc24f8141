/**
 * A bzImage's kernel, unpacked ahead: what its own unpacker (arch/x86/boot/compressed) would do with the payload is done
 * here, before the jump. That is more than unpacking: the unpacker also chooses at random where the kernel lies (KASLR),
 * and moves every address in it accordingly, by the table that stands behind the kernel proper. A kernel without such a
 * table, or with one that isn't wholly understood, is refused, so that no kernel loses its protection by this.
 */

import { readElf } from "../binary/elf.ts";
import { BatonError } from "../errors.ts";
import type { SetupHeader } from "./bzimage.ts";
import { type LinuxInput, layOutParams } from "./bzimageload.ts";
import type { Content, SegmentMemory, Span, Start } from "./segment.ts";
import { firmwareTables } from "./x86boot.ts";

/** The lower half of __START_KERNEL_map (0xffffffff80000000): kernel text is linked there, plus its physical address. */
const KERNEL_MAP_LOW = 0x8000_0000;
/** KERNEL_IMAGE_SIZE of kernels with KASLR: the room for kernel text in virtual memory. */
const IMAGE_ROOM = 0x4000_0000n;
/** hdr.loadflags: the kernel was put at random, and is to put its other regions at random as well. */
const KASLR_FLAG = 0x02;
const PAGE = 4096;
/** Relocations that are applied without a pause: a few milliseconds' worth on a slow machine. */
const SLICE = 8192;

/** Words of a command line that tell the unpacker what memory to keep off; it is left to heed them. */
const UNPACKER_WORDS =
  /^(nokaslr|mem|memmap|hugepages|hugepagesz|default_hugepagesz|efi_fake_mem|movable_node|acpi_rsdp|no5lvl)(=|$)/;

/** Whether a kernel with this command line may be unpacked ahead. */
export function mayUnpackAhead(cmdline: string): boolean {
  return !cmdline.split(/\s+/).some((word) => UNPACKER_WORDS.test(word));
}

/** Bytes of the kernel at their physical addresses as linked. */
interface Piece {
  readonly offset: number;
  /** Bytes without the zeros at the end. */
  readonly size: number;
  readonly physical: number;
  readonly memorySize: number;
}

/** A kernel that is understood. */
interface UnpackedKernel {
  readonly bytes: Buffer;
  readonly pieces: readonly Piece[];
  /** As linked: LOAD_PHYSICAL_ADDR. */
  readonly start: number;
  readonly end: number;
  /** Where it begins to run, bytes from its start. */
  readonly entry: number;
  /** Offsets of the first relocation of each kind and of the word behind the last. */
  readonly wide: readonly [number, number];
  readonly inverse: readonly [number, number];
  readonly narrow: readonly [number, number];
}

const broken = (what: string): BatonError => new BatonError("unsupported", `The unpacked kernel ${what}.`);

/**
 * Reads what a payload unpacked to: an ELF file, and behind it three lists of relocations, each after a zero: 64-bit
 * values, 32-bit ones that are subtracted, and 32-bit ones (arch/x86/tools/relocs.c). Kernels since 6.15 have no second
 * list.
 * @throws BatonError `unsupported` where it isn't that
 */
export function readUnpackedKernel(bytes: Buffer): UnpackedKernel {
  const elf = readElf(bytes.subarray(0, 64 * 1024), bytes.length);
  if (elf === null || elf.machine !== "x86_64" || elf.segments.length === 0) throw broken("is no ELF file for x86-64");
  const pieces = elf.segments.map(({ offset, fileSize, memorySize, physicalAddress }): Piece => {
    const size = contentEnd(bytes, offset, fileSize) - offset;
    return { offset, size, physical: Number(physicalAddress), memorySize: Number(memorySize) };
  });
  const start = Math.min(...pieces.map(({ physical }) => physical));
  const end = Math.max(...pieces.map(({ physical, memorySize }) => physical + memorySize));
  if (end - start > Number(IMAGE_ROOM) / 2) throw broken("is larger than any that is known");
  if (pieces.some(({ physical }) => physical % PAGE !== 0)) throw broken("has parts that begin within a page");
  // Newer unpackers begin where the header says (parse_elf() in misc.c); older ones at the start, which is the same there.
  const entry = Number(elf.entry);
  if (!pieces.some(({ physical, size }) => entry >= physical && entry < physical + size)) {
    throw broken("has no code where it says that it begins to run");
  }
  const headers = Number(bytes.readBigUInt64LE(40)) + bytes.readUInt16LE(58) * bytes.readUInt16LE(60);
  const elfEnd = Math.max(headers, ...elf.segments.map(({ offset, fileSize }) => offset + fileSize));
  // Whole words, counted from the end.
  const first = elfEnd + ((bytes.length - elfEnd) % 4);
  const zeros: number[] = [];
  for (let at = first; at < bytes.length; at += 4) if (bytes.readInt32LE(at) === 0) zeros.push(at);
  if (zeros[0] !== first || zeros.length < 2 || zeros.length > 3) throw broken("has no table of relocations");
  const [one, two, three] = zeros as [number, number, number | undefined];
  return {
    ...{ bytes, pieces, start, end, entry: entry - start },
    wide: [one + 4, two],
    inverse: three === undefined ? [two, two] : [two + 4, three],
    narrow: [(three ?? two) + 4, bytes.length],
  };
}

/** Where the zeros at the end of a part begin. */
function contentEnd(bytes: Buffer, offset: number, size: number): number {
  const zeros = Buffer.alloc(PAGE);
  let end = offset + size;
  while (end - PAGE >= offset && bytes.compare(zeros, 0, PAGE, end - PAGE, end) === 0) end -= PAGE;
  return end;
}

/**
 * Moves the kernel's addresses, in place.
 * @param delta bytes by which its virtual addresses differ from those it was linked at; below 1 GiB
 * @param pause called now and then, so that keys are read meanwhile
 * @throws BatonError `unsupported` where a relocation points elsewhere than into the kernel
 */
export async function relocateKernel(kernel: UnpackedKernel, delta: number, pause: () => Promise<void>): Promise<void> {
  const { bytes, pieces } = kernel;
  let piece = pieces[0]!;
  /** The place in the file of what a relocation names by its virtual address' lower half. */
  const placeOf = (word: number, size: number): number => {
    const physical = word - KERNEL_MAP_LOW;
    if (physical < piece.physical || physical + size > piece.physical + piece.size) {
      const found = pieces.find((one) => physical >= one.physical && physical + size <= one.physical + one.size);
      if (found === undefined) throw broken("has relocations outside of itself");
      piece = found;
    }
    return piece.offset + physical - piece.physical;
  };
  const each = async ([from, to]: readonly [number, number], size: number, move: (at: number) => void) => {
    for (let at = from; at < to; ) {
      const end = Math.min(to, at + SLICE * 4);
      for (; at < end; at += 4) move(placeOf(bytes.readUInt32LE(at), size));
      await pause();
    }
  };
  if (delta === 0) return;
  await each(kernel.narrow, 4, (at) => void bytes.writeUInt32LE((bytes.readUInt32LE(at) + delta) >>> 0, at));
  await each(kernel.inverse, 4, (at) => void bytes.writeInt32LE((bytes.readInt32LE(at) - delta) | 0, at));
  await each(kernel.wide, 8, (at) => {
    const sum = bytes.readUInt32LE(at) + delta;
    bytes.writeUInt32LE(sum >>> 0, at);
    if (sum > 0xffff_ffff) bytes.writeUInt32LE((bytes.readUInt32LE(at + 4) + 1) >>> 0, at + 4);
  });
}

export interface UnpackedInput extends LinuxInput {
  readonly kernel: UnpackedKernel;
  readonly header: SetupHeader;
  readonly setup: Uint8Array;
  /** A random number below `bound`. */
  readonly random: (bound: bigint) => bigint;
  readonly pause: () => Promise<void>;
}

/**
 * Puts the kernel at a random physical address, moves its virtual addresses by another random distance, and lays out
 * the rest as for a bzImage.
 */
export async function layOutUnpacked(input: UnpackedInput, memory: SegmentMemory): Promise<Start> {
  const { kernel, header, random } = input;
  const alignment = BigInt(header.kernelAlignment || 0x200000);
  const size = BigInt(kernel.end - kernel.start);
  // find_random_virt_addr() in arch/x86/boot/compressed/kaslr.c
  const slots = (IMAGE_ROOM - BigInt(kernel.start) - size) / alignment + 1n;
  const delta = random(slots) * alignment;
  await relocateKernel(kernel, Number(delta), input.pause);

  const place = { name: "kernel", alignment, minimum: header.prefAddress };
  const base = memory.find(size, place, random);
  const clear: Span[] = [];
  for (const { offset, size: bytes, physical, memorySize } of kernel.pieces) {
    const address = base + BigInt(physical - kernel.start);
    const content: Content = kernel.bytes.subarray(offset, offset + bytes);
    if (memory.wholeRooms) {
      memory.addAt(address, content, "kernel", BigInt(memorySize));
      continue;
    }
    if (bytes > 0) memory.addAt(address, content, "kernel");
    const filled = Math.ceil(bytes / PAGE) * PAGE;
    if (memorySize > filled)
      clear.push({ start: address + BigInt(filled), size: BigInt(Math.ceil((memorySize - filled) / 8) * 8) });
  }
  memory.reserve(base, size);
  const loadflags = KASLR_FLAG;
  const params = layOutParams({ ...input, kernelAddress: base, loadflags }, memory, null);
  const reads = firmwareTables(input.machine);
  return { cpu: "x86_64", address: base + BigInt(kernel.entry), registers: { rsi: params }, clear, reads };
}
