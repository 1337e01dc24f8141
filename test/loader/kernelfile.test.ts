import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { identifyImage } from "../../src/images/identify.ts";
import { unpackKernel } from "../../src/loader/kernelfile.ts";
import { makeBzImage } from "../images/kernels.ts";

const MIB = 1 << 20;

/** Unpacks a packed kernel of some MiB with this much memory free. */
async function unpackWith(free: number) {
  const packed = gzipSync(Buffer.concat([makeBzImage(), Buffer.alloc(8 * MIB)]));
  const readAt = readAtOfBytes(packed);
  const file = { name: "vda1:/vmlinuz.gz", fd: -1, size: packed.length };
  return unpackKernel(file, await identifyImage(readAt, packed.length), readAt, async () => free);
}

test("a packed kernel is unpacked into a file of its own where memory suffices", async () => {
  const { image, file, release } = await unpackWith(70 * MIB);
  assert.equal(image.format, "bzImage");
  assert.equal(file.size, makeBzImage().length + 8 * MIB);
  release();
});

test("where memory is short it is refused with the numbers", async () => {
  await assert.rejects(unpackWith(56 * MIB), {
    code: "too-large",
    message:
      /^vda1:\/vmlinuz\.gz: It unpacks to more than 3 MiB, the most that there is room for\. 56 MiB of memory are free\.$/,
  });
});
