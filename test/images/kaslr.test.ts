import assert from "node:assert/strict";
import { test } from "node:test";
import {
  layOutUnpacked,
  mayUnpackAhead,
  readUnpackedKernel,
  relocateKernel,
  type UnpackedInput,
} from "../../src/images/kaslr.ts";
import { contentSize } from "../../src/images/segment.ts";
import { E820 } from "../../src/images/x86boot.ts";

const PAGE = 4096;
const START = 0x1000000;
const pause = async (): Promise<void> => {};

interface Reloc {
  readonly kind: "wide" | "inverse" | "narrow";
  readonly at: number;
  readonly value: bigint;
}

/** A kernel of two pages, of which the second is bss but for 16 bytes, with values to be relocated in the first. */
function kernel(relocs: readonly Reloc[], { lists = 3, entry = START } = {}): Buffer {
  const header = Buffer.alloc(PAGE);
  header.write("7f454c46020101", "hex");
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(entry), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeBigUInt64LE(64n, 40);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64);
  header.writeBigUInt64LE(BigInt(PAGE), 64 + 8);
  header.writeBigUInt64LE(0xffff_ffff_8100_0000n, 64 + 16);
  header.writeBigUInt64LE(BigInt(START), 64 + 24);
  header.writeBigUInt64LE(BigInt(3 * PAGE), 64 + 32);
  header.writeBigUInt64LE(BigInt(3 * PAGE), 64 + 40);
  const image = Buffer.alloc(3 * PAGE);
  image.fill(0x90, 0, 64);
  for (const { kind, at, value } of relocs) {
    if (kind === "wide") image.writeBigUInt64LE(value, at);
    else image.writeUInt32LE(Number(BigInt.asUintN(32, value)), at);
  }
  image.write("the end of data.", PAGE);
  const list = (kind: Reloc["kind"]): Buffer => {
    const places = relocs.filter((reloc) => reloc.kind === kind).map(({ at }) => at + 0x8000_0000 + START);
    const bytes = Buffer.alloc(4 + places.length * 4);
    for (const [index, place] of places.entries()) bytes.writeUInt32LE(place, 4 + index * 4);
    return bytes;
  };
  const tables = [list("wide"), ...(lists === 3 ? [list("inverse")] : []), list("narrow")];
  return Buffer.concat([header, image, ...tables]);
}

const RELOCS: readonly Reloc[] = [
  { kind: "wide", at: 0x100, value: 0xffff_ffff_8123_4567n },
  { kind: "wide", at: 0x109, value: 0xffff_ffff_fff0_0000n },
  { kind: "inverse", at: 0x200, value: -0x1000n },
  { kind: "narrow", at: 0x300, value: 0x8100_0042n },
];

test("each kind of relocation is applied as the kernel's own unpacker does", async () => {
  const read = readUnpackedKernel(kernel(RELOCS));
  await relocateKernel(read, 0x1a00000, pause);
  const at = (place: number): number => PAGE + place;
  assert.equal(read.bytes.readBigUInt64LE(at(0x100)), 0xffff_ffff_82c3_4567n);
  assert.equal(read.bytes.readBigUInt64LE(at(0x109)), 0x0000_0000_0190_0000n, "with the carry into the upper half");
  assert.equal(read.bytes.readInt32LE(at(0x200)), -0x1000 - 0x1a00000);
  assert.equal(read.bytes.readUInt32LE(at(0x300)), 0x82a00042);
});

test("a table of two lists, as kernels since 6.15 have it, is understood too", async () => {
  const relocs = RELOCS.filter(({ kind }) => kind !== "inverse");
  const read = readUnpackedKernel(kernel(relocs, { lists: 2 }));
  await relocateKernel(read, 0x200000, pause);
  assert.equal(read.bytes.readUInt32LE(PAGE + 0x300), 0x81200042);
  assert.equal(read.bytes.readBigUInt64LE(PAGE + 0x100), 0xffff_ffff_8143_4567n);
});

test("the zeros at a part's end are left out", () => {
  const read = readUnpackedKernel(kernel(RELOCS));
  assert.equal(read.pieces[0]!.size, 2 * PAGE);
  assert.equal(read.pieces[0]!.memorySize, 3 * PAGE);
});

test("what isn't wholly understood is refused", async () => {
  const whole = kernel(RELOCS);
  assert.throws(() => readUnpackedKernel(whole.subarray(0, 4 * PAGE)), /no table of relocations/);
  assert.throws(() => readUnpackedKernel(Buffer.alloc(100_000, 1)), /no ELF file/);
  for (const entry of [START - PAGE, START + 2 * PAGE])
    assert.throws(() => readUnpackedKernel(kernel(RELOCS, { entry })), /no code where it says that it begins to run/);
  const stray = Buffer.concat([kernel([]), Buffer.from("00000085", "hex")]);
  const read = readUnpackedKernel(stray);
  await assert.rejects(relocateKernel(read, 0x200000, pause), /relocations outside of itself/);
});

/** Lays it out as the fifth of all choices, in a memory that takes down what it is given. */
async function laidOut({ wholeRooms = false, entry = START } = {}) {
  const placed: [address: bigint, size: number, memorySize: bigint | undefined][] = [];
  let params: Uint8Array = new Uint8Array();
  const asked: bigint[] = [];
  const header = { kernelAlignment: 0x200000, prefAddress: 0x1000000n } as UnpackedInput["header"];
  const start = await layOutUnpacked(
    {
      kernel: readUnpackedKernel(kernel(RELOCS, { entry })),
      header,
      setup: Buffer.alloc(0x290),
      initrds: [],
      machine: {
        e820: [{ start: 0x7f00_0000n, size: 0x3000n, type: E820.acpi }],
        bootParams: null,
        rsdp: 0n,
        efi: null,
        framebufferKept: true,
      },
      cmdline: "ro",
      pause,
      random: (bound) => {
        asked.push(bound);
        return 5n;
      },
    },
    {
      wholeRooms,
      find: (_size, place, pick) => (place.minimum ?? 0n) + pick!(100n) * place.alignment!,
      add: (content) => {
        params = content as Uint8Array;
        return 0x9000n;
      },
      addRow: () => assert.fail("there is no initrd"),
      addAt: (address, content, _name, memorySize) => placed.push([address, contentSize(content), memorySize]),
      isFree: () => true,
      reserve: () => {},
    },
  );
  return { placed, start, asked, params, base: 0x1000000n + 5n * 0x200000n };
}

test("it is laid out at random places, bss cleared by the trampoline, with the flag that says so", async () => {
  const { placed, start, asked, params, base } = await laidOut();
  assert.deepEqual(placed, [[base, 2 * PAGE, undefined]]);
  assert.deepEqual(start, {
    cpu: "x86_64",
    address: base,
    registers: { rsi: 0x9000n },
    clear: [{ start: base + BigInt(2 * PAGE), size: BigInt(PAGE) }],
    reads: [{ start: 0x7f00_0000n, size: 0x3000n }],
  });
  assert.equal(params[0x211]! & 2, 2, "KASLR_FLAG");
  // 1 GiB without what lies below and the kernel itself, in steps of 2 MiB.
  assert.deepEqual(asked, [504n, 100n]);
});

test("it begins to run where its header says, which need not be its start", async () => {
  const { start, base } = await laidOut({ entry: START + 0xc43 });
  assert.equal(start.address, base + 0xc43n);
});

test("where the old kernel's page tables must do, its bss is a part of its segment", async () => {
  const { placed, start, base } = await laidOut({ wholeRooms: true });
  assert.deepEqual(placed, [[base, 2 * PAGE, BigInt(3 * PAGE)]]);
  assert.deepEqual(start.clear, []);
});

test("words that the unpacker understands keep a kernel packed", () => {
  for (const cmdline of ["ro nokaslr", "mem=2G ro", "memmap=1M$2M", "no5lvl"])
    assert.equal(mayUnpackAhead(cmdline), false);
  for (const cmdline of ["ro quiet", "root=/dev/sda memory=1", ""]) assert.equal(mayUnpackAhead(cmdline), true);
});
