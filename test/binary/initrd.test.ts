import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { cpioFile, readCpio, writeCpio } from "../../src/binary/cpio.ts";
import { layOutInitrds } from "../../src/binary/initrd.ts";

/** As segments lie in memory: zeros between them. */
function joinInitrds(initrds: readonly Uint8Array[]): Buffer {
  const { offsets, size } = layOutInitrds(initrds.map((bytes) => ({ size: bytes.length, start: bytes })));
  const joined = Buffer.alloc(size);
  for (const [index, bytes] of initrds.entries()) joined.set(bytes, offsets[index]!);
  return joined;
}

test("each begins at a multiple of 4, with zeros before it and nothing behind the last", () => {
  const joined = joinInitrds([Buffer.from("aaaaa"), Buffer.from("bbb"), Buffer.from("c")]);
  assert.equal(Buffer.from(joined).toString("latin1"), "aaaaa\0\0\0bbb\0c");
});

test("legacy lz4 is followed by four zeros at least, which end it for the kernel", () => {
  const lz4 = Buffer.from("02214c1801020304", "hex");
  assert.deepEqual(layOutInitrds([lz4, lz4].map((bytes) => ({ size: 8, start: bytes }))), {
    offsets: [0, 12],
    size: 20,
  });
  assert.deepEqual(
    layOutInitrds([
      { size: 9, start: lz4 },
      { size: 1, start: Buffer.of(1) },
    ]).offsets,
    [0, 16],
  );
});

/** What the kernel's unpack_to_rootfs does with an uncompressed or gzip archive; throws where it would complain. */
function unpack(bytes: Uint8Array, sizes: ReadonlyMap<number, number>): string[] {
  const names: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === 0x30 && at % 4 === 0) {
      const archive = readCpio(bytes, at);
      for (;;) {
        const next = archive.next();
        if (next.done) {
          at = next.value;
          break;
        }
        names.push(next.value.name);
      }
    } else if (bytes[at] === 0) at++;
    else if (bytes[at] === 0x1f && sizes.has(at)) {
      names.push(`gzip at ${at}`);
      at += sizes.get(at)!;
    } else throw new Error(`junk at ${at}`);
  }
  return names;
}

test("the kernel finds every archive in whatever mixture", () => {
  const part = fc.tuple(fc.boolean(), fc.string({ minLength: 0, maxLength: 30 }));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const archives = parts.map(([packed, text], index) => {
        const cpio = writeCpio([cpioFile(`f${index}`, Buffer.from(text))]);
        return packed ? gzipSync(cpio) : cpio;
      });
      const { offsets } = layOutInitrds(archives.map((bytes) => ({ size: bytes.length, start: bytes })));
      const sizes = new Map(offsets.map((offset, index) => [offset, archives[index]!.length]));
      const expected = parts.map(([packed], index) => (packed ? `gzip at ${offsets[index]}` : `f${index}`));
      assert.deepEqual(unpack(joinInitrds(archives), sizes), expected);
    }),
  );
});
