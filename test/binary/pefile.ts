/** Makes small PE executables for tests, laid out as objcopy and ukify lay them out. */

export interface PeOptions {
  readonly machine?: number;
  readonly subsystem?: number;
}

/** A PE32+ file with these sections, in this order. Sections are aligned to 512 bytes in the file. */
export function makePe(
  sections: readonly (readonly [name: string, content: Uint8Array | string])[],
  options: PeOptions = {},
): Uint8Array {
  const optionalSize = 240;
  const headersSize = align(128 + 24 + optionalSize + sections.length * 40, 512);
  const contents = sections.map(([, content]) => Buffer.from(content as string));
  const size = contents.reduce((sum, content) => sum + align(content.length, 512), headersSize);
  const bytes = Buffer.alloc(size);
  bytes.write("MZ", 0, "latin1");
  bytes.writeUInt32LE(128, 60);
  bytes.write("PE\0\0", 128, "latin1");
  bytes.writeUInt16LE(options.machine ?? 0x8664, 132);
  bytes.writeUInt16LE(sections.length, 134);
  bytes.writeUInt16LE(optionalSize, 148);
  bytes.writeUInt16LE(0x20b, 152);
  bytes.writeUInt32LE(0x1234, 152 + 16);
  bytes.writeUInt32LE(0x200000, 152 + 56);
  bytes.writeUInt16LE(options.subsystem ?? 10, 152 + 68);
  let offset = headersSize;
  let address = 0x1000;
  for (const [index, [name]] of sections.entries()) {
    const content = contents[index]!;
    const at = 152 + optionalSize + index * 40;
    bytes.write(name, at, 8, "latin1");
    bytes.writeUInt32LE(content.length, at + 8);
    bytes.writeUInt32LE(address, at + 12);
    bytes.writeUInt32LE(align(content.length, 512), at + 16);
    bytes.writeUInt32LE(offset, at + 20);
    content.copy(bytes, offset);
    offset += align(content.length, 512);
    address += align(content.length, 4096);
  }
  return bytes;
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
