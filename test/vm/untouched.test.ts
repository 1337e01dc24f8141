/**
 * No byte of any disk ever changes, clean or as a power cut left it. (Every test here checks its disks; these have
 * the journals that a careless mount would replay.)
 */

import { test } from "node:test";
import { menuReady, withBaton } from "./baton.ts";
import { dirtyImages } from "./dirty.ts";
import { diskImage } from "./disks.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const TYPES = ["ext4", "xfs", "btrfs", "vfat"] as const;
const SIZES = { ext4: 64, xfs: 300, btrfs: 128, vfat: 64 } as const;

/** A disk with one filesystem of this type, from which one entry, named after it, boots. */
async function bootableDisk(type: (typeof TYPES)[number]): Promise<string> {
  const system = await payload(`on-${type}`);
  const config = [
    `LABEL on-${type}`,
    `  MENU LABEL System on ${type}`,
    "  LINUX /boot/vmlinuz",
    "  INITRD /boot/initrd.img",
    `  APPEND console=ttyS0 quiet on=${type}`,
    "",
  ];
  return diskImage({
    name: `untouched-${type}`,
    scheme: "gpt",
    partitions: [
      {
        type,
        sizeMiB: SIZES[type],
        files: {
          "/boot/extlinux/extlinux.conf": config.join("\n"),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
}

const cleanDisks = () => Promise.all(TYPES.map(bootableDisk));

async function dirtyDisks(): Promise<string[]> {
  const images = await cleanDisks();
  return dirtyImages(TYPES.map((type, index) => ({ type, image: images[index]!, partition: 1 })));
}

for (const [state, images, boots] of [
  ["clean", cleanDisks, ["btrfs"]],
  ["dirty", dirtyDisks, ["ext4", "xfs", "btrfs", "vfat"]],
] as const) {
  for (const type of boots) {
    test(`${state} ext4, xfs, btrfs and vfat are all listed, the ${type} one boots, and no byte changed`, async () => {
      const disks = (await images()).map((image) => ({ image, attach: "virtio" }) as const);
      await withBaton({ name: `untouched-${state}-${type}`, words: "baton.timeout=-1", disks }, async (machine) => {
        await menuReady(machine);
        for (const each of TYPES) await machine.serial.waitForScreen(new RegExp(`System on ${each}`));
        await machine.serial.type(`<home>${"<down>".repeat(TYPES.indexOf(type))}<enter>`, 300);
        await expectBooted(machine, {
          cmdline: `BOOT_IMAGE=/boot/vmlinuz console=ttyS0 quiet on=${type} initrd=/boot/initrd.img`,
          initrds: [await payload(`on-${type}`)],
        });
      });
    });
  }
}
