import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { readSetupHeader } from "../../src/images/bzimage.ts";
import { identifyImage, loadRefusal } from "../../src/images/identify.ts";
import type { Image } from "../../src/images/image.ts";
import { makePe } from "../binary/pefile.ts";
import { makeArm64Image, makeBzImage } from "./kernels.ts";

function identify(content: Uint8Array | string): Promise<Image> {
  const bytes = Buffer.from(content as string);
  return identifyImage(readAtOfBytes(bytes), bytes.length);
}

test("a bzImage is named by version and architecture, and loads on its own architecture only", async () => {
  const found = await identify(makeBzImage());
  assert.deepEqual(found, {
    format: "bzImage",
    description: "Linux 6.1.0-56-amd64 (x86_64 bzImage)",
    arch: "x86_64",
    version: "6.1.0-56-amd64",
    fileLoad: ["x86_64"],
    classic: ["x86_64"],
    isPacked: false,
    reason: null,
    cmdlineLimit: 2047,
  });
  assert.equal(loadRefusal(found, "x86_64"), null);
  assert.equal(loadRefusal(found, "aarch64"), "It is a kernel for x86_64, and this machine is aarch64.");
});

test("the setup header's fields stand where the boot protocol has them", () => {
  const header = readSetupHeader(makeBzImage());
  assert.equal(header?.setupSize, 4096);
  assert.equal(header?.kernelSize, 4096);
  assert.equal(header?.versionText, "6.1.0-56-amd64 (build@host) #1 SMP");
  assert.equal(header?.prefAddress, 0x1000000n);
  assert.equal(header?.initSize, 0x3f98000);
  assert.equal(header?.kernelAlignment, 0x200000);
});

test("an old kernel's fields that its protocol doesn't have are not read", () => {
  const header = readSetupHeader(makeBzImage({ protocol: 0x202 }));
  assert.equal(header?.cmdlineSize, 255);
  assert.equal(header?.initrdAddressMax, 0x37ffffff);
  assert.equal(header?.entry64, false);
});

test("kernels that kexec_file_load refuses are refused with the reason, before it is asked", async () => {
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [makeBzImage({ protocol: 0x20a }), /boot protocol 2\.10, .* 2\.12 \(Linux 3\.8\)/],
    [makeBzImage({ loadflags: 0 }), /zImage/],
    [makeBzImage({ xloadflags: 0 }), /32-bit kernel/],
    [makeBzImage({ xloadflags: 1 }), /CONFIG_RELOCATABLE/],
    [makeBzImage().subarray(0, 5000), /cut short: its header says 8.0 KiB \(8192 bytes\), and the file has 5000 bytes/],
    [makeArm64Image(0n), /before Linux 3\.17/],
  ];
  for (const [bytes, reason] of cases) {
    const found = await identify(bytes);
    assert.deepEqual(found.fileLoad, []);
    assert.match(found.reason!, reason);
  }
});

test("the last paragraph of a bzImage need not be whole, and what lacks more is cut short", async () => {
  const bytes = makeBzImage();
  assert.deepEqual((await identify(bytes.subarray(0, bytes.length - 15))).fileLoad, ["x86_64"]);
  assert.match((await identify(bytes.subarray(0, bytes.length - 16))).description, /cut short/);
});

test("a program that has a kernel's header and calls the firmware is named, whatever its file is called", async () => {
  for (const [version, what] of [
    ["wimboot v2.8.0 --", "wimboot"],
    ["MEMDISK 6.04 20200816", "memdisk"],
    ["1.21.1+ iPXE", "iPXE"],
  ] as const) {
    const found = await identify(makeBzImage({ version }));
    assert.equal(found.description, what);
    assert.match(found.reason!, /needs the firmware that kexec leaves behind/);
    assert.deepEqual([found.classic, found.fileLoad], [[], []]);
  }
  assert.equal((await identify(makeBzImage({ version: "v7.20 Memtest86+" }))).format, "bzImage");
});

test("a version pointer that leads outside of the setup part gives no version", async () => {
  const bytes = makeBzImage();
  bytes.writeUInt16LE(0xfff0, 0x20e);
  assert.equal((await identify(bytes)).description, "Linux of unknown version (x86_64 bzImage)");
});

test("an arm64 Image is a kernel for aarch64", async () => {
  const found = await identify(makeArm64Image());
  assert.equal(found.format, "arm64 Image");
  assert.deepEqual(found.fileLoad, ["aarch64"]);
});

test("a gzip file is named by what is inside", async () => {
  const found = await identify(gzipSync(Buffer.concat([makeArm64Image(), Buffer.alloc(1 << 20)])));
  assert.equal(found.format, "gzip");
  assert.equal(found.description, "Linux (arm64 Image), compressed with gzip");
  assert.match(found.reason!, /compressed with gzip as a whole/);
  assert.equal((await identify(gzipSync("text"))).description, "data, compressed with gzip");
  assert.equal((await identify(gzipSync(Buffer.alloc(24 << 20)))).description, "data, compressed with gzip");
});

test("the other compressions are named", async () => {
  const cases = { "28b52ffd": "zstd", fd377a585a00: "xz", "04224d18": "lz4", "02214c18": "lz4", "425a68": "bzip2" };
  for (const [hex, format] of Object.entries(cases)) {
    assert.equal((await identify(Buffer.from(`${hex}${"11".repeat(64)}`, "hex"))).format, format);
  }
});

test("an EFI zboot kernel names its compression", async () => {
  const bytes = Buffer.from(makePe([[".text", "x"]], { machine: 0xaa64 }));
  bytes.write("\0\0zimg", 2, "latin1");
  bytes.write("gzip\0", 24, "latin1");
  const found = await identify(bytes);
  assert.equal(found.description, "Linux (aarch64, EFI zboot, gzip)");
  assert.match(found.reason!, /doesn't unpack/);
});

test("a unified kernel image is named by the kernel inside", async () => {
  const found = await identify(
    makePe([
      [".osrel", "ID=x"],
      [".linux", makeBzImage({ version: "6.12.1" })],
    ]),
  );
  assert.equal(found.format, "UKI");
  assert.equal(found.description, "a unified kernel image with Linux 6.12.1 (x86_64 bzImage)");
  assert.deepEqual(found.fileLoad, ["x86_64"]);
  assert.equal(found.cmdlineLimit, 2047);
  const short = await identify(makePe([[".linux", makeBzImage()]]).subarray(0, 3000));
  assert.match(short.reason!, /cut short: its kernel ends at byte/);
});

test("an EFI program without a kernel is refused as that", async () => {
  const found = await identify(makePe([[".text", "bootmgfw"]]));
  assert.equal(found.description, "an EFI program (x86_64) without a Linux kernel in it");
  assert.match(found.reason!, /kexec can't start it/);
  const broken = Buffer.from(makePe([]));
  broken.writeUInt16LE(0x107, 152);
  assert.equal((await identify(broken)).description, "a broken EFI program");
});

/** An ELF header with `more` at 64. */
function elf(machine: number, more: readonly number[] = []): Buffer {
  const bytes = Buffer.alloc(4096);
  bytes.write("\x7fELF\x02\x01\x01", 0, "latin1");
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(machine, 18);
  for (const [index, word] of more.entries()) bytes.writeUInt32LE(word >>> 0, 64 + index * 4);
  return bytes;
}

test("an ELF file is told from one that wants a multiboot loader", async () => {
  const vmlinux = await identify(elf(62));
  assert.equal(vmlinux.format, "ELF");
  assert.equal(vmlinux.arch, "x86_64");
  assert.match(vmlinux.reason!, /vmlinuz/);
  assert.equal((await identify(elf(3, [0x1badb002, 3, -(0x1badb002 + 3)]))).format, "multiboot");
  assert.equal((await identify(elf(62, [0xe85250d6, 0, 16, -(0xe85250d6 + 16)]))).format, "multiboot2");
  assert.equal((await identify(elf(62, [0x1badb002, 3, 0]))).format, "ELF", "a wrong checksum");
});

test("what is no kernel is described as what it is", async () => {
  const iso = Buffer.alloc(0x9000, 1);
  iso.write("CD001", 0x8001, "latin1");
  const sector = Buffer.alloc(512, 0xf4);
  sector.writeUInt16LE(0xaa55, 510);
  const cases: readonly (readonly [Uint8Array | string, string])[] = [
    ["", "an empty file"],
    [Buffer.alloc(100_000), "all zeros"],
    ["<!DOCTYPE html>\n<html>", "an HTML page"],
    ["\ufeff \n<HTML lang=en>", "an HTML page"],
    ['{"error": 404}', "a JSON file"],
    ["070701000", "an initramfs (a cpio archive)"],
    ["#!/bin/sh\n", "a script"],
    ["version https://git-lfs.github.com/spec/v1", "a Git LFS pointer (the file itself was never fetched)"],
    ["Not found\nTry again", 'text that begins with "Not found"'],
    [iso, "an ISO 9660 image (a CD)"],
    [sector, "a boot sector or disk image"],
    ["ANDROID!\0\0", "an Android boot image"],
    [Buffer.from([1, 2, 3, 254, 255]), "unknown data that begins with the bytes 01 02 03 fe ff"],
  ];
  for (const [content, description] of cases) {
    const found = await identify(content);
    assert.equal(found.description, description);
    assert.equal(found.format, "other");
    assert.deepEqual(found.fileLoad, []);
    assert.ok(found.reason?.endsWith("."));
  }
});

test("a file of two bytes that begins like a program is no kernel", async () => {
  assert.equal((await identify("MZ")).description, "a DOS program");
});

test("text from a file can't bring control characters or a flood into a message", async () => {
  const found = await identify(`\x1b[2J${"x".repeat(5000)}`);
  assert.doesNotMatch(found.reason!, /[\x00-\x1f]/);
  assert.ok(found.reason!.length < 200);
});

test("whatever a file holds, it is identified without an error", async () => {
  const seeds = [makeBzImage(), makeArm64Image(), Buffer.from(makePe([[".linux", makeBzImage()]])), elf(62)];
  await fc.assert(
    fc.asyncProperty(
      fc.nat(seeds.length - 1),
      fc.array(fc.tuple(fc.nat(0x300), fc.nat(255)), { maxLength: 6 }),
      fc.nat(6000),
      async (seed, changes, length) => {
        const bytes = Buffer.from(seeds[seed]!).subarray(0, length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const found = await identify(bytes);
        assert.ok(found.description.length > 0);
        assert.equal(found.reason === null, found.fileLoad.length > 0);
      },
    ),
    { numRuns: 400 },
  );
});

test("an error of the disk is passed on, not taken for a broken file", async () => {
  const failing = async () => {
    throw new Error("EIO");
  };
  await assert.rejects(identifyImage(failing, 1000), /EIO/);
});
