/** Subvolumes and snapshots of btrfs, against what the btrfs program has made. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { describeSubvolume, listSubvolumes } from "../../src/volumes/btrfs.ts";
import { makeWorkshop, run } from "../devices/images.ts";
import { kernelHas, withDisks, withMount, withoutLoops } from "./disks.ts";

const shop = makeWorkshop();
after(() => shop.remove());

const skip = withoutLoops || (!kernelHas("btrfs") && "this kernel has no btrfs");

test("subvolumes are listed with their paths, snapshots with what they are of", { skip }, async () => {
  const image = await shop.blank("many-subvolumes", 64 << 20);
  await run("mkfs.btrfs", "-q", "--mixed", image);
  await withDisks([image], async (disk) => {
    await withMount(shop, disk.node, "rw", async (root) => {
      assert.deepEqual(await listSubvolumes(root), []);
      const make = (...args: string[]) => run("btrfs", "subvolume", ...args);
      await make("create", join(root, "@rootfs"));
      await make("create", join(root, "@home"));
      fs.mkdirSync(join(root, "@rootfs/.snapshots/1"), { recursive: true });
      await make("snapshot", "-r", join(root, "@rootfs"), join(root, "@rootfs/.snapshots/1/snapshot"));
      await make("create", join(root, "gone"));
      await make("snapshot", join(root, "gone"), join(root, "orphan"));
      await make("delete", join(root, "gone"));
      assert.deepEqual((await listSubvolumes(root)).map(describeSubvolume), [
        "@home",
        "@rootfs",
        "@rootfs/.snapshots/1/snapshot (a read-only snapshot of @rootfs)",
        "orphan (a snapshot)",
      ]);
      // More than one search of the tree gives.
      for (let number = 0; number < 60; number++) await make("create", join(root, `@home/s${number}`));
      const names = (await listSubvolumes(root)).map(({ path }) => path);
      assert.equal(names.filter((path) => /^@home\/s\d+$/.test(path)).length, 60);
    });
  });
});

test("what is no btrfs is refused by name", { skip }, async () => {
  await assert.rejects(listSubvolumes("/proc"), /BTRFS_IOC_TREE_SEARCH.*ENOTTY/);
});
