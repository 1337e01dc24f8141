import assert from "node:assert/strict";
import { test } from "node:test";
import { bootParams, bootParamsSize } from "../../src/images/bootparams.ts";
import type { E820Entry, X86Machine } from "../../src/images/x86boot.ts";

const MACHINE: X86Machine = {
  e820: [
    { start: 0n, size: 0x9fc00n, type: 1 },
    { start: 0x100000n, size: 0x7fe00000n, type: 1 },
    { start: 0x7ff00000n, size: 0x100000n, type: 3 },
  ],
  bootParams: null,
  rsdp: 0xf5a0n,
  efi: null,
  framebufferKept: true,
};
const setup = Buffer.alloc(0x290, 0xee);
setup.writeUInt8(0x6a, 0x201);

const input = { setup, cmdline: "root=/dev/sda ro", machine: MACHINE, initrd: null, kernelAddress: 0x1000000n };
const AT = 0x1_2345_6000n;
/** Where a physical address lies in the bytes. */
const inside = (low: number, high: number): number => Number((BigInt(high) << 32n) + BigInt(low) - AT);

test("the command line stands behind the page, with the pointer's halves in their fields", () => {
  const params = bootParams(input, AT);
  const at = inside(params.readUInt32LE(0x228), params.readUInt32LE(0xc8));
  assert.equal(params.toString("latin1", at, at + 17), "root=/dev/sda ro\0");
  assert.equal(params.length, bootParamsSize(input));
});

test("the setup header is the file's, as long as it says, with the loader's own fields", () => {
  const params = bootParams({ ...input, loadflags: 2 }, AT);
  assert.equal(params.readUInt8(0x210), 0xd0);
  assert.equal(params.readUInt8(0x211), 0xee | 2);
  assert.equal(params.readUInt32LE(0x214), 0x1000000);
  assert.equal(params.readUInt8(0x26b), 0xee);
  assert.equal(params.readUInt8(0x26c), 0, "behind the header's end");
  assert.equal(params.readUInt8(0x1ef), 0, "the sentinel");
});

test("an initrd above 4 GiB is given in both halves", () => {
  const params = bootParams({ ...input, initrd: { address: 0x1_8000_0000n, size: 0x1234n } }, AT);
  assert.deepEqual([params.readUInt32LE(0x218), params.readUInt32LE(0xc0)], [0x8000_0000, 1]);
  assert.deepEqual([params.readUInt32LE(0x21c), params.readUInt32LE(0xc4)], [0x1234, 0]);
});

test("the memory map is the firmware's; what the page has no room for follows as setup_data", () => {
  const many: E820Entry[] = Array.from({ length: 150 }, (_, index) => ({
    start: BigInt(index) << 20n,
    size: 0x1000n,
    type: 2,
  }));
  const params = bootParams({ ...input, e820: many }, AT);
  assert.equal(params.readUInt8(0x1e8), 128);
  assert.equal(params.readBigUInt64LE(0x2d0 + 127 * 20), 127n << 20n);
  const at = Number(params.readBigUInt64LE(0x250) - AT);
  assert.equal(params.readUInt32LE(at + 8), 1, "SETUP_E820_EXT");
  assert.equal(params.readUInt32LE(at + 12), 22 * 20);
  assert.equal(params.readBigUInt64LE(at + 16), 128n << 20n);
  assert.equal(params.readBigUInt64LE(0x70), 0xf5a0n, "ACPI's root pointer");
});

test("EFI: the loader's signature, the runtime's map at this firmware's stride, and SETUP_EFI", () => {
  const old = Buffer.alloc(4096);
  old.write("EL64", 0x1c0, "latin1");
  old.writeUInt32LE(0x7f00_0000, 0x1c4);
  old.writeUInt32LE(48, 0x1c8);
  old.writeUInt32LE(1, 0x1cc);
  const range = { type: 5, physical: 0x7e00_0000n, virtual: 0xffff_fffe_fe00_0000n, pages: 16n, attribute: 1n << 63n };
  const machine: X86Machine = {
    ...MACHINE,
    bootParams: old,
    efi: { ranges: [range, { ...range, type: 6 }], fwVendor: 0x11n, configTable: 0x22n, smbios: 0x33n },
  };
  const params = bootParams({ ...input, machine }, AT);
  assert.equal(params.toString("latin1", 0x1c0, 0x1c4), "EL64");
  assert.equal(params.readUInt32LE(0x1d4), 96, "the map's size");
  const map = inside(params.readUInt32LE(0x1d0), params.readUInt32LE(0x1dc));
  assert.equal(params.readUInt32LE(map + 48), 6);
  assert.equal(params.readBigUInt64LE(map + 16), range.virtual);
  const at = Number(params.readBigUInt64LE(0x250) - AT);
  assert.equal(params.readUInt32LE(at + 8), 4, "SETUP_EFI");
  assert.deepEqual(
    [16, 32, 40].map((offset) => params.readBigUInt64LE(at + offset)),
    [0x11n, 0x22n, 0x33n],
  );
});

test("screen and disks of the firmware are handed on; a framebuffer that is gone isn't", () => {
  const old = Buffer.alloc(4096);
  old.writeUInt8(0x70, 0x0f);
  old.writeUInt8(2, 0x1e9);
  old.writeUInt8(0x80, 0xd00);
  const machine = { ...MACHINE, bootParams: old };
  const params = bootParams({ ...input, machine }, AT);
  assert.deepEqual([params[0x0f], params[0x1e9], params[0xd00]], [0x70, 2, 0x80]);
  const dark = bootParams({ ...input, machine: { ...machine, framebufferKept: false } }, AT);
  assert.deepEqual([dark[0x0f], dark[0x1e9]], [0, 2]);
});
