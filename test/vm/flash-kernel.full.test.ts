/** A kernel of Baton's own with everything inside, as it goes into flash: from each way to start it to the second kernel. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { diskImage, ESP } from "./disks.ts";
import { buildFlashKernel, FLASH_FOLDER, FLASH_KERNEL } from "./flashkernel.ts";
import { type MachineOptions, withMachine } from "./machine.ts";
import { expectBooted } from "./payload.ts";
import { systemDisk } from "./systemdisk.ts";

const UUID = "5a6b1c2d-0034-4000-8000-000000000034";

before(buildFlashKernel);

async function boots(name: string, machine: Omit<MachineOptions, "name">): Promise<void> {
  const { image, boots: expected } = await systemDisk("flash-kernel", UUID);
  const disks = [...(machine.disks ?? []), { image, attach: "virtio" }] as const;
  await withMachine({ name, ...machine, disks }, async (vm) => {
    await vm.serial.waitFor(/baton: menu ready, [1-9]/, { timeoutMs: 300_000 });
    await expectBooted(vm, expected);
  });
}

test("it is one file that needs no initramfs, no module and no command line beside it", async () => {
  const image = JSON.parse(await readFile(join(FLASH_FOLDER, "image.json"), "utf8"));
  assert.deepEqual(image.modules.included, []);
  assert.ok(image.modules.builtin.includes("virtio_blk"));
  assert.deepEqual(Object.keys(image.outputs), ["baton-flash.bzImage"]);
});

test("started by a BIOS's boot loader it comes to the menu and on to the second kernel", () =>
  boots("flash-kernel-bios", { kernel: FLASH_KERNEL }));

test("with 256 MiB of memory it boots another kernel, too", () =>
  boots("flash-kernel-small", { kernel: FLASH_KERNEL, memoryMiB: 256 }));

test("UEFI firmware starts the same file as a program", async () => {
  const esp = await diskImage({
    name: "flash-kernel-esp",
    scheme: "gpt",
    partitions: [
      {
        type: "vfat",
        sizeMiB: 64,
        partitionType: ESP,
        uuid: "5EED-0034",
        files: { "/EFI/BOOT/BOOTX64.EFI": { host: FLASH_KERNEL } },
      },
    ],
  });
  await boots("flash-kernel-uefi", { firmware: "uefi", disks: [{ image: esp, attach: "virtio" }] });
});
