/** ISO 9660 images made by xorriso, and images that no program would make. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { BatonError, type ErrorCode } from "../../src/errors.ts";
import { type IsoImage, openIso } from "../../src/volumes/iso.ts";
import { isoFolder, makeIso, openBytes, openFile, type Tree, walk } from "./isoimages.ts";

const folder = isoFolder();

const LONG = `Ein sehr langer Name mit Umläuten äöü ${"x".repeat(150)}.bin`;
const FARAWAY = `${"y".repeat(200)}/${"z".repeat(200)}/../q`;
const KERNEL = Buffer.from(Array.from({ length: 70_001 }, (_, index) => (index * 7) % 251));
const TREE: Tree = {
  "boot/grub/grub.cfg": "menuentry x {}\n",
  "boot/vmlinuz-6.1.0-amd64": KERNEL,
  "a/b/c/d/e/f/g/h/i/j/deep.txt": "deep",
  "a/up": "-> ../boot",
  "abs.cfg": "-> /boot/grub/grub.cfg",
  "out.cfg": "-> ../../../boot/grub/grub.cfg",
  faraway: `-> ${FARAWAY}`,
  round: "-> round",
  empty: "",
  [LONG]: "long",
};
const FILES = Object.entries(TREE).filter(([, contents]) => !String(contents).startsWith("-> "));

const fails = (code: ErrorCode, work: Promise<unknown>, message: RegExp): Promise<void> =>
  assert.rejects(work, (error) => error instanceof BatonError && error.code === code && message.test(error.message));

async function assertFiles(image: IsoImage): Promise<void> {
  for (const [path, contents] of FILES) {
    assert.deepEqual(Buffer.from(await image.reader.read(`/${path}`)), Buffer.from(contents as string), path);
  }
}

/** xorriso's own list of where every file's bytes lie. */
function extentsByXorriso(image: string): Map<string, { offset: number; size: number }> {
  const text = execFileSync("xorriso", ["-indev", image, "-find", "/", "-type", "f", "-exec", "report_lba", "--"], {
    encoding: "utf8",
    stdio: "pipe",
  });
  const found = [...text.matchAll(/^File data lba: +\d+ , +(\d+) , +\d+ , +(\d+) , '(.*)'$/gm)];
  return new Map(found.map(([, lba, size, path]) => [path!, { offset: Number(lba) * 2048, size: Number(size) }]));
}

for (const [title, options] of [
  ["Rock Ridge", ["-r"]],
  ["Rock Ridge and Joliet", ["-r", "-J", "-joliet-long"]],
  ["Rock Ridge on ISO 9660:1999", ["-r", "-iso-level", "4"]],
  [
    "Rock Ridge in an isohybrid with a GPT",
    ["-r", "-partition_offset", "16", "-appended_part_as_gpt", "-append_partition", "2", "0xef", "/bin/true"],
  ],
] as const) {
  test(`${title}: names, types, contents, symlinks and extents are those that xorriso put there`, async () => {
    const path = join(folder, `${title}.iso`);
    makeIso(path, TREE, options);
    const image = await openFile(path);
    assert.equal(image.names, "rock-ridge");
    await assertFiles(image);
    const found = await walk(image);
    const expected = new Map<string, string>();
    for (const [name, contents] of Object.entries(TREE)) {
      const parts = name.split("/");
      for (let depth = 1; depth < parts.length; depth++)
        expected.set(`/${parts.slice(0, depth).join("/")}`, "directory");
      expected.set(`/${name}`, String(contents).startsWith("-> ") ? "symlink" : "file");
    }
    assert.deepEqual(found, new Map([...expected].sort(([a], [b]) => (a < b ? -1 : 1))));

    const extents = extentsByXorriso(path);
    assert.equal(extents.size, FILES.length);
    for (const [name, extent] of extents) {
      if (extent.size > 0) assert.deepEqual(await image.extent(name), extent, name);
      else assert.equal((await image.extent(name)).size, 0);
    }
    assert.deepEqual((await image.reader.stat("/a/up/vmlinuz-6.1.0-amd64")).size, KERNEL.length);
    for (const link of [
      "/abs.cfg",
      "/out.cfg",
      "/a/up/grub/grub.cfg",
      "/a/b/../../boot/./grub//grub.cfg",
      "/../abs.cfg",
    ]) {
      assert.equal(Buffer.from(await image.reader.read(link)).toString(), TREE["boot/grub/grub.cfg"], link);
    }
  });
}

test("a tree too deep for ISO 9660, moved up by Rock Ridge, shows in its own place", async () => {
  const path = join(folder, "moved.iso");
  makeIso(`${path}.source`, TREE);
  const make = ["-indev", `${path}.source`, "-outdev", path, "-compliance", "deep_paths_off", "-rr_reloc_dir", "moved"];
  execFileSync("xorriso", [...make, "-volid", "MOVED", "-commit"], { stdio: "pipe" });
  const image = await openFile(path);
  assert.equal((await image.reader.stat("/a/b/c/d/e/f/g/h/i/j")).type, "directory");
  await assertFiles(image);
});

test("without Rock Ridge, Joliet's names are read, in any case of letters", async () => {
  const path = join(folder, "joliet.iso");
  makeIso(path, TREE, ["--norock", "-J", "-joliet-long"]);
  const image = await openFile(path);
  assert.equal(image.names, "joliet");
  assert.ok((await image.reader.list("/boot")).some(({ name }) => name === "vmlinuz-6.1.0-amd64"));
  assert.equal((await image.reader.stat("/BOOT/VMLINUZ-6.1.0-AMD64")).size, KERNEL.length);
});

test("with neither, names are in lower case and without versions, and are found in any case", async () => {
  const path = join(folder, "plain.iso");
  makeIso(path, { "boot/GRUB.CFG": "x", "boot/noext": "y", "boot/vmlinuz": KERNEL }, ["--norock"]);
  const image = await openFile(path);
  assert.equal(image.names, "plain");
  assert.deepEqual([...(await walk(image)).keys()], ["/boot", "/boot/grub.cfg", "/boot/noext", "/boot/vmlinuz"]);
  for (const name of ["/boot/vmlinuz", "/BOOT/Vmlinuz"]) {
    assert.deepEqual(Buffer.from(await image.reader.read(name)), KERNEL);
  }
});

test("a part of a file is read without the rest of it", async () => {
  const path = join(folder, "parts.iso");
  makeIso(path, TREE);
  const { reader } = await openFile(path);
  const name = "/boot/vmlinuz-6.1.0-amd64";
  assert.deepEqual(Buffer.from(await reader.readAt(name, 4000, 300)), KERNEL.subarray(4000, 4300));
  assert.deepEqual(Buffer.from(await reader.readAt(name, 70_000, 300)), KERNEL.subarray(70_000));
  assert.equal((await reader.readAt(name, 80_000, 300)).length, 0);
});

test("what can't be read says why, with the path", async () => {
  const path = join(folder, "errors.iso");
  makeIso(path, TREE);
  const { reader, extent } = await openFile(path);
  await fails("not-found", reader.read("/boot/none"), /^x:\/boot\/none: no such/);
  await fails("not-found", reader.read("/empty/none"), /empty is not a directory/);
  await fails("not-found", reader.stat("/faraway"), /no such/);
  await fails("not-found", reader.stat(`/${"x".repeat(5000)}`), /no file can have this name/);
  await fails("not-a-file", reader.read("/boot"), /a directory/);
  await fails("not-a-file", extent("/boot"), /a directory/);
  await fails("not-a-directory", reader.list("/empty"), /not a directory/);
  await fails("loop", reader.stat("/round"), /symlinks/);
  await fails("too-large", reader.read("/boot/vmlinuz-6.1.0-amd64", 1000), /1000 bytes/);
});

/** A plain image with the files A, B and C, whose directory records can be found by name. */
function threeFiles(): Buffer {
  const path = join(folder, "three.iso");
  makeIso(path, { "A.BIN": "a".repeat(2048), "B.BIN": "b".repeat(2048), "C.BIN": "c".repeat(100) }, ["--norock"]);
  return readFileSync(path);
}

const record = (bytes: Buffer, name: string): number => bytes.lastIndexOf(`${name}.BIN;1`) - 33;
const FLAGS = 25;

test("a file in several extents is one file, and has one extent only where they lie behind each other", async () => {
  const contiguous = threeFiles();
  contiguous[record(contiguous, "A") + FLAGS]! |= 0x80;
  contiguous.write("A", record(contiguous, "B") + 33);
  const image = await openBytes(contiguous);
  assert.deepEqual([...(await walk(image)).keys()], ["/a.bin", "/c.bin"]);
  assert.equal(Buffer.from(await image.reader.read("/a.bin")).toString(), "a".repeat(2048) + "b".repeat(2048));
  assert.equal(Buffer.from(await image.reader.readAt("/a.bin", 2047, 2)).toString(), "ab");
  assert.equal((await image.extent("/a.bin")).size, 4096);

  const apart = threeFiles();
  for (const name of ["A", "B"]) apart[record(apart, name) + FLAGS]! |= 0x80;
  apart.write("A", record(apart, "C") + 33);
  apart.write("A", record(apart, "B") + 33);
  // The second part first.
  apart.writeUInt32LE(
    apart.readUInt32LE(apart.lastIndexOf("A.BIN;1") - 33 + 2) + 100,
    apart.lastIndexOf("A.BIN;1") - 31,
  );
  const scattered = await openBytes(Buffer.concat([apart, Buffer.alloc(2048 * 200)]));
  assert.equal((await scattered.reader.stat("/a.bin")).size, 4196);
  await fails("unsupported", scattered.extent("/a.bin"), /several pieces/);
});

test("a file of more than 4 GiB, in two extents, is read across their border", async () => {
  const head = threeFiles();
  const size = 8 * 2 ** 30;
  const first = head.readUInt32LE(record(head, "A") + 2) * 2048;
  const most = 2 ** 32 - 2048;
  head[record(head, "A") + FLAGS]! |= 0x80;
  head.writeUInt32LE(most, record(head, "A") + 10);
  head.writeUInt32LE((first + most) / 2048, record(head, "B") + 2);
  head.write("A", record(head, "B") + 33);
  // Every 2 KiB of the rest says where it is.
  const readAt = async (offset: number, length: number): Promise<Uint8Array> => {
    if (offset + length <= head.length) return head.subarray(offset, offset + length);
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = Math.floor((offset + at) / 2048) % 251;
    return bytes;
  };
  const image = await openIso(readAt, size, "vda1:/large.iso");
  assert.equal((await image.reader.stat("/a.bin")).size, most + 2048);
  assert.deepEqual(await image.extent("/a.bin"), { offset: first, size: most + 2048 });
  const border = await image.reader.readAt("/a.bin", most - 1, 2);
  const block = (first + most) / 2048;
  assert.deepEqual([...border], [(block - 1) % 251, block % 251]);
  await fails("too-large", image.reader.read("/a.bin"), /allowed here/);
});

test("a file beyond the end of a cut image is there, and can't be read", async () => {
  const whole = threeFiles();
  const { offset } = await (await openBytes(whole)).extent("/c.bin");
  const { reader } = await openBytes(whole.subarray(0, offset + 50));
  assert.equal((await reader.list("/")).length, 3);
  assert.equal((await reader.read("/a.bin")).length, 2048);
  await fails("io", reader.read("/c.bin"), /cut short or damaged. Copy it again/);
  await fails("io", reader.stat("/c.bin"), /^vda1:\/x\.iso: .*cut short/);
});

test("interleaved files and directories that hold themselves are refused", async () => {
  const bytes = threeFiles();
  bytes[record(bytes, "A") + 26] = 1;
  const root = bytes.readUInt32LE(0x8000 + 156 + 2);
  bytes[record(bytes, "B") + FLAGS]! |= 0x02;
  bytes.writeUInt32LE(root, record(bytes, "B") + 2);
  const { reader } = await openBytes(bytes);
  await fails("io", reader.read("/a.bin"), /interleaved/);
  await fails("loop", reader.list("/b.bin"), /holds itself/);
});

test("a directory of an impossible size is refused before it is read", async () => {
  const bytes = threeFiles();
  bytes[record(bytes, "A") + FLAGS]! |= 0x02;
  bytes.writeUInt32LE(0xfffff000, record(bytes, "A") + 10);
  const { reader } = await openBytes(bytes);
  await fails("too-large", reader.list("/a.bin"), /none of a real image/);
});

test("what is no ISO 9660 image is refused with what it is", async () => {
  await fails("bad-format", openBytes(Buffer.alloc(100)), /no ISO 9660 image/);
  await fails("bad-format", openBytes(Buffer.alloc(100_000)), /no volume descriptor/);
  const udf = Buffer.alloc(100_000);
  for (const [index, id] of ["BEA01", "NSR02", "TEA01"].entries()) udf.write(id, 0x8000 + index * 2048 + 1);
  await fails("unsupported", openBytes(udf), /UDF/);
  const rootless = threeFiles();
  rootless.fill(0, 0x8000 + 156, 0x8000 + 190);
  await fails("bad-format", openBytes(rootless), /no root directory/);
});

test("whatever bytes are changed, every call ends with an answer or an error that says why", async () => {
  const images = [["-r"], ["--norock", "-J"], ["--norock"]].map((options, index) => {
    const path = join(folder, `mutated-${index}.iso`);
    makeIso(path, { ...TREE, faraway: "-> a" }, [...options, "-no-pad"]);
    return readFileSync(path);
  });
  // Descriptors, path tables and directories; file contents come behind them.
  const metadata = images.map((bytes) => bytes.lastIndexOf("deep") - 0x8000);
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: images.length - 1 }),
      fc.array(change, { minLength: 1, maxLength: 30 }),
      async (which, changes) => {
        const bytes = Buffer.from(images[which]!);
        for (const { at, bytes: put } of changes) bytes.set(put, 0x8000 + Math.floor(at * metadata[which]!));
        try {
          const image = await openBytes(bytes);
          for (const [path, type] of await walk(image, 200)) {
            if (type === "directory") continue;
            try {
              const contents = await image.reader.read(path);
              assert.equal((await image.reader.stat(path)).size, contents.length);
            } catch (error) {
              assert.ok(error instanceof BatonError, String(error));
            }
          }
        } catch (error) {
          assert.ok(error instanceof BatonError, String(error));
        }
      },
    ),
    { numRuns: 1000 },
  );
});
