import assert from "node:assert/strict";
import fc from "fast-check";
import { BatonError } from "../../src/errors.ts";
import { continuedAt, FILLER, imageOf, many, nameOf, posix, record } from "../volumes/craftediso.ts";
import { openBytes, walk } from "../volumes/isoimages.ts";
import { fuzz } from "./campaign.ts";

const name = fc.constantFrom("a", "b", "a.b", "..", "boot", "x".repeat(100), "");
const block = fc.nat(40);
const systemUse = fc
  .array(
    fc.oneof(
      name.map(nameOf),
      block.map((at) => continuedAt(at)),
      fc.constantFrom(0o40755, 0o100644, 0o120777).map(posix),
      fc.uint8Array({ minLength: 4, maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 4 },
  )
  .map((parts) => Buffer.concat(parts).subarray(0, 150));
const records = fc.array(
  fc.record({
    name: fc.constantFrom("A", "B;1", "BOOT", "\0", "\x01"),
    block,
    size: fc.oneof(fc.nat(100_000), fc.constant(0xfffff000)),
    flags: fc.constantFrom(0, 2, 4, 0x80, 0x82),
    systemUse,
  }),
  { minLength: 1, maxLength: 12 },
);
const area = fc
  .tuple(block, fc.boolean())
  .map(([at, isFull]) => Buffer.concat([continuedAt(at), isFull ? FILLER : Buffer.alloc(0)]));

await fuzz({
  name: "iso",
  input: fc.record({ records, areas: fc.array(area, { maxLength: 18 }), repeat: fc.constantFrom(1, 100, 2000) }),
  async check({ records: some, areas, repeat }) {
    const all = many(some.length * repeat, (index) => record(some[index % some.length]!));
    try {
      const image = await openBytes(imageOf(all, areas));
      for (const [path, type] of await walk(image, 200)) {
        if (type === "file") await image.reader.readAt(path, 0, 4096).catch(expectAnswer);
      }
    } catch (error) {
      expectAnswer(error);
    }
  },
});

function expectAnswer(error: unknown): void {
  assert.ok(error instanceof BatonError, String(error));
}
