/** Disks with one filesystem of each type, clean or as a power cut left them, and what boots from them. */

import { menuReady, withBaton } from "./baton.ts";
import { dirtyImages } from "./dirty.ts";
import { diskImage } from "./disks.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

export const TYPES = ["ext4", "xfs", "btrfs", "vfat"] as const;
export type FilesystemType = (typeof TYPES)[number];

const SIZES = { ext4: 64, xfs: 300, btrfs: 128, vfat: 64 } as const;

/** A disk with one filesystem of this type, from which one entry, named after it, boots. */
async function bootableDisk(type: FilesystemType): Promise<string> {
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

export const cleanDisks = () => Promise.all(TYPES.map(bootableDisk));

export async function dirtyDisks(): Promise<string[]> {
  const images = await cleanDisks();
  return dirtyImages(TYPES.map((type, index) => ({ type, image: images[index]!, partition: 1 })));
}

/** Lists what is on all the disks, boots the system on the filesystem of this type; no byte of any disk changes. */
export async function bootsUntouched(
  state: "clean" | "dirty",
  images: () => Promise<string[]>,
  type: FilesystemType,
): Promise<void> {
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
}
