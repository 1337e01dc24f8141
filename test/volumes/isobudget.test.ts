/** ISO images that are made to be read without end: they cost their own entries, and the event loop runs meanwhile. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { COSTS, MAX_UNITS } from "../../src/volumes/isobudget.ts";
import {
  AREAS,
  circlingIso,
  continuedAt,
  FILLER,
  imageOf,
  many,
  nameOf,
  posix,
  record,
  rockRidge,
  SECTOR,
} from "./craftediso.ts";
import { openBytes } from "./isoimages.ts";

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
  const image = await openBytes(circlingIso(20_000));
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
  assert.equal((await image.reader.list("/")).length, 8192);
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
