/** Disks that fail, lie, crowd or vanish: each costs its own entries, and what is good boots. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inside, menuReady, until, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import {
  badSectorDisk,
  corruptInode,
  goodDisk,
  goodSystem,
  impossibleSuperblock,
  manyPartitions,
  rottenSuperblock,
} from "./faultydisks.ts";
import { expectBooted } from "./payload.ts";

test("unreadable, rotten, damaged and crowded disks, one byte of configuration, a clock at 1970: each is named with its reason, and the good disk boots", async () => {
  const disks = [
    { image: await rottenSuperblock(), attach: "virtio", fault: { readErrors: "everywhere" } },
    { image: await rottenSuperblock(), attach: "virtio" },
    { image: await impossibleSuperblock(), attach: "virtio" },
    { image: await corruptInode(), attach: "virtio" },
    { image: await manyPartitions(), attach: "virtio" },
    { image: await goodDisk(), attach: "virtio" },
  ] as const;
  const extra = ["-rtc", "base=1970-01-01T00:00:05"];
  const options = { name: "faults-disks", words: "baton.timeout=-1", config: "{", shell: true, disks, extra };
  await withBaton(options, async (machine) => {
    await menuReady(machine);
    await machine.serial.waitForScreen(/Good system/);
    const log = await until(machine, "dmesg | grep baton:", /every device has been read/);
    for (const reason of [
      /baton: .*baton\.yaml:1:\d+/,
      /baton: vd\w: cannot be read: the device reports an error \(EIO\)/,
      /baton: vd\w: no known filesystem/,
      /baton: vd\w: vd\w \(ext4\) cannot be mounted: .*damaged/,
      /baton: vd\w:\/extlinux\/extlinux\.conf.*(damaged|EUCLEAN|EBADMSG|ESTALE|EIO)/,
      /baton: vd\w200: ext4/,
    ]) {
      assert.match(log, reason);
    }
    assert.match(await inside(machine, "date +%Y"), /^1970$/m);
    await machine.serial.type("i");
    await machine.serial.waitForScreen(/vd\w [\s\S]*reports an error/);
    await machine.serial.type("<esc>", 1500);
    await machine.serial.waitForScreen(/Good system/);
    await machine.serial.type("<home><enter>", 500);
    await expectBooted(machine, await goodSystem());
  });
});

/** Disks that answer each request only after so many seconds; they come after the others. */
function nullDisks(count: number, first: number, seconds: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const latency = seconds > 0 ? `,latency-ns=${seconds * 1e9}` : "";
    // Eight functions in a slot: a bus has 32 slots. With the geometry given QEMU doesn't read it from the disk.
    const place = `addr=0x${(8 + (number >> 3)).toString(16)}.${number & 7},multifunction=on`;
    return [
      ...["-blockdev", `driver=null-co,node-name=null${number},size=67092480,read-zeroes=on${latency}`],
      ...["-device", `virtio-blk-pci,drive=null${number},${place},cyls=130,heads=16,secs=63`],
    ];
  }).flat();
}

test("64 disks, 8 of which answer slowly: the default, whose kernel has a bad sector, fails with the reason, and the other system boots, as `fallback: any` says", async () => {
  const { image, sectors } = await badSectorDisk();
  const disks = [
    { image, attach: "virtio", fault: { readErrors: sectors } },
    { image: await goodDisk(), attach: "virtio" },
  ] as const;
  // The BIOS would wait for the slow ones when the kernel asks it for its disks.
  const options = {
    name: "faults-many",
    config: "timeout: 0\nfallback: [any]\n",
    words: "edd=off",
    disks,
    extra: [...nullDisks(54, 0, 0), ...nullDisks(8, 54, 2)],
  };
  await withBaton(options, async (machine) => {
    await machine.serial.waitFor(/baton: failed \S+: .*(EIO|input\/output|read error|reports an error)/i);
    await machine.serial.waitFor(/baton: loaded \S*good by/);
    await expectBooted(machine, await goodSystem());
  });
});

test("a stick that is pulled while its configuration is read is gone from the menu, and the good disk boots", async () => {
  // Two megabytes of a configuration, at a speed at which they take long enough.
  const config = `${"# as long as a configuration can be\n".repeat(60_000)}LABEL never\n  LINUX /vmlinuz\n`;
  const stick = await diskImage({
    name: "faults-pulled",
    scheme: "dos",
    partitions: [{ type: "vfat", sizeMiB: 16, partitionType: "0c", files: { "/syslinux/syslinux.cfg": config } }],
  });
  const disks = [
    { image: await goodDisk(), attach: "virtio" },
    { image: stick, attach: "usb", later: true, fault: { bytesPerSecond: 300_000 } },
  ] as const;
  await withBaton({ name: "faults-pulled", words: "baton.timeout=-1", shell: true, disks }, async (machine) => {
    await menuReady(machine);
    await machine.serial.waitForScreen(/Good system/);
    await machine.plugIn(1);
    await until(machine, "cat /proc/mounts", /mnt\/sda1 vfat/);
    await sleep(500);
    await machine.unplug(1);
    await until(machine, "dmesg | grep baton:", /baton: sda1: gone/);
    // It is unmounted after that has been said.
    await until(machine, "cat /proc/mounts", /^(?![\s\S]*sda1)/);
    await machine.serial.waitForScreen(/Good system/);
    await machine.serial.type("<home><enter>", 500);
    await expectBooted(machine, await goodSystem());
  });
});
