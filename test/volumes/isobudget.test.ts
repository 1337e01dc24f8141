/** ISO images that are made to be read without end: they cost their own entries, and the event loop runs meanwhile. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { COSTS, MAX_UNITS } from "../../src/volumes/isobudget.ts";
import { openBytes } from "./isoimages.ts";

const SECTOR = 2048;
const AREAS = 18;

const both = (number: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(number, 0);
  bytes.writeUInt32BE(number, 4);
  return bytes;
};

interface Fields {
  readonly name: string;
  readonly block?: number;
  readonly size?: number;
  readonly flags?: number;
  readonly systemUse?: Buffer;
}

function record({ name, block = 0, size = 0, flags = 0, systemUse = Buffer.alloc(0) }: Fields): Buffer {
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

const posix = (mode: number): Buffer => Buffer.concat([Buffer.from("PX\x24\x01"), both(mode), Buffer.alloc(24)]);
const nameOf = (name: string): Buffer =>
  Buffer.concat([Buffer.from(["N".charCodeAt(0), 77, 5 + name.length, 1, 0]), Buffer.from(name)]);
/** SUSP CE: goes on at the beginning of a block. */
const continuedAt = (block: number): Buffer =>
  Buffer.concat([Buffer.from("CE\x1c\x01"), both(block), both(0), both(SECTOR)]);

/** An image whose root directory is these records, with continuation areas from block 18 on. */
function imageOf(records: Iterable<Buffer>, areas: readonly Buffer[] = []): Buffer {
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

/** How often the event loop comes round while something is done. */
async function turnsOf<T>(work: () => Promise<T>): Promise<{ result: T; turns: number }> {
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const result = await work();
  isDone = true;
  return { result, turns };
}

const FILLER = Buffer.from("XX\x04\x01".repeat(400), "latin1");

function* many(count: number, one: (index: number) => Buffer): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield one(index);
}

const rockRidge = (name: string, more: Buffer): Buffer =>
  record({ name: "A", systemUse: Buffer.concat([nameOf(name), more]) });

test("records that continue in circles: each area counts once for a record, and all names are there", async () => {
  const areas = [continuedAt(AREAS + 1), continuedAt(AREAS)];
  const image = await openBytes(
    imageOf(
      many(100, (index) => rockRidge(`f${index}`, continuedAt(AREAS))),
      areas,
    ),
  );
  assert.equal((await image.reader.list("/")).length, 100);
  assert.equal(image.shortfall, null);
});

test("records without end: what was read before the budget ended stays, one message says so, the loop runs", async () => {
  const areas = [...many(16, (index) => Buffer.concat([continuedAt(AREAS + 1 + index), FILLER]))];
  const bytes = imageOf(
    many(20_000, (index) => rockRidge(`f${index}`, continuedAt(AREAS))),
    areas,
  );
  const image = await openBytes(bytes);
  const { result: items, turns } = await turnsOf(() => image.reader.list("/"));
  const costOfOne = 16 * (400 * COSTS.systemUse + COSTS.elsewhere);
  assert.ok(items.length >= 50 && items.length <= MAX_UNITS / costOfOne, `${items.length} names`);
  assert.match(image.shortfall ?? "", /not all of it was read/);
  assert.ok(turns >= MAX_UNITS / 16_384, `${turns} turns of the event loop`);
  image.forget();
  assert.equal(image.shortfall, null);
});

test("once the budget is spent, folders that are not known yet say why, and known ones answer", async () => {
  const areas = [...many(16, (index) => Buffer.concat([continuedAt(AREAS + 1 + index), FILLER]))];
  const root = AREAS + areas.length;
  const isFolder = { name: "D", block: root + 1, size: SECTOR, flags: 2 };
  const folder = record({ ...isFolder, systemUse: Buffer.concat([nameOf("folder"), posix(0o40755)]) });
  const image = await openBytes(
    imageOf([folder, ...many(20_000, (index) => rockRidge(`f${index}`, continuedAt(AREAS)))], areas),
  );
  assert.ok((await image.reader.list("/")).some(({ name }) => name === "folder"));
  await assert.rejects(image.reader.list("/folder"), /^BatonError: vda1:\/x\.iso: .*not all of it was read/);
  assert.equal((await image.reader.stat("/folder")).type, "directory");
});

test("a directory with too many names keeps the first ones", async () => {
  const image = await openBytes(imageOf(many(40_000, (index) => rockRidge(`f${index}`, Buffer.alloc(0)))));
  assert.equal((await image.reader.list("/")).length, 32_768);
  assert.match(image.shortfall ?? "", /not all of it was read/);
});

test("a file of as many extents as there are records is put together in linear time", async () => {
  const parts = many(16_000, () => record({ name: "A", block: 1, size: 1, flags: 0x80 }));
  const image = await openBytes(imageOf([...parts, record({ name: "A", block: 1, size: 1 })]));
  assert.equal((await image.reader.stat("/a")).size, 16_001);
});

test("a path through more folders than any real image has is refused", async () => {
  // Three hundred folders, each the only one in the one before it.
  const blocks = 300;
  const head = imageOf([record({ name: "D", block: 100, size: SECTOR, flags: 2, systemUse: nameOf("d") })]);
  const image = Buffer.concat([head, Buffer.alloc((100 + blocks + 1) * SECTOR - head.length)]);
  for (let index = 0; index < blocks; index++) {
    const next = { name: "D", block: 101 + index, size: SECTOR, flags: 2, systemUse: nameOf("d") };
    image.set(record(next), (100 + index) * SECTOR);
  }
  const { reader } = await openBytes(image);
  assert.equal((await reader.stat("/d".repeat(200))).type, "directory");
  await assert.rejects(reader.stat("/d".repeat(290)), /more than 256 folders in each other/);
});
