import assert from "node:assert/strict";
import { test } from "node:test";
import { reduceIcuData } from "../../initramfs/icu.ts";

const HEADER_SIZE = 32;

/** ICU's common data with these items, as ICU's own tools lay it out. */
function makeData(items: Readonly<Record<string, string>>): Buffer {
  const names = Object.keys(items).sort();
  const toc = 4 + names.length * 8;
  const namesSize = names.reduce((sum, name) => sum + name.length + 1, 0);
  const bytes = Buffer.alloc(HEADER_SIZE + 1000);
  bytes.writeUInt16LE(HEADER_SIZE, 0);
  bytes[2] = 0xda;
  bytes[3] = 0x27;
  bytes.write("CmnD", 12, "latin1");
  bytes[16] = 1;
  bytes.writeUInt32LE(names.length, HEADER_SIZE);
  let name = toc;
  let data = toc + namesSize;
  for (const [index, item] of names.entries()) {
    data = Math.ceil((HEADER_SIZE + data) / 16) * 16 - HEADER_SIZE;
    bytes.writeUInt32LE(name, HEADER_SIZE + 4 + index * 8);
    bytes.writeUInt32LE(data, HEADER_SIZE + 8 + index * 8);
    bytes.write(`${item}\0`, HEADER_SIZE + name, "latin1");
    bytes.write(items[item]!, HEADER_SIZE + data, "latin1");
    name += item.length + 1;
    data += items[item]!.length;
  }
  return bytes.subarray(0, HEADER_SIZE + data);
}

const ITEMS = {
  "icudt78l/de.res": "Deutsch",
  "icudt78l/en.res": "English",
  "icudt78l/zone/en.res": "zones in English",
};

test("reduced data is what ICU's tools would have made of the kept items alone", () => {
  const { "icudt78l/de.res": _, ...kept } = ITEMS;
  const reduced = reduceIcuData(makeData(ITEMS), (item) => /(^|\/)en\.res$/.test(item));
  assert.deepEqual(Buffer.from(reduced), makeData(kept));
});

test("data of which all is kept stays as it is", () => {
  assert.deepEqual(Buffer.from(reduceIcuData(makeData(ITEMS), () => true)), makeData(ITEMS));
});

test("the items are asked for by name, without the package's", () => {
  const asked: string[] = [];
  reduceIcuData(makeData(ITEMS), (item) => asked.push(item) > 0);
  assert.deepEqual(asked, ["de.res", "en.res", "zone/en.res"]);
});

test("what is no ICU data is refused", () => {
  assert.throws(() => reduceIcuData(Buffer.alloc(100), () => true), /no little-endian ICU data/);
});
