import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkSegments, MAX_SEGMENTS, Memory, segmentSize } from "../../src/kexec/memory.ts";
import { MemoryMap } from "../../src/kexec/memorymap.ts";
import { PAGE_SIZE, Range } from "../../src/kexec/ranges.ts";

const MIB = 0x100000n;
const map = new MemoryMap([
  { range: new Range(0x1000n, 0x9f000n), type: "ram" },
  { range: new Range(MIB, 64n * MIB), type: "ram" },
  { range: new Range(16n * MIB, 17n * MIB), type: "reserved" },
  { range: new Range(48n * MIB, 56n * MIB), type: "crash-kernel" },
  { range: new Range(4096n * MIB, 4224n * MIB), type: "ram" },
]);
const bytes = (size: number, fill = 1): Uint8Array => Buffer.alloc(size, fill);

test("a segment goes to the lowest free place above the first MiB, or from the top to the highest", () => {
  const memory = new Memory(map);
  assert.equal(memory.add(bytes(100), { name: "a" }), MIB);
  assert.equal(memory.add(bytes(5000), { name: "b" }), MIB + PAGE_SIZE);
  assert.equal(memory.add(bytes(100), { name: "c", fromTop: true }), 4224n * MIB - PAGE_SIZE);
  assert.equal(memory.add(bytes(100), { name: "d", fromTop: true, maximum: 0xffff_ffffn }), 64n * MIB - PAGE_SIZE);
});

test("alignment, limits and room are kept, and room is not part of the segment", () => {
  const memory = new Memory(map);
  const at = memory.add(bytes(100), { name: "kernel", alignment: 2n * MIB, minimum: 15n * MIB, room: 8n * MIB });
  assert.equal(at, 18n * MIB, "16 MiB would run into what is reserved");
  assert.equal(memory.segments[0]!.range.size, PAGE_SIZE);
  assert.equal(memory.isFree(at + 4n * MIB, 1n), false);
  assert.equal(memory.isFree(at + 8n * MIB, 1n), true);
});

test("where rooms are to be whole, room is part of the segment", () => {
  const memory = new Memory(map, { wholeRooms: true });
  memory.add(bytes(100), { name: "kernel", room: 8n * MIB });
  assert.equal(memory.segments[0]!.range.size, 8n * MIB);
});

test("what is taken is segments, in whole pages, and all that is kept free of them", () => {
  const memory = new Memory(map);
  const at = memory.add(bytes(100), { name: "kernel", alignment: 2n * MIB, room: 8n * MIB });
  const other = memory.add(bytes(5000), { name: "initrd", fromTop: true });
  assert.deepEqual([...memory.taken], [Range.ofSize(at, 8n * MIB), Range.ofSize(other, 2n * PAGE_SIZE)]);
});

test("a row lies in one piece, each part at the beginning of a page, and its end is that of the last content", () => {
  const memory = new Memory(map);
  const { addresses, end } = memory.addRow([bytes(5000), bytes(10), bytes(4096)], { name: "initrd" });
  assert.deepEqual(addresses, [MIB, MIB + 0x2000n, MIB + 0x3000n]);
  assert.equal(end, MIB + 0x4000n);
});

test("what doesn't fit is refused with the numbers", () => {
  const memory = new Memory(map);
  assert.throws(() => memory.add(bytes(1), { name: "kernel", room: 500n * MIB }), {
    code: "refused",
    message: /large enough for the kernel: it takes 524288000 bytes, and the largest has 134217728/,
  });
});

test("a fixed place must be free RAM, within the limits, and nobody else's", () => {
  const memory = new Memory(map, { maximum: 40n * MIB - 1n });
  memory.addAt(32n * MIB, bytes(5000), "first");
  assert.throws(() => memory.addAt(32n * MIB + 4096n, bytes(10), "second"), /over the first/);
  assert.throws(() => memory.addAt(16n * MIB, bytes(10), "third"), /not all of that is free memory/);
  assert.throws(() => memory.addAt(42n * MIB, bytes(10), "fourth"), /not all of that is free memory/);
  assert.throws(() => memory.addAt(64n * MIB - 4096n, bytes(5000), "fifth"), /not all of that is free memory/);
});

test("a crash kernel's segments go into what was kept for it, and nowhere else", () => {
  const memory = new Memory(map, { crash: true });
  assert.equal(memory.add(bytes(10), { name: "a" }), 48n * MIB);
  assert.throws(() => memory.addAt(32n * MIB, bytes(10), "b"), /memory kept for a crash kernel/);
  const none = new MemoryMap([{ range: new Range(0n, MIB), type: "ram" }]);
  assert.throws(() => new Memory(none, { crash: true }), /crashkernel=/);
});

test("parts that share a page become one segment with zeros between", () => {
  const memory = new Memory(map);
  memory.addAt(2n * MIB + 100n, bytes(50, 2), "b");
  memory.addAt(2n * MIB + 10n, bytes(20, 1), "a");
  const [segment, ...others] = memory.alignAndMerge();
  assert.equal(others.length, 0);
  assert.deepEqual(segment!.range, new Range(2n * MIB, 2n * MIB + PAGE_SIZE));
  const whole = Buffer.concat(segment!.parts.map((part) => part as Uint8Array));
  const expected = Buffer.alloc(150);
  expected.fill(1, 10, 30);
  expected.fill(2, 100, 150);
  assert.deepEqual(whole, expected);
});

test("more than 16 pieces are refused", () => {
  const memory = new Memory(map);
  for (let index = 0; index <= MAX_SEGMENTS; index++) memory.addAt(BigInt(18 + index) * MIB, bytes(1), "p");
  assert.throws(() => memory.alignAndMerge(), /at most 16 pieces/);
});

test("a random place is one of those that fit, and every one of them can be picked", () => {
  const memory = new Memory(map);
  const place = { name: "kernel", alignment: 2n * MIB, minimum: 2n * MIB };
  let count = 0n;
  memory.find(4n * MIB, place, (places) => {
    count = places;
    return 0n;
  });
  const found = new Set<bigint>();
  for (let index = 0n; index < count; index++) {
    const at = memory.find(4n * MIB, place, () => index);
    assert.ok(at % (2n * MIB) === 0n && memory.isFree(at, 4n * MIB), `0x${at.toString(16)}`);
    found.add(at);
  }
  assert.equal(BigInt(found.size), count);
});

test("whatever is added, the result is what kexec_load demands", () => {
  const size = fc.integer({ min: 1, max: 200_000 });
  const place = fc.record({
    fromTop: fc.boolean(),
    alignment: fc.constantFrom(1n, 4096n, 0x10000n, 2n * MIB),
    minimum: fc.constantFrom(0n, 2n * MIB, 50n * MIB),
    room: fc.constantFrom(0n, 3n * MIB),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(size, place), { maxLength: 14 }), (wishes) => {
      const memory = new Memory(map);
      const ram = memory.availableRam();
      for (const [length, wish] of wishes) memory.add(bytes(length), { name: "x", ...wish });
      const segments = memory.alignAndMerge();
      if (segments.length > 0) checkSegments(segments[0]!.range.start, segments);
      for (const segment of segments) {
        assert.ok(ram.isSupersetOf(segment.range));
        assert.ok(BigInt(segmentSize(segment)) <= segment.range.size);
      }
    }),
    { numRuns: 60 },
  );
});

test("an entry outside of every segment, and segments over one another, are refused before the kernel sees them", () => {
  const segment = (start: bigint) => ({ name: "s", range: Range.ofSize(start, PAGE_SIZE), parts: [bytes(10)] });
  assert.throws(() => checkSegments(MIB, [segment(2n * MIB)]), /lies in no segment/);
  assert.throws(() => checkSegments(MIB, [segment(MIB), segment(MIB)]), /overlap/);
  assert.throws(() => checkSegments(MIB, [{ ...segment(MIB), range: new Range(MIB, MIB + 10n) }]), /whole pages/);
});
