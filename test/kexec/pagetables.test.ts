import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FOUR_LEVELS_AT, identityTables } from "../../src/kexec/pagetables.ts";
import { Range } from "../../src/kexec/ranges.ts";

const GIB = 1n << 30n;
const MIB = 1n << 20n;
const AT = 0x7ff0_0000n;

/** Goes through the tables as the processor does; null where an entry isn't present. */
function translate(tables: Buffer, address: bigint, levels: 4 | 5): bigint | null {
  let table = levels === 5 ? 0 : FOUR_LEVELS_AT;
  for (let shift = levels === 5 ? 48n : 39n; ; shift -= 9n) {
    const entry = tables.readBigUInt64LE(table + Number((address >> shift) & 511n) * 8);
    if ((entry & 1n) === 0n) return null;
    assert.equal(entry & 2n, 2n, "it may be written to");
    assert.equal(entry >> 63n, 0n, "it may be run");
    const target = entry & 0x000f_ffff_ffff_f000n;
    const isPage = (entry & 0x80n) !== 0n;
    assert.equal(isPage, shift === 21n, "pages are of 2 MiB");
    if (isPage) return target + (address & (2n * MIB - 1n));
    table = Number(target - AT);
    assert.ok(table > 0 && table < tables.length && table % 4096 === 0, "a table lies within the tables");
  }
}

test("the first 4 GiB and whatever was asked for are mapped to themselves, with four levels as with five", () => {
  const range = fc.tuple(fc.bigInt(0n, (1n << 48n) - 8n * GIB), fc.bigInt(1n, 3n * GIB));
  const property = fc.property(fc.array(range, { maxLength: 4 }), fc.bigInt(0n, 4n * GIB - 1n), (spans, low) => {
    const ranges = spans.map(([start, size]) => Range.ofSize(start, size));
    const tables = identityTables(ranges, AT);
    const middles = ranges.map(({ start, size }) => start + size / 2n);
    for (const address of [
      low,
      0n,
      4n * GIB - 1n,
      ...middles,
      ...ranges.flatMap(({ start, end }) => [start, end - 1n]),
    ]) {
      assert.equal(translate(tables, address, 4), address);
      assert.equal(translate(tables, address, 5), address);
    }
  });
  fc.assert(property, { numRuns: 30 });
});

test("nothing else is: what lies beside memory may be no memory", () => {
  const tables = identityTables([new Range(5n * GIB + MIB, 5n * GIB + 3n * MIB)], AT);
  assert.equal(translate(tables, 5n * GIB, 4), 5n * GIB, "the page around it");
  assert.equal(translate(tables, 5n * GIB + 4n * MIB, 4), null);
  assert.equal(translate(tables, 4n * GIB, 4), null);
  assert.equal(translate(tables, 600n * GIB, 4), null);
});

test("they are small: a page for each GiB, and three for those above", () => {
  assert.equal(identityTables([], AT).length, 7 * 4096);
  assert.equal(identityTables([new Range(100n * GIB, 102n * GIB)], AT).length, 9 * 4096);
  assert.equal(identityTables([new Range(600n * GIB, 601n * GIB)], AT).length, 9 * 4096);
});

test("what no processor with four levels reaches is left out", () => {
  assert.equal(identityTables([new Range((1n << 52n) - 4096n, 1n << 52n)], AT).length, 7 * 4096);
});
