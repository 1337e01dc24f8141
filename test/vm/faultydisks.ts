/** Disks that are damaged, crowded or nearly empty: what the fault tests attach beside a good one. */

import { open, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { diskImage, hashOf, makeOnce } from "./disks.ts";
import { grubConfig, grubEnvironment } from "./grub.ts";
import { CACHE, run } from "./host.ts";
import { KERNEL, type Payload, payload } from "./payload.ts";

export const GOOD_UUID = "5a6b1c2d-0f00-4000-8000-000000000f00";
const GOOD_OPTIONS = `root=UUID=${GOOD_UUID} ro console=ttyS0 quiet`;

/** What the good disk boots into. */
export async function goodSystem(): Promise<{ cmdline: string; initrds: Payload[] }> {
  return { cmdline: `BOOT_IMAGE=/boot/vmlinuz ${GOOD_OPTIONS}`, initrds: [await payload("faults-good")] };
}

/** A disk with nothing wrong: GRUB's menu with `Good system`, which GRUB saved as the default. */
export async function goodDisk(): Promise<string> {
  const [system] = (await goodSystem()).initrds;
  const entry = {
    title: "Good system",
    id: "good",
    linux: `/boot/vmlinuz ${GOOD_OPTIONS}`,
    initrd: "/boot/initrd.img",
  };
  return diskImage({
    name: "faults-good",
    scheme: "gpt",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 64,
        uuid: GOOD_UUID,
        files: {
          "/boot/grub/grub.cfg": grubConfig(GOOD_UUID, [entry]),
          "/boot/grub/grubenv": grubEnvironment({ saved_entry: "good" }),
          "/boot/vmlinuz": { host: KERNEL },
          "/boot/initrd.img": { host: system!.file },
        },
      },
    ],
  });
}

/** An ext4 on a whole disk, from which `title` would boot if nothing were wrong with it. */
async function ext4Disk(name: string, title: string): Promise<string> {
  const config = `DEFAULT it\nLABEL it\n  MENU LABEL ${title}\n  LINUX /vmlinuz\n  APPEND console=ttyS0 quiet\n`;
  return diskImage({
    name,
    scheme: "none",
    partitions: [
      { type: "ext4", sizeMiB: 32, files: { "/extlinux/extlinux.conf": config, "/vmlinuz": { host: KERNEL } } },
    ],
  });
}

/** A copy of an image, damaged; in the cache as images are. */
async function damaged(image: string, name: string, recipe: string, damage: (copy: string) => Promise<unknown>) {
  const target = join(CACHE, `${name}-${hashOf(image, recipe).slice(0, 16)}.img`);
  await makeOnce(target, async (work) => {
    const copy = join(work, "disk.img");
    await run("cp", ["--sparse=always", image, copy]);
    await damage(copy);
    return copy;
  });
  return target;
}

async function overwrite(file: string, offset: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "r+");
  await handle.write(bytes, 0, bytes.length, offset);
  await handle.close();
}

/** An ext4 whose superblock has rotted: its checksum tells. */
export async function rottenSuperblock(): Promise<string> {
  const image = await ext4Disk("faults-ext4", "Rotten");
  return damaged(image, "faults-rotten", "1", (copy) => overwrite(copy, 1024 + 0x80, Buffer.alloc(64, 0xa5)));
}

/** An ext4 whose superblock contradicts itself, with a good checksum: the kernel refuses it. */
export async function impossibleSuperblock(): Promise<string> {
  const image = await ext4Disk("faults-ext4", "Rotten");
  return damaged(image, "faults-impossible", "1", (copy) =>
    run("debugfs", ["-w", "-R", "set_super_value blocks_per_group 7", copy]),
  );
}

/** An ext4 on which the inode of its boot configuration is garbage. */
export async function corruptInode(): Promise<string> {
  const image = await ext4Disk("faults-ext4", "Rotten");
  return damaged(image, "faults-inode", "1", async (copy) => {
    const found = await run("debugfs", ["-R", "imap /extlinux/extlinux.conf", copy]);
    const [, block, offset] = /located at block (\d+), offset 0x([0-9a-f]+)/.exec(found) ?? [];
    const [, size] = /^Block size: +(\d+)$/m.exec(await run("dumpe2fs", ["-h", copy])) ?? [];
    const place = Number(block) * Number(size) + Number.parseInt(offset ?? "", 16);
    await overwrite(copy, place, Buffer.alloc(128, 0xa5));
  });
}

/** A disk whose default's kernel has a sector that can't be read. */
export async function badSectorDisk(): Promise<{ image: string; sectors: number[] }> {
  const image = await ext4Disk("faults-sector", "On a bad sector");
  const blocks = (await run("debugfs", ["-R", "blocks /vmlinuz", image])).trim().split(/\s+/).map(Number);
  const [, size] = /^Block size: +(\d+)$/m.exec(await run("dumpe2fs", ["-h", image])) ?? [];
  const middle = blocks[blocks.length >> 1]!;
  return { image, sectors: [(middle * Number(size)) / 512] };
}

/** A disk with 200 partitions, of which the last has a boot configuration of one byte. */
export async function manyPartitions(): Promise<string> {
  const empty = { type: "raw", sizeMiB: 1 } as const;
  const last = { type: "ext4", sizeMiB: 4, files: { "/boot/grub/grub.cfg": "{" } } as const;
  return diskImage({
    name: "faults-200",
    scheme: "gpt",
    partitions: [...Array.from({ length: 199 }, () => empty), last],
  });
}

/** A disk whose entry names an initrd of three gigabytes, all of it a hole. */
export async function hugeInitrd(): Promise<string> {
  const config =
    "LABEL huge\n  MENU LABEL Huge initrd\n  LINUX /vmlinuz\n  INITRD /huge\n  APPEND console=ttyS0 quiet\n";
  const image = await diskImage({
    name: "faults-huge",
    scheme: "none",
    partitions: [
      { type: "ext4", sizeMiB: 32, files: { "/extlinux/extlinux.conf": config, "/vmlinuz": { host: KERNEL } } },
    ],
  });
  return damaged(image, "faults-huge-hole", "1", async (copy) => {
    const hole = `${copy}.hole`;
    await writeFile(hole, "");
    await truncate(hole, 3 * 2 ** 30);
    await run("debugfs", ["-w", "-R", `write ${hole} huge`, copy]);
    await rm(hole);
  });
}

/** A disk with 10,000 entries that differ in their command lines. */
export async function tenThousandEntries(): Promise<string> {
  const entries = Array.from(
    { length: 10_000 },
    (_, index) =>
      `LABEL e${index + 1}\n  MENU LABEL Entry ${index + 1}\n  LINUX /vmlinuz\n  APPEND console=ttyS0 quiet n=${index + 1}\n`,
  );
  return diskImage({
    name: "faults-10000",
    scheme: "none",
    partitions: [
      {
        type: "ext4",
        sizeMiB: 32,
        files: { "/extlinux/extlinux.conf": entries.join(""), "/vmlinuz": { host: KERNEL } },
      },
    ],
  });
}
