import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { emptyFdt, fdtText, makeNode, writeFdt } from "../../src/binary/fdt.ts";
import {
  MemoryMap,
  type MemoryType,
  parseFirmwareMap,
  parseIomem,
  parseMemblock,
  readFirmwareMap,
  readIomem,
  readMemblock,
  toPayloadMap,
} from "../../src/kexec/memorymap.ts";
import { parseDevicetreeMap, readDevicetreeMap } from "../../src/kexec/memorymapfdt.ts";
import { ADDRESS_END, Range } from "../../src/kexec/ranges.ts";

const shown = (map: MemoryMap) => [...map].map(({ range, type }) => `${range} ${type}`);

test("a region takes its place from those it overlaps", () => {
  const map = new MemoryMap([{ range: new Range(0x1000n, 0x9000n), type: "ram" }]).insert({
    range: new Range(0x3000n, 0x4000n),
    type: "reserved",
  });
  assert.deepEqual(shown(map), [
    "0x1000-0x2fff (8 KiB) ram",
    "0x3000-0x3fff (4 KiB) reserved",
    "0x4000-0x8fff (20 KiB) ram",
  ]);
  assert.equal(map.ram().size, 0x7000n);
  assert.equal(map.filterByType("reserved").size, 0x1000n);
});

test("whatever is put in, each address has the type of the last region that holds it", () => {
  const region = fc.record({
    start: fc.nat(40),
    size: fc.nat(20),
    type: fc.constantFrom<MemoryType>("ram", "reserved", "acpi"),
  });
  fc.assert(
    fc.property(fc.array(region, { maxLength: 8 }), (list) => {
      const map = new MemoryMap(
        list.map(({ start, size, type }) => ({ range: Range.ofSize(BigInt(start), BigInt(size)), type })),
      );
      for (let address = 0; address < 64; address++) {
        const expected = list.filter(({ start, size }) => start <= address && address < start + size).at(-1)?.type;
        const found = [...map].filter(({ range }) => range.contains(BigInt(address)));
        assert.ok(found.length <= 1);
        assert.equal(found[0]?.type, expected);
      }
    }),
  );
});

test("/proc/iomem: what is reserved or kept for a crash kernel within RAM is not RAM", () => {
  const map = parseIomem(
    [
      "00000000-00000fff : Reserved",
      "00001000-0009ffff : System RAM",
      "00100000-7fffffff : System RAM",
      "  01000000-022090c7 : Kernel code",
      "  2a000000-2fffffff : Crash kernel",
      "  30000000-30000fff : Reserved",
      "80000000-bfffffff : PCI Bus 0000:00",
      "  80000000-800fffff : 0000:00:01.0",
      "fed00000-fed003ff : HPET 0",
      "100000000-17fffffff : System RAM",
      "",
    ].join("\n"),
  );
  assert.deepEqual([...map.ram()].map(String), [
    "0x1000-0x9ffff (636 KiB)",
    "0x100000-0x29ffffff (671 MiB)",
    "0x30001000-0x7fffffff (1280 MiB)",
    "0x100000000-0x17fffffff (2048 MiB)",
  ]);
  assert.deepEqual([...map.filterByType("crash-kernel")].map(String), ["0x2a000000-0x2fffffff (96 MiB)"]);
});

test("/proc/iomem as others than root see it is refused, not taken for a machine without memory", () => {
  assert.throws(() => parseIomem("00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code\n"), {
    code: "refused",
    message: /run Baton as root/,
  });
});

test("the firmware's map is read with its own names", () => {
  const map = parseFirmwareMap([
    { start: "0x0\n", end: "0x9fbff\n", type: "System RAM\n" },
    { start: "0xbffe0000", end: "0xbfffffff", type: "ACPI Tables" },
    { start: "0xc0000000", end: "0xc0000fff", type: "ACPI Non-volatile Storage" },
    { start: "0xffffffffffff0000", end: "0xffffffffffffffff", type: "Something new" },
  ]);
  assert.deepEqual(
    [...map].map(({ type }) => type),
    ["ram", "acpi", "acpi-nvs", "other"],
  );
  assert.equal([...map].at(-1)?.range.end, ADDRESS_END);
  assert.throws(() => parseFirmwareMap([{ start: "zero", end: "0x1", type: "" }]), { code: "bad-format" });
});

test("memblock: RAM without what is reserved in it", () => {
  const map = parseMemblock(
    "   0: 0x0000000040000000..0x00000000bfffffff\n",
    "   0: 0x0000000040210000..0x0000000041ffffff\n   1: 0x00000000b0000000..0x00000000b000ffff    0 NONE\n",
  );
  assert.deepEqual([...map.ram()].map(String), [
    "0x40000000-0x4020ffff (2 MiB)",
    "0x42000000-0xafffffff (1760 MiB)",
    "0xb0010000-0xbfffffff (256 MiB)",
  ]);
});

test("memblock's lists and the devicetree are read where the kernel shows them, and null is what it doesn't", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-memblock-"));
  try {
    assert.equal(await readMemblock(folder), null);
    assert.equal(await readDevicetreeMap(join(folder, "fdt")), null);
    writeFileSync(join(folder, "memory"), "   0: 0x0000000040000000..0x00000000bfffffff\n");
    writeFileSync(join(folder, "reserved"), "");
    assert.equal((await readMemblock(folder))?.ram().size, 0x8000_0000n);
    writeFileSync(join(folder, "fdt"), writeFdt(emptyFdt()));
    assert.equal((await readDevicetreeMap(join(folder, "fdt")))?.ram().isEmpty, true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const cells = (...values: number[]): Uint8Array => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
};

test("a devicetree: memory nodes and what is reserved in them, in the cells that each parent tells", () => {
  const tree = emptyFdt();
  tree.root.properties.set("#address-cells", cells(2)).set("#size-cells", cells(2));
  const memory = makeNode(tree, "/memory@40000000");
  memory.properties.set("device_type", fdtText("memory"));
  memory.properties.set("reg", cells(0, 0x4000_0000, 0, 0x1000_0000, 1, 0, 0, 0x1000_0000));
  const pool = makeNode(tree, "/reserved-memory");
  pool.properties.set("#address-cells", cells(1)).set("#size-cells", cells(1));
  makeNode(tree, "/reserved-memory/firmware@48000000").properties.set("reg", cells(0x4800_0000, 0x10_0000));
  makeNode(tree, "/reserved-memory/pool").properties.set("size", cells(0x10_0000));
  const off = makeNode(tree, "/memory@80000000").properties;
  off.set("status", fdtText("disabled")).set("reg", cells(0, 0x8000_0000, 0, 0x1000));
  tree.reservations.push({ address: 0x4000_0000n, size: 0x1000n });
  const map = parseDevicetreeMap(writeFdt(tree));
  assert.deepEqual([...map.ram()].map(String), [
    "0x40001000-0x47ffffff (128 MiB)",
    "0x48100000-0x4fffffff (127 MiB)",
    "0x100000000-0x10fffffff (256 MiB)",
  ]);
  memory.properties.set("reg", cells(0, 1, 2));
  assert.throws(() => parseDevicetreeMap(writeFdt(tree)), { code: "bad-format" });
});

test("a UEFI payload's map has each region's first and last address and its type", () => {
  const range = (start: bigint, end: bigint) => new Range(start, end);
  const bytes = toPayloadMap(
    new MemoryMap([
      { range: range(0x1000n, 0xa0000n), type: "ram" },
      { range: range(0x100000n, 0x101000n), type: "acpi" },
    ]),
  );
  assert.equal(bytes.length, 40);
  assert.deepEqual(
    [bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8), bytes.readUInt32LE(16)],
    [0x1000n, 0x9ffffn, 1],
  );
  assert.deepEqual([bytes.readBigUInt64LE(28), bytes.readUInt32LE(36)], [0x100fffn, 3]);
});

const root = process.getuid?.() === 0;
test("this machine's own maps agree that there is RAM", {
  skip: root ? false : "addresses are shown to root only",
}, async () => {
  const iomem = await readIomem();
  assert.ok(iomem.ram().size > 64n << 20n);
  if (!existsSync("/sys/firmware/memmap/0")) return;
  const firmware = await readFirmwareMap();
  assert.ok([...iomem.ram()].every((range) => firmware!.ram().overlaps(range)));
  assert.equal(await readFirmwareMap("/nonexistent"), null);
});
