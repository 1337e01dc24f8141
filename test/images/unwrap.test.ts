import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { identifyImage, loadRefusal } from "../../src/images/identify.ts";
import { unwrapKernel } from "../../src/images/unwrap.ts";
import { makePe } from "../binary/pefile.ts";
import { makeArm64Image, makeBzImage } from "./kernels.ts";

const unwrap = (bytes: Uint8Array) => unwrapKernel(readAtOfBytes(bytes), bytes.length);
const identify = (bytes: Uint8Array) => identifyImage(readAtOfBytes(bytes), bytes.length);

/** An EFI zboot file for arm64 with this payload. */
function zboot(compression: string, payload: Uint8Array): Buffer {
  const bytes = Buffer.from(makePe([[".gzdata", payload]], { machine: 0xaa64 }));
  bytes.write("\0\0zimg", 2, "latin1");
  bytes.writeUInt32LE(bytes.indexOf(payload), 8);
  bytes.writeUInt32LE(payload.length, 12);
  bytes.write(`${compression}\0`, 24, "latin1");
  return bytes;
}

test("a kernel that isn't packed is given back as it is", async () => {
  const { image, bytes } = await unwrap(makeBzImage());
  assert.equal(image.format, "bzImage");
  assert.equal(bytes, null);
});

test("a bzImage in gzip in gzip is found", async () => {
  const kernel = makeBzImage();
  const { image, bytes } = await unwrap(gzipSync(gzipSync(kernel)));
  assert.equal(image.format, "bzImage");
  assert.ok(kernel.equals(bytes!));
});

test("an EFI zboot file's Image is found, and is for arm64 before it is unpacked", async () => {
  const kernel = makeArm64Image();
  const packed = zboot("gzip", gzipSync(kernel));
  const found = await identify(packed);
  assert.equal(loadRefusal(found, "aarch64"), null);
  assert.match(loadRefusal(found, "x86_64")!, /It is a kernel for aarch64, and this machine is x86_64/);
  const { image, bytes } = await unwrap(packed);
  assert.equal(image.format, "arm64 Image");
  assert.ok(kernel.equals(bytes!));
  await assert.rejects(unwrap(zboot("lzo", gzipSync(kernel))), /compressed with lzo, which Baton doesn't unpack/);
});

test("a unified kernel image with an EFI zboot file inside is for its architecture", async () => {
  const uki = makePe(
    [
      [".osrel", "ID=x"],
      [".linux", zboot("gzip", gzipSync(makeArm64Image()))],
    ],
    { machine: 0xaa64 },
  );
  const found = await identify(uki);
  assert.equal(found.format, "UKI");
  assert.equal(found.isPacked, false);
  assert.equal(loadRefusal(found, "aarch64"), null);
});

test("what is packed and no kernel is refused by name once it is unpacked", async () => {
  const { image } = await unwrap(gzipSync("<html><body>404"));
  assert.match(loadRefusal(image, "x86_64")!, /It is not a kernel: it is an HTML page/);
});

test("a packed kernel that is cut short, or packed without end, is refused", async () => {
  const packed = gzipSync(makeBzImage());
  await assert.rejects(unwrap(packed.subarray(0, packed.length - 20)), /compressed with gzip, but damaged/);
  let deep: Buffer = gzipSync(makeBzImage());
  for (let depth = 0; depth < 5; depth++) deep = gzipSync(deep);
  await assert.rejects(unwrap(deep), /packed into itself too many times/);
});
