import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { identityTables } from "../../src/kexec/pagetables.ts";
import { Range } from "../../src/kexec/ranges.ts";
import { translate } from "./pagewalk.ts";

const GIB = 1n << 30n;
const MIB = 1n << 20n;
const AT = 0x7ff0_0000n;

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
      assert.equal(translate(tables, AT, address), address);
      assert.equal(translate(tables, AT, address, 5), address);
    }
  });
  fc.assert(property, { numRuns: 30 });
});

test("nothing else is: what lies beside memory may be no memory", () => {
  const tables = identityTables([new Range(5n * GIB + MIB, 5n * GIB + 3n * MIB)], AT);
  assert.equal(translate(tables, AT, 5n * GIB), 5n * GIB, "the page around it");
  assert.equal(translate(tables, AT, 5n * GIB + 4n * MIB), null);
  assert.equal(translate(tables, AT, 4n * GIB), null);
  assert.equal(translate(tables, AT, 600n * GIB), null);
});

test("they are small: a page for each GiB, and three for those above", () => {
  assert.equal(identityTables([], AT).length, 7 * 4096);
  assert.equal(identityTables([new Range(100n * GIB, 102n * GIB)], AT).length, 9 * 4096);
  assert.equal(identityTables([new Range(600n * GIB, 601n * GIB)], AT).length, 9 * 4096);
});

test("what no processor with four levels reaches is left out", () => {
  assert.equal(identityTables([new Range((1n << 52n) - 4096n, 1n << 52n)], AT).length, 7 * 4096);
});
