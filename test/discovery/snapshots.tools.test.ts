/** Snapshots on a real btrfs: what only the filesystem itself tells reaches the list of what can be booted. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { deviceVolume, factsOf, subvolumeTexts } from "../../src/discovery/devicevolume.ts";
import { Discovery } from "../../src/discovery/discovery.ts";
import { makeWorkshop, run } from "../devices/images.ts";
import { kernelHas, withDisks, withMount, withoutLoops } from "../volumes/disks.ts";

const shop = makeWorkshop();
after(() => shop.remove());

const skip = withoutLoops || (!kernelHas("btrfs") && "this kernel has no btrfs");

const UUID = "5a6b1c2d-0006-4000-8000-000000000006";
const MENU = `menuentry "Ours" { search --fs-uuid --set=root ${UUID}
linux /@/boot/vmlinuz-2 root=UUID=${UUID} ro rootflags=subvol=@ quiet
}
`;

test("snapshots that no tool made are entries wherever they lie; containers' and home's are none", {
  skip,
}, async () => {
  const image = await shop.blank("snapshots", 64 << 20);
  await run("mkfs.btrfs", "-q", "--mixed", "-U", UUID, image);
  await withDisks([image], async (disk) => {
    await withMount(shop, disk.node, "rw", async (root) => {
      const at = (path: string): string => join(root, path);
      const snapshot = (...args: string[]) => run("btrfs", "-q", "subvolume", "snapshot", ...args);
      for (const name of ["@", "@home", "image"]) await run("btrfs", "-q", "subvolume", "create", at(name));
      for (const folder of ["@/boot/grub", "@/backup", "image/boot", "old/2026"])
        mkdirSync(at(folder), { recursive: true });
      writeFileSync(at("@/boot/vmlinuz-2"), `${"\0".repeat(0x202)}HdrS`);
      writeFileSync(at("@/boot/grub/grub.cfg"), MENU);
      await snapshot(at("@"), at("old/2026/before"));
      await snapshot("-r", at("@"), at("@/backup/9"));
      await snapshot("-r", at("@"), at("backup"));
      await snapshot("-r", at("@home"), at("old/home"));
      await snapshot(at("image"), at("container"));
    });
    const discovery = new Discovery({ firmware: "efi", arch: "x86_64" });
    const hooks = { timeoutMs: 10_000, replays: false, devices: () => [disk], isRemovable: () => false };
    const volume = deviceVolume(disk, { ...hooks, onNote: () => {} });
    try {
      discovery.attach(volume, factsOf(disk));
      await discovery.scan();
      const found = discovery.list.entries.filter(({ type }) => type === "snapshot");
      assert.deepEqual(
        found.map(({ title, source, options }) => [title, source, /rootflags=.*/.exec(options)?.[0]]),
        ["old/2026/before", "@/backup/9", "backup"].map((path) => [
          `Snapshot ${path}, Linux 2`,
          `${disk.name}:/${path}`,
          `rootflags=subvol=${path}`,
        ]),
      );
      assert.deepEqual(await subvolumeTexts(volume), [
        "@",
        "@/backup/9 (a read-only snapshot of @)",
        "@home",
        "backup (a read-only snapshot of @)",
        "container (a snapshot of image)",
        "image",
        "old/2026/before (a snapshot of @)",
        "old/home (a read-only snapshot of @home)",
      ]);
    } finally {
      await volume.close();
    }
  });
});
