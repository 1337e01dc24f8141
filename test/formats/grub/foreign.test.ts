import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readConfiguration } from "../../../src/formats/grub/grub.ts";
import { initrdsOf, kernelOf, memoryVolume, problems, read, titles } from "./support.ts";
import { hasTool } from "./tools.ts";

const LIVE = `DEFAULT b
TIMEOUT 50
LABEL a
  MENU LABEL ^First
  KERNEL vmlinuz
  APPEND initrd=initrd.gz quiet
LABEL b
  MENU LABEL It's second
  LINUX /live/vmlinuz
  INITRD /live/a,/live/b
  APPEND boot=live  x="a b"
`;

const LEGACY = `default 1
timeout 3
title A
  root (hd0,0)
  kernel /vmlinuz-a ro
title B
  kernel /vmlinuz-b ro
  initrd /initrd-b
`;

const FILES = { "/isolinux/isolinux.cfg": LIVE, "/grub/menu.lst": LEGACY };

test("syslinux_configfile shows a syslinux menu before this one, with its default and timeout", async () => {
  const result = await read("menuentry here { linux /k }\nsyslinux_configfile -i /isolinux/isolinux.cfg\n", {
    files: FILES,
  });
  assert.deepEqual(problems(result), []);
  // Esc leads back to this one.
  assert.deepEqual(titles(result), ["First", "It's second", "here"]);
  assert.deepEqual(result.entries.map(kernelOf), ["vda1:/isolinux/vmlinuz", "vda1:/live/vmlinuz", "vda1:/k"]);
  assert.deepEqual(result.entries.map(initrdsOf), [["vda1:/isolinux/initrd.gz"], ["vda1:/live/a", "vda1:/live/b"], []]);
  assert.match(result.entries[1]!.options, / boot=live {2}x="a b" /);
  assert.equal(result.entries[0]!.nativeId, "a");
  assert.equal(result.entries[0]!.source, "vda1:/isolinux/isolinux.cfg");
  assert.deepEqual([result.defaultIndex, result.timeout], [1, 5]);
});

test("an entry that opens a syslinux menu, also of a disk image, is a submenu of its entries", async () => {
  const config =
    "menuentry stick { linux /k }\nmenuentry live {\n loopback l /a.iso\n syslinux_configfile -i (l)/isolinux/isolinux.cfg\n}\n";
  const image = memoryVolume(FILES, { name: "iso" });
  const volume = memoryVolume({ "/boot/grub/grub.cfg": config, "/a.iso": "" });
  const platform = { firmware: "efi", arch: "x86_64" } as const;
  const context = { volume, volumes: [volume], platform, openImage: async () => image };
  const result = await readConfiguration("/boot/grub/grub.cfg", context);
  assert.deepEqual(problems(result), []);
  assert.deepEqual(titles(result), ["stick", "live > First", "live > It's second"]);
  assert.deepEqual(result.entries.slice(1).map(kernelOf), ["iso:/isolinux/vmlinuz", "iso:/live/vmlinuz"]);
});

test("entries of GRUB legacy's and syslinux's configurations are taken into the menu by extract_ and source", async () => {
  const config =
    "menuentry here { linux /k }\nextract_legacy_entries_source /grub/menu.lst\nsyslinux_source /isolinux/isolinux.cfg\n";
  const result = await read(config, { files: FILES });
  assert.deepEqual(titles(result), ["here", "A", "B", "First", "It's second"]);
  assert.deepEqual(kernelOf(result.entries[2]!), "vda1:/vmlinuz-b");
  const legacy = await read("legacy_configfile /grub/menu.lst", { files: FILES });
  assert.deepEqual([titles(legacy), legacy.defaultIndex, legacy.timeout], [["A", "B"], 1, 3]);
});

test("submenus, a default among them, reasons and diagnostics come along", async () => {
  const cfg = [
    ...["MENU BEGIN more", "MENU TITLE More", "LABEL x", "LINUX /x", "LABEL y", "MENU DEFAULT", "LINUX /y", "MENU END"],
    ...["LABEL disk", "LOCALBOOT 0", "LABEL c", "COM32 nothing.c32", "INCLUDE /gone.cfg", ""],
  ].join("\n");
  const result = await read("syslinux_configfile /s/syslinux.cfg", { files: { "/s/syslinux.cfg": cfg } });
  assert.deepEqual(titles(result), ["More > x", "More > y", "disk", "c"]);
  assert.match(result.entries[2]!.reason ?? "", /./);
  assert.equal(result.entries[2]!.kind, "local");
  assert.match(problems(result)[0] ?? "", /gone\.cfg is not there/);
});

test("a file that is not there is told, and so is an entry that leads to none", async () => {
  const result = await read(
    "syslinux_configfile\nmenuentry a { syslinux_configfile /none.cfg }\nmenuentry b { linux /b }\n",
  );
  assert.deepEqual(titles(result), ["a", "b"]);
  assert.match(result.entries[0]!.reason ?? "", /none\.cfg, can't be read/);
  assert.match(problems(result).join("\n"), /1:1: syslinux_configfile: it names no file/);
});

test("what grub-syslinux2cfg makes of the file lists the same", {
  skip: !hasTool("grub-syslinux2cfg") && "no grub-syslinux2cfg here",
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-s2c-"));
  try {
    mkdirSync(join(folder, "isolinux"));
    writeFileSync(join(folder, "isolinux/isolinux.cfg"), LIVE);
    const args = ["-i", "-r", folder, "-t", "/", "-T", "/isolinux", join(folder, "isolinux/isolinux.cfg")];
    const { stdout } = spawnSync("grub-syslinux2cfg", args, { encoding: "utf8" });
    // Its first line lacks the 'set' of `set default=`.
    const theirs = await read(stdout.replace(/^ default=/m, "set default="), { files: FILES });
    const ours = await read("syslinux_configfile -i /isolinux/isolinux.cfg", { files: FILES });
    assert.deepEqual(titles(ours), titles(theirs));
    assert.deepEqual(ours.entries.map(kernelOf), theirs.entries.map(kernelOf));
    assert.deepEqual(ours.entries.map(initrdsOf), theirs.entries.map(initrdsOf));
    assert.deepEqual([ours.defaultIndex, ours.timeout], [theirs.defaultIndex, theirs.timeout]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a loop that opens one menu over and over comes to an end", async () => {
  const labels = Array.from({ length: 50 }, (_, i) => `LABEL l${i}\nLINUX /k${i}\n`).join("");
  const config = "menuentry a { linux /a }\nwhile true; do syslinux_configfile /s.cfg; done\n";
  const result = await read(config, { files: { "/s.cfg": labels }, limits: { entries: 200, steps: 5000 } });
  assert.ok(result.entries.length > 50, `${result.entries.length} entries`);
  assert.match(problems(result).join("\n"), /left out|what was read before is listed/);
});
