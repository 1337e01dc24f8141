/**
 * .xz files (https://tukaani.org/xz/xz-file-format.txt). The package that unpacks them, xz-decompress, knows LZMA2
 * alone. Kernels are often packed with a filter in front of it, which rewrites the targets of calls so that they
 * compress better; such a block is given to the package without its filter, and the filter undone here.
 */

import { crc32 } from "../binary/crc.ts";
import { BatonError } from "../errors.ts";
import { unfilterArm64, unfilterX86 } from "./branchfilter.ts";
import type { Output } from "./output.ts";

const MAGIC = Buffer.from("fd377a585a00", "hex");
const LZMA2 = 0x21;
/** Bytes of the check behind each block, by its number (section 2.1.1.2). */
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;
const CHECK_NONE = 0;
const CHECK_CRC32 = 1;
/** Bytes of the header in front of the first block, and of the footer behind the index. */
const STREAM_HEADER = 12;

type Filter = (bytes: Uint8Array, start: number) => void;

/** Branch filters by their numbers; those of other processors belong to kernels that Baton can't start. */
const FILTERS: Readonly<Record<number, Filter>> = { 4: unfilterX86, 10: unfilterArm64 };

/** Unpacks LZMA2 alone, behind what is in the output. */
type Unpack = (xz: Uint8Array, output: Output) => Promise<void>;

/**
 * Unpacks an .xz file.
 * @param unpack for files without filters
 * @throws BatonError `bad-format`, `unsupported`, `too-large` once the output is full; what `unpack` throws
 */
export async function unpackXz(packed: Uint8Array, output: Output, unpack: Unpack): Promise<void> {
  const input = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const first = readBlockHeader(input, STREAM_HEADER);
  if (first === null || first.filters.length === 0) return unpack(packed, output);
  const check = input[7]! & 15;
  let at = STREAM_HEADER;
  for (let header = readBlockHeader(input, at); header !== null; header = readBlockHeader(input, at)) {
    const start = at + header.size;
    const end = endOfLzma2(input, start);
    const from = output.length;
    try {
      await unpack(wrap(input.subarray(start, end ?? undefined), header.dictionary, end !== null), output);
    } finally {
      // Of a block that doesn't fit, the beginning is right, too.
      const unpacked = output.filled.subarray(from);
      for (const { undo, offset } of header.filters.toReversed()) undo(unpacked, offset);
    }
    if (end === null) broken("it is cut short");
    const bytes = output.filled.subarray(from);
    const checkAt = Math.ceil(end / 4) * 4;
    at = checkAt + CHECK_SIZES[check]!;
    if (at > input.length) broken("it is cut short");
    if (check === CHECK_CRC32 && crc32(bytes) !== input.readUInt32LE(checkAt)) broken("a checksum is wrong");
  }
}

interface BlockHeader {
  /** Bytes of the header. */
  readonly size: number;
  /** In front of LZMA2, in the order of packing. */
  readonly filters: readonly { readonly undo: Filter; readonly offset: number }[];
  /** LZMA2's property byte. */
  readonly dictionary: number;
}

/** @returns null where the index follows: there are no more blocks */
function readBlockHeader(input: Buffer, start: number): BlockHeader | null {
  if (start >= input.length) broken("it is cut short");
  if (input[start] === 0) return null;
  const size = (input[start]! + 1) * 4;
  if (start + size > input.length) broken("it is cut short");
  if (crc32(input.subarray(start, start + size - 4)) !== input.readUInt32LE(start + size - 4)) {
    broken("a header's checksum is wrong");
  }
  const flags = input[start + 1]!;
  let at = start + 2;
  const number = (): number => {
    const { value, next } = readVli(input, at);
    at = next;
    return value;
  };
  if (flags & 0x40) number();
  if (flags & 0x80) number();
  const filters: { undo: Filter; offset: number }[] = [];
  const count = (flags & 3) + 1;
  for (let index = 0; index < count; index++) {
    const id = number();
    const properties = number();
    const propertiesAt = at;
    at += properties;
    if (at > start + size - 4) broken("a header is malformed");
    if (index === count - 1) {
      if (id !== LZMA2 || properties !== 1) unsupported(id);
      return { size, filters, dictionary: input[propertiesAt]! };
    }
    const undo = FILTERS[id] ?? unsupported(id);
    filters.push({ undo, offset: properties === 4 ? input.readUInt32LE(propertiesAt) : 0 });
  }
  return broken("a header is malformed");
}

/** Walks the chunks: each says how many bytes it has. @returns null where the input ends before */
function endOfLzma2(input: Buffer, start: number): number | null {
  let at = start;
  for (;;) {
    const control = input[at];
    if (control === 0) return at + 1;
    if (control === undefined || at + 6 > input.length) return null;
    if (control < 0x80) {
      if (control > 2) broken("it has a chunk of an unknown kind");
      at += 3 + input.readUInt16BE(at + 1) + 1;
    } else {
      // From 0xc0 on a byte of new properties follows.
      at += (control >= 0xc0 ? 6 : 5) + input.readUInt16BE(at + 3) + 1;
    }
  }
}

/** An .xz file of one block, without a check; without its end where the block isn't whole. */
function wrap(lzma2: Uint8Array, dictionary: number, isWhole: boolean): Uint8Array {
  const header = withCrc(Buffer.from([2, 0, LZMA2, 1, dictionary, 0, 0, 0]));
  if (!isWhole) return Buffer.concat([MAGIC, withCrc(flagsOf(CHECK_NONE)), header, lzma2]);
  // The index must tell the true sizes; the unpacked one is known only by walking the chunks once more.
  const end = ending(header.length + lzma2.length, unpackedSize(lzma2));
  return Buffer.concat([MAGIC, withCrc(flagsOf(CHECK_NONE)), header, lzma2, padding(lzma2.length), end]);
}

/**
 * Takes the CRC-32 of the unpacked bytes out of an .xz file of one block, in place, so that whoever unpacks it doesn't
 * compute one. What is left over at the file's end is zeros (section 2.2, "Stream Padding").
 * @returns whether it was there; false, and nothing changed, for any other file
 * @throws BatonError `bad-format` where its index is malformed
 */
export function removeXzCheck(file: Buffer): boolean {
  const footer = file.length - STREAM_HEADER;
  if (footer < STREAM_HEADER || file.toString("latin1", footer + 10) !== "YZ") return false;
  if (!file.subarray(0, STREAM_HEADER).equals(Buffer.concat([MAGIC, withCrc(flagsOf(CHECK_CRC32))]))) return false;
  const index = footer - (file.readUInt32LE(footer + 4) + 1) * 4;
  if (index < STREAM_HEADER || file[index] !== 0 || file[index + 1] !== 1) return false;
  const { value: unpadded, next } = readVli(file, index + 2);
  const { value: unpacked } = readVli(file, next);
  const check = index - CHECK_SIZES[CHECK_CRC32];
  const block = unpadded - CHECK_SIZES[CHECK_CRC32];
  if (STREAM_HEADER + block + padding(block).length !== check) return false;
  withCrc(flagsOf(CHECK_NONE)).copy(file, MAGIC.length);
  const end = ending(block, unpacked);
  file.fill(0, check + end.copy(file, check));
  return true;
}

/**
 * Index and footer of a file of one block, without a check.
 * @param unpadded bytes of the block, its header among them
 */
function ending(unpadded: number, unpacked: number): Buffer {
  const records = Buffer.from([0, 1, ...vli(unpadded), ...vli(unpacked)]);
  const index = withCrc(Buffer.concat([records, padding(records.length)]));
  const footer = Buffer.alloc(STREAM_HEADER);
  footer.writeUInt32LE(index.length / 4 - 1, 4);
  flagsOf(CHECK_NONE).copy(footer, 8);
  footer.writeUInt32LE(crc32(footer.subarray(4, 10)));
  footer.write("YZ", 10);
  return Buffer.concat([index, footer]);
}

function flagsOf(check: number): Buffer {
  return Buffer.from([0, check]);
}

function withCrc(bytes: Buffer): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(bytes));
  return Buffer.concat([bytes, crc]);
}

/** Zeros up to a multiple of four. */
function padding(size: number): Buffer {
  return Buffer.alloc((4 - (size % 4)) % 4);
}

function unpackedSize(lzma2: Uint8Array): number {
  const input = Buffer.from(lzma2.buffer, lzma2.byteOffset, lzma2.length);
  let size = 0;
  for (let at = 0; input[at] !== 0; ) {
    const control = input[at]!;
    if (control < 0x80) {
      size += input.readUInt16BE(at + 1) + 1;
      at += 3 + input.readUInt16BE(at + 1) + 1;
    } else {
      size += ((control & 0x1f) << 16) + input.readUInt16BE(at + 1) + 1;
      at += (control >= 0xc0 ? 6 : 5) + input.readUInt16BE(at + 3) + 1;
    }
  }
  return size;
}

/** A number of seven bits a byte, the lowest first (section 1.2). */
function readVli(input: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  for (let [at, shift] = [start, 0]; shift < 63; shift += 7) {
    const byte = input[at++] ?? broken("it is cut short");
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at };
  }
  return broken("it has a number of too many bytes");
}

function vli(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

function unsupported(id: number): never {
  throw new BatonError(
    "unsupported",
    `It is packed with the xz filter 0x${id.toString(16)}, which Baton doesn't undo.`,
  );
}

function broken(why: string): never {
  throw new BatonError("bad-format", `This is xz, but damaged: ${why}.`);
}
