import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDiagnostic, formatFileRef } from "../../src/entry.ts";
import { loaders, unreadConfigs } from "../../src/formats/loaders.ts";
import { makePe } from "../binary/pefile.ts";
import { contextOf, type Files, type ReadOptions, treeVolume } from "./tree.ts";

const PROGRAM = makePe([[".text", "x"]]);
const OS = 'ID=acme\nPRETTY_NAME="Acme OS 3"\n';

async function listed(files: Files, options: ReadOptions = {}): Promise<(string | null)[][]> {
  const volume = treeVolume(files, { name: "sda1", type: "vfat", ...options.volume });
  const rows: (string | null)[][] = [];
  for (const path of await loaders.find(volume)) {
    const { entries } = await loaders.parse(path, contextOf(volume, options));
    for (const { title, kind, linux, reason } of entries)
      rows.push([title, kind, linux && formatFileRef(linux), reason]);
  }
  return rows;
}

test("a disk with Windows alone is listed, once, with the reason", async () => {
  const files = {
    "/EFI/Microsoft/Boot/bootmgfw.efi": PROGRAM,
    "/EFI/Microsoft/Boot/memtest.efi": PROGRAM,
    "/EFI/Boot/bootx64.efi": PROGRAM,
  };
  const reason = "it starts the EFI program /EFI/Microsoft/Boot/bootmgfw.efi, which only the firmware can do";
  assert.deepEqual(await listed(files), [["Windows Boot Manager", "efi", null, reason]]);
  // Whatever the firmware: the disk is somebody's Windows.
  assert.deepEqual(await listed(files, { platform: { firmware: "pc" } }), [
    ["Windows Boot Manager", "efi", null, reason],
  ]);
});

test("Windows for a BIOS, ESXi and macOS", async () => {
  const ntfs = { volume: { type: "ntfs" } };
  const reason = (name: string) => `${name} starts from a boot sector, which only a BIOS can do`;
  assert.deepEqual(await listed({ "/bootmgr": "x", "/Boot/BCD": "x" }, ntfs), [
    ["Windows Boot Manager", "local", null, reason("bootmgr")],
  ]);
  assert.deepEqual(await listed({ "/ntldr": "x" }, ntfs), [["Windows", "local", null, reason("ntldr")]]);
  assert.deepEqual(await listed({ "/boot.cfg": "kernel=b.b00", "/b.b00": "x" }), [
    ["VMware ESXi", "multiboot", null, "it starts VMware ESXi, which only VMware's own loader can do"],
  ]);
  const [mac] = await listed({ "/System/Library/CoreServices/boot.efi": PROGRAM });
  assert.deepEqual(mac!.slice(0, 2), ["macOS", "efi"]);
});

test("a kernel in the place of the default loader boots, by the name that it gives itself", async () => {
  const image = makePe([
    [".osrel", OS],
    [".cmdline", "root=LABEL=acme quiet"],
    [".linux", "kernel"],
  ]);
  const path = "sda1:/EFI/BOOT/BOOTX64.EFI";
  assert.deepEqual(await listed({ "/EFI/BOOT/BOOTX64.EFI": image }), [["Acme OS 3", "linux", path, null]]);
  const stub = makePe([[".text", "x"]]);
  stub.set(Buffer.from("HdrS"), 0x202);
  assert.deepEqual(await listed({ "/EFI/BOOT/BOOTX64.EFI": stub }), [["EFI Default Loader", "linux", path, null]]);
  const other = { "/EFI/BOOT/BOOTAA64.EFI": makePe([[".linux", "kernel"]], { machine: 0xaa64 }) };
  const [row] = await listed(other);
  assert.deepEqual([row![1], row![3]], ["linux", "it is a kernel for aarch64"]);
  assert.equal((await listed(other, { platform: { arch: "aarch64" } }))[0]![3], null);
});

test("Baton itself, and loaders that only lead to a configuration, are none", async () => {
  const own = makePe([
    [".osrel", "ID=baton\nNAME=Baton\n"],
    [".linux", "kernel"],
  ]);
  for (const image of [
    own,
    makePe([["mods", "x"]]),
    makePe([[".sbat", "sbat,1,SBAT Version\nshim,3,UEFI shim\n"]]),
    makePe([[".sdmagic", "x"]]),
  ]) {
    assert.deepEqual(await listed({ "/EFI/BOOT/BOOTX64.EFI": image }), []);
  }
  assert.deepEqual(await listed({ "/EFI/BOOT/BOOTX64.EFI": "no program", "/EFI/BOOT/notes.efi": PROGRAM }), []);
});

test("a kernel with Baton inside, which is an EFI program, too, is none; any other release is a kernel", async () => {
  const kernel = (release: string): Buffer => {
    const image = Buffer.from(makePe([[".text", Buffer.alloc(2048)]]));
    image.write("HdrS", 0x202, "latin1");
    image.writeUInt16LE(0x400, 0x20e);
    image.write(`${release} (someone@host) #1\0`, 0x600, "latin1");
    return image;
  };
  assert.deepEqual(await listed({ "/EFI/BOOT/BOOTX64.EFI": kernel("6.12.118-baton") }), []);
  for (const release of ["6.12.118-baton-2", "6.12.118", "baton"]) {
    assert.equal((await listed({ "/EFI/BOOT/BOOTX64.EFI": kernel(release) })).length, 1, release);
  }
});

test("any other program there is listed with the reason", async () => {
  const [row] = await listed({ "/efi/boot/bootx64.efi": PROGRAM });
  const reason = "it starts the EFI program /efi/boot/bootx64.efi, which only the firmware can do";
  assert.deepEqual(row, ["EFI Default Loader", "efi", null, reason]);
});

test("a configuration that Baton doesn't read is listed by the program whose it is, beside what else is there", async () => {
  const files = {
    "/EFI/OC/config.plist": "<plist>",
    "/EFI/OC/OpenCore.efi": PROGRAM,
    "/EFI/BOOT/BOOTX64.EFI": PROGRAM,
  };
  assert.deepEqual(await listed(files), [
    [
      "EFI Default Loader",
      "efi",
      null,
      "it starts the EFI program /EFI/BOOT/BOOTX64.EFI, which only the firmware can do",
    ],
    ["OpenCore", "other", null, "/EFI/OC/config.plist is for OpenCore, and Baton doesn't read its language"],
  ]);
  assert.deepEqual(
    (await listed({ "/etc/yaboot.conf": "x", "/yaboot.conf": "x" })).map(([title]) => title),
    ["yaboot"],
  );
});

test("beside another menu such a configuration is a warning, once for each program; what belongs to the menu is none", async () => {
  const files = {
    ...{ "/boot/loader.conf": "x", "/boot/device.hints": "x", "/EFI/OC/config.plist": "<plist>" },
    ...{ "/uEnv.txt": "console=ttyS0", "/boot/gfxboot.cfg": "x", "/boot.ini": "colour=blue" },
  };
  const found = await unreadConfigs(treeVolume(files, { name: "sda1", type: "vfat" }));
  assert.deepEqual(found.map(formatDiagnostic), [
    "sda1:/EFI/OC/config.plist: it is for OpenCore, and Baton doesn't read its language",
    "sda1:/boot/loader.conf: it is for FreeBSD's loader, and Baton doesn't read its language",
  ]);
});

test("files of one name are told apart by what is in them", async () => {
  const titles = async (files: Files) => (await listed(files)).map(([title]) => title);
  assert.deepEqual(await titles({ "/boot.cfg": "banner=x\nmenu=Boot:boot\n" }), ["NetBSD's boot loader"]);
  assert.deepEqual(await titles({ "/boot.cfg": "kernel=b.b00\n" }), ["VMware ESXi"]);
  assert.deepEqual(await titles({ "/boot.ini": "[boot loader]\ntimeout=30\n" }), ["Windows NT's loader"]);
  assert.deepEqual(await titles({ "/boot.ini": "ODROIDXU-UBOOT-CONFIG\n" }), ["a board's U-Boot (boot.ini)"]);
  assert.deepEqual(await titles({ "/boot.ini": "colour=blue\n", "/boot.img": "a disk" }), []);
});
