import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deviceSize, isReadOnly, setReadOnly } from "../../src/linux/blkdev.ts";
import { MS_RDONLY, MS_SILENT, mount, unmount } from "../../src/linux/mount.ts";
import { attachLoop, withoutRoot } from "./loop.ts";
import { linuxFile, runProgram } from "./program.ts";

const MiB = 1024 * 1024;

function makeExt4(image: string): void {
  execFileSync("mkfs.ext4", ["-q", "-F", image]);
}

function isMounted(target: string): boolean {
  return readFileSync("/proc/mounts", "utf8").includes(` ${target} `);
}

test("mounts a filesystem read-only and unmounts it", { skip: withoutRoot }, async () => {
  const loop = attachLoop(8 * MiB, makeExt4);
  const target = join(loop.folder, "mnt");
  mkdirSync(target);
  try {
    await mount({ source: loop.node, target, type: "ext4", flags: MS_RDONLY, data: "noload" });
    try {
      assert.deepEqual(readdirSync(target), ["lost+found"]);
      assert.throws(() => writeFileSync(join(target, "x"), ""), { code: "EROFS" });
    } finally {
      await unmount(target);
    }
    assert.equal(isMounted(target), false);
  } finally {
    loop.detach();
  }
});

test("a mount in use is busy, and goes at once when it is unmounted lazily", { skip: withoutRoot }, async () => {
  const target = mkdtempSync(join(tmpdir(), "baton-mnt-"));
  await mount({ source: null, target, type: "tmpfs" });
  writeFileSync(join(target, "file"), "still here");
  const fd = openSync(join(target, "file"), "r");
  try {
    await assert.rejects(unmount(target), {
      errnoName: "EBUSY",
      message: `umount2("${target}"): EBUSY (device or resource busy)`,
    });
    await unmount(target, { lazy: true });
    assert.equal(isMounted(target), false);
    assert.equal(readFileSync(fd, "utf8"), "still here");
  } finally {
    closeSync(fd);
    rmSync(target, { recursive: true });
  }
});

test("a failed mount says what was mounted where, and why not", { skip: withoutRoot }, async () => {
  const loop = attachLoop(MiB);
  try {
    await assert.rejects(
      mount({ source: loop.node, target: loop.folder, type: "ext4", flags: MS_RDONLY | MS_SILENT, data: "noload" }),
      {
        code: "syscall",
        errnoName: "EINVAL",
        message: `mount("${loop.node}", "${loop.folder}", "ext4", MS_RDONLY|MS_SILENT, "noload"): EINVAL (invalid argument)`,
      },
    );
    await assert.rejects(mount({ source: "none", target: "/nonexistent", type: "tmpfs" }), { errnoName: "ENOENT" });
    await assert.rejects(mount({ source: "none", target: loop.folder, type: "nosuchfs" }), { errnoName: "ENODEV" });
  } finally {
    loop.detach();
  }
});

test("a block device's size is read, and it is set read-only and back", { skip: withoutRoot }, async () => {
  const loop = attachLoop(5 * MiB);
  try {
    assert.equal(await deviceSize(loop.node), 5 * MiB);
    assert.equal(await isReadOnly(loop.node), false);
    await setReadOnly(loop.node, true);
    assert.equal(await isReadOnly(loop.node), true);
    // Older kernels refuse to open it for writing, newer ones the write.
    assert.throws(() => writeFileSync(loop.node, "x", { flag: "r+" }), /EACCES|EPERM|EROFS/);
    await setReadOnly(loop.node, false);
    assert.equal(await isReadOnly(loop.node), false);
  } finally {
    loop.detach();
  }
});

test("what is no block device is refused by name", async () => {
  await assert.rejects(deviceSize("/dev/null"), {
    errnoName: "ENOTTY",
    message: 'ioctl("/dev/null", BLKGETSIZE64): ENOTTY (inappropriate ioctl for device)',
  });
  await assert.rejects(setReadOnly("/nonexistent", true), { call: "open", errnoName: "ENOENT" });
});

test("a mount that succeeds after its deadline is taken away again", { skip: withoutRoot }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-late-"));
  const target = join(folder, "mnt");
  const fifo = join(folder, "fifo");
  mkdirSync(target);
  execFileSync("mkfifo", [fifo]);
  try {
    // One thread in the pool, held by a FIFO that nobody writes to: the mount waits behind it past its deadline.
    const output = await runProgram(
      `
      import { execFileSync } from "node:child_process";
      import { readFileSync } from "node:fs";
      import { open } from "node:fs/promises";
      import { mount } from ${linuxFile("mount.ts")};
      const held = open(${JSON.stringify(fifo)}, "r");
      const target = ${JSON.stringify(target)};
      await mount({ source: "late", target, type: "tmpfs", timeoutMs: 20 }).catch((error) => console.log(error.message));
      execFileSync("sh", ["-c", 'echo > "$1"', "sh", ${JSON.stringify(fifo)}]);
      await (await held).close();
      process.on("exit", () => console.log(readFileSync("/proc/mounts", "utf8").includes(target)));`,
      { UV_THREADPOOL_SIZE: "1" },
    );
    assert.equal(
      output,
      `mount("late", "${target}", "tmpfs"): no answer within 0.02 s: the device does not answer\nfalse\n`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
