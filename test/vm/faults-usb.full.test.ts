/** A USB stick that somebody plugs in and pulls out fifty times, mostly before anything has been read from it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inside, menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { goodDisk } from "./faultydisks.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

test("a USB stick plugged and pulled 50 times leaves nothing behind, and the 51st time it boots", async () => {
  const system = await payload("faults-stick");
  const config =
    "LABEL live\n  MENU LABEL From the stick\n  LINUX /vmlinuz\n  INITRD /initrd.img\n  APPEND console=ttyS0 quiet\n";
  const stick = await diskImage({
    name: "faults-stick",
    scheme: "dos",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 32,
        partitionType: "0c",
        files: {
          "/syslinux/syslinux.cfg": config,
          "/vmlinuz": { host: KERNEL },
          "/initrd.img": { host: system.file },
        },
      },
    ],
  });
  const disks = [
    { image: await goodDisk(), attach: "virtio" },
    { image: stick, attach: "usb", later: true },
  ] as const;
  await withBaton({ name: "faults-usb", words: "baton.timeout=-1", shell: true, disks }, async (machine) => {
    await menuReady(machine);
    await machine.serial.waitForScreen(/Good system/);
    // Some before the kernel has asked the stick who it is, some before it is mounted, some after all is read.
    for (let round = 0; round < 50; round++) {
      await machine.plugIn(1);
      await sleep((round % 10) * 300);
      await machine.unplug(1);
      await sleep((round % 3) * 100);
    }
    const leftovers = "ls /run/baton/mnt; ls /sys/class/block | grep ^sd; grep ' /run/baton/mnt/sd' /proc/mounts";
    for (let tries = 0; (await inside(machine, leftovers)).replace(/vda1\s*/g, "") !== ""; tries++) {
      assert.ok(tries < 60, `left behind: ${await inside(machine, leftovers)}`);
      await sleep(500);
    }
    await machine.serial.waitForScreen(/Good system/);
    assert.doesNotMatch(machine.serial.picture(), /From the stick/);
    // One start of Baton, and it is the first.
    assert.equal(machine.serial.all(/baton: start/g).length, 1);
    await machine.plugIn(1);
    await machine.serial.waitForScreen(/From the stick/);
    await machine.serial.type("<home>", 500);
    await machine.serial.type("<enter>", 500);
    await expectBooted(machine, {
      cmdline: "BOOT_IMAGE=/vmlinuz console=ttyS0 quiet initrd=/initrd.img",
      initrds: [system],
    });
  });
});
