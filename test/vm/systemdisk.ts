/** A disk with one system that GRUB's configuration starts: for tests of how Baton itself is started. */

import { diskImage } from "./disks.ts";
import { grubConfig } from "./grub.ts";
import { type Expected, KERNEL, payload } from "./payload.ts";

export interface SystemDisk {
  readonly image: string;
  /** What the system says when it has booted. */
  readonly boots: Expected;
}

/** @param uuid of the filesystem, another for each test */
export async function systemDisk(name: string, uuid: string): Promise<SystemDisk> {
  const system = await payload(name);
  const options = `root=UUID=${uuid} ro console=ttyS0 quiet`;
  const entry = { title: "Debian", id: "debian", linux: `/boot/vmlinuz ${options}`, initrd: "/boot/initrd.img" };
  const files = {
    "/boot/grub/grub.cfg": grubConfig(uuid, [entry]),
    "/boot/vmlinuz": { host: KERNEL },
    "/boot/initrd.img": { host: system.file },
  };
  const partition = { type: "ext4", sizeMiB: 64, uuid, files } as const;
  const image = await diskImage({ name, scheme: "gpt", partitions: [partition] });
  return { image, boots: { cmdline: `BOOT_IMAGE=/boot/vmlinuz ${options}`, initrds: [system] } };
}
