import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFileRef } from "../../../src/entry.ts";
import type { FormatResult, FormatVolume } from "../../../src/formats/format.ts";
import { grubLegacy } from "../../../src/formats/grub-legacy.ts";
import { initrdsOf, kernelOf, memoryVolume, only, problems, type Tree, titles } from "./support.ts";

const PATH = "/boot/grub/menu.lst";
const DISK = { disk: "sda", scheme: "msdos" } as const;

function read(menu: string, files: Tree = {}, others: readonly FormatVolume[] = []): Promise<FormatResult> {
  const volume = memoryVolume({ ...files, [PATH]: menu }, { name: "sda1", uuid: "u-1", partition: 1, ...DISK });
  const platform = { firmware: "pc", arch: "x86_64" } as const;
  return grubLegacy.parse(PATH, { volume, volumes: [volume, ...others], platform });
}

test("a menu of GRUB legacy is read with its partitions counted from 0", async () => {
  const second = memoryVolume({}, { name: "sda2", partition: 2, ...DISK });
  const result = await read(
    `# comment
default 1
timeout=8
hiddenmenu
fallback 0
splashimage=(hd0,0)/grub/splash.xpm.gz

title CentOS (2.6.32)
	root (hd0,1)
	kernel /vmlinuz-2.6.32 ro  root=/dev/sda3 "quoted"
	initrd /initramfs-2.6.32.img
title Single user
	root (hd0,0)
	kernel --no-mem-option (hd0,1)/vmlinuz single
	savedefault
	boot
`,
    {},
    [second],
  );
  assert.deepEqual(titles(result), ["CentOS (2.6.32)", "Single user"]);
  const [first, single] = result.entries;
  assert.equal(first!.type, "grub-legacy");
  assert.equal(kernelOf(first!), "sda2:/vmlinuz-2.6.32");
  assert.deepEqual(initrdsOf(first!), ["sda2:/initramfs-2.6.32.img"]);
  assert.equal(first!.options, 'ro  root=/dev/sda3 "quoted"');
  assert.equal(kernelOf(single!), "sda2:/vmlinuz");
  assert.equal(single!.options, "single");
  assert.deepEqual([result.defaultIndex, result.defaultIsExplicit], [1, true]);
  assert.deepEqual([result.timeout, result.timeoutStyle, [...result.fallback]], [8, "hidden", [0]]);
  assert.deepEqual(problems(result), []);
});

test("a saved default is the number in the file beside the menu", async () => {
  const menu = "default saved\ntitle A\nkernel /a\ntitle B\nkernel /b\n";
  assert.equal((await read(menu, { "/boot/grub/default": "1\n#\n#\n" })).defaultIndex, 1);
  assert.equal((await read(menu)).defaultIndex, 0);
});

test("a default that isn't there is the first entry, and said so", async () => {
  const result = await read("default 7\ntitle A\nkernel /a\n");
  assert.deepEqual([result.defaultIndex, result.defaultIsExplicit], [0, false]);
  assert.match(problems(result)[0] ?? "", /entry 7, which the menu doesn't have/);
});

test("Xen with its modules is a multiboot entry", async () => {
  const entry = only(
    await read("title Xen\nkernel /xen.gz dom0_mem=1G\nmodule /vmlinuz root=/dev/sda1\nmodule /initrd.img\n"),
  );
  assert.equal(entry.kind, "multiboot");
  assert.equal(entry.linux, null);
  assert.deepEqual(
    entry.modules.map(({ file, args }) => [formatFileRef(file), args]),
    [
      ["sda1:/xen.gz", "dom0_mem=1G"],
      ["sda1:/vmlinuz", "root=/dev/sda1"],
      ["sda1:/initrd.img", ""],
    ],
  );
});

test("uuid finds the volume, and what isn't attached stays named", async () => {
  const other = memoryVolume({}, { name: "sdb1", uuid: "U-2", disk: "sdb", partition: 1 });
  const result = await read("title A\nuuid u-2\nkernel /a\ntitle B\nuuid gone\nkernel /b\n", {}, [other]);
  assert.deepEqual(result.entries.map(kernelOf), ["sdb1:/a", "unresolved:UUID=gone:/b"]);
});

test("what kexec can't start is listed with the reason", async () => {
  const result = await read(
    "title Windows\nrootnoverify (hd0,0)\nmakeactive\nchainloader +1\ntitle Nothing\ntitle Locked\nlock\nkernel /k\n",
  );
  assert.match(result.entries[0]!.reason ?? "", /boot sector/);
  assert.match(result.entries[1]!.reason ?? "", /names no kernel/);
  assert.deepEqual(result.entries[2]!.restricted, []);
});

test("unknown commands and bad numbers are told and cost nothing else", async () => {
  const result = await read("frobnicate\ntimeout soon\n= x\ntitle A\nkernel /a\nwhatever\n");
  assert.deepEqual(titles(result), ["A"]);
  assert.equal(result.diagnostics.length, 4);
});

test("a line is continued after a backslash, a hundred thousand times too", async () => {
  const entry = only(await read(`title A\nkernel /k a \\\n  b\n`));
  assert.equal(entry.options, "a   b");
  assert.equal(only(await read(`title A\nkernel /k ${"\\\n".repeat(100_000)}x\n`)).options, "x");
});

test("menu.lst is found, and left alone where GRUB 2 has its own configuration", async () => {
  const find = (tree: Tree) => grubLegacy.find(memoryVolume(tree));
  assert.deepEqual(await find({ "/boot/grub/menu.lst": "", "/boot/grub/grub.conf": "" }), ["/boot/grub/menu.lst"]);
  assert.deepEqual(await find({ "/grub/grub.conf": "" }), ["/grub/grub.conf"]);
  assert.deepEqual(await find({ "/boot/grub/menu.lst": "", "/boot/grub/grub.cfg": "" }), []);
});

test("savedefault writes an entry's number into the file beside the menu, where there is one", async () => {
  const menu = [
    ...["default saved", "fallback 2 0"],
    ...["title itself", "kernel /a", "savedefault", "title no", "kernel /b"],
    ...["title next fallback", "kernel /c", "savedefault --wait=5 fallback"],
    ...["title first fallback", "kernel /d", "savedefault fallback"],
    ...["title named", "kernel /e", "savedefault 1"],
    ...["title wrong", "kernel /f", "savedefault x", ""],
  ].join("\n");
  const file = { device: "sda1", path: "/boot/grub/default" };
  const result = await read(menu, { "/boot/grub/default": `0\n${"#\n".repeat(9)}` });
  const saved = (number: string) => [{ file, set: { default: number }, unset: [], form: "default" }];
  assert.deepEqual(
    result.entries.map(({ writes }) => writes),
    [saved("0"), [], saved("0"), saved("2"), saved("1"), []],
  );
  assert.deepEqual(problems(result), ["19: 'savedefault' needs a number, not 'x': ignored"]);

  for (const files of [{}, { "/boot/grub/default": "0\n" }]) {
    const { entries } = await read(menu, files);
    assert.deepEqual(
      entries.flatMap(({ writes }) => writes),
      [],
    );
  }
});
