import assert from "node:assert/strict";
import { test } from "node:test";
import { readSetupHeader } from "../../src/images/bzimage.ts";
import { layOutBzImage } from "../../src/images/bzimageload.ts";
import type { X86Machine } from "../../src/images/x86boot.ts";
import { Memory } from "../../src/kexec/memory.ts";
import { MemoryMap } from "../../src/kexec/memorymap.ts";
import { Range } from "../../src/kexec/ranges.ts";
import { type BzImageOptions, makeBzImage } from "./kernels.ts";

const MIB = 1n << 20n;
const MACHINE: X86Machine = { e820: [], bootParams: null, rsdp: 0n, efi: null, framebufferKept: false };

/** 640 KiB, 2 GiB, and 4 GiB more above 4 GiB. */
function lay(options: BzImageOptions, entry32 = false, edit: (bytes: Buffer) => void = () => {}) {
  const bytes = makeBzImage(options);
  edit(bytes);
  const memory = new Memory(
    new MemoryMap([
      { range: new Range(0n, 0xa0000n), type: "ram" },
      { range: new Range(MIB, 2048n * MIB), type: "ram" },
      { range: new Range(4096n * MIB, 8192n * MIB), type: "ram" },
    ]),
  );
  const start = layOutBzImage(
    {
      header: readSetupHeader(bytes)!,
      setup: bytes.subarray(0, 0x290),
      file: { fd: -1, offset: 0, size: bytes.length, name: "vmlinuz" },
      initrds: [Buffer.alloc(10_000, 7)],
      machine: MACHINE,
      cmdline: "ro",
      entry32,
    },
    memory,
  );
  const place = (name: string) => memory.segments.find((segment) => segment.name === name)!;
  return { start, kernel: place("kernel").range, initrd: place("initrd").range, params: place("boot_params") };
}

test("a kernel with a 64-bit entry is entered there, its initrd and boot_params above 4 GiB", () => {
  const { start, kernel, initrd, params } = lay({});
  assert.equal(kernel.start, 16n * MIB);
  assert.deepEqual(start, {
    cpu: "x86_64",
    address: 16n * MIB + 0x200n,
    registers: { rsi: params.range.start },
    reads: [],
  });
  assert.ok(initrd.start > 4096n * MIB && params.range.start > 4096n * MIB);
});

test("on request it is entered in 32-bit mode, with all it is given where its header says", () => {
  const { start, kernel, initrd, params } = lay({}, true);
  assert.deepEqual(start, { cpu: "i386", address: kernel.start, registers: { esi: params.range.start } });
  assert.ok(initrd.end <= 0x8000_0000n && params.range.end <= 0x8000_0000n);
  // code32_start, and the initrd's place in the low words alone.
  const page = params.parts[0] as Buffer;
  assert.equal(Buffer.from(page).readUInt32LE(0x214), Number(kernel.start));
  assert.equal(Buffer.from(page).readUInt32LE(0x218), Number(initrd.start));
  assert.equal(Buffer.from(page).readUInt32LE(0x0c0), 0);
});

test("a 32-bit kernel has no other entry, and lies with its initrd in what it maps of memory", () => {
  const lowmem = (bytes: Buffer): void => void bytes.writeUInt32LE(0x37ff_ffff, 0x22c);
  const { start, kernel, initrd, params } = lay({ xloadflags: 0 }, false, lowmem);
  assert.equal(start.cpu, "i386");
  assert.equal(start.address, kernel.start);
  for (const range of [kernel, initrd, params.range]) assert.ok(range.end <= 0x3800_0000n, String(range));
});

test("a 64-bit kernel that can't lie above 4 GiB is entered in 32-bit mode", () => {
  const { start, kernel } = lay({ xloadflags: 1 });
  assert.deepEqual([start.cpu, start.address], ["i386", kernel.start]);
});

test("a kernel that can't be moved goes to its own place", () => {
  const { start, kernel } = lay({ protocol: 0x204, xloadflags: 0 }, false, (bytes) => bytes.writeUInt8(0, 0x234));
  // Before protocol 2.10 that is 1 MiB, and nobody said anything of 16.
  assert.equal(kernel.start, MIB);
  assert.deepEqual([start.cpu, start.address], ["i386", MIB]);
});
