import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { type Compression, decompress, decompressStart } from "../../src/images/decompress.ts";

/** Machine code, text, noise and zeros; the same in one run. */
const SAMPLE = Buffer.concat([
  readFileSync("/bin/sh"),
  randomBytes(100_000),
  Buffer.from("the same words over and over ".repeat(10_000)),
  Buffer.alloc(300_000),
]);

/** Packs by the real tool. */
function pack(command: string, ...args: string[]): Buffer {
  const { stdout, status, stderr } = spawnSync(command, args, { input: SAMPLE, maxBuffer: 1 << 26 });
  assert.equal(status, 0, String(stderr));
  return stdout;
}

const CASES: readonly (readonly [name: string, Compression, () => Buffer])[] = [
  ["gzip", "gzip", () => gzipSync(SAMPLE)],
  ["zstd, as kernels' build calls it", "zstd", () => pack("zstd", "-22", "--ultra", "-q", "-c")],
  ["xz", "xz", () => pack("xz", "-6", "-c")],
  [
    "xz with the x86 filter, as kernels' build calls it",
    "xz",
    () => pack("xz", "--check=crc32", "--x86", "--lzma2=dict=1MiB", "-c"),
  ],
  ["xz with the arm64 filter", "xz", () => pack("xz", "--check=crc32", "--arm64", "--lzma2=preset=6", "-c")],
  [
    "xz with a filter, in several blocks",
    "xz",
    () => pack("xz", "--check=crc32", "--x86", "--lzma2=preset=1", "--block-size=100000", "-c"),
  ],
  ["lzma", "lzma", () => pack("xz", "--format=lzma", "-9", "-c")],
  ["bzip2", "bzip2", () => pack("bzip2", "-c")],
];

const isMissing = (tool: string): boolean => spawnSync(tool, ["--version"], { input: "" }).error !== undefined;
/** `npm test` installs them; the unit tests alone run on machines without. */
const TOOLS: Partial<Record<Compression, string>> = { zstd: "zstd", xz: "xz", lzma: "xz", bzip2: "bzip2" };

for (const [name, compression, pack] of CASES) {
  // Packing as kernels' build does takes seconds: once is enough.
  let done: Buffer | undefined;
  const packed = (): Buffer => {
    done ??= pack();
    return done;
  };
  const tool = TOOLS[compression];
  const skip = tool !== undefined && isMissing(tool) ? `there is no ${tool} here` : false;

  test(`${name}: what the tool has packed is unpacked`, { skip }, async () => {
    assert.ok(SAMPLE.equals(await decompress(packed(), compression)));
  });

  test(`${name}: its beginning is unpacked alone, of a part of the file, too`, { skip }, async () => {
    const whole = packed();
    // The sample is one block of bzip2's, and of a part of a block nothing can be told.
    const parts = compression === "bzip2" ? [whole] : [whole, whole.subarray(0, whole.length - 100)];
    for (const bytes of parts) {
      const { start, isWhole } = await decompressStart(bytes, compression, 50_000);
      assert.equal(isWhole, false);
      assert.ok(start.length > 49_000 && start.length <= 50_000, `${start.length} bytes`);
      assert.ok(SAMPLE.subarray(0, start.length).equals(start));
    }
    assert.equal((await decompressStart(whole, compression, SAMPLE.length + 1)).isWhole, true);
  });

  test(`${name}: a file that is cut short, damaged or too large is refused with a sentence`, { skip }, async () => {
    const whole = packed();
    const codes = (error: { code: string }) => ["bad-format", "too-large", "unsupported"].includes(error.code);
    await assert.rejects(decompress(whole.subarray(0, whole.length >> 1), compression), codes);
    await assert.rejects(decompress(whole, compression, 100_000), (error: Error & { code: string }) => {
      return error.code === "too-large" && /unpacks to more than/.test(error.message);
    });
    const damaged = Buffer.from(whole);
    damaged.fill(0xa5, whole.length >> 1, (whole.length >> 1) + 64);
    const outcome = await decompress(damaged, compression).catch((error) => error.code);
    // LZMA alone has no checksum: what matters is that it ends.
    assert.ok(compression === "lzma" || codes({ code: outcome }), `${typeof outcome}`);
  });
}

/** LZ4 packers are no part of the test machine: blocks made by hand, of literals and copies. */
function lz4Block(literals: string, distance: number, copied: number, last: string): Buffer {
  const lengths = (value: number): number[] =>
    value < 15 ? [] : [...Array(Math.floor((value - 15) / 255)).fill(255), (value - 15) % 255];
  const sequence = (text: string, match: number): number[] => [
    (Math.min(text.length, 15) << 4) | Math.min(match, 15),
    ...lengths(text.length),
    ...Buffer.from(text),
  ];
  return Buffer.from([
    ...sequence(literals, copied - 4),
    ...[distance & 255, distance >> 8],
    ...lengths(copied - 4),
    ...sequence(last, 0),
  ]);
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

test("lz4: frames, and the legacy form with a kernel's size behind it", async () => {
  const block = lz4Block("abcdefghijklmnopqrst", 3, 400, "end");
  const expected = `${`abcdefghijklmnopqrst${"rst".repeat(134)}`.slice(0, 420)}end`;
  const sized = Buffer.concat([word(block.length), block]);
  const stored = Buffer.concat([word(0x80000003), Buffer.from("raw")]);
  const frame = Buffer.concat([word(0x184d2204), Buffer.from([0x40, 0x40, 0]), sized, stored, word(0)]);
  assert.equal(Buffer.from(await decompress(frame, "lz4")).toString(), `${expected}raw`);
  const legacy = Buffer.concat([word(0x184c2102), sized, sized]);
  assert.equal(Buffer.from(await decompress(legacy, "lz4")).toString(), expected + expected);
  assert.equal(
    Buffer.from(await decompress(Buffer.concat([legacy, word(846)]), "lz4")).toString(),
    expected + expected,
  );
  await assert.rejects(decompress(frame.subarray(0, 20), "lz4"), /cut short/);
  await assert.rejects(decompress(legacy, "lz4", 500), /unpacks to more than/);
  const wrong = Buffer.concat([word(0x184c2102), word(10), Buffer.from([0x10, 65, 9, 0, 0, 0, 0, 0, 0, 0])]);
  await assert.rejects(decompress(wrong, "lz4"), /before its beginning/);
});

test("lz4: a block is no larger than its form allows, packed or unpacked", async () => {
  // Four literals, and a copy of so many bytes that one block would give all memory there is.
  const bomb = (bytes: number): Buffer =>
    Buffer.concat([
      Buffer.from([0x4f, 65, 65, 65, 65, 1, 0]),
      Buffer.alloc(Math.floor(bytes / 255), 255),
      Buffer.from([0, 0x10, 65]),
    ]);
  const legacy = (block: Buffer): Buffer => Buffer.concat([word(0x184c2102), word(block.length), block]);
  const frame = (block: Buffer): Buffer =>
    Buffer.concat([word(0x184d2204), Buffer.from([0x40, 0x40, 0]), word(block.length), block, word(0)]);
  assert.equal((await decompress(legacy(bomb((8 << 20) - 1000)), "lz4")).length >> 20, 7);
  assert.equal((await decompress(frame(bomb((4 << 20) - 1000)), "lz4")).length >> 20, 3);
  await assert.rejects(decompress(legacy(bomb(9 << 20)), "lz4"), /one of its blocks unpacks to too much/);
  await assert.rejects(decompress(frame(bomb(5 << 20)), "lz4"), /one of its blocks unpacks to too much/);
  await assert.rejects(decompress(legacy(Buffer.alloc(9 << 20)), "lz4"), /one of its blocks is too large/);
  await assert.rejects(decompress(frame(Buffer.alloc(5 << 20)), "lz4"), /one of its blocks is too large/);
});

test("arbitrary bytes behind a magic number never do worse than a sentence", async () => {
  const beginnings: readonly (readonly [Compression, string])[] = [
    ["gzip", "1f8b08"],
    ["zstd", "28b52ffd"],
    ["xz", "fd377a585a00"],
    ["lz4", "04224d18"],
    ["lz4", "02214c18"],
    ["lzma", "5d0000"],
    ["bzip2", "425a68"],
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...beginnings),
      fc.uint8Array({ maxLength: 300 }),
      async ([compression, magic], rest) => {
        const bytes = Buffer.concat([Buffer.from(magic, "hex"), rest]);
        const outcome = await decompress(bytes, compression, 1 << 20).then(
          () => "unpacked",
          (error) => error.name,
        );
        assert.ok(["unpacked", "BatonError"].includes(outcome), outcome);
      },
    ),
    { numRuns: 300 },
  );
});
