import assert from "node:assert/strict";
import { test } from "node:test";
import { bootSectorFor, placedCore } from "../../initramfs/disk-image.ts";

test("the boot sector names the core's place, is for hard disks, and leaves the partition table alone", () => {
  const boot = bootSectorFor(Buffer.alloc(512, 0xee), 2048);
  assert.equal(boot.length, 440);
  assert.equal(boot.readBigUInt64LE(0x5c), 2048n);
  assert.deepEqual([boot[0x5b], boot[0x64], boot[0x66], boot[0x67], boot[0x68]], [0xee, 0xee, 0x90, 0x90, 0xee]);
});

test("the core's first sector says where its others are, in whole sectors", () => {
  const core = placedCore(Buffer.alloc(512 * 3 + 1, 0xee), 2048);
  assert.equal(core.length, 512 * 4);
  assert.deepEqual([core.readBigUInt64LE(500), core.readUInt16LE(508), core.readUInt16LE(510)], [2049n, 3, 0x820]);
  assert.deepEqual([core[499], core[512], core[512 * 3], core[512 * 3 + 1]], [0xee, 0xee, 0xee, 0]);
});
