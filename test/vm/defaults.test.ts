/** What boots by itself on real disks and networks, and what never does (docs/manual.md, "What boots by itself"). */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { withBaton } from "./baton.ts";
import { type Content, diskImage } from "./disks.ts";
import { goodDisk, goodSystem } from "./faultydisks.ts";
import { grubConfig } from "./grub.ts";
import { hostileDisk } from "./hostiledisk.ts";
import type { Machine } from "./machine.ts";
import { choose, closeBox } from "./menudisk.ts";
import { networkCard, tftpFolder } from "./network.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

/** An ext4 disk with these files and one initrd, whose payload has the disk's name. */
async function ext4Disk(name: string, uuid: string, files: Readonly<Record<string, Content>>): Promise<string> {
  const system = await payload(name);
  const all = { ...files, "/boot/initrd.img": { host: system.file } };
  return diskImage({ name, scheme: "gpt", partitions: [{ type: "ext4", sizeMiB: 64, uuid, files: all }] });
}

/** What nobody chose has neither been loaded nor entered. */
function assertNothingLoaded(machine: Machine): void {
  assert.doesNotMatch(machine.serial.text, /baton: (loaded|jump)|payload:/);
}

test("after a default whose kernel is missing, what erases the disk, repairs it or is another system waits for a person", async () => {
  const uuid = "5a6b1c2d-0d01-4000-8000-000000000d01";
  const root = `root=UUID=${uuid} ro console=ttyS0 quiet`;
  const entry = (id: string, title: string, linux: string): string =>
    `menuentry '${title}' --id ${id} {\n  linux ${linux}\n  initrd /boot/initrd.img\n}\n`;
  const config = [
    "set default=system\nset timeout=1\n",
    entry("system", "The system", `/boot/gone ${root}`),
    entry("anew", "As it came", `/boot/vmlinuz ${root} factory_reset=yes`),
    entry("alone", "One user", `/boot/vmlinuz ${root} single`),
    entry("other", "Other one", "/boot/vmlinuz root=/dev/none ro console=ttyS0 quiet"),
  ].join("");
  const files = { "/boot/grub/grub.cfg": config, "/boot/vmlinuz": { host: KERNEL } };
  const disks = [{ image: await ext4Disk("defaults-eraser", uuid, files), attach: "virtio" }] as const;
  await withBaton({ name: "defaults-eraser", words: "baton.timeout=1", disks }, async (machine) => {
    await machine.serial.waitFor(/baton: failed \S+:system: .*\/boot\/gone/);
    await machine.serial.waitForScreen(/\/boot\/gone/);
    assertNothingLoaded(machine);
    assert.equal(machine.serial.all(/baton: failed/g).length, 1);
    // Each of them would have booted; a person may still say so.
    await closeBox(machine);
    await choose(machine, "As it came");
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/boot/vmlinuz ${root} factory_reset=yes`,
      initrds: [await payload("defaults-eraser")],
    });
    assert.equal(machine.serial.all(/baton: failed/g).length, 1);
  });
});

test("a Debian whose newest kernel is damaged boots its older kernel by itself, and not the recovery mode between them", async () => {
  const uuid = "5a6b1c2d-0d02-4000-8000-000000000d02";
  const kernel = await readFile(KERNEL);
  const entries = ["6.1.0-40-amd64", "6.1.0-38-amd64"].flatMap((version) =>
    (["simple", "recovery"] as const).map((kind) => ({
      title: `Debian GNU/Linux, with Linux ${version}${kind === "simple" ? "" : " (recovery mode)"}`,
      id: `gnulinux-${version}-${kind}-${uuid}`,
      linux: `/boot/vmlinuz-${version} root=UUID=${uuid} ro ${kind === "simple" ? "quiet" : "single"} console=ttyS0`,
      initrd: "/boot/initrd.img",
    })),
  );
  const image = await ext4Disk("defaults-debian", uuid, {
    "/boot/grub/grub.cfg": grubConfig(uuid, entries, { timeout: 1 }),
    // As a power cut leaves it: its size is right, and what was not written yet is zeros.
    "/boot/vmlinuz-6.1.0-40-amd64": Buffer.from(kernel).fill(0, 1 << 20, 3 << 20),
    "/boot/vmlinuz-6.1.0-38-amd64": kernel,
  });
  const disks = [{ image, attach: "ahci" }] as const;
  await withBaton({ name: "defaults-debian", disks }, async (machine) => {
    await machine.serial.waitFor(/baton: failed \S+6\.1\.0-40-amd64-simple\S+: .*damaged/);
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/boot/vmlinuz-6.1.0-38-amd64 root=UUID=${uuid} ro quiet console=ttyS0`,
      initrds: [await payload("defaults-debian")],
    });
    // GRUB lists the newest once more in its submenu: what failed isn't tried again under another name.
    assert.equal(machine.serial.all(/baton: failed/g).length, 1);
  });
});

/** The menu that Cobbler has for machines that are already installed, and an installer that would begin without asking. */
const COBBLER = `DEFAULT menu
PROMPT 0
MENU TITLE Cobbler | https://cobbler.github.io
TIMEOUT 10
TOTALTIMEOUT 6000
ONTIMEOUT local

LABEL local
        MENU LABEL (local)
        MENU DEFAULT
        LOCALBOOT -1

LABEL Rocky-9-x86_64
        MENU LABEL Rocky-9-x86_64
        kernel /images/vmlinuz
        append initrd=/images/initrd.img console=ttyS0 quiet inst.ks=http://10.0.2.2/op/autoinstall/profile/rocky
        ipappend 2
`;
const INSTALLER =
  "BOOT_IMAGE=/images/vmlinuz initrd=/images/initrd.img console=ttyS0 quiet " +
  "inst.ks=http://10.0.2.2/op/autoinstall/profile/rocky BOOTIF=01-52-54-00-00-00-00";

for (const hasDisk of [true, false]) {
  const what = hasDisk ? "boots the disk's own default" : "makes the menu wait where there is no disk";
  test(`Cobbler's "local", the default of a network that comes first, ${what}`, async (t) => {
    const installer = await payload("defaults-installer");
    const tftp = tftpFolder(t, {
      "pxelinux.0": "no real loader",
      "pxelinux.cfg/default": COBBLER,
      "images/vmlinuz": { host: KERNEL },
      "images/initrd.img": { host: installer.file },
    });
    const options = {
      name: hasDisk ? "defaults-local" : "defaults-local-none",
      config: "network: prefer\ntimeout: 0\n",
      extra: networkCard("virtio-net-pci", `user,tftp=${tftp},bootfile=pxelinux.0`),
      disks: hasDisk ? [{ image: await goodDisk(), attach: "virtio" as const }] : [],
    };
    await withBaton(options, async (machine) => {
      if (hasDisk) {
        // Two of the disk's and two of the network's, which come again where DHCPv6 answers in time.
        await machine.serial.waitFor(/baton: entries ready, [46] entries/);
        return expectBooted(machine, await goodSystem());
      }
      await machine.serial.waitForScreen(/Nothing booted/);
      assertNothingLoaded(machine);
      await closeBox(machine);
      await choose(machine, "Rocky-9-x86_64");
      return expectBooted(machine, { cmdline: INSTALLER, initrds: [installer] });
    });
  });
}

for (const removable of [true, false]) {
  const says = removable ? "that says it is removable" : "that says it is built in";
  test(`a USB stick ${says}, with the good disk's UUID, title and id and full of bombs: the good disk boots by itself`, async () => {
    const disks = [
      { image: await hostileDisk(), attach: "usb", removable },
      { image: await goodDisk(), attach: "virtio" },
    ] as const;
    // Once the disk's own default, once the owner's by its title.
    const config = removable ? "timeout: 1\n" : "timeout: 1\ndefault: Good system\n";
    await withBaton({ name: `defaults-hostile-${removable}`, config, disks }, async (machine) => {
      await expectBooted(machine, await goodSystem());
      assert.doesNotMatch(machine.serial.text, /baton: failed/);
      // One start of Baton: no bomb has ended it.
      assert.equal(machine.serial.all(/baton: start/g).length, 1);
    });
  });
}
