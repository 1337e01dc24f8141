/** Makes small ELF64 files for tests: headers and a dynamic section, and nothing that could run. */

export interface ElfOptions {
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly interpreter?: string;
  /** Bytes behind all that the program headers cover, as section headers and symbols are. */
  readonly tail?: Uint8Array;
}

const HEADER = 64;
const SEGMENT = 56;
/** Where the file's first byte is in memory. */
const BASE = 0x400000;

export function makeElf(options: ElfOptions = {}): Buffer {
  const texts = [...(options.needed ?? []), options.soname ?? "", options.interpreter ?? ""];
  const strings = Buffer.from(`\0${texts.map((text) => `${text}\0`).join("")}`);
  const textAt = (text: string) => strings.indexOf(`\0${text}\0`) + 1;

  const dynamic: [tag: number, value: number][] = (options.needed ?? []).map((name) => [1, textAt(name)]);
  if (options.soname !== undefined) dynamic.push([14, textAt(options.soname)]);
  const count = 1 + (dynamic.length > 0 ? 1 : 0) + (options.interpreter === undefined ? 0 : 1);
  const stringsAt = HEADER + count * SEGMENT;
  const dynamicAt = Math.ceil((stringsAt + strings.length) / 8) * 8;
  if (dynamic.length > 0) dynamic.push([5, BASE + stringsAt], [0, 0]);
  const end = dynamicAt + dynamic.length * 16;

  const bytes = Buffer.alloc(end);
  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  bytes.writeUInt16LE(3, 16); // ET_DYN
  bytes.writeUInt16LE(62, 18); // EM_X86_64
  bytes.writeBigUInt64LE(BigInt(HEADER), 32);
  bytes.writeUInt16LE(SEGMENT, 54);
  bytes.writeUInt16LE(count, 56);
  let header = HEADER;
  const segment = (type: number, offset: number, size: number) => {
    bytes.writeUInt32LE(type, header);
    bytes.writeBigUInt64LE(BigInt(offset), header + 8);
    bytes.writeBigUInt64LE(BigInt(BASE + offset), header + 16);
    bytes.writeBigUInt64LE(BigInt(size), header + 32);
    bytes.writeBigUInt64LE(BigInt(size), header + 40);
    bytes.writeBigUInt64LE(4096n, header + 48);
    header += SEGMENT;
  };
  segment(1, 0, end);
  if (dynamic.length > 0) segment(2, dynamicAt, dynamic.length * 16);
  if (options.interpreter !== undefined) {
    segment(3, stringsAt + textAt(options.interpreter), options.interpreter.length + 1);
  }
  strings.copy(bytes, stringsAt);
  for (const [index, [tag, value]] of dynamic.entries()) {
    bytes.writeBigUInt64LE(BigInt(tag), dynamicAt + index * 16);
    bytes.writeBigUInt64LE(BigInt(value), dynamicAt + index * 16 + 8);
  }
  return Buffer.concat([bytes, options.tail ?? Buffer.alloc(0)]);
}
