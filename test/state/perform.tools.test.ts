/** Writing into real filesystems: what may be written is, in its place, and everything else is refused. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { StateWrite } from "../../src/entry.ts";
import { below, renameFile, rewriteFile } from "../../src/state/files.ts";
import { performWrites } from "../../src/state/perform.ts";
import { type WritableDevice, writeRefusal } from "../../src/state/writable.ts";
import { attachLoop, type LoopDevice, withoutRoot } from "../linux/loop.ts";

const BLOCK = "# GRUB Environment Block\nnext_entry=once\nsaved_entry=0\n".padEnd(1024, "#");

function inFolder(work: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-state-"));
    try {
      await work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

test(
  "a block is rewritten in its own file; links, holes and other names of it are refused",
  inFolder(async (folder) => {
    const file = join(folder, "grubenv");
    writeFileSync(file, BLOCK);
    await rewriteFile(file, { saved_entry: "1" }, ["next_entry"]);
    assert.equal(readFileSync(file, "utf8"), "# GRUB Environment Block\nsaved_entry=1\n".padEnd(1024, "#"));
    symlinkSync(file, join(folder, "link"));
    await assert.rejects(rewriteFile(join(folder, "link"), {}, []), /symbolic link/);
    linkSync(file, join(folder, "second"));
    await assert.rejects(rewriteFile(file, { a: "b" }, []), /another name/);
    writeFileSync(join(folder, "hole"), "");
    truncateSync(join(folder, "hole"), 1024 * 1024);
    await assert.rejects(rewriteFile(join(folder, "hole"), { a: "b" }, []), /holes/);
  }),
);

test(
  "GRUB legacy's default gets its first ten bytes, as stage 2 writes them; what is another file is refused",
  inFolder(async (folder) => {
    const file = join(folder, "default");
    writeFileSync(file, "0\n#\n#\n#\n#\n# WARNING: If you want to edit this file directly, do not remove any line\n");
    await rewriteFile(file, { default: "12" }, [], "default");
    const after = "12\0\n\n\n\n\n\n\n# WARNING: If you want to edit this file directly, do not remove any line\n";
    assert.equal(readFileSync(file, "latin1"), after);
    await assert.rejects(rewriteFile(file, { default: "x" }, [], "default"), /no entry's number/);
    for (const other of ["0\n", "# GRUB Environment Block\n"]) {
      writeFileSync(file, other);
      await assert.rejects(rewriteFile(file, { default: "1" }, [], "default"), /is not the file/);
    }
  }),
);

test(
  "a boot counter is renamed in its folder, and replaces nothing",
  inFolder(async (folder) => {
    writeFileSync(join(folder, "a+3-0.conf"), "a");
    await renameFile(join(folder, "a+3-0.conf"), join(folder, "a+2-1.conf"));
    assert.equal(readFileSync(join(folder, "a+2-1.conf"), "utf8"), "a");
    writeFileSync(join(folder, "b"), "b");
    await assert.rejects(renameFile(join(folder, "b"), join(folder, "a+2-1.conf")), /there already/);
    mkdirSync(join(folder, "sub"));
    await assert.rejects(renameFile(join(folder, "b"), join(folder, "sub", "b")), /stays in its folder/);
  }),
);

test("no path leads out of the filesystem", () => {
  assert.equal(below("/mnt", "/boot/grubenv"), "/mnt/boot/grubenv");
  for (const path of ["/../etc/passwd", "/boot/../../x", "/a/./b"])
    assert.throws(() => below("/mnt", path), /lead out/);
});

const clean: WritableDevice = {
  ...{ name: "loop", node: "/dev/null", type: "ext4", removable: false, dirty: false, transport: "virtio" },
};

test("what is removable, dirty, spread over disks or moves its files is not written", () => {
  assert.equal(writeRefusal(clean), null);
  assert.match(writeRefusal({ ...clean, removable: true })!, /removable/);
  assert.match(writeRefusal({ ...clean, dirty: true })!, /cleanly/);
  assert.match(writeRefusal({ ...clean, transport: "md" })!, /spread/);
  for (const type of ["btrfs", "f2fs", "iso9660", "constructor", null]) {
    assert.match(writeRefusal({ ...clean, type })!, /does not keep/);
  }
});

describe("on a real ext4", { skip: withoutRoot }, () => {
  const format = (image: string): void => {
    const tree = mkdtempSync(join(tmpdir(), "baton-tree-"));
    mkdirSync(join(tree, "boot/grub"), { recursive: true });
    writeFileSync(join(tree, "boot/grub/grubenv"), BLOCK);
    writeFileSync(join(tree, "other"), "untouched");
    execFileSync("mkfs.ext4", ["-q", "-F", "-d", tree, "-E", "lazy_itable_init=0", image]);
    rmSync(tree, { recursive: true });
  };
  const cat = (image: string, path: string): string =>
    execFileSync("debugfs", ["-R", `cat ${path}`, image], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const blocksOf = (image: string): string =>
    execFileSync("debugfs", ["-R", "blocks /boot/grub/grubenv", image], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  const deviceOf = (loop: LoopDevice): WritableDevice => ({ ...clean, name: loop.node.slice(5), node: loop.node });
  const write: StateWrite = {
    file: { device: "x", path: "/boot/grub/grubenv" },
    set: { saved_entry: "7" },
    unset: ["next_entry"],
  };
  const isReadOnly = (node: string): string => execFileSync("blockdev", ["--getro", node], { encoding: "utf8" }).trim();

  test("the environment block changes in its own blocks, and the filesystem stays clean", async () => {
    const loop = attachLoop(16 << 20, format);
    try {
      const before = blocksOf(loop.image);
      execFileSync("blockdev", ["--setro", loop.node]);
      assert.deepEqual(await performWrites([write], async () => deviceOf(loop)), []);
      assert.equal(isReadOnly(loop.node), "1", "the device is as it was");
      assert.match(cat(loop.image, "/boot/grub/grubenv"), /^# GRUB Environment Block\nsaved_entry=7\n#+$/);
      assert.equal(blocksOf(loop.image), before);
      assert.equal(cat(loop.image, "/other"), "untouched");
      execFileSync("e2fsck", ["-fn", loop.image], { stdio: "ignore" });
    } finally {
      loop.detach();
    }
  });

  for (const type of ["ext4", "xfs"]) {
    test(`${type} whose journal waits to be replayed is left alone, whatever was thought of it`, async () => {
      const live = attachLoop(320 << 20, (image) => execFileSync(`mkfs.${type}`, ["-q", image]));
      const mounted = join(live.folder, "mnt");
      const cut = join(live.folder, "cut");
      mkdirSync(mounted);
      execFileSync("mount", [live.node, mounted]);
      try {
        mkdirSync(join(mounted, "boot/grub"), { recursive: true });
        writeFileSync(join(mounted, "boot/grub/grubenv"), BLOCK);
        // The power fails here: the disk as it is while it is in use.
        execFileSync("sync", ["-f", mounted]);
        writeFileSync(join(mounted, "more"), "x");
        execFileSync("sync", [join(mounted, "more")]);
        execFileSync("cp", ["--sparse=always", live.image, cut]);
      } finally {
        execFileSync("umount", [mounted]);
      }
      const clean = attachLoop(0, (image) => execFileSync("cp", ["--sparse=always", live.image, image]));
      const dirty = attachLoop(0, (image) => execFileSync("cp", ["--sparse=always", cut, image]));
      try {
        const problems = await performWrites([write], async () => ({ ...deviceOf(dirty), type }));
        assert.match(problems[0] ?? "", /was not written: .*has to be checked/);
        execFileSync("cmp", [cut, dirty.image]);
        assert.deepEqual(await performWrites([write], async () => ({ ...deviceOf(clean), type })), []);
      } finally {
        for (const loop of [live, clean, dirty]) loop.detach();
      }
    });
  }

  test("what can't be done is told, and the rest is done", async () => {
    const loop = attachLoop(16 << 20, format);
    try {
      const missing: StateWrite = { rename: { device: "y", path: "/loader/a+1.conf" }, to: "y:/loader/a.conf" };
      const problems = await performWrites([missing, write], async (device) => {
        if (device === "y") throw new Error("y is gone");
        return deviceOf(loop);
      });
      assert.deepEqual(problems, ["y:/loader/a+1.conf (renamed to y:/loader/a.conf) was not written: y is gone"]);
      assert.match(cat(loop.image, "/boot/grub/grubenv"), /saved_entry=7/);
    } finally {
      loop.detach();
    }
  });
});
