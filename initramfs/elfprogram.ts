/**
 * What a program needs to be run and to be made smaller. The header and the program headers are read by
 * src/binary/elf.ts; the dynamic section and the symbols, which no kernel has, are read here.
 */

import { PT_LOAD, readElf } from "../src/binary/elf.ts";
import { BatonError } from "../src/errors.ts";

/** ELF-64 Object File Format, and the System V ABI's dynamic section. */
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_SONAME = 14;
const SHT_DYNSYM = 11;
const HEADER_SIZE = 64;
const SEGMENT_SIZE = 56;
const SECTION_SIZE = 64;
const SYMBOL_SIZE = 24;

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

/** The shared libraries that a program or library names, and who loads it. */
export interface Needs {
  readonly needed: readonly string[];
  readonly interpreter: string | null;
  readonly soname: string | null;
}

function viewOf(bytes: Uint8Array): DataView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_SIZE || view.getUint32(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) {
    throw new BatonError("bad-format", "not a little-endian ELF64 file");
  }
  return view;
}

const long = (view: DataView, offset: number): number => Number(view.getBigUint64(offset, true));

function textAt(bytes: Uint8Array, offset: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, bytes.indexOf(0, offset) - offset).toString("latin1");
}

/** The program headers, in the file's order. */
export function segments(bytes: Uint8Array): Segment[] {
  viewOf(bytes);
  return readElf(bytes, bytes.length)!.headers.map(({ type, flags, ...words }) => ({
    type,
    flags,
    offset: Number(words.offset),
    address: Number(words.virtualAddress),
    fileSize: Number(words.fileSize),
    memorySize: Number(words.memorySize),
    align: Number(words.align),
  }));
}

function offsetOf(list: readonly Segment[], address: number): number {
  const segment = list.find(
    (one) => one.type === PT_LOAD && address >= one.address && address < one.address + one.fileSize,
  );
  if (!segment)
    throw new BatonError("bad-format", `no segment of the ELF file holds address 0x${address.toString(16)}`);
  return segment.offset + address - segment.address;
}

/** DT_NEEDED, DT_SONAME and PT_INTERP; empty for a static program. */
export function needs(bytes: Uint8Array): Needs {
  const view = viewOf(bytes);
  const list = segments(bytes);
  const interp = list.find((one) => one.type === PT_INTERP);
  const interpreter = interp ? textAt(bytes, interp.offset) : null;
  const dynamic = list.find((one) => one.type === PT_DYNAMIC);
  if (!dynamic) return { needed: [], interpreter, soname: null };
  const entries: [tag: number, value: number][] = [];
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.fileSize; at += 16) {
    const tag = long(view, at);
    if (tag === 0) break;
    entries.push([tag, long(view, at + 8)]);
  }
  const strings = offsetOf(list, entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0);
  const texts = (wanted: number) =>
    entries.filter(([tag]) => tag === wanted).map(([, value]) => textAt(bytes, strings + value));
  return { needed: texts(DT_NEEDED), interpreter, soname: texts(DT_SONAME)[0] ?? null };
}

/**
 * Where the bytes of an exported symbol are in the file (.dynsym, which `strip` leaves).
 * @returns null where no exported name matches
 */
export function exportedObject(bytes: Uint8Array, name: RegExp): { name: string; offset: number; size: number } | null {
  const view = viewOf(bytes);
  const sections = long(view, 40);
  for (let index = 0; index < view.getUint16(60, true); index++) {
    const at = sections + index * SECTION_SIZE;
    if (view.getUint32(at + 4, true) !== SHT_DYNSYM) continue;
    const symbols = long(view, at + 24);
    const strings = long(view, sections + view.getUint32(at + 40, true) * SECTION_SIZE + 24);
    const end = symbols + long(view, at + 32);
    for (let symbol = symbols; symbol < end; symbol += SYMBOL_SIZE) {
      const found = textAt(bytes, strings + view.getUint32(symbol, true));
      if (!name.test(found)) continue;
      return { name: found, offset: offsetOf(segments(bytes), long(view, symbol + 8)), size: long(view, symbol + 16) };
    }
  }
  return null;
}

/**
 * The file without what running it does not need: debug information, the symbol table, the section headers. The same
 * as `strip` and a little more, for any architecture.
 */
export function stripProgram(bytes: Uint8Array): Uint8Array {
  const end = Math.max(...segments(bytes).map((one) => one.offset + one.fileSize));
  const result = Uint8Array.from(bytes.subarray(0, end));
  dropSections(new DataView(result.buffer));
  return result;
}

/** No section headers: e_shoff, e_shnum and e_shstrndx are zero. */
function dropSections(view: DataView): void {
  view.setBigUint64(40, 0n, true);
  view.setUint16(60, 0, true);
  view.setUint16(62, 0, true);
}

/**
 * Takes `[from, to)` (file offsets) out of a file for good: the segment around it becomes two with unmapped addresses
 * between them, so everything else keeps its address. Section headers go (nothing needs them at run time), and one
 * PT_NOTE, whose place in the program header table the second segment takes.
 */
export function cutOut(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const view = viewOf(bytes);
  const list = segments(bytes);
  const whole = list.findIndex((one) => one.type === PT_LOAD && from >= one.offset && to <= one.offset + one.fileSize);
  const note = list.findIndex((one) => one.type === PT_NOTE);
  if (whole < 0 || note < 0) {
    throw new BatonError(
      "unsupported",
      "the ELF file has no segment around the part to cut out, or no PT_NOTE to give up",
    );
  }
  const segment = list[whole]!;
  const page = segment.align;
  const start = Math.ceil(from / page) * page;
  const end = Math.floor(to / page) * page;
  const cut = end - start;
  if (cut <= 0) return bytes;
  const first = { ...segment, fileSize: start - segment.offset, memorySize: start - segment.offset };
  const skipped = end - segment.offset;
  const second = {
    ...segment,
    offset: start,
    address: segment.address + skipped,
    fileSize: segment.fileSize - skipped,
    memorySize: segment.memorySize - skipped,
  };
  const move = (one: Segment): Segment => (one.offset >= end ? { ...one, offset: one.offset - cut } : one);
  const made = list.flatMap((one, index) => (index === whole ? [first, second] : index === note ? [] : [move(one)]));

  const result = new Uint8Array(bytes.length - cut);
  result.set(bytes.subarray(0, start));
  result.set(bytes.subarray(end), start);
  const out = new DataView(result.buffer);
  const table = long(view, 32);
  for (const [index, one] of made.entries()) {
    const at = table + index * SEGMENT_SIZE;
    out.setUint32(at, one.type, true);
    out.setUint32(at + 4, one.flags, true);
    const longs = [one.offset, one.address, one.address, one.fileSize, one.memorySize, one.align];
    for (const [n, value] of longs.entries()) out.setBigUint64(at + 8 + n * 8, BigInt(value), true);
  }
  dropSections(out);
  return result;
}
