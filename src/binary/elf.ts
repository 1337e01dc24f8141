/**
 * ELF files: the header and the program headers (System V ABI, "Program Loading"), for what loads kernels and for what
 * makes programs smaller (initramfs/elfprogram.ts).
 */

import { BatonError } from "../errors.ts";

const HEADER_SIZE = { 32: 52, 64: 64 } as const;
const PROGRAM_HEADER_SIZE = { 32: 32, 64: 56 } as const;
/** More than any kernel has, and few enough to read at once. */
const MAX_SEGMENTS = 256;
export const PT_LOAD = 1;

const MACHINES: Readonly<Record<number, string>> = {
  3: "i386",
  40: "arm",
  62: "x86_64",
  183: "aarch64",
  243: "riscv64",
  258: "loongarch64",
};

/** One program header, as it stands in the file. */
interface ProgramHeader {
  /** {@link PT_LOAD} and others. */
  readonly type: number;
  readonly flags: number;
  /** Bytes from the file's start. */
  readonly offset: bigint;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  /** Bytes of it in the file; what is left of its memory is zeros. */
  readonly fileSize: bigint;
  readonly memorySize: bigint;
  readonly align: bigint;
}

/** A piece that is loaded (PT_LOAD). */
interface ElfSegment {
  /** Bytes from the file's start. */
  readonly offset: number;
  /** Bytes of it in the file; what is left of its memory is zeros. */
  readonly fileSize: number;
  readonly memorySize: bigint;
  readonly physicalAddress: bigint;
  readonly virtualAddress: bigint;
}

export interface Elf {
  /** As `uname -m`; null for one without a name here. */
  readonly machine: string | null;
  readonly entry: bigint;
  /** All program headers, in the order of the file. */
  readonly headers: readonly ProgramHeader[];
  /** Those that take memory, in the order of the file. */
  readonly segments: readonly ElfSegment[];
}

/** True where a file begins as an ELF file does. */
export function looksLikeElf(start: Uint8Array): boolean {
  return start[0] === 0x7f && start[1] === 0x45 && start[2] === 0x4c && start[3] === 0x46;
}

/**
 * Reads the headers of a little-endian ELF file.
 * @param start the file's first bytes, with the program headers among them
 * @param size of the whole file, within which every segment must lie
 * @returns null where it is no ELF file
 * @throws BatonError `bad-format` where it is broken, or its program headers lie farther on; `unsupported` for big-endian
 */
export function readElf(start: Uint8Array, size: number): Elf | null {
  if (!looksLikeElf(start)) return null;
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.length);
  const bits = bytes[4] === 1 ? 32 : bytes[4] === 2 ? 64 : broken("is neither of 32 nor of 64 bits");
  if (bytes[5] !== 1) throw new BatonError("unsupported", "This is an ELF file for a big-endian machine.");
  if (bytes.length < HEADER_SIZE[bits]) broken("ends within its header");
  const wide = bits === 64;
  const word = (at: number): bigint => (wide ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at)));
  const tableAt = word(wide ? 32 : 28);
  const entrySize = bytes.readUInt16LE(wide ? 54 : 42);
  const count = bytes.readUInt16LE(wide ? 56 : 44);
  if (count > MAX_SEGMENTS) broken(`has ${count} program headers, and Baton reads ${MAX_SEGMENTS} at most`);
  if (count > 0 && entrySize < PROGRAM_HEADER_SIZE[bits]) broken("has program headers of an unknown size");
  if (tableAt + BigInt(count * entrySize) > BigInt(bytes.length)) broken("ends within its program headers");
  const headers = Array.from({ length: count }, (_, index): ProgramHeader => {
    const at = Number(tableAt) + index * entrySize;
    const type = bytes.readUInt32LE(at);
    const [flagsAt, step] = wide ? [at + 4, 8] : [at + 24, 4];
    const [offset, virtualAddress, physicalAddress, fileSize, memorySize] = [0, 1, 2, 3, 4].map((index) =>
      word(at + (wide ? 8 : 4) + index * step),
    ) as [bigint, bigint, bigint, bigint, bigint];
    const sizes = { fileSize, memorySize, align: word(at + (wide ? 48 : 28)) };
    return { type, flags: bytes.readUInt32LE(flagsAt), offset, virtualAddress, physicalAddress, ...sizes };
  });
  const loaded = headers.filter(({ type, memorySize }) => type === PT_LOAD && memorySize > 0n);
  const segments = loaded.map(({ offset, fileSize, memorySize, physicalAddress, virtualAddress }): ElfSegment => {
    if (fileSize > memorySize) broken("has a segment with more content than memory");
    if (physicalAddress + memorySize > 1n << 64n) broken("has a segment beyond the end of memory");
    if (offset + fileSize > BigInt(size)) {
      broken(`is cut short: a segment ends at byte ${offset + fileSize}, and the file has ${size} bytes`);
    }
    return { offset: Number(offset), fileSize: Number(fileSize), memorySize, physicalAddress, virtualAddress };
  });
  return {
    machine: MACHINES[bytes.readUInt16LE(18)] ?? null,
    entry: word(24),
    headers,
    segments,
  };
}

function broken(what: string): never {
  throw new BatonError("bad-format", `This is an ELF file, but a broken one: it ${what}.`);
}
