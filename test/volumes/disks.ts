/** Real filesystems on loop devices, clean and as a crash leaves them. */

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { readBlockDevice } from "../../src/devices/block.ts";
import type { BlockDevice } from "../../src/devices/device.ts";
import { probeDevice } from "../../src/devices/probe.ts";
import { isRoot, run, type Workshop } from "../devices/images.ts";

/** Why these tests can't run here, else false: for node:test's `skip`. */
export const withoutLoops =
  isRoot && fs.existsSync("/dev/loop-control") ? false : "needs root and loop devices to mount filesystems";

export function kernelHas(filesystem: string): boolean {
  return new RegExp(`\\t${filesystem}$`, "m").test(fs.readFileSync("/proc/filesystems", "utf8"));
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(fs.createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/** Attaches images as devices, probed; detaches them when `use` is over. */
export async function withDisks<T>(paths: readonly string[], use: (...disks: BlockDevice[]) => Promise<T>): Promise<T> {
  const nodes: string[] = [];
  try {
    const disks: BlockDevice[] = [];
    for (const path of paths) {
      const node = (await run("losetup", "--find", "--show", path)).trim();
      nodes.push(node);
      // A loop device keeps the read-only mark of whoever had it before.
      await run("blockdev", "--setrw", node);
      const disk = readBlockDevice(node.replace("/dev/", ""));
      if (!disk) throw new Error(`${node} is not in sysfs`);
      disks.push(await probeDevice(disk));
    }
    return await use(...disks);
  } finally {
    for (const node of nodes) await run("losetup", "--detach", node);
  }
}

/** Mounted by the system's own mount, writable unless told otherwise. */
export async function withMount<T>(
  shop: Workshop,
  node: string,
  options: string,
  use: (root: string) => Promise<T> | T,
): Promise<T> {
  const root = fs.mkdtempSync(join(shop.folder, "mnt-"));
  await run("mount", "-o", options, node, root);
  try {
    return await use(root);
  } finally {
    await run("umount", root);
  }
}

const MiB = 1024 * 1024;

interface Kind {
  readonly size: number;
  readonly mkfs: readonly string[];
}

export const KINDS: Readonly<Record<string, Kind>> = {
  ext2: { size: 4 * MiB, mkfs: ["mkfs.ext2", "-q", "-F"] },
  ext3: { size: 8 * MiB, mkfs: ["mkfs.ext3", "-q", "-F"] },
  ext4: { size: 8 * MiB, mkfs: ["mkfs.ext4", "-q", "-F"] },
  xfs: { size: 20 * MiB, mkfs: ["mkfs.xfs", "-q", "--unsupported"] },
  btrfs: { size: 20 * MiB, mkfs: ["mkfs.btrfs", "-q", "--mixed"] },
};

/** A filesystem with /boot/old in it, unmounted. */
export async function makeClean(shop: Workshop, kind: string): Promise<string> {
  const { size, mkfs } = KINDS[kind]!;
  const path = await shop.blank(`${kind}.clean`, size);
  await run(mkfs[0]!, ...mkfs.slice(1), path);
  await withDisks([path], (disk) =>
    withMount(shop, disk.node, "rw", (root) => {
      fs.mkdirSync(join(root, "boot"));
      fs.writeFileSync(join(root, "boot/old"), "old");
      fs.writeFileSync(join(root, "boot/doomed"), "x".repeat(5000));
    }),
  );
  return path;
}

/**
 * The same as if the power had gone: a copy of the disk at a moment when it is mounted, with files in its journal
 * and one that is deleted but open (an orphan, which a mount would clean up).
 */
export async function makeDirty(shop: Workshop, kind: string, clean: string): Promise<string> {
  const live = shop.path(`${kind}.live`);
  const dirty = shop.path(`${kind}.dirty`);
  await run("cp", "--sparse=always", clean, live);
  await withDisks([live], (disk) =>
    withMount(shop, disk.node, "rw", async (root) => {
      const doomed = fs.openSync(join(root, "boot/doomed"), "r");
      fs.unlinkSync(join(root, "boot/doomed"));
      const fd = fs.openSync(join(root, "boot/new"), "w");
      fs.writeSync(fd, "new");
      fs.fsyncSync(fd);
      await run("cp", "--sparse=always", live, dirty);
      fs.closeSync(fd);
      fs.closeSync(doomed);
    }),
  );
  return dirty;
}
