/** ISO images that no program makes: directories of any records, with continuation areas (SUSP CE). */

export const SECTOR = 2048;
export const AREAS = 18;

const both = (number: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(number, 0);
  bytes.writeUInt32BE(number, 4);
  return bytes;
};

export interface Fields {
  readonly name: string;
  readonly block?: number;
  readonly size?: number;
  readonly flags?: number;
  readonly systemUse?: Buffer;
}

export function record({ name, block = 0, size = 0, flags = 0, systemUse = Buffer.alloc(0) }: Fields): Buffer {
  const id = Buffer.from(name, "latin1");
  const head = Buffer.concat([
    Buffer.from([0, 0]),
    both(block),
    both(size),
    Buffer.from([120, 1, 1, 0, 0, 0, 0, flags, 0, 0, 1, 0, 0, 1, id.length]),
    id,
    Buffer.alloc(1 - (id.length % 2)),
    systemUse,
  ]);
  head[0] = head.length;
  return head;
}

export const posix = (mode: number): Buffer => Buffer.concat([Buffer.from("PX\x24\x01"), both(mode), Buffer.alloc(24)]);
export const nameOf = (name: string): Buffer =>
  Buffer.concat([Buffer.from(["N".charCodeAt(0), 77, 5 + name.length, 1, 0]), Buffer.from(name)]);
/** SUSP CE: goes on at the beginning of a block. */
export const continuedAt = (block: number): Buffer =>
  Buffer.concat([Buffer.from("CE\x1c\x01"), both(block), both(0), both(SECTOR)]);

/** An image whose root directory is these records, with continuation areas from block 18 on. */
export function imageOf(records: Iterable<Buffer>, areas: readonly Buffer[] = []): Buffer {
  const root = AREAS + areas.length;
  const sectors: Buffer[] = [];
  let sector: Buffer[] = [];
  let used = 0;
  const close = (): void => {
    sectors.push(Buffer.concat([...sector, Buffer.alloc(SECTOR - used)]));
    sector = [];
    used = 0;
  };
  const shareUse = Buffer.from([0x53, 0x50, 7, 1, 0xbe, 0xef, 0]);
  const self: Fields = { name: "\0", block: root, flags: 2, systemUse: Buffer.concat([shareUse, posix(0o40755)]) };
  for (const one of [record(self), ...records]) {
    if (used + one.length > SECTOR) close();
    sector.push(one);
    used += one.length;
  }
  close();
  const size = sectors.length * SECTOR;
  sectors[0]!.set(record({ ...self, size }));
  const primary = Buffer.alloc(SECTOR);
  primary.write("\x01CD001\x01", "latin1");
  primary.writeUInt16LE(SECTOR, 128);
  primary.set(record({ name: "\0", block: root, size, flags: 2 }), 156);
  const end = Buffer.alloc(SECTOR);
  end.write("\xffCD001\x01", "latin1");
  const padded = areas.map((area) => Buffer.concat([area, Buffer.alloc(SECTOR - area.length)]));
  return Buffer.concat([Buffer.alloc(16 * SECTOR), primary, end, ...padded, ...sectors]);
}

export const FILLER = Buffer.from("XX\x04\x01".repeat(400), "latin1");

export function* many(count: number, one: (index: number) => Buffer): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield one(index);
}

export const rockRidge = (name: string, more: Buffer): Buffer =>
  record({ name: "A", systemUse: Buffer.concat([nameOf(name), more]) });

/** A root directory of so many records, each of which continues through sixteen areas full of entries. */
export function circlingIso(records: number): Buffer {
  const areas = [...many(16, (index) => Buffer.concat([continuedAt(AREAS + ((index + 1) % 16)), FILLER]))];
  return imageOf(
    many(records, (index) => rockRidge(`f${index}`, continuedAt(AREAS))),
    areas,
  );
}
