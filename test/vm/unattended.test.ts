/** With nobody there: which entry boots, what happens when it can't, and what one dead disk may cost. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { menuReady, withBaton } from "./baton.ts";
import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";

/** An ext4 disk with GRUB's menu; `kernel` is what /boot/vmlinuz holds. */
async function grubDisk(number: number, title: string, kernel: Uint8Array | { host: string }): Promise<string> {
  const uuid = `5a6b1c2d-000${number}-4000-8000-00000000000${number}`;
  const system = await payload(`unattended-${number}`);
  const entry = {
    title,
    id: `system-${number}`,
    linux: `/boot/vmlinuz ${OPTIONS} disk=${number}`,
    initrd: "/boot/initrd.img",
  };
  return diskImage({
    name: `unattended-${number}`,
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, [entry]),
          "/boot/vmlinuz": kernel,
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
}

async function extlinuxDisk(): Promise<string> {
  const system = await payload("unattended-extlinux");
  const lines = ["DEFAULT named", "LABEL named", "  LINUX /vmlinuz", "  INITRD /initrd.img", `  APPEND ${OPTIONS}`, ""];
  return diskImage({
    name: "unattended-extlinux",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        files: {
          "/extlinux/extlinux.conf": lines.join("\n"),
          "/vmlinuz": { host: KERNEL },
          "/initrd.img": { host: system.file },
        },
      },
    ],
  });
}

test("two disks: the default that the second one names wins over the first one's mere first entry", async () => {
  const disks = [
    { image: await grubDisk(6, "First disk", { host: KERNEL }), attach: "virtio" },
    { image: await extlinuxDisk(), attach: "virtio" },
  ] as const;
  await withBaton({ name: "default-second-named", words: "baton.timeout=0", disks }, async (machine) => {
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/vmlinuz ${OPTIONS} initrd=/initrd.img`,
      initrds: [await payload("unattended-extlinux")],
    });
  });
});

test("two disks: baton.default= names an entry on the second by its title", async () => {
  const disks = [
    { image: await grubDisk(6, "First disk", { host: KERNEL }), attach: "virtio" },
    { image: await grubDisk(7, "Second", { host: KERNEL }), attach: "ahci" },
  ] as const;
  const words = "baton.timeout=0 baton.default=Second";
  await withBaton({ name: "default-second-word", words, disks }, async (machine) => {
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/boot/vmlinuz ${OPTIONS} disk=7`,
      initrds: [await payload("unattended-7")],
    });
  });
});

test("a default whose kernel is no kernel is logged with the reason; where the owner says `fallback: any`, another system boots", async () => {
  const text = Buffer.from("This is a text that somebody saved under a kernel's name.\n".repeat(200));
  const disks = [
    { image: await grubDisk(8, "Broken", text), attach: "virtio" },
    { image: await grubDisk(7, "Second", { host: KERNEL }), attach: "virtio" },
  ] as const;
  const config = "timeout: 0\nfallback: [any]\n";
  await withBaton({ name: "fallback", config, disks }, async (machine) => {
    await machine.serial.waitFor(/baton: failed \S*system-8: .*(kernel|image).*/i);
    await machine.serial.waitFor(/baton: loaded \S*system-7 by/);
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/boot/vmlinuz ${OPTIONS} disk=7`,
      initrds: [await payload("unattended-7")],
    });
    // GRUB lists the broken one again in its submenu: what boots the very same isn't tried twice.
    assert.equal(machine.serial.all(/baton: failed/g).length, 1);
  });
});

/** Eleven days: such a disk doesn't answer while anybody looks. */
const NEVER = 1_000_000;

for (const place of ["first", "last"] as const) {
  test(`a disk that never answers, ${place} of two, holds up neither the menu nor the default on the good one`, async () => {
    const disks = [{ image: await grubDisk(6, "Good disk", { host: KERNEL }), attach: "virtio" }] as const;
    const options = { name: `silent-${place}`, words: "baton.timeout=1", slowDisk: { place, seconds: NEVER }, disks };
    await withBaton(options, async (machine) => {
      await menuReady(machine);
      await machine.serial.waitForScreen(/Good disk/);
      // There this kernel stops: before it jumps it waits for drivers that are still looking at their devices
      // (wait_for_device_probe() in device_shutdown()), and the silent disk's is.
      await machine.serial.waitFor(/baton: jump/);
    });
  });
}

test("a disk that is merely very slow does not keep the default on the good one from booting", async () => {
  const disks = [{ image: await grubDisk(6, "Good disk", { host: KERNEL }), attach: "virtio" }] as const;
  const slowDisk = { place: "first", seconds: 2 } as const;
  await withBaton({ name: "slow", words: "baton.timeout=0", slowDisk, disks }, async (machine) => {
    await expectBooted(machine, {
      cmdline: `BOOT_IMAGE=/boot/vmlinuz ${OPTIONS} disk=6`,
      initrds: [await payload("unattended-6")],
    });
  });
});
