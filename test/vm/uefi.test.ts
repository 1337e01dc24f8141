/** baton.efi started by UEFI firmware from an ESP, as a machine without Baton in flash would. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { diskImage, ESP } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { ROOT } from "./host.ts";
import { withMachine } from "./machine.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

test("baton.efi under OVMF: the firmware starts it, and the default boots with EFI still there", async () => {
  const uuid = "5a6b1c2d-0009-4000-8000-000000000009";
  const system = await payload("uefi");
  const root = `root=UUID=${uuid} ro console=ttyS0 quiet`;
  const image = await diskImage({
    name: "uefi",
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 128,
        partitionType: ESP,
        uuid: "5EED-0009",
        files: { "/EFI/BOOT/BOOTX64.EFI": { host: join(ROOT, "dist/baton.efi") } },
      },
      {
        type: "ext4",
        sizeMiB: 64,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, [
            { title: "Debian", id: "debian", linux: `/boot/vmlinuz ${root}`, initrd: "/boot/initrd.img" },
          ]),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
  const disks = [{ image, attach: "ahci" }] as const;
  await withMachine({ name: "uefi", firmware: "uefi", vga: true, disks }, async (machine) => {
    await machine.serial.waitFor(/baton: start/, { timeoutMs: 300_000 });
    await machine.serial.waitFor(/baton: menu ready, [1-9]/);
    await machine.serial.waitForScreen(/Debian/);
    await machine.screenshot("uefi-menu");
    await expectBooted(machine, { cmdline: `BOOT_IMAGE=/boot/vmlinuz ${root}`, initrds: [system] });
    assert.match(machine.serial.text, /payload: firmware efi/);
  });
});
