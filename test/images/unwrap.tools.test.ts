import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { identifyImage, loadRefusal } from "../../src/images/identify.ts";
import { identifyPacked, unwrapKernel } from "../../src/images/unwrap.ts";
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

test("what isn't a kernel by its beginning is not unpacked further", async () => {
  const bomb = gzipSync(gzipSync(Buffer.alloc(64 << 20)));
  assert.ok(bomb.length < 1000, `${bomb.length} bytes`);
  // With this little memory, unpacking it would fail for another reason.
  await assert.rejects(unwrapKernel(readAtOfBytes(bomb), bomb.length, 2 << 20), /It is not a kernel/);
});

/** A kernel that goes on with zeros. */
const largeKernel = (): Buffer => Buffer.concat([makeBzImage(), Buffer.alloc(8 << 20)]);

test("a kernel is unpacked only as far as there is room for it, which is told with the numbers", async () => {
  const kernel = largeKernel();
  const packed = gzipSync(kernel);
  const within = (memory: number) => unwrapKernel(readAtOfBytes(packed), packed.length, memory);
  await assert.rejects(within(4 << 20), { code: "too-large", message: /unpacks to more than 3 MiB, the most/ });
  await assert.rejects(within(packed.length), { code: "too-large", message: /It has 1 MiB in packed form/ });
  assert.ok(kernel.equals((await within(kernel.length + packed.length)).bytes!));
  // The outer layer is held while the inner one is unpacked.
  const nested = gzipSync(packed, { level: 0 });
  const deep = (memory: number) => unwrapKernel(readAtOfBytes(nested), nested.length, memory);
  await assert.rejects(deep(kernel.length + packed.length), { code: "too-large" });
  assert.ok(kernel.equals((await deep(kernel.length + 2 * packed.length)).bytes!));
});

test("to say what a packed kernel is, its beginning is enough: of neither form more is read or unpacked", async () => {
  const kernel = Buffer.concat([makeBzImage(), randomBytes(12 << 20)]);
  const wrapped = [gzipSync(kernel), gzipSync(gzipSync(kernel)), zboot("gzip", gzipSync(kernel))];
  for (const packed of wrapped) {
    let most = 0;
    const readAt = async (offset: number, length: number) => {
      most = Math.max(most, offset + length);
      return packed.subarray(offset, offset + length);
    };
    assert.equal((await identifyPacked(readAt, packed.length)).format, "bzImage");
    assert.ok(most < 10 << 20, `${most} bytes are read of ${packed.length}`);
  }
  const bomb = gzipSync(Buffer.alloc(64 << 20));
  assert.equal((await identifyPacked(readAtOfBytes(bomb), bomb.length)).format, "other");
});
