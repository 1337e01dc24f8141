/** Baton's own configuration on a machine: which default it chooses, where it may lie, the menu of plain lines. */

import assert from "node:assert/strict";
import { copyFile, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { bootSectorFor, placedCore } from "../../initramfs/disk-image.ts";
import { withBaton } from "./baton.ts";
import { diskImage, hashOf, makeOnce, type Partition } from "./disks.ts";
import { CACHE, run } from "./host.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";

/** A vfat disk with two systems; the first is its named default. */
async function extlinuxDisk(name: string, uuid: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const system = await payload(`policy-${name}`);
  const label = (id: string, title: string): string[] => [
    ...[`LABEL ${id}`, `  MENU LABEL ${title}`, "  LINUX /vmlinuz", "  INITRD /initrd.img"],
    `  APPEND ${OPTIONS} which=${name}-${id}`,
  ];
  const text = ["DEFAULT one", ...label("one", `${name} one`), ...label("two", `${name} two`), ""].join("\n");
  return diskImage({
    name: `policy-${name}`,
    scheme: "dos",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: "0c",
        uuid,
        files: {
          "/extlinux/extlinux.conf": text,
          "/vmlinuz": { host: KERNEL },
          "/initrd.img": { host: system.file },
          ...more,
        },
      },
    ],
  });
}

const booted = async (name: string, id: string) => ({
  cmdline: `BOOT_IMAGE=/vmlinuz ${OPTIONS} which=${name}-${id} initrd=/initrd.img`,
  initrds: [await payload(`policy-${name}`)],
});

test("the image's own configuration names the stick as a source: it boots before the fixed disk", async () => {
  const disks = [
    { image: await extlinuxDisk("fixed", "5EED-1001"), attach: "virtio" },
    { image: await extlinuxDisk("stick", "5EED-1002"), attach: "usb" },
  ] as const;
  const config = "timeout: 0\norder: [usb, any]\n";
  await withBaton({ name: "policy-order", config, disks }, async (machine) => {
    await expectBooted(machine, await booted("stick", "one"));
  });
});

test("a file on a disk that baton.config= names chooses by a pattern, and what fails falls back as it says", async () => {
  const config = 'timeout: 0\ndefault: "fixed *o"\nfallback: ["Nothing of that name", "fixed one"]\n';
  const image = await extlinuxDisk("fixed", "5EED-1001", { "/baton/policy.yaml": config });
  const words = "baton.config=UUID=5EED-1001:/baton/policy.yaml";
  await withBaton({ name: "policy-file", words, disks: [{ image, attach: "virtio" }] }, async (machine) => {
    await expectBooted(machine, await booted("fixed", "two"));
  });
});

test("a stick alone boots nothing by itself, and the plain menu boots it by its number", async () => {
  const image = await extlinuxDisk("stick", "5EED-1002");
  const disks = [{ image, attach: "usb" }] as const;
  const words = "baton.ui=plain baton.timeout=1";
  await withBaton({ name: "policy-plain", words, disks }, async (machine) => {
    await machine.serial.waitFor(/2 stick two/);
    await machine.serial.waitFor(/Number, or \? for help/);
    await machine.serial.type("i<enter>");
    await machine.serial.waitFor(/removable devices/);
    await machine.serial.type("2<enter>");
    await expectBooted(machine, await booted("stick", "two"));
  });
});

test("mistakes in a configuration are told, the machine boots all the same, and in the end it does what final says", async () => {
  const disks = [{ image: await extlinuxDisk("fixed", "5EED-1001"), attach: "virtio" }] as const;
  const config = "timeout: 0\ndefault: fixed two\nretries: lots\nfinal: poweroff\n";
  await withBaton({ name: "policy-mistake", config, words: "baton.debug", disks }, async (machine) => {
    await expectBooted(machine, await booted("fixed", "two"));
  });
  const noise = await diskImage({
    name: "policy-noise",
    scheme: "dos",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: "0c",
        files: {
          "/extlinux/extlinux.conf": "DEFAULT bad\nLABEL bad\n  LINUX /bad\n",
          "/bad": "no kernel\n".repeat(2000),
        },
      },
    ],
  });
  const end = { name: "policy-final", config, disks: [{ image: noise, attach: "virtio" }] } as const;
  await withBaton(end, async (machine) => {
    await machine.serial.waitFor(/baton: failed \S+bad: .*kernel/);
    await machine.serial.waitForScreen(/powers off in \d+ seconds?\. Any key/);
    await machine.ended;
    assert.match(machine.serial.text, /Power down/);
  });
});

/** The image with GRUB behind its MBR, which has the prefix built in. */
async function withGrub(image: string, prefix: string): Promise<string> {
  const folder = join((await debianPackages(["grub-pc-bin"])).root, "usr/lib/grub/i386-pc");
  const target = join(CACHE, `policy-grub-${hashOf(image, folder, prefix).slice(0, 16)}.img`);
  await makeOnce(target, async (work) => {
    const [disk, core] = [join(work, "disk.img"), join(work, "core.img")];
    const words = ["-d", folder, "-O", "i386-pc", "-o", core, "-p", prefix, "biosdisk", "part_msdos", "fat", "normal"];
    await run("grub-mkimage", words);
    await copyFile(image, disk);
    const file = await open(disk, "r+");
    await file.write(bootSectorFor(await readFile(join(folder, "boot.img")), 1), 0, 440, 0);
    await file.write(placedCore(await readFile(core), 1), 0, null, 512);
    await file.close();
    return disk;
  });
  return target;
}

test("on a BIOS the boot sector's GRUB says which partition's menu is the machine's, not one that is left over", async () => {
  const system = await payload("policy-sector");
  const linux = (which: string): string => `linux /vmlinuz ${OPTIONS} which=${which}\n  initrd /initrd.img`;
  const menu = (which: string): string => `set timeout=1\nmenuentry "${which}" {\n  ${linux(which)}\n}\n`;
  const partition = (which: string, head: string, uuid: string): Partition => ({
    ...{ sizeMiB: 64, partitionType: "0c", uuid, type: "vfat" as const },
    files: {
      "/boot/grub/grub.cfg": `${head}${menu(which)}`,
      "/vmlinuz": { host: KERNEL },
      "/initrd.img": { host: system.file },
    },
  });
  const image = await diskImage({
    name: "policy-sector",
    scheme: "dos",
    partitions: [partition("old", "set default=0\n", "5EED-1003"), partition("new", "", "5EED-1004")],
  });
  const disks = [{ image: await withGrub(image, "(,msdos2)/boot/grub"), attach: "virtio" }] as const;
  await withBaton({ name: "policy-sector", disks }, async (machine) => {
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/vmlinuz ${OPTIONS} which=new`, initrds: [system] });
  });
});
