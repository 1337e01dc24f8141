import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { crc32 } from "../../src/binary/crc.ts";
import { readSetupHeader } from "../../src/images/bzimage.ts";
import { checkBzImage } from "../../src/images/bzimagecheck.ts";
import { payloadOf } from "../../src/images/payload.ts";
import { removeXzCheck } from "../../src/images/xz.ts";
import { unpackPayload } from "../../src/loader/unpackedbzimage.ts";
import { makeBzImage } from "./kernels.ts";

const KERNEL = readFileSync("/bin/sh");
const AS_KERNELS_BUILD = ["--check=crc32", "--x86", "--lzma2=dict=1MiB"];
/** The protected-mode part begins there, and the payload so far behind it. */
const [SETUP_SIZE, PAYLOAD] = [8 * 512, 0x2c0];
/** In the PE header, which begins at PE. */
const [PE, CHECKSUM, CERTIFICATES] = [0x80, 0x80 + 88, 0x80 + 168];

const skip = spawnSync("xz", ["--version"]).error !== undefined ? "there is no xz here" : false;

function xz(args: readonly string[], input: Buffer): Buffer {
  const { stdout, stderr, status } = spawnSync("xz", args, { input, maxBuffer: 1 << 26 });
  assert.equal(status, 0, String(stderr));
  return stdout;
}

/** A bzImage as the kernel's build makes it, its checksum at its end. */
function bzImage(payload: Buffer, version = "6.1.0"): Buffer {
  const kernelSize = Math.ceil((PAYLOAD + payload.length + 4 + 3000 + 4) / 16) * 16;
  const file = makeBzImage({ kernelSize, version });
  file.writeUInt32LE(PE, 0x3c);
  file.writeUInt16LE(0x20b, PE + 24);
  file.writeUInt32LE(PAYLOAD, 0x248);
  file.writeUInt32LE(payload.length + 4, 0x24c);
  payload.copy(file, SETUP_SIZE + PAYLOAD);
  file.writeUInt32LE(KERNEL.length, SETUP_SIZE + PAYLOAD + payload.length);
  file.writeUInt32LE(~crc32(file.subarray(0, -4)) >>> 0, file.length - 4);
  return file;
}

/** What the kernel's unpacker is given. */
const streamIn = (file: Buffer): Buffer =>
  file.subarray(SETUP_SIZE + PAYLOAD, SETUP_SIZE + PAYLOAD + file.readUInt32LE(0x24c) - 4);

const check = (file: Buffer): Promise<string> =>
  checkBzImage(file, readSetupHeader(file)!, "vda1:/vmlinuz", () => Promise.resolve());

test("where a bzImage's checksum is right, its payload unpacks to the same without a check", { skip }, async () => {
  const packed = xz([...AS_KERNELS_BUILD, "-c"], KERNEL);
  const [file, before] = [bzImage(packed), bzImage(packed)];
  assert.equal(await check(file), "right");
  assert.equal(streamIn(file)[7], 0, "the stream's flags tell of no check");
  assert.ok(xz(["-dc"], streamIn(file)).equals(KERNEL));
  const end = SETUP_SIZE + PAYLOAD + packed.length;
  assert.ok(file.subarray(0, SETUP_SIZE + PAYLOAD).equals(before.subarray(0, SETUP_SIZE + PAYLOAD)));
  assert.ok(file.subarray(end).equals(before.subarray(end)), "the unpacker's code behind it is as it was");
});

test("a signature changes nothing: its traces in the header are not part of the checksum", { skip }, async () => {
  const file = bzImage(xz([...AS_KERNELS_BUILD, "-c"], KERNEL));
  file.writeUInt32LE(0x7e59e5, CHECKSUM);
  file.writeUInt32LE(file.length, CERTIFICATES);
  file.writeUInt32LE(1472, CERTIFICATES + 4);
  const signed = Buffer.concat([file, randomBytes(1472)]);
  assert.equal(await check(signed), "right");
});

test("a file that was changed after its build keeps its second check, as long as its payload is sound", {
  skip,
}, async () => {
  const whole = bzImage(xz([...AS_KERNELS_BUILD, "-c"], KERNEL));
  for (const at of [0x1ee, 0x236, SETUP_SIZE, whole.length - 1]) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 1;
    const before = Buffer.from(changed);
    assert.equal(await check(changed), "changed", `byte ${at}`);
    assert.ok(changed.equals(before));
  }
});

const PACKED: readonly (readonly [name: string, pack: () => Buffer])[] = [
  ["xz", () => xz([...AS_KERNELS_BUILD, "-c"], KERNEL)],
  // As with the kernel's build, its own size is what stands at its end.
  ["gzip", () => gzipSync(KERNEL).subarray(0, -4)],
];

for (const [name, pack] of PACKED) {
  test(`a kernel whose payload (${name}) is damaged is refused: it would stop in its unpacker`, { skip }, async () => {
    const whole = bzImage(pack());
    assert.equal(await check(Buffer.from(whole)), "right");
    const changed = Buffer.from(whole);
    changed[0x1ee]! ^= 1;
    assert.equal(await check(changed), "changed", "only what is outside of the payload differs");
    const larger = Buffer.from(whole);
    larger.writeUInt32LE(KERNEL.length - 1, SETUP_SIZE + PAYLOAD + whole.readUInt32LE(0x24c) - 4);
    await assert.rejects(check(larger), { code: "io" }, "it unpacks to more than its build noted");
    for (const [from, to] of [
      [whole.length >> 1, (whole.length >> 1) + 512],
      [SETUP_SIZE + PAYLOAD, SETUP_SIZE + PAYLOAD + 512],
      [SETUP_SIZE + PAYLOAD + 20_000, whole.length],
    ] as const) {
      const damaged = Buffer.from(whole).fill(0, from, to);
      await assert.rejects(check(damaged), {
        code: "io",
        message: /^vda1:\/vmlinuz is damaged: its checksum is wrong, and the kernel in it can't be unpacked/,
      });
    }
  });

  test(`a payload packed with ${name} is unpacked ahead`, { skip }, async () => {
    const file = bzImage(pack());
    const { offset, size } = payloadOf(readSetupHeader(file)!, file.length)!;
    assert.ok((await unpackPayload(file.subarray(offset, offset + size))).equals(KERNEL));
  });
}

test("a kernel of a time when there was no checksum any more is taken as it is", { skip }, async () => {
  for (const [version, state] of [
    ["6.14.9", "right"],
    ["6.15.0-rc1", "unknown"],
    ["7.0.1", "unknown"],
  ] as const) {
    const file = bzImage(xz([...AS_KERNELS_BUILD, "-c"], KERNEL), version);
    assert.equal(await check(file), state, version);
  }
});

test("a changed kernel whose payload Baton can't unpack is not called damaged", async () => {
  for (const magic of ["\x89LZO", "\x7fELF"]) {
    const file = bzImage(Buffer.concat([Buffer.from(magic, "latin1"), randomBytes(5000)]));
    file[0x1ee]! ^= 1;
    assert.equal(await check(file), "changed");
  }
});

test("a payload of another kind, or with another check, is left alone", { skip }, async () => {
  const others = [
    xz(["--check=crc64", "-c"], KERNEL),
    xz(["--check=crc32", "--block-size=20000", "-c"], KERNEL),
    xz(["--format=lzma", "-c"], KERNEL),
    randomBytes(5000),
  ];
  for (const payload of others) {
    const file = bzImage(payload);
    const before = Buffer.from(file);
    assert.equal(await check(file), "right");
    assert.ok(file.equals(before));
  }
});

test("an .xz file of any size is a good one without its check, as xz itself says", { skip }, () => {
  // Sizes of a block whose number in the index takes one byte less than before, and their neighbours.
  for (const size of [0, 1, 2, 3, 4, 107, 108, 109, 110, 111, 112, 16_360, 16_363, 16_364, 16_367, 16_368, 70_000]) {
    const bytes = randomBytes(size);
    const file = xz(["--check=crc32", "-c"], bytes);
    assert.equal(removeXzCheck(file), size > 0, `${size} bytes`);
    assert.ok(xz(["-dc"], file).equals(bytes), `${size} bytes`);
  }
});
