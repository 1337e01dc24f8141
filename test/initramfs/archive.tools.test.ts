import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { describeEntry, splitArchive } from "../../initramfs/archive.ts";
import { koffiBinary } from "../../initramfs/build.ts";
import { compress, xz, ZSTD } from "../../initramfs/compress.ts";
import { changingFiles, lastingFiles } from "../../initramfs/contents.ts";
import { needs } from "../../initramfs/elfprogram.ts";
import { givenKernel } from "../../initramfs/kernel.ts";
import { parseProfile } from "../../initramfs/profile.ts";
import { Tree } from "../../initramfs/tree.ts";
import { readCpio, writeCpio } from "../../src/binary/cpio.ts";
import { makeElf } from "./elffile.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-archive-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const missing = (program: string) =>
  spawnSync(program, ["--version"], { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }).error !== undefined;

const LIBRARIES = "lib/x86_64-linux-gnu";
const PROFILE = parseProfile(
  `name: test
arch: amd64
cmdline: quiet
node: { package: none, version: "0", integrity: sha512- }
kernelPackage: none
packages: []
terminfo: [linux]
modules: { none: [ext4] }
loadAtStart: []
moduleOptions: { nvme: async_probe=1 }
`,
  "test.yaml",
);

/** All that an image is made of, as files of a directory of its own, written in an order of its own. */
async function makeTree(home: string, order: (names: string[]) => string[], time: number): Promise<Tree> {
  const koffi = needs(readFileSync(koffiBinary("x64")));
  const files = new Map<string, Uint8Array>([
    ["packages/bin/busybox", Buffer.from("busybox")],
    ["packages/lib/terminfo/l/linux", Buffer.from("terminfo")],
    [`packages/${LIBRARIES}/libown.so.1`, makeElf({ needed: ["libc.so.6"] })],
    ["packages/lib64/ld-linux-x86-64.so.2", makeElf()],
    ["node", makeElf({ needed: ["libown.so.1"], interpreter: "/lib64/ld-linux-x86-64.so.2" })],
    ["vmlinuz", Buffer.from("kernel")],
    ["modules/6.1.0-test/modules.builtin", Buffer.from("kernel/fs/ext4/ext4.ko\nkernel/drivers/block/loop.ko\n")],
    ["modules/6.1.0-test/modules.order", Buffer.alloc(0)],
  ]);
  for (const name of koffi.needed) {
    if (!name.startsWith("ld-")) files.set(`packages/${LIBRARIES}/${name}`, makeElf({ soname: name }));
  }
  for (const name of order([...files.keys()].sort())) {
    const path = join(home, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, files.get(name)!);
    utimesSync(path, time, time);
  }
  mkdirSync(join(home, "modules/6.1.0-test/kernel"), { recursive: true });
  symlinkSync("modules/6.1.0-test", join(home, "current"));
  const kernel = await givenKernel(join(home, "vmlinuz"), join(home, "modules/6.1.0-test"));
  const tools = { suite: "bookworm", mirrors: [] };
  const from = {
    profile: PROFILE,
    kernel,
    packages: join(home, "packages"),
    firmware: null,
    node: join(home, "node"),
    tools,
  };
  const { tree } = await lastingFiles(from);
  await changingFiles(tree, {
    program: { code: "#!/usr/bin/env node\n1;\n", inputs: [] },
    cache: Buffer.from("cache"),
    added: [{ path: "/etc/baton.yaml", data: Buffer.from("timeout: 0\n"), mode: 0o644 }],
  });
  return tree;
}

test("the same files give the same archive, wherever they lie, whenever and in whatever order they were written", {
  skip: missing("depmod") && "no depmod here (Debian package kmod)",
}, async () => {
  const one = await makeTree(join(directory, "one"), (names) => names, 1_000_000_000);
  const other = await makeTree(join(directory, "other/and deeper"), (names) => names.reverse(), 1_700_000_000);
  const archive = writeCpio(one.entries);
  assert.ok(Buffer.from(archive).equals(writeCpio(other.entries)));

  const files = new Map([...readCpio(archive)].map((entry) => [entry.name, entry]));
  const text = (name: string) => Buffer.from(files.get(name)!.data).toString();
  assert.equal(text("bin/busybox"), "busybox");
  assert.equal(text("lib/modules/6.1.0-test/modules.builtin"), "kernel/ext4.ko\nkernel/loop.ko\n");
  assert.equal(text("etc/modprobe.d/baton.conf"), "options nvme async_probe=1\n");
  assert.equal(text("usr/lib/baton/baton.cache"), "cache");
  assert.equal(text("etc/baton.yaml"), "timeout: 0\n");
  assert.equal(text("usr/bin/baton"), "../lib/baton/start.cjs");
  assert.ok(files.has(`${LIBRARIES}/libown.so.1`));
  assert.equal((files.get("init")!.mode & 0o777).toString(8), "755");
});

test("directories above a file come by themselves, once, before what is in them", () => {
  const tree = new Tree();
  tree.file("/usr/lib/baton/a", "a");
  tree.file("/usr/lib/b", "b");
  tree.directory("/usr/lib");
  assert.deepEqual(
    tree.entries.map((entry) => entry.name),
    ["usr", "usr/lib", "usr/lib/baton", "usr/lib/baton/a", "usr/lib/b"],
  );
});

test("each kind of member is told as image.json has it", () => {
  const tree = new Tree();
  tree.file("/init", "#!/bin/sh\n", 0o755);
  tree.symlink("/linuxrc", "init");
  tree.characterDevice("/console", 5, 1);
  tree.fifo("/status");
  const sha256 = execFileSync("sha256sum", { input: "#!/bin/sh\n", encoding: "utf8" }).split(" ")[0]!;
  assert.deepEqual(tree.entries.map(describeEntry), [
    { path: "/init", type: "file", mode: "0755", size: 10, sha256 },
    { path: "/linuxrc", type: "symlink", mode: "0777", target: "init" },
    { path: "/console", type: "character", mode: "0600", device: "5:1" },
    { path: "/status", type: "fifo", mode: "0600" },
  ]);
});

test("an archive cut in two is one archive, and its first part ends where a member does", () => {
  const tree = new Tree();
  for (const name of ["a", "b", "c", "d"]) tree.file(`/${name}`, name.repeat(7));
  const whole = writeCpio(tree.entries);
  for (let count = 0; count <= 4; count++) {
    const { first, second } = splitArchive(tree.entries, count);
    assert.ok(Buffer.concat([first, second]).equals(whole), `${count} members in the first part`);
    const names = [...readCpio(Buffer.concat([first, writeCpio([])]))].map((entry) => entry.name);
    assert.deepEqual(names, ["a", "b", "c", "d"].slice(0, count));
  }
});

for (const compressor of [ZSTD, xz("amd64")]) {
  const [program] = compressor.argv;
  test(`two parts compressed by ${program} are unpacked as one, and the same each time`, {
    skip: missing(program) && `no ${program} here`,
  }, async () => {
    const data = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
    const first = await compress(compressor, data, { keep: false });
    const second = await compress(compressor, Buffer.from("the rest"), { keep: false });
    const unpacked = execFileSync(program, ["-dc"], { input: Buffer.concat([first, second]), maxBuffer: 1 << 24 });
    assert.ok(unpacked.equals(Buffer.concat([data, Buffer.from("the rest")])));
    assert.ok(Buffer.from(await compress(compressor, data, { keep: false })).equals(first));
  });
}
