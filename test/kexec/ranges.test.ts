import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ADDRESS_END, alignDown, alignUp, Range, Ranges } from "../../src/kexec/ranges.ts";

// Everything is compared with plain sets of addresses, in a small world at either end of the address space.
const WORLD = 48;
const bases = [0n, ADDRESS_END - BigInt(WORLD)];

const base = fc.constantFrom(...bases);
const bounds = fc.tuple(fc.nat(WORLD), fc.nat(WORLD)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
type Bounds = readonly [number, number];

function at(origin: bigint, [start, end]: Bounds): Range {
  return new Range(origin + BigInt(start), origin + BigInt(end));
}

function members(origin: bigint, ranges: Iterable<Range>): Set<number> {
  const found = new Set<number>();
  for (const range of ranges) {
    for (let address = range.start; address < range.end; address++) found.add(Number(address - origin));
  }
  return found;
}

function addresses([start, end]: Bounds): Set<number> {
  return new Set(Array.from({ length: end - start }, (_, index) => start + index));
}

const sorted = (set: Iterable<number>) => [...set].sort((a, b) => a - b);
const has = (set: ReadonlySet<number>) => (address: number) => set.has(address);

test("two ranges: every relation and operation is that of their sets of addresses", () => {
  fc.assert(
    fc.property(base, bounds, bounds, (origin, a, b) => {
      const [left, right] = [at(origin, a), at(origin, b)];
      const [inLeft, inRight] = [addresses(a), addresses(b)];
      const common = sorted(inLeft).filter(has(inRight));
      assert.equal(left.overlaps(right), common.length > 0);
      assert.equal(left.isDisjunct(right), common.length === 0);
      assert.equal(left.isSupersetOf(right), sorted(inRight).every(has(inLeft)));
      const intersection = left.intersect(right);
      assert.deepEqual(sorted(members(origin, intersection === null ? [] : [intersection])), common);
      const rest = left.minus(right);
      assert.deepEqual(
        sorted(members(origin, rest)),
        sorted(inLeft).filter((address) => !inRight.has(address)),
      );
      assert.ok(rest.every((range) => !range.isEmpty));
      assert.equal(left.size, BigInt(inLeft.size));
      assert.equal(left.isAdjacent(right), a[1] === b[0] || b[1] === a[0]);
    }),
    { numRuns: 500 },
  );
});

test("aligning gives the smallest aligned range around it", () => {
  fc.assert(
    fc.property(bounds, fc.integer({ min: 1, max: 9 }), (a, alignment) => {
      const range = at(0n, a);
      const aligned = range.align(BigInt(alignment));
      assert.ok(aligned.isSupersetOf(range));
      assert.equal(aligned.start % BigInt(alignment), 0n);
      assert.equal(aligned.end % BigInt(alignment), 0n);
      assert.ok(range.start - aligned.start < BigInt(alignment));
      assert.ok(aligned.end - range.end < BigInt(alignment));
    }),
  );
  assert.ok(new Range(1n, 4097n).alignPage().equals(new Range(0n, 8192n)));
  assert.equal(alignUp(8n, 8n), 8n);
  assert.equal(alignDown(7n, 8n), 0n);
});

test("a set of ranges is in order, and its parts neither overlap nor touch", () => {
  fc.assert(
    fc.property(base, fc.array(bounds, { maxLength: 8 }), (origin, list) => {
      const ranges = [...new Ranges(list.map((one) => at(origin, one)))];
      for (const [index, range] of ranges.entries()) {
        assert.ok(!range.isEmpty);
        if (index > 0) assert.ok(ranges[index - 1]!.end < range.start);
      }
      const expected = new Set(list.flatMap((one) => [...addresses(one)]));
      assert.deepEqual(sorted(members(origin, ranges)), sorted(expected));
    }),
  );
});

test("sets: plus, minus, intersect and the questions are those of sets of addresses", () => {
  const list = fc.array(bounds, { maxLength: 6 });
  fc.assert(
    fc.property(base, list, list, bounds, (origin, a, b, one) => {
      const left = new Ranges(a.map((bound) => at(origin, bound)));
      const right = b.map((bound) => at(origin, bound));
      const [inLeft, inRight] = [members(origin, left), members(origin, right)];
      assert.deepEqual(sorted(members(origin, left.plus(right))), sorted(new Set([...inLeft, ...inRight])));
      assert.deepEqual(
        sorted(members(origin, left.minus(right))),
        sorted(inLeft).filter((x) => !inRight.has(x)),
      );
      assert.deepEqual(sorted(members(origin, left.intersect(right))), sorted(inLeft).filter(has(inRight)));
      assert.equal(left.size, BigInt(inLeft.size));
      assert.equal(left.isEmpty, inLeft.size === 0);
      assert.equal(left.isSupersetOf(at(origin, one)), sorted(addresses(one)).every(has(inLeft)));
      assert.equal(left.overlaps(at(origin, one)), sorted(addresses(one)).some(has(inLeft)));
      assert.equal(left.contains(origin + 7n), inLeft.has(7));
    }),
    { numRuns: 300 },
  );
});

test("findSpace finds the lowest (or highest) place that fits, or rightly none", () => {
  fc.assert(
    fc.property(
      base,
      fc.array(bounds, { maxLength: 5 }),
      fc.integer({ min: 1, max: 20 }),
      fc.record({ alignStart: fc.constantFrom(1, 2, 4, 8), alignSize: fc.constantFrom(1, 2, 4) }),
      fc.nat(WORLD),
      bounds,
      fc.boolean(),
      (origin, list, size, { alignStart, alignSize }, minimum, limit, fromTop) => {
        const free = new Ranges(list.map((one) => at(origin, one)));
        const inFree = members(origin, free);
        const needed = Math.ceil(size / alignSize) * alignSize;
        const fits = (start: number) =>
          (origin + BigInt(start)) % BigInt(alignStart) === 0n &&
          start >= Math.max(minimum, limit[0]) &&
          start + needed <= limit[1] &&
          sorted(addresses([start, start + needed])).every(has(inFree));
        const places = Array.from({ length: WORLD }, (_, start) => start).filter(fits);
        const expected = fromTop ? places.at(-1) : places[0];
        const found = free.findSpace(BigInt(size), {
          alignStart: BigInt(alignStart),
          alignSize: BigInt(alignSize),
          minimum: origin + BigInt(minimum),
          limit: at(origin, limit),
          fromTop,
        });
        assert.equal(found === null ? undefined : Number(found.start - origin), expected);
        if (found !== null) assert.equal(found.size, BigInt(needed));
      },
    ),
    { numRuns: 1000 },
  );
});

test("nothing finds no space, and no space is found for more than there is", () => {
  assert.equal(new Ranges([new Range(0n, 10n)]).findSpace(0n), null);
  assert.equal(new Ranges([new Range(0n, 10n)]).findSpace(11n), null);
  assert.equal(new Ranges().findSpace(1n), null);
  const all = new Ranges([new Range(0n, ADDRESS_END)]);
  assert.ok(all.findSpace(ADDRESS_END)?.equals(new Range(0n, ADDRESS_END)));
  assert.equal(all.findSpace(ADDRESS_END, { alignSize: 1n, minimum: 1n }), null);
  assert.equal(new Ranges([new Range(ADDRESS_END - 8n, ADDRESS_END)]).findSpace(4n, { alignStart: 4096n }), null);
});

test("what is no range of addresses is refused", () => {
  assert.throws(() => new Range(-1n, 0n), RangeError);
  assert.throws(() => new Range(2n, 1n), RangeError);
  assert.throws(() => new Range(0n, ADDRESS_END + 1n), RangeError);
  assert.throws(() => new Range(ADDRESS_END - 1n, ADDRESS_END).align(4096n).align(3n), RangeError);
});

test("a range is shown as /proc/iomem shows it", () => {
  assert.equal(String(new Range(0x100000n, 0x200000n)), "0x100000-0x1fffff (1 MiB)");
  assert.equal(String(new Range(0n, 4096n)), "0x0-0xfff (4 KiB)");
  assert.equal(String(new Range(5n, 5n)), "0x5 (empty)");
});
