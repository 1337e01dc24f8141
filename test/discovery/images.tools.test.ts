/** Disk images with a filesystem of their own, which GRUB's loopback opens: mounted, and not a byte of them changed. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Discovery } from "../../src/discovery/discovery.ts";
import { formatFileRef } from "../../src/entry.ts";
import { openDirectory } from "../../src/volumes/directory.ts";
import type { Volume } from "../../src/volumes/volume.ts";
import { withoutRoot } from "../linux/loop.ts";
import { isoFolder, writeTree } from "../volumes/isoimages.ts";

const folder = isoFolder();
const TREE = { "boot/vmlinuz": "a kernel", "boot/initrd": "an initrd" };

/** Image makers by the images' names; each gets the tree's folder. */
const MAKERS: Readonly<Record<string, (tree: string, image: string) => void>> = {
  "system.squashfs": (tree, image) => execFileSync("mksquashfs", [tree, image, "-quiet", "-no-progress"]),
  "active.img": (tree, image) => {
    writeFileSync(image, "");
    truncateSync(image, 8 << 20);
    execFileSync("mkfs.ext4", ["-q", "-L", "ACTIVE", "-d", tree, image]);
  },
};

function machine(disk: string): { discovery: Discovery; volume: Volume } {
  const reader = openDirectory(disk);
  const nothing = { disk: null, partition: null, scheme: null, removable: false };
  const identity = { name: "vda1", type: "ext4", uuid: "u", label: null, partuuid: null, partlabel: null };
  const close = async (): Promise<void> => {};
  const volume: Volume = { ...identity, ...nothing, reader, hostPath: (path) => reader.hostPath(path), close };
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" });
  const facts = { name: "vda1", size: null, type: "ext4", uuid: "u", label: null };
  discovery.attach(volume, { ...facts, model: null, transport: null, reason: null });
  return { discovery, volume };
}

const hashOf = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

/** Loop devices that have this file. */
const loopsOf = (file: string): string[] =>
  readdirSync("/sys/block").filter((name) => {
    try {
      return readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").trim() === file;
    } catch {
      return false;
    }
  });

for (const [name, make] of Object.entries(MAKERS)) {
  test(`loopback opens ${name}: kernels lie in it as on a disk, and it stays as it is`, {
    skip: withoutRoot,
  }, async () => {
    const disk = join(folder, `disk-${name}`);
    const tree = join(folder, `tree-${name}`);
    writeTree(tree, TREE);
    mkdirSync(join(disk, "boot/grub"), { recursive: true });
    const image = join(disk, name);
    make(tree, image);
    const before = hashOf(image);
    writeTree(disk, {
      "boot/grub/grub.cfg": `menuentry "Live" { loopback loop0 /${name}
set root=(loop0)
if [ -f /boot/none ]; then linux /boot/none; fi
linux /boot/vmlinuz root=LABEL=ACTIVE loop=/${name}
initrd /boot/initrd }
menuentry "Without" { loopback loop0 /${name}; linux (loop0)/boot/none }
`,
    });

    const { discovery } = machine(disk);
    discovery.mountImages();
    await discovery.scan();
    const [entry, without] = discovery.list.entries;
    assert.equal(entry!.linux && formatFileRef(entry!.linux), `vda1+${name}:/boot/vmlinuz`);
    assert.deepEqual([entry!.bootable, entry!.reason], [true, null]);
    assert.equal(without!.bootable, false);
    const inside = discovery.volume(`vda1+${name}`);
    assert.equal(readFileSync(await inside.hostPath("/boot/initrd"), "utf8"), "an initrd");
    assert.equal(loopsOf(image).length, 1);
    await discovery.unmountImages();
    assert.deepEqual(loopsOf(image), []);
    assert.equal(hashOf(image), before);
    // It mounts again when it is read again.
    assert.equal(Buffer.from(await inside.reader.read("/boot/vmlinuz")).toString(), "a kernel");
    await discovery.unmountImages();
    assert.equal(hashOf(image), before);

    const folders = machine(disk).discovery;
    await folders.scan();
    assert.match(folders.list.entries[0]!.reason ?? "", /holds (squashfs|ext4), which Baton opens on a machine alone/);
  });
}

test("an image that is cut short or no filesystem at all costs its own entry", { skip: withoutRoot }, async () => {
  const disk = join(folder, "disk-bad");
  writeTree(join(folder, "tree-bad"), TREE);
  mkdirSync(disk, { recursive: true });
  MAKERS["system.squashfs"]!(join(folder, "tree-bad"), join(disk, "cut.squashfs"));
  truncateSync(join(disk, "cut.squashfs"), 200);
  const entry = (image: string): string =>
    `menuentry "${image}" { loopback loop /${image}; linux (loop)/boot/vmlinuz }\n`;
  writeTree(disk, {
    "text.img": "no filesystem\n".repeat(1000),
    "boot/grub/grub.cfg": `menuentry "Good" { linux /boot/vmlinuz }\n${entry("cut.squashfs")}${entry("text.img")}`,
    ...TREE,
  });
  const { discovery } = machine(disk);
  discovery.mountImages();
  await discovery.scan();
  assert.deepEqual(
    discovery.list.entries.map(({ bootable }) => bootable),
    [true, false, false],
  );
  await discovery.unmountImages();
  assert.deepEqual(loopsOf(join(disk, "cut.squashfs")), []);
});
