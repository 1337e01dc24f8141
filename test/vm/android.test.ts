/** Android's boot images on partitions without a filesystem, by Debian's mkbootimg, through to the second kernel's userland. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { crc32 } from "../../src/binary/crc.ts";
import { withBaton } from "./baton.ts";
import { type Content, diskImage, type Partition } from "./disks.ts";
import { inFolder, run } from "./host.ts";
import { expectBooted, KERNEL, type Payload, payload } from "./payload.ts";

interface Images {
  readonly boot: Buffer;
  readonly vendor: Buffer;
}

/** Version 3: the kernel and a ramdisk in boot, the ramdisk that comes first in vendor_boot. */
async function images(first: Payload, second: Payload, words: string): Promise<Images> {
  const { root } = await debianPackages(["mkbootimg"]);
  let made: Images | null = null;
  await inFolder(async (folder) => {
    const [boot, vendor, dtb] = ["boot", "vendor", "dtb"].map((name) => join(folder, name)) as [string, string, string];
    await writeFile(dtb, "no machine's");
    await run("python3", [
      join(root, "usr/bin/mkbootimg"),
      ...["--header_version", "3", "--kernel", KERNEL, "--ramdisk", second.file, "--cmdline", words, "--output", boot],
      ...["--vendor_boot", vendor, "--vendor_ramdisk", first.file, "--dtb", dtb, "--vendor_cmdline", "quiet"],
    ]);
    made = { boot: await readFile(boot), vendor: await readFile(vendor) };
  });
  return made!;
}

/** Slot b has the higher priority, and has not come up yet; slot a has. */
function misc(): Buffer {
  const bytes = Buffer.alloc(4096);
  const control = bytes.subarray(2048, 2080);
  control.write("BCAB", 4, "latin1");
  control.set([1, 2], 8);
  control.set([14 | (1 << 4) | (1 << 7), 0, 15 | (6 << 4), 0], 12);
  control.writeUInt32LE(crc32(control.subarray(0, 28)), 28);
  return bytes;
}

test("slots: the one that has come up boots by itself, from partitions, with its ramdisks in their order", async () => {
  const systems = [await payload("android"), await payload("android-more", { userland: false })] as const;
  const { boot, vendor } = await images(...systems, "console=ttyS0");
  const raw = (partlabel: string, content: Content, sizeMiB: number): Partition => ({
    ...{ type: "raw", sizeMiB, partlabel },
    files: { "/": content },
  });
  const image = await diskImage({
    name: "android",
    scheme: "gpt",
    partitions: [
      ...[raw("misc", misc(), 1), raw("boot_a", boot, 24), raw("boot_b", boot, 24)],
      ...[raw("vendor_boot_a", vendor, 24), raw("vendor_boot_b", vendor, 24)],
    ],
  });
  const disks = [{ image, attach: "virtio" }] as const;
  await withBaton({ name: "android", words: "baton.timeout=0", disks }, async (machine) => {
    const cmdline = "console=ttyS0 quiet androidboot.slot_suffix=_a androidboot.force_normal_boot=1";
    await expectBooted(machine, { cmdline, initrds: [...systems] });
  });
});
