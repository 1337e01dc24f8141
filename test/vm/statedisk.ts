/** A disk whose grubenv says what boots next, for the tests of what Baton writes. */

import { diskImage } from "./disks.ts";
import { grubConfig, grubEnvironment } from "./grub.ts";
import { run } from "./host.ts";
import { KERNEL, payload } from "./payload.ts";

const OPTIONS = "root=/dev/none ro console=ttyS0 quiet";
/** Where the first partition begins. */
export const START = 1 << 20;

/** A file of the ext4 in an image's first partition. */
export const fileOn = (image: string, path: string): Promise<string> =>
  run("debugfs", ["-R", `cat ${path}`, `${image}?offset=${START}`]);

/** Two systems, of which grubenv says that the second is next, once. */
export async function nextEntryDisk(more: Readonly<Record<string, string>> = {}): Promise<string> {
  const uuid = "5a6b1c2d-0006-4000-8000-000000000601";
  const system = await payload("state");
  const entries = ["alpha", "beta"].map((id) => ({
    ...{ title: `System ${id}`, id, linux: `/boot/vmlinuz ${OPTIONS} which=${id}`, initrd: `/boot/${id}.img` },
  }));
  return diskImage({
    name: "state",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid,
        files: {
          "/boot/grub/grub.cfg": grubConfig(uuid, entries, { timeout: 0 }),
          "/boot/grub/grubenv": grubEnvironment({ saved_entry: "alpha", next_entry: "advanced>beta-advanced" }),
          "/boot/vmlinuz": { host: KERNEL },
          // One each, as kernels of one system have: so either may take the other's place.
          "/boot/alpha.img": { host: system.file },
          "/boot/beta.img": { host: system.file },
          ...more,
        },
      },
    ],
  });
}

export const booted = async (which: string) => ({
  cmdline: `BOOT_IMAGE=/boot/vmlinuz ${OPTIONS} which=${which}`,
  initrds: [await payload("state")],
});
