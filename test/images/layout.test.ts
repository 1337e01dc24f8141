import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  emptyFdt,
  type FdtNode,
  fdtText,
  fdtU64,
  findNode,
  makeNode,
  readFdt,
  writeFdt,
} from "../../src/binary/fdt.ts";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { BatonError } from "../../src/errors.ts";
import { identifyImage, loadRefusal } from "../../src/images/identify.ts";
import { layOut } from "../../src/images/imagetypes.ts";
import type { LayoutInput } from "../../src/images/layout.ts";
import { multibootMachine, withoutBios, withRootPointer } from "../../src/images/multiboot.ts";
import { type Content, contentSize } from "../../src/images/segment.ts";
import { layOutVmlinux } from "../../src/images/vmlinux.ts";
import type { X86Machine } from "../../src/images/x86boot.ts";
import { Memory, type Segment } from "../../src/kexec/memory.ts";
import { MemoryMap } from "../../src/kexec/memorymap.ts";
import { Range } from "../../src/kexec/ranges.ts";
import { makeArm64Image } from "./kernels.ts";

const GIB = 1n << 30n;

/** 640 KiB, and 3 GiB from 1 MiB on. */
const memory = () =>
  new Memory(
    new MemoryMap([
      { range: new Range(0n, 0xa0000n), type: "ram" },
      { range: new Range(0x100000n, 3n * GIB), type: "ram" },
    ]),
  );

const X86: X86Machine = {
  e820: [
    { start: 0n, size: 0x9fc00n, type: 1 },
    { start: 0x9fc00n, size: 0x400n, type: 2 },
    { start: 0x100000n, size: 3n * GIB - 0x100000n, type: 1 },
    { start: 0xfeffc000n, size: 0x4000n, type: 7 },
  ],
  bootParams: null,
  rsdp: 0n,
  efi: null,
  framebufferKept: false,
};

async function lay(kernel: Uint8Array, more: Partial<LayoutInput> = {}) {
  const image = await identifyImage(readAtOfBytes(kernel), kernel.length);
  const room = memory();
  const defaults = { cmdline: "one two", initrds: [], modules: [], loaderName: "Baton" };
  const machine = { arch: "x86_64", x86: X86, rsdp: null } as const;
  const start = await layOut({ image, kernel, ...defaults, machine, ...more }, room);
  return { start, segments: room.segments, image };
}

const bytesOf = ({ parts }: Segment): Buffer => Buffer.concat(parts.map((part: Content) => part as Uint8Array));

/** What lies at a physical address. */
function at(segments: readonly Segment[], address: number | bigint): Buffer {
  const segment = segments.find(({ range }) => range.contains(BigInt(address)));
  assert.ok(segment, `nothing lies at 0x${address.toString(16)}`);
  return bytesOf(segment).subarray(Number(BigInt(address) - segment.range.start));
}

const text = (bytes: Buffer): string => bytes.toString("latin1", 0, bytes.indexOf(0));

interface Part {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly memory?: bigint;
}

/** An ELF executable of these parts; `header` goes to the beginning of the first. */
function elf(bits: 32 | 64, machine: number, entry: bigint, parts: readonly Part[]): Buffer {
  const wide = bits === 64;
  const head = Buffer.alloc(4096);
  head.write("\x7fELF", 0, "latin1");
  head.set([wide ? 2 : 1, 1, 1], 4);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(machine, 18);
  const word = (value: bigint, offset: number) =>
    wide ? head.writeBigUInt64LE(value, offset) : head.writeUInt32LE(Number(value), offset);
  word(entry, 24);
  word(wide ? 64n : 52n, wide ? 32 : 28);
  head.writeUInt16LE(wide ? 56 : 32, wide ? 54 : 42);
  head.writeUInt16LE(parts.length, wide ? 56 : 44);
  let offset = head.length;
  for (const [index, { address, bytes, memory: size }] of parts.entries()) {
    const row = wide ? 64 + index * 56 : 52 + index * 32;
    head.writeUInt32LE(1, row);
    const fields = [BigInt(offset), address | (wide ? 0xffffffff80000000n : 0xc0000000n), address];
    const values = [...fields, BigInt(bytes.length), size ?? BigInt(bytes.length)];
    for (const [field, value] of values.entries()) word(value, row + (wide ? 8 + field * 8 : 4 + field * 4));
    offset += bytes.length;
  }
  return Buffer.concat([head, ...parts.map(({ bytes }) => bytes)]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, index * 4);
  return bytes;
}

/** A page of code that begins with a header. */
const code = (header: Buffer): Buffer => Buffer.concat([header, Buffer.alloc(4096 - header.length, 0x90)]);

test("vmlinux: its segments lie where they are linked to, and it is entered with boot_params in RSI", async () => {
  const kernel = elf(64, 62, 0x1000040n, [
    { address: 0x1000000n, bytes: Buffer.alloc(8192, 1), memory: 0x6000n },
    { address: 0x1200000n, bytes: Buffer.alloc(100, 2) },
  ]);
  const { start, segments } = await lay(kernel, { initrds: [Buffer.alloc(5000, 7)] });
  assert.equal(start.cpu, "x86_64");
  assert.equal(start.address, 0x1000040n);
  assert.equal(at(segments, 0x1000000n)[0], 1);
  assert.equal(at(segments, 0x1200000n)[0], 2);
  const params = at(segments, start.registers.rsi!);
  assert.equal(params.toString("latin1", 0x202, 0x206), "HdrS");
  assert.equal(params.readUInt32LE(0x21c), 5000, "ramdisk_size");
  assert.equal(at(segments, params.readUInt32LE(0x218))[0], 7);
  assert.equal(text(at(segments, params.readUInt32LE(0x228))), "one two");
});

test("a 64-bit Linux goes elsewhere where its own place isn't free, and nothing else does", () => {
  const narrow = () => new Memory(new MemoryMap([{ range: new Range(0x4100000n, 0x8000000n), type: "ram" }]));
  const parts = [
    { address: 0x1000000n, bytes: Buffer.alloc(8192, 1), memory: 0x6000n },
    { address: 0x1200000n, bytes: Buffer.alloc(100, 2) },
  ];
  const input = { cmdline: "", initrds: [], machine: X86 };
  const room = narrow();
  const start = layOutVmlinux({ ...input, kernel: elf(64, 62, 0x1000000n, parts) }, room);
  assert.equal(start.address, 0x4200000n);
  assert.equal(at(room.segments, 0x4200000n)[0], 1);
  assert.equal(at(room.segments, 0x4400000n)[0], 2);
  // Its entry isn't where Linux has it: it may take no other place.
  const other = { ...input, kernel: elf(64, 62, 0x1000040n, parts) };
  assert.throws(() => layOutVmlinux(other, narrow()), /must lie at 0x1000000/);
});

test("a 32-bit vmlinux with a virtual entry is entered at its physical one, all it is given within 896 MiB", async () => {
  const kernel = elf(32, 3, 0xc1000010n, [{ address: 0x1000000n, bytes: Buffer.alloc(64, 1) }]);
  const { start, segments } = await lay(kernel, { initrds: [Buffer.alloc(64)] });
  assert.equal(start.cpu, "i386");
  assert.equal(start.address, 0x1000010n);
  assert.ok(start.registers.esi! < 0x38000000n);
  assert.ok(segments.every(({ range }) => range.end <= 0x38000000n));
});

test("multiboot 1: command line, modules and memory stand where the specification has them", async () => {
  const header = words(0x1badb002, 3, -(0x1badb002 + 3));
  const kernel = elf(32, 3, 0x100010n, [{ address: 0x100000n, bytes: code(header) }]);
  const modules = [
    { content: Buffer.from("first"), cmdline: "/m1 a" },
    { content: Buffer.alloc(9000, 2), cmdline: "/m2" },
  ];
  const { start, segments } = await lay(kernel, { modules });
  assert.deepEqual([start.cpu, start.address, start.registers.eax], ["i386", 0x100010n, 0x2badb002n]);
  const info = at(segments, start.registers.ebx!);
  assert.equal(info.readUInt32LE(0), 0x24d, "memory, cmdline, modules, map, loader name");
  assert.deepEqual([info.readUInt32LE(4), info.readUInt32LE(8)], [639, 3 * 1024 * 1024 - 1024]);
  assert.equal(text(at(segments, info.readUInt32LE(16))), "one two");
  assert.equal(text(at(segments, info.readUInt32LE(64))), "Baton");
  assert.equal(info.readUInt32LE(20), 2);
  const table = at(segments, info.readUInt32LE(24));
  const placed = [0, 16].map((row) => [0, 4, 8].map((field) => table.readUInt32LE(row + field)));
  assert.equal(text(at(segments, placed[0]![2]!)), "/m1 a");
  assert.equal(at(segments, placed[0]![0]!).toString("latin1", 0, 5), "first");
  assert.deepEqual(
    placed.map(([from, to]) => [from! % 4096, to! - from!]),
    [
      [0, 5],
      [0, 9000],
    ],
  );
  const map = at(segments, info.readUInt32LE(48));
  assert.equal(info.readUInt32LE(44), 4 * 24);
  assert.equal(map.readUInt32LE(3 * 24 + 20), 2, "what multiboot has no number for is reserved");
});

test("multiboot 1: a file that is no ELF goes where its header says", async () => {
  const header = words(0x1badb002, 0x10000, -(0x1badb002 + 0x10000), 0x200010, 0x200000, 0, 0x203000, 0x200040);
  const kernel = Buffer.concat([Buffer.alloc(16), header, Buffer.alloc(4000, 5)]);
  const { start, segments } = await lay(kernel);
  assert.equal(start.address, 0x200040n);
  assert.equal(at(segments, 0x200040n)[0], 5);
  assert.equal(segments.find(({ range }) => range.start === 0x200000n)?.range.size, 0x3000n);
});

/** A multiboot2 kernel with these header tags: [type, flags, ...words]. */
function multiboot2(...tags: readonly (readonly [type: number, flags: number, ...rest: number[]])[]): Buffer {
  const all = [...tags, [0, 0] as const].map(([type, flags, ...rest]) => {
    const tag = words(type | (flags << 16), 8 + rest.length * 4, ...rest);
    return Buffer.concat([tag, Buffer.alloc((8 - (tag.length % 8)) % 8)]);
  });
  const length = 16 + all.reduce((sum, { length: size }) => sum + size, 0);
  const header = Buffer.concat([words(0xe85250d6, 0, length, -(0xe85250d6 + length)), ...all]);
  return elf(32, 3, 0x200020n, [{ address: 0x200000n, bytes: code(header), memory: 0x10000n }]);
}

/** The tags of the information, by type. */
function informationTags(info: Buffer): Map<number, Buffer> {
  const tags = new Map<number, Buffer>();
  const size = info.readUInt32LE(0);
  for (let offset = 8; offset < size; offset += Math.ceil(info.readUInt32LE(offset + 4) / 8) * 8) {
    tags.set(info.readUInt32LE(offset), info.subarray(offset + 8, offset + info.readUInt32LE(offset + 4)));
  }
  return tags;
}

test("multiboot 2: a kernel that may be moved goes to the top below 4 GiB, and is told where", async () => {
  const kernel = multiboot2([10, 1, 0x200000, 0xffffffff, 0x200000, 2]);
  const modules = [{ content: Buffer.from("linux"), cmdline: "root=x" }];
  const { start, segments } = await lay(kernel, { modules });
  assert.equal(start.registers.eax, 0x36d76289n);
  const tags = informationTags(at(segments, start.registers.ebx!));
  assert.deepEqual([...tags.keys()], [1, 2, 3, 4, 6, 21, 0]);
  const base = tags.get(21)!.readUInt32LE(0);
  assert.equal(base % 0x200000, 0);
  assert.ok(base > 0x80000000, "the preference is high");
  assert.equal(start.address, BigInt(base) + 0x20n);
  assert.equal(text(tags.get(1)!), "one two");
  assert.equal(text(tags.get(3)!.subarray(8)), "root=x");
  assert.equal(at(segments, tags.get(3)!.readUInt32LE(0)).toString("latin1", 0, 5), "linux");
});

test("multiboot 2: what a header demands and Baton has not is refused, what is optional is passed over", async () => {
  assert.equal((await lay(multiboot2([1, 0, 4, 6], [77, 1]))).start.address, 0x200020n);
  await assert.rejects(lay(multiboot2([77, 0])), /demands a feature of the unknown type 77/);
  await assert.rejects(lay(multiboot2([1, 0, 19])), /demands information of type 19/);
  const elsewhere = multiboot2();
  elsewhere.writeUInt32LE(4, 4096 + 4);
  elsewhere.writeUInt32LE((-(0xe85250d6 + 4 + elsewhere.readUInt32LE(4096 + 8)) >>> 0) as number, 4096 + 12);
  await assert.rejects(lay(elsewhere), /for another machine/);
});

test("under UEFI a multiboot kernel finds what it would ask the BIOS's data area for: low memory's end and ACPI", async () => {
  const header = words(0x1badb002, 3, -(0x1badb002 + 3));
  const kernel = elf(32, 3, 0x200000n, [{ address: 0x200000n, bytes: code(header) }]);
  const bootParams = Buffer.alloc(4096);
  bootParams.write("EL64", 0x1c0, "latin1");
  const rsdp = Buffer.concat([Buffer.from("RSD PTR "), Buffer.alloc(28, 2)]);
  const { start, segments } = await lay(kernel, {
    machine: { arch: "x86_64", x86: { ...X86, bootParams }, rsdp },
  });
  const [segment, kibibytes] = start.words!;
  assert.deepEqual([segment!.address, kibibytes!.address], [0x40e, 0x413]);
  const at0 = segment!.value << 4;
  assert.equal(at0, kibibytes!.value << 10);
  assert.ok(at0 >= 0x80000 && at0 < 0xa0000);
  assert.equal(at(segments, at0).toString("latin1", 16, 24), "RSD PTR ");
  const info = at(segments, start.registers.ebx!);
  assert.equal(info.readUInt32LE(4), kibibytes!.value, "mem_lower");
});

test("Xen is kept from asking the BIOS; other kernels' command lines stay as they are", () => {
  const xen = Buffer.from("…no-real-mode\0…");
  assert.equal(withoutBios(xen, "console=com1"), "console=com1 no-real-mode");
  assert.equal(withoutBios(xen, "no-real-mode x"), "no-real-mode x");
  assert.equal(withoutBios(Buffer.from("another kernel"), "x"), "x");
});

test("Xen's Linux is told where the root pointer is, unless it was told, or there is a BIOS", () => {
  const content = Buffer.alloc(8);
  const [xen, modules] = [
    Buffer.from("…no-real-mode\0…"),
    [
      { content, cmdline: "ro quiet" },
      { content, cmdline: "" },
    ],
  ];
  const cmdlines = (kernel: Uint8Array, at: bigint | null, given = modules) =>
    withRootPointer(kernel, given, at).map(({ cmdline }) => cmdline);
  assert.deepEqual(cmdlines(xen, 0x9e010n), ["ro quiet acpi_rsdp=0x9e010", ""]);
  assert.deepEqual(cmdlines(xen, null), ["ro quiet", ""]);
  assert.deepEqual(cmdlines(Buffer.from("another kernel"), 0x9e010n), ["ro quiet", ""]);
  const told = [{ content, cmdline: "acpi_rsdp=0x1 ro" }];
  assert.deepEqual(cmdlines(xen, 0x9e010n, told), ["acpi_rsdp=0x1 ro"]);
});

test("a linear framebuffer that is kept is told of", () => {
  const bootParams = Buffer.alloc(4096);
  bootParams[0x0f] = 0x70;
  bootParams.writeUInt16LE(1024, 0x12);
  bootParams.writeUInt16LE(768, 0x14);
  bootParams.writeUInt16LE(32, 0x16);
  bootParams.writeUInt32LE(0x80000000, 0x18);
  bootParams.writeUInt16LE(4096, 0x24);
  bootParams.set([8, 16, 8, 8, 8, 0], 0x26);
  const { framebuffer } = multibootMachine({ ...X86, bootParams, framebufferKept: true }, null);
  assert.deepEqual([framebuffer?.address, framebuffer?.width, framebuffer?.pitch], [0x80000000n, 1024, 4096]);
  assert.deepEqual(framebuffer?.red, { position: 16, size: 8 });
  assert.equal(multibootMachine({ ...X86, bootParams }, null).framebuffer, null);
});

test("a Plan 9 kernel's text and data go to its entry's physical address", async () => {
  const kernel = Buffer.alloc(32 + 100 + 50);
  for (const [index, word] of [0x1eb, 100, 50, 5000, 0, 0xf0100020, 0, 0].entries())
    kernel.writeUInt32BE(word, index * 4);
  kernel.fill(1, 32, 132).fill(2, 132);
  const { start, segments, image } = await lay(kernel);
  assert.equal(image.format, "a.out");
  assert.equal(start.address, 0x100020n);
  assert.equal(at(segments, 0x101000n)[0], 2);
});

test("VMware's kernels are named, with the reason why they can't be started", async () => {
  const kernel = elf(64, 62, 0n, [
    { address: 0x400000n, bytes: Buffer.concat([words(0x1badb005, 0), Buffer.alloc(64)]) },
  ]);
  const found = await identifyImage(readAtOfBytes(kernel), kernel.length);
  assert.equal(found.format, "ESXBootInfo");
  assert.match(loadRefusal(found, "x86_64")!, /VMware ESXi kernel, which needs its own boot loader/);
});

test("arm64: the Image at 2 MiB, the initrd behind it, both named in the devicetree, which is page-aligned", async () => {
  const tree = emptyFdt();
  makeNode(tree, "/chosen").properties.set("linux,elfcorehdr", fdtU64(1n));
  makeNode(tree, "/memory@0").properties.set("device_type", fdtText("memory"));
  const seeds = { kaslrSeed: Buffer.alloc(8, 9), rngSeed: Buffer.alloc(64, 8) };
  const machine = { arch: "aarch64", devicetree: writeFdt(tree), ...seeds } as const;
  const kernel = makeArm64Image(0x2000000n);
  const { start, segments } = await lay(kernel, { machine, initrds: [Buffer.alloc(100, 3), Buffer.alloc(200, 4)] });
  assert.equal(start.cpu, "aarch64");
  assert.equal(start.address % 0x200000n, 0n);
  const { properties } = findNode(readFdt(at(segments, start.registers.x0!)), "/chosen")!;
  const cells = (name: string): bigint => Buffer.from(properties.get(name)!).readBigUInt64BE();
  assert.equal(Buffer.from(properties.get("bootargs")!).toString(), "one two\0");
  assert.ok(cells("linux,initrd-start") >= start.address + 0x2000000n);
  assert.equal(cells("linux,initrd-end") - cells("linux,initrd-start"), 4096n + 200n);
  assert.deepEqual([...properties.get("kaslr-seed")!], Array(8).fill(9));
  assert.equal(properties.has("linux,elfcorehdr"), false);
});

test("a devicetree comes back as it was written, whatever is in it", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9,._+@-]{0,12}$/);
  const properties = fc.dictionary(name, fc.uint8Array({ maxLength: 20 }), { maxKeys: 4 });
  const { node } = fc.letrec<{ node: FdtNode }>((tie) => ({
    node: fc.record({
      name,
      properties: properties.map((values) => new Map(Object.entries(values))),
      children: fc.oneof({ depthSize: "small" }, fc.constant<FdtNode[]>([]), fc.array(tie("node"), { maxLength: 2 })),
    }),
  }));
  fc.assert(
    fc.property(node, fc.bigInt(1n, 1n << 60n), (root, address) => {
      const tree = { root: { ...root, name: "" }, reservations: [{ address, size: 4096n }], bootCpu: 3 };
      const plain = (one: FdtNode): unknown => [
        one.name,
        [...one.properties].map(([key, value]) => [key, [...value]]),
        one.children.map(plain),
      ];
      const back = readFdt(writeFdt(tree));
      assert.deepEqual(plain(back.root), plain(tree.root));
      assert.deepEqual(back.reservations, tree.reservations);
      assert.equal(back.bootCpu, 3);
    }),
    { numRuns: 100 },
  );
});

test("damaged headers, ELF files and devicetrees never do worse than a sentence", async () => {
  const tree = emptyFdt();
  makeNode(tree, "/chosen/deep").properties.set("x", fdtText("y"));
  const blob = writeFdt(tree);
  const images = [
    multiboot2([10, 1, 0x200000, 0xffffffff, 0x200000, 2]),
    elf(64, 62, 0x1000000n, [{ address: 0x1000000n, bytes: Buffer.alloc(64) }]),
    makeArm64Image(),
  ];
  const change = fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(change, fc.nat(images.length), async (changes, which) => {
      const bytes = Buffer.from(images[which] ?? blob);
      for (const [offset, byte] of changes) if (offset < bytes.length) bytes[offset] = byte;
      try {
        if (which === images.length) readFdt(bytes);
        else await lay(bytes);
      } catch (error) {
        assert.ok(error instanceof BatonError, String((error as Error).stack));
      }
    }),
    { numRuns: 500 },
  );
  assert.equal(contentSize(blob), blob.length);
});
