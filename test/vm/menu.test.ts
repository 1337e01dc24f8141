/** A person at the menu, over the serial line and at the machine's own screen and keyboard. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import type { Machine } from "./machine.ts";
import { grubDisk, openEditor, selects, system } from "./menudisk.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

/** The machine's own screen may be drawn later than the serial line. */
async function waitForVga(machine: Machine, pattern: RegExp): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (let text = ""; !pattern.test(text); await sleep(100)) {
    text = await machine.vgaText();
    assert.ok(pattern.test(text) || Date.now() < deadline, `${pattern} isn't on the machine's own screen:\n${text}`);
  }
}

test("arrow keys over the serial line stop the countdown, open a submenu and boot the entry that they chose", async () => {
  const disks = [{ image: await grubDisk(), attach: "virtio" }] as const;
  await withBaton({ name: "menu-keys", disks }, async (machine) => {
    await menuReady(machine);
    await selects(machine, /Alpha system/);
    await machine.serial.type("<down>");
    await selects(machine, /Advanced options/);
    await machine.serial.type("<enter>");
    await selects(machine, /Alpha system \(again\)/);
    await machine.serial.type("<down>");
    await selects(machine, /Beta system \(again\)/);
    await machine.serial.type("<enter>");
    await expectBooted(machine, await system("beta"));
  });
});

test("e edits the command line: what was typed is what the kernel gets", async () => {
  const disks = [{ image: await grubDisk(), attach: "virtio" }] as const;
  await withBaton({ name: "menu-edit", words: "baton.timeout=-1", disks }, async (machine) => {
    await menuReady(machine);
    await selects(machine, /Alpha system/);
    await openEditor(machine);
    await machine.serial.type('<end> added="by hand" x<backspace>y<enter>');
    await expectBooted(machine, await system("alpha", ' added="by hand" y'));
  });
});

test("a screen and a serial line show the same menu, and the machine's own keyboard works", async () => {
  const disks = [{ image: await grubDisk(), attach: "scsi" }] as const;
  const options = { name: "menu-screen", words: "baton.timeout=-1", vga: true, disks };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    await selects(machine, /Alpha system/);
    await waitForVga(machine, /Alpha system[\s\S]*Advanced options/);
    await machine.screenshot("menu-screen");
    await machine.pressKeys("<down>");
    await selects(machine, /Advanced options/);
    await machine.pressKeys("<enter><down>");
    await selects(machine, /Beta system \(again\)/);
    await waitForVga(machine, /Beta system \(again\)/);
    await machine.screenshot("menu-screen-submenu");
    await machine.pressKeys("<enter>");
    await expectBooted(machine, await system("beta"));
  });
});

test("a USB stick that is plugged in while the menu is up appears in it and boots", async () => {
  const stick = await payload("stick");
  const image = await diskImage({
    name: "stick",
    scheme: "dos",
    diskId: "0x5eed0005",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: "0c",
        uuid: "5EED-0005",
        label: "STICK",
        files: {
          "/syslinux/syslinux.cfg":
            "DEFAULT live\nLABEL live\n  MENU LABEL Live from the stick\n  KERNEL /live/vmlinuz\n" +
            "  APPEND initrd=/live/initrd.img boot=live console=ttyS0 quiet\n",
          "/live/vmlinuz": { host: KERNEL },
          "/live/initrd.img": { host: stick.file },
        },
      },
    ],
  });
  const disks = [
    { image: await grubDisk(), attach: "virtio" },
    { image, attach: "usb", later: true },
  ] as const;
  await withBaton({ name: "menu-usb", words: "baton.timeout=-1", disks }, async (machine) => {
    await menuReady(machine);
    await selects(machine, /Alpha system/);
    await machine.plugIn(1);
    await machine.serial.waitForScreen(/Live from the stick/);
    // What was selected stays so, and still boots; the list is in the order of devices, sda before vda.
    await selects(machine, /Alpha system/);
    await machine.serial.waitForScreen(/^(?![\s\S]*has not answered)/);
    await machine.serial.type("<home>");
    await selects(machine, /Live from the stick/);
    await machine.serial.type("<enter>");
    await expectBooted(machine, {
      cmdline: "BOOT_IMAGE=/live/vmlinuz initrd=/live/initrd.img boot=live console=ttyS0 quiet",
      initrds: [stick],
    });
  });
});
