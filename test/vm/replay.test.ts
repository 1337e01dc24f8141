/** A journal that hides the newest kernel's entry: it is replayed in memory, and withMachine proves the disks unchanged. */

import { test } from "node:test";
import { menuReady, withBaton } from "./baton.ts";
import { dirtyImages } from "./dirty.ts";
import { diskImage } from "./disks.ts";
import { choose } from "./menudisk.ts";
import { expectBooted, KERNEL, payload } from "./payload.ts";

const TYPES = ["ext4", "xfs"] as const;
const FILE = "boot/extlinux/extlinux.conf";

async function oldDisk(type: (typeof TYPES)[number]): Promise<string> {
  const system = await payload(`replay-${type}`);
  return diskImage({
    name: `replay-${type}`,
    scheme: "gpt",
    partitions: [
      {
        type,
        sizeMiB: type === "xfs" ? 300 : 64,
        files: {
          [`/${FILE}`]: `LABEL only\n  MENU LABEL Old on ${type}\n  LINUX /boot/vmlinuz\n  INITRD /boot/initrd.img\n  APPEND console=ttyS0 quiet age=old\n`,
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system.file },
        },
      },
    ],
  });
}

test("entries that stand in the journals of ext4 and xfs alone are listed, and one boots", async () => {
  // As a package's script does it: a new file under another name, then renamed over the old one.
  const change = [
    `busybox sed -e 's/Old/New/;s/age=old/age=new/' ${FILE} >/new`,
    `busybox dd if=/new of=${FILE}.new conv=fsync 2>/dev/null`,
    `busybox mv -f ${FILE}.new ${FILE}`,
  ].join("; ");
  const images = await dirtyImages(
    await Promise.all(TYPES.map(async (type) => ({ type, image: await oldDisk(type), partition: 1, change }))),
  );
  const disks = images.map((image) => ({ image, attach: "virtio" }) as const);
  await withBaton({ name: "replay", words: "baton.timeout=-1", disks }, async (machine) => {
    await menuReady(machine);
    for (const type of TYPES) await machine.serial.waitForScreen(new RegExp(`New on ${type}`));
    await choose(machine, "New on ext4");
    await expectBooted(machine, {
      cmdline: "BOOT_IMAGE=/boot/vmlinuz console=ttyS0 quiet age=new initrd=/boot/initrd.img",
      initrds: [await payload("replay-ext4")],
    });
  });
});
