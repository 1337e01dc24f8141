/**
 * PE/COFF executables (UEFI programs, kernels with an EFI stub, unified kernel images): the headers and where the
 * sections lie. Microsoft's "PE Format"; nothing of the file is trusted, and it is never read whole.
 */

import { BatonError } from "../errors.ts";
import type { ReadAt } from "./readat.ts";

const DOS_HEADER_SIZE = 64;
/** "PE\0\0" and the COFF file header. */
const FILE_HEADER_SIZE = 24;
const SECTION_HEADER_SIZE = 40;
/** Where Windows stops at 96, unified kernel images of many profiles don't have to. */
const MAX_SECTIONS = 1024;
/** Up to and including the subsystem, which stands at the same place in both kinds. */
const OPTIONAL_HEADER_LEAST = 70;
const MAX_OPTIONAL_HEADER = 4096;

const MACHINES: Readonly<Record<number, string>> = {
  332: "i386",
  448: "arm",
  450: "arm",
  452: "arm",
  20530: "riscv32",
  20580: "riscv64",
  25188: "loongarch64",
  34404: "x86_64",
  43620: "aarch64",
};

export interface PeSection {
  /** `.linux`; up to eight characters. */
  readonly name: string;
  /** Where it goes in memory, from the image's base. */
  readonly virtualAddress: number;
  /** Its bytes in memory. */
  readonly virtualSize: number;
  /** Where it lies in the file. */
  readonly offset: number;
  /** Its bytes in the file, rounded up to the file's alignment. */
  readonly fileSize: number;
  /** The bytes of its content: what `readSection` gives. */
  readonly size: number;
}

export interface Pe {
  /** As `uname -m`; `0x1234` for one without a name here. */
  readonly machine: string;
  /** Bytes in memory when loaded. */
  readonly imageSize: number;
  /** Signatures (Authenticode): where they lie in the file; null where there are none. */
  readonly certificates: { readonly offset: number; readonly size: number } | null;
  /** In the order of the file; a name may come several times (one `.profile` each). */
  readonly sections: readonly PeSection[];
}

/** True where a file begins as a DOS and PE executable does; the headers may still be broken. */
export function looksLikePe(start: Uint8Array): boolean {
  return start[0] === 0x4d && start[1] === 0x5a;
}

/**
 * Reads the headers.
 * @param size of the file, in bytes
 * @returns null where the file is no PE at all (a DOS program, or something else)
 * @throws BatonError `bad-format` where it is one, but broken; and what `readAt` rejects with
 */
export async function readPe(readAt: ReadAt, size: number): Promise<Pe | null> {
  if (size < DOS_HEADER_SIZE + FILE_HEADER_SIZE) return null;
  const dos = view(await readAt(0, DOS_HEADER_SIZE));
  if (dos.byteLength < DOS_HEADER_SIZE || dos.getUint16(0, true) !== 0x5a4d) return null;
  const headerAt = dos.getUint32(60, true);
  if (headerAt > size - FILE_HEADER_SIZE) return null;
  const file = view(await readAt(headerAt, FILE_HEADER_SIZE));
  if (file.byteLength < FILE_HEADER_SIZE || file.getUint32(0, true) !== 0x4550) return null;

  const machine = file.getUint16(4, true);
  const sectionCount = file.getUint16(6, true);
  const optionalSize = file.getUint16(20, true);
  if (sectionCount > MAX_SECTIONS) broken(`has ${sectionCount} sections, and Baton reads ${MAX_SECTIONS} at most`);
  if (optionalSize < OPTIONAL_HEADER_LEAST || optionalSize > MAX_OPTIONAL_HEADER)
    broken("has no optional header of a usable size");
  const tableSize = sectionCount * SECTION_HEADER_SIZE;
  const rest = await readAt(headerAt + FILE_HEADER_SIZE, optionalSize + tableSize);
  if (rest.length < optionalSize + tableSize) broken("ends within its headers");

  const optional = view(rest.subarray(0, optionalSize));
  const magic = optional.getUint16(0, true);
  if (magic !== 0x10b && magic !== 0x20b) broken(`has an optional header of the unknown kind 0x${magic.toString(16)}`);
  return {
    machine: MACHINES[machine] ?? `0x${machine.toString(16)}`,
    imageSize: optional.getUint32(56, true),
    certificates: certificates(optional, magic === 0x20b ? 144 : 128, size),
    sections: Array.from({ length: sectionCount }, (_, index) =>
      section(view(rest.subarray(optionalSize + index * SECTION_HEADER_SIZE, optionalSize + tableSize))),
    ),
  };
}

/** Entry 4 of the data directories; unlike the others it holds an offset in the file. */
function certificates(optional: DataView, at: number, size: number): Pe["certificates"] {
  if (optional.byteLength < at + 8) return null;
  const offset = optional.getUint32(at, true);
  const length = optional.getUint32(at + 4, true);
  return length === 0 || offset + length > size ? null : { offset, size: length };
}

function section(header: DataView): PeSection {
  const name = Buffer.from(header.buffer, header.byteOffset, 8).toString("latin1").replace(/\0.*$/s, "");
  const virtualSize = header.getUint32(8, true);
  const fileSize = header.getUint32(16, true);
  return {
    name,
    virtualSize,
    virtualAddress: header.getUint32(12, true),
    fileSize,
    offset: header.getUint32(20, true),
    // The file's size is rounded up, the memory's is exact; some tools leave the latter 0. Where memory is larger
    // than the file, zeros follow, which are nothing to read.
    size: virtualSize === 0 ? fileSize : Math.min(virtualSize, fileSize),
  };
}

/** The first section of a name; null where there is none. */
export function findSection(pe: Pick<Pe, "sections">, name: string): PeSection | null {
  return pe.sections.find((candidate) => candidate.name === name) ?? null;
}

/**
 * A section's content.
 * @param limit bytes; a larger section is refused
 * @throws BatonError `too-large`, `bad-format` where the file ends before the section does; what `readAt` rejects with
 */
export async function readSection(readAt: ReadAt, wanted: PeSection, limit: number): Promise<Uint8Array> {
  if (wanted.size > limit) {
    const message = `The section ${wanted.name} has ${wanted.size} bytes, more than the ${limit} that Baton reads of it.`;
    throw new BatonError("too-large", message);
  }
  const bytes = wanted.size === 0 ? new Uint8Array(0) : await readAt(wanted.offset, wanted.size);
  if (bytes.length < wanted.size) {
    const message = `The section ${wanted.name} should have ${wanted.size} bytes, but the file ends after ${bytes.length} of them: it is cut short.`;
    throw new BatonError("bad-format", message);
  }
  return bytes;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function broken(what: string): never {
  throw new BatonError("bad-format", `This is a PE executable, but a broken one: it ${what}.`);
}
