import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BootCode, readBootCode } from "../../src/devices/bootcode.ts";
import { Window } from "../../src/devices/probes/window.ts";
import { grubPlace } from "../../src/discovery/bootsector.ts";
import { BatonError } from "../../src/errors.ts";

const SECTOR = 512;
const SIZE = 4 << 20;

function sector(...pieces: readonly (readonly [number, string | number[]])[]): Buffer {
  const bytes = Buffer.alloc(SECTOR);
  for (const [at, text] of pieces) {
    const piece = typeof text === "string" ? Buffer.from(text, "latin1") : Buffer.from(text);
    piece.copy(bytes, at);
  }
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

const GRUB_TEXT = "GRUB \0Geom\0Hard Disk\0Read\0 Error\r\n\0";
/** boot.img, which names the core's first sector. */
function bootImg(core: bigint): Buffer {
  const bytes = sector([0, [0xeb, 0x63]], [0x5a, [0, 0x80]], [0x64, [0xff]], [0x180, GRUB_TEXT]);
  bytes.writeBigUInt64LE(core, 0x5c);
  return bytes;
}

type Lists = readonly (readonly [start: bigint, count: number])[];
function diskWith(lists: Lists, core = 1n): Buffer {
  const disk = Buffer.alloc(SIZE);
  bootImg(core).copy(disk);
  const first = disk.subarray(Number(core) * SECTOR, (Number(core) + 1) * SECTOR);
  for (const [index, [start, count]] of lists.entries()) {
    first.writeBigUInt64LE(start, SECTOR - 12 * (index + 1));
    first.writeUInt16LE(count, SECTOR - 12 * (index + 1) + 8);
  }
  return disk;
}

const codeOf = (disk: Buffer, start = 0): Promise<BootCode | null> =>
  readBootCode(
    new Window(async (at, length) => disk.subarray(at, at + length), disk.length, { wholeDisk: true }),
    start,
  );

test("each loader's boot sector is told from the others'", async () => {
  const cases: readonly (readonly [BootCode["name"] | null, Buffer])[] = [
    ["grub-legacy", sector([0, [0xeb, 0x48]], [0x3e, [3, 2]], [0x180, GRUB_TEXT])],
    ["grub4dos", sector([0, [0xeb, 0x5e]], [0x1a0, "GRLDR"])],
    ["lilo", sector([6, "LILO"])],
    ["syslinux", sector([3, "SYSLINUX"])],
    ["syslinux", sector([3, "EXTLINUX"])],
    ["windows", sector([3, "NTFS    "], [0x180, "BOOTMGR is missing"])],
    ["windows", sector([3, "MSDOS5.0"], [0x180, "NTLDR is missing"])],
    ["active", sector([0x163, "Invalid partition table\0Error loading operating system"])],
    [null, sector([3, "mkfs.fat"], [0x100, "This is not a bootable disk"])],
    [null, sector([0x180, GRUB_TEXT])],
    [null, Buffer.from("LILO".padStart(10).padEnd(SECTOR))],
  ];
  for (const [name, bytes] of cases) {
    assert.equal((await codeOf(Buffer.concat([bytes, Buffer.alloc(SIZE - SECTOR)])))?.name ?? null, name);
  }
});

test("GRUB's core is put together by its lists of sectors", async () => {
  const disk = diskWith([
    [100n, 2],
    [50n, 1],
  ]);
  disk.fill("a", 100 * SECTOR, 102 * SECTOR);
  disk.fill("b", 50 * SECTOR, 51 * SECTOR);
  assert.equal(Buffer.from((await codeOf(disk))!.core!).toString(), "a".repeat(2 * SECTOR) + "b".repeat(SECTOR));
});

test("lists that point anywhere, or at too much, give no core", async () => {
  const cases: readonly Lists[] = [
    [],
    [[0xffff_ffff_ffff_ffffn, 1]],
    [[BigInt(SIZE / SECTOR), 1]],
    [[2n, 0xffff]],
    Array.from({ length: 40 }, () => [2n, 100] as const),
  ];
  for (const lists of cases) assert.deepEqual(await codeOf(diskWith(lists)), { name: "grub" });
  const away = Buffer.alloc(SIZE);
  for (const core of [0xffff_ffff_ffff_ffffn, 0x7fff_ffff_ffff_ffffn, BigInt(SIZE / SECTOR)]) {
    bootImg(core).copy(away);
    assert.deepEqual(await codeOf(away), { name: "grub" });
  }
  const another = diskWith([[2n, 1]]);
  another[0x64] = 0x81;
  assert.deepEqual(await codeOf(another), { name: "grub" }, "the core is on another drive");
});

test("a bad sector in the core costs the core, and one that doesn't answer is told", async () => {
  const disk = diskWith([[4000n, 8]]);
  const failing = (code: "io" | "timeout"): Promise<BootCode | null> => {
    const read = async (at: number, length: number): Promise<Uint8Array> => {
      if (at > 1 << 20) throw new BatonError(code, "cannot be read");
      return disk.subarray(at, at + length);
    };
    return readBootCode(new Window(read, disk.length, { wholeDisk: true }), 0);
  };
  assert.deepEqual(await failing("io"), { name: "grub" });
  await assert.rejects(failing("timeout"), { code: "timeout" });
});

/** A core whose unpacker says where the packed kernel begins, and how long it is said to be. */
function core(packed: Buffer, { size = 1000, length = packed.length, start = 0x8200 + 64 } = {}): Buffer {
  const head = Buffer.alloc(64);
  head.writeUInt32LE(length, 8);
  head.writeUInt32LE(size, 12);
  Buffer.from("bf00001000be", "hex").copy(head, 32);
  head.writeUInt32LE(start, 38);
  return Buffer.concat([head, packed]);
}

const placeOf = (core: Uint8Array): Promise<unknown> => grubPlace({ name: "grub", core }, "sda");

test("what lies about its sizes says nothing", async () => {
  const cores = [
    Buffer.alloc(0),
    core(Buffer.alloc(0)),
    core(Buffer.alloc(100), { length: 0xffff_ffff }),
    core(Buffer.alloc(100), { size: 0xffff_ffff }),
    core(Buffer.alloc(100), { size: 0 }),
    core(Buffer.alloc(100), { start: 0 }),
    core(Buffer.alloc(100), { start: 0xffff_ffff }),
    core(Buffer.alloc(2000), { size: 4 << 20 }),
  ];
  for (const bytes of cores) assert.equal(await placeOf(bytes), null);
});

test("whatever is packed stops nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (noise, isPacked) => {
      const packed = Buffer.concat([Buffer.from([0]), noise]);
      assert.equal(await placeOf(isPacked ? core(packed, { size: 1 << 16 }) : packed), null);
    }),
  );
});

test("sectors of noise are nobody's, or somebody's whose GRUB leads nowhere", async () => {
  const change = fc.tuple(fc.nat(2 * SECTOR - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
      const disk = diskWith([[2n, 60]]);
      for (const [at, value] of changes) disk[at] = value;
      const code = await codeOf(disk);
      assert.ok(code === null || (await grubPlace(code, "sda")) === null);
    }),
  );
});
