import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFileRef } from "../../../src/entry.ts";
import type { FormatResult, FormatVolume } from "../../../src/formats/format.ts";
import { grubLegacy } from "../../../src/formats/grub-legacy/grub-legacy.ts";
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

test("menus beside an EFI program and beside GRUB4DOS's are found, in any spelling", async () => {
  const find = (tree: Tree) => grubLegacy.find(memoryVolume(tree, { type: "vfat" }));
  assert.deepEqual(await find({ "/EFI/redhat/grub.conf": "", "/EFI/redhat/grub.efi": "" }), ["/EFI/redhat/grub.conf"]);
  assert.deepEqual(await find({ "/efi/GRUB/MENU.LST": "" }), ["/efi/GRUB/MENU.LST"]);
  assert.deepEqual(await find({ "/EFI/tern/grub.conf": "", "/EFI/tern/grub.cfg": "" }), []);
  assert.deepEqual(await find({ "/GRLDR": "", "/Menu.lst": "" }), ["/Menu.lst"]);
  assert.deepEqual(await find({ "/menu.lst": "" }), []);
});

test("configfile opens another menu, as a submenu does, and none twice inside itself", async () => {
  const result = await read(
    `default 1
fallback 0
title A
kernel /a
title More
configfile /boot/grub/more.lst
title None
configfile /boot/grub/none.lst
`,
    {
      "/boot/grub/more.lst":
        "default 1\ntitle B\nkernel /b\ntitle C\nkernel /c\ntitle Back\nconfigfile /boot/grub/menu.lst\n",
    },
  );
  assert.deepEqual(titles(result), ["A", "More > B", "More > C", "More > Back", "None"]);
  assert.deepEqual([result.defaultIndex, result.defaultIsExplicit, ...result.fallback], [2, true, 0]);
  assert.equal(result.entries[1]!.source, "sda1:/boot/grub/more.lst");
  assert.match(result.entries[3]!.reason ?? "", /menu\.lst, is one that leads here/);
  assert.match(result.entries[4]!.reason ?? "", /none\.lst, is not there/);
  assert.deepEqual(problems(result), []);
});

test("a menu that hands on to another before any title is that one", async () => {
  const files = { "/other.lst": "timeout 3\ntitle B\nkernel /b\n" };
  const result = await read("timeout 9\nconfigfile (hd0,0)/other.lst\ntitle A\nkernel /a\n", files);
  assert.deepEqual([titles(result), result.timeout], [["B"], 3]);
});

test("GRUB4DOS finds its root by a UUID or a file, and a name for it where it isn't there", async () => {
  const other = memoryVolume({ "/dog.sfs": "" }, { name: "sdb1", uuid: "u-2", disk: "sdb", partition: 1 });
  for (const [find, root] of [
    ["find --set-root uuid () U-2", "sdb1"],
    ["find --set-root --ignore-floppies --devices=hf /dog.sfs", "sdb1"],
    ["find --set-root=y --ignore-cd /dog.sfs", "sdb1"],
    ["find /dog.sfs", "sda1"],
    ["root ()", "sda1"],
    ["root (bd)", "sda1"],
    ["rootnoverify\nuuid", "sda1"],
    ["root (hd0)", "sda1"],
    ["find --set-root /none.sfs", "unresolved:FILE=/none.sfs"],
    ["find --set-root uuid () gone", "unresolved:UUID=gone"],
  ]) {
    const inside = await read(`title A\n${find}\nkernel ()/k\ninitrd /i\n`, {}, [other]);
    const before = await read(`${find}\ntitle A\nkernel /k\n`, {}, [other]);
    assert.equal(kernelOf(only(inside)), `${root}:/k`, find);
    assert.equal(kernelOf(only(before)), `${root}:/k`, find);
    assert.deepEqual(problems(inside), [], find);
  }
});

test("an ISO file that GRUB4DOS maps is the device that it is mapped to", async () => {
  const iso = memoryVolume({}, { name: "sda1+dog.iso", type: "iso9660" });
  const menu =
    "title Dog\nfind --set-root /dog.iso\nmap --heads=0 --sectors-per-track=0 /dog.iso (0xff) || map --mem /dog.iso (0xff)\nmap --hook\nroot (0xff)\nkernel /casper/vmlinuz\ninitrd (0xff)/casper/initrd\n";
  const volume = memoryVolume({ [PATH]: menu, "/dog.iso": "x" }, { name: "sda1", partition: 1, ...DISK });
  const platform = { firmware: "pc", arch: "x86_64" } as const;
  const context = { volume, volumes: [volume], platform, openImage: async () => iso };
  const result = await grubLegacy.parse(PATH, context);
  assert.equal(kernelOf(only(result)), "sda1+dog.iso:/casper/vmlinuz");
  assert.deepEqual(initrdsOf(only(result)), ["sda1+dog.iso:/casper/initrd"]);
  const closed = only(await grubLegacy.parse(PATH, { ...context, openImage: async () => "too large" }));
  assert.equal(kernelOf(closed), "unresolved:0xff:/casper/vmlinuz");
  assert.match(closed.reason ?? "", /inside the disk image sda1:\/dog\.iso, which can't be opened: too large/);
});

test("what opens a command line or ends GRUB is listed with the reason, and a divider says nothing", async () => {
  const result = await read("title Divider\nroot\ntitle Line\ncommandline\ntitle Off\nhalt\n");
  assert.deepEqual(
    result.entries.map(({ reason }) => reason),
    ["it names no kernel", "it opens GRUB's command line", "it switches the machine off"],
  );
  assert.deepEqual(problems(result), []);
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

test("of a menu that is made to fill memory the beginning is listed, and where it ends is said", async () => {
  const first = "title Good\nkernel /good\n";
  const long = await read(`${first}${"title x\nkernel /k\n".repeat(100_000)}`);
  assert.equal(titles(long)[0], "Good");
  assert.match(problems(long)[0]!, /longer than 1 MiB/);

  const modules = await read(`${first}title Many\nkernel /k\n${"module /m\n".repeat(5000)}`);
  assert.deepEqual(titles(modules), ["Good", "Many"]);
  // With the kernel, which is the first of them.
  assert.equal(modules.entries[1]!.modules.length, 1001);
  assert.ok(problems(modules).length <= 201);

  const initrds = await read(`${first}title Many\nkernel /k\ninitrd ${"/i ".repeat(200_000)}\n`);
  assert.equal(initrds.entries[1]!.initrd.length, 1000);
});
