/** Boot sectors and core images that the loaders' own programs made. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { bootSectorFor, placedCore } from "../../initramfs/disk-image.ts";
import { type BootCode, bootCodeOf, readBootCode } from "../../src/devices/bootcode.ts";
import type { BlockDevice } from "../../src/devices/device.ts";
import { Window } from "../../src/devices/probes/window.ts";
import { grubPlace } from "../../src/discovery/bootsector.ts";
import type { GrubPlace } from "../../src/formats/grub/embedded.ts";

const work = mkdtempSync(join(tmpdir(), "baton-bootsectors-"));
after(() => rmSync(work, { recursive: true, force: true }));
const isRoot = process.getuid?.() === 0 && existsSync("/dev/loop-control");
const MIB = 2048;
const SIZE = 8 << 20;
const roots: Record<string, string> = {};

before(async () => {
  for (const name of ["grub-pc-bin", "grub-legacy", "extlinux"]) roots[name] = (await debianPackages([name])).root;
});

const grub = (file: string): string => join(roots["grub-pc-bin"]!, "usr/lib/grub/i386-pc", file);

let count = 0;
function coreOf(prefix: string, config?: string): string {
  const core = join(work, `core${++count}.img`);
  const script = join(work, `config${count}`);
  writeFileSync(script, config ?? "");
  const words = [
    "-d",
    grub(""),
    "-O",
    "i386-pc",
    "-o",
    core,
    "-p",
    prefix,
    ...(config === undefined ? [] : ["-c", script]),
  ];
  execFileSync("grub-mkimage", [
    ...words,
    "biosdisk",
    "part_gpt",
    "part_msdos",
    "ext2",
    "search_fs_uuid",
    "lvm",
    "normal",
  ]);
  return core;
}

/** A disk with GRUB's core at a sector. */
function diskWith(core: string, sector: number, table: string): Buffer {
  const path = join(work, `disk${++count}.img`);
  writeFileSync(path, "");
  truncateSync(path, SIZE);
  execFileSync("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", path], { input: table });
  const disk = readFileSync(path);
  bootSectorFor(readFileSync(grub("boot.img")), sector).copy(disk);
  placedCore(readFileSync(core), sector).copy(disk, sector * 512);
  return disk;
}

const windowOf = (bytes: Buffer, wholeDisk = true): Window =>
  new Window(async (from, length) => bytes.subarray(from, from + length), bytes.length, { wholeDisk });
const codeOf = async (bytes: Buffer, start = 0): Promise<BootCode> =>
  (await readBootCode(windowOf(bytes, start === 0), start))!;
const placeOf = async (bytes: Buffer, start = 0): Promise<GrubPlace | null> =>
  grubPlace(await codeOf(bytes, start), "sda");

const MSDOS = "label: dos\nstart=2048, type=83, bootable\n";
const GPT = "label: gpt\nstart=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649\nstart=4096, type=L\n";

const PLACES: readonly (readonly [prefix: string, config: string | undefined, place: GrubPlace | null])[] = [
  ["(,msdos1)/boot/grub", undefined, { tag: null, partition: 1, folder: "/boot/grub" }],
  ["(hd0,gpt2)/boot/grub", undefined, { tag: null, partition: 2, folder: "/boot/grub" }],
  ["(lvmid/abc-1/def-2)/grub", undefined, { tag: null, alias: "lvmid/abc-1/def-2", partition: null, folder: "/grub" }],
  [
    "(mduuid/0123abcd)/boot/grub",
    undefined,
    { tag: null, alias: "mduuid/0123abcd", partition: null, folder: "/boot/grub" },
  ],
  [
    "(,gpt2)/ignored",
    "search.fs_uuid 1111-2222 root hd0,gpt2 \nset prefix=($root)'/@/boot/grub'\n",
    { tag: { tag: "UUID", value: "1111-2222" }, partition: null, folder: "/@/boot/grub" },
  ],
  ["(http,10.0.2.2)/grub", undefined, null],
];

test("the place that is built into GRUB's core is read behind the MBR and in a BIOS boot partition", async () => {
  for (const [prefix, config, place] of PLACES) {
    const core = coreOf(prefix, config);
    assert.deepEqual(await placeOf(diskWith(core, 1, MSDOS)), place, `${prefix} behind the MBR`);
    assert.deepEqual(await placeOf(diskWith(core, MIB, GPT)), place, `${prefix} in a partition`);
  }
});

test("a partition's own GRUB counts sectors from the disk's beginning", async () => {
  const disk = diskWith(coreOf("(,msdos1)/boot/grub"), 2 * MIB, MSDOS);
  const partition = Buffer.from(disk.subarray(MIB * 512));
  disk.copy(partition, 0, 0, 512);
  assert.equal((await placeOf(partition, MIB * 512))?.folder, "/boot/grub");
  assert.equal((await codeOf(partition, 3 * MIB * 512)).core, undefined, "before its own beginning nothing is read");
});

test("grub-bios-setup's own layout is read, with its redundancy", {
  skip: !isRoot && "needs loop devices",
}, async () => {
  const folder = join(work, "setup");
  const [files, disk] = [join(work, "files.img"), join(work, "target.img")];
  for (const [path, size] of [
    [files, 16 << 20],
    [disk, SIZE],
  ] as const) {
    writeFileSync(path, "");
    truncateSync(path, size);
  }
  execFileSync("mkfs.ext4", ["-q", files]);
  execFileSync("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", disk], { input: MSDOS });
  mkdirSync(folder);
  const loop = (path: string): string => execFileSync("losetup", ["-f", "--show", path], { encoding: "utf8" }).trim();
  const [root, target] = [loop(files), loop(disk)];
  try {
    execFileSync("mount", [root, folder]);
    try {
      execFileSync("cp", [grub("boot.img"), coreOf("(,msdos1)/boot/grub"), folder]);
      execFileSync("mv", [join(folder, `core${count}.img`), join(folder, "core.img")]);
      writeFileSync(join(work, "device.map"), `(hd0) ${target}\n(hd1) ${root}\n`);
      const libraries = join(roots["grub-pc-bin"]!, "usr/lib/x86_64-linux-gnu");
      execFileSync(grub("grub-bios-setup"), ["-m", join(work, "device.map"), "-d", folder, target], {
        env: { ...process.env, LD_LIBRARY_PATH: libraries },
        stdio: "pipe",
      });
    } finally {
      execFileSync("umount", [folder]);
    }
  } finally {
    execFileSync("losetup", ["-d", root, target]);
  }
  const device = { kind: "disk", name: "sda", node: disk, size: SIZE, start: null } as unknown as BlockDevice;
  const code = await bootCodeOf(device, 60_000);
  assert.equal(code?.name, "grub");
  assert.deepEqual(await grubPlace(code, "sda"), { tag: null, partition: 1, folder: "/boot/grub" });
});

test("whose code stands in a boot sector is told from its bytes", async () => {
  const disk = (code: string, table = MSDOS): Buffer => {
    const path = join(work, `other${++count}.img`);
    writeFileSync(path, "");
    truncateSync(path, SIZE);
    execFileSync("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", path], { input: table });
    const bytes = readFileSync(path);
    readFileSync(code).copy(bytes, 0, 0, 440);
    return bytes;
  };
  const syslinux = (name: string): string => join(roots.extlinux!, "usr/lib/EXTLINUX", name);
  const second = "label: dos\nstart=2048, size=2048, type=83\nstart=4096, type=83, bootable\n";
  const bootable = "label: gpt\nstart=2048, size=2048, type=L\nstart=4096, type=L, attrs=LegacyBIOSBootable\n";
  assert.deepEqual(await codeOf(disk(syslinux("mbr.bin"), second)), { name: "active", active: 2 });
  assert.deepEqual(await codeOf(disk(syslinux("gptmbr.bin"), bootable)), { name: "active", active: 2 });
  assert.deepEqual(await codeOf(disk(syslinux("mbr.bin"), "label: dos\nstart=2048, type=83\n")), { name: "active" });
  const stage1 = join(roots["grub-legacy"]!, "usr/lib/grub/x86_64-pc/stage1");
  assert.deepEqual(await codeOf(disk(stage1)), { name: "grub-legacy" });
  assert.equal(await readBootCode(windowOf(Buffer.alloc(SIZE)), 0), null);
});

test("an ext4 on which extlinux was installed says so in its boot sector", {
  skip: !isRoot && "needs loop devices",
}, async () => {
  const [path, folder] = [join(work, "extlinux.img"), join(work, "extlinux")];
  writeFileSync(path, "");
  truncateSync(path, 16 << 20);
  execFileSync("mkfs.ext4", ["-q", "-O", "^64bit,^metadata_csum", path]);
  mkdirSync(folder);
  execFileSync("mount", ["-o", "loop", path, folder]);
  try {
    execFileSync(join(roots.extlinux!, "usr/bin/extlinux"), ["--install", folder], { stdio: "pipe" });
  } finally {
    execFileSync("umount", [folder]);
  }
  assert.deepEqual(await codeOf(readFileSync(path), 2048 * 512), { name: "syslinux" });
});
