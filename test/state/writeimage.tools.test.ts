/** An image over a whole device: what is on it after that, and when nothing is written. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { constants, readFileSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { deviceNumber, writeImage } from "../../src/state/writeimage.ts";
import { attachLoop, type LoopDevice, withoutRoot } from "../linux/loop.ts";

const MIB = 1024 * 1024;
const OLD = 0xee;

/** A device full of something old, and an image of so many bytes. */
function withDevice(
  sizes: { readonly device: number; readonly image: number },
  use: (device: LoopDevice, image: Buffer, path: string) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const device = attachLoop(0, (file) => writeFileSync(file, Buffer.alloc(sizes.device, OLD)));
    try {
      const image = randomBytes(sizes.image);
      writeFileSync(join(device.folder, "image"), image);
      await use(device, image, join(device.folder, "image"));
    } finally {
      device.detach();
    }
  };
}

async function write({ node }: LoopDevice, path: string, other: object = {}, seen: string[] = []): Promise<void> {
  const { rdev } = statSync(node);
  const image = await open(path, "r");
  try {
    const disk = { node, device: deviceNumber(rdev), size: 12 * MIB, ...other };
    await writeImage(image, disk, (step, share) => seen.push(`${step} ${share}`));
  } finally {
    await image.close();
  }
}

test(
  "the image lies at the beginning, the old end is cleared, and what is between stays",
  { skip: withoutRoot },
  withDevice({ device: 12 * MIB, image: 5 * MIB + 512 }, async (device, image, path) => {
    const seen: string[] = [];
    await write(device, path, {}, seen);
    const after = readFileSync(device.image);
    assert.ok(after.subarray(0, image.length).equals(image));
    assert.ok(after.subarray(image.length, 11 * MIB).equals(Buffer.alloc(6 * MIB - 512, OLD)));
    assert.ok(after.subarray(11 * MIB).equals(Buffer.alloc(MIB)));
    assert.equal(seen.filter((one) => one.startsWith("write")).at(-1), "write 1");
    assert.equal(seen.at(-1), "verify 1");
  }),
);

test(
  "an image of the device's own size is written whole",
  { skip: withoutRoot },
  withDevice({ device: 12 * MIB, image: 12 * MIB }, async (device, image, path) => {
    await write(device, path);
    assert.ok(readFileSync(device.image).equals(image));
  }),
);

test(
  "nothing is written where the device is held by somebody, is another one, or is too small",
  { skip: withoutRoot },
  withDevice({ device: 12 * MIB, image: 5 * MIB }, async (device, _image, path) => {
    const holder = await open(device.node, constants.O_RDONLY | constants.O_EXCL);
    await assert.rejects(write(device, path), /is in use/);
    await holder.close();
    await assert.rejects(write(device, path, { device: "8:240" }), /another device/);
    await assert.rejects(write(device, path, { size: 4 * MIB }), /smaller than the image/);
    await assert.rejects(write(device, path, { node: "/dev/null", device: "1:3" }), /another device/);
    assert.ok(readFileSync(device.image).equals(Buffer.alloc(12 * MIB, OLD)));
  }),
);

test(
  "a device that forgets what is written beyond its true size is found out",
  { skip: withoutRoot },
  withDevice({ device: 12 * MIB, image: 5 * MIB }, async (device, _image, path) => {
    const image = await open(path, "r");
    const disk = { node: device.node, device: deviceNumber(statSync(device.node).rdev), size: 12 * MIB };
    try {
      // What happens to it between writing and reading back is the stick's fault.
      const spoil = (step: string, share: number): void => {
        if (step === "write" && share === 1) writeFileSync(device.image, Buffer.alloc(MIB, 1), { flag: "r+" });
      };
      await assert.rejects(writeImage(image, disk, spoil), /doesn't hold what was written to it, between 0 and/);
    } finally {
      await image.close();
    }
  }),
);
