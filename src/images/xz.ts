/**
 * .xz files (https://tukaani.org/xz/xz-file-format.txt). The package that unpacks them, xz-decompress, knows LZMA2
 * alone. Kernels are often packed with a filter in front of it, which rewrites the targets of calls so that they
 * compress better; such a block is given to the package without its filter, and the filter undone here.
 */

import { crc32 } from "../binary/crc.ts";
import { BatonError } from "../errors.ts";
import { unfilterArm64, unfilterX86 } from "./branchfilter.ts";

const MAGIC = Buffer.from("fd377a585a00", "hex");
const LZMA2 = 0x21;
/** Bytes of the check behind each block, by its number (section 2.1.1.2). */
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;
const CHECK_CRC32 = 1;

type Filter = (bytes: Uint8Array, start: number) => void;

/** Branch filters by their numbers; those of other processors belong to kernels that Baton can't start. */
const FILTERS: Readonly<Record<number, Filter>> = { 4: unfilterX86, 10: unfilterArm64 };

/** Unpacks LZMA2 alone. */
export type Unpack = (xz: Uint8Array, limit: number) => Promise<Uint8Array>;

/**
 * Unpacks an .xz file.
 * @param unpack for files without filters
 * @param limit bytes of the result
 * @throws BatonError `bad-format`, `too-large`, `unsupported`; what `unpack` throws
 */
export async function unpackXz(packed: Uint8Array, limit: number, unpack: Unpack): Promise<Uint8Array> {
  const input = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const first = readBlockHeader(input, 12);
  if (first === null || first.filters.length === 0) return unpack(packed, limit);
  const check = input[7]! & 15;
  const parts: Uint8Array[] = [];
  let left = limit;
  let at = 12;
  for (let header = readBlockHeader(input, at); header !== null; header = readBlockHeader(input, at)) {
    const start = at + header.size;
    const end = endOfLzma2(input, start);
    const bytes = await unpack(wrap(input.subarray(start, end), header.dictionary), left);
    for (const { undo, offset } of header.filters.toReversed()) undo(bytes, offset);
    const checkAt = Math.ceil(end / 4) * 4;
    at = checkAt + CHECK_SIZES[check]!;
    if (at > input.length) broken("it is cut short");
    if (check === CHECK_CRC32 && crc32(bytes) !== input.readUInt32LE(checkAt)) broken("a checksum is wrong");
    parts.push(bytes);
    left -= bytes.length;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
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
  /** A number of seven bits a byte, the lowest first. */
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = input[at++] ?? broken("it is cut short");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return broken("it has a number of too many bytes");
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

/** Walks the chunks: each says how many bytes it has. */
function endOfLzma2(input: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const control = input[at] ?? broken("it is cut short");
    if (control === 0) return at + 1;
    if (at + 6 > input.length) broken("it is cut short");
    if (control < 0x80) {
      if (control > 2) broken("it has a chunk of an unknown kind");
      at += 3 + input.readUInt16BE(at + 1) + 1;
    } else {
      // From 0xc0 on a byte of new properties follows.
      at += (control >= 0xc0 ? 6 : 5) + input.readUInt16BE(at + 3) + 1;
    }
  }
}

/** An .xz file of one block, without a check. */
function wrap(lzma2: Uint8Array, dictionary: number): Uint8Array {
  const flags = Buffer.from([0, 0]);
  const withCrc = (bytes: Buffer): Buffer => {
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(crc32(bytes));
    return Buffer.concat([bytes, crc]);
  };
  const header = withCrc(Buffer.from([2, 0, LZMA2, 1, dictionary, 0, 0, 0]));
  const padding = Buffer.alloc((4 - (lzma2.length % 4)) % 4);
  // The index must tell the true sizes; the unpacked one is known only by walking the chunks once more.
  const record = [...vli(header.length + lzma2.length), ...vli(unpackedSize(lzma2))];
  const records = Buffer.from([0, 1, ...record]);
  const index = withCrc(Buffer.concat([records, Buffer.alloc((4 - (records.length % 4)) % 4)]));
  const footer = Buffer.alloc(6);
  footer.writeUInt32LE(index.length / 4 - 1);
  const footerCrc = Buffer.alloc(4);
  footerCrc.writeUInt32LE(crc32(footer));
  const start = [MAGIC, withCrc(flags), header, lzma2, padding];
  return Buffer.concat([...start, index, footerCrc, footer, Buffer.from("YZ")]);
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
