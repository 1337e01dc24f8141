import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { BatonError, type ErrorCode } from "../../src/errors.ts";
import { openDirectory } from "../../src/volumes/directory.ts";

const base = fs.mkdtempSync(join(tmpdir(), "baton-directory-"));
after(() => fs.rmSync(base, { recursive: true, force: true }));

/** A directory `tree` with files in it and, beside it, a secret that no path of the tree may reach. */
function makeTree(files: Record<string, string>, links: Record<string, string> = {}): string {
  const dir = fs.mkdtempSync(join(base, "t-"));
  fs.writeFileSync(join(dir, "secret"), "outside");
  const tree = join(dir, "tree");
  fs.mkdirSync(tree);
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(join(tree, path, ".."), { recursive: true });
    fs.writeFileSync(join(tree, path), text);
  }
  for (const [path, target] of Object.entries(links)) {
    fs.mkdirSync(join(tree, path, ".."), { recursive: true });
    fs.symlinkSync(target, join(tree, path));
  }
  return tree;
}

async function fails(code: ErrorCode, work: Promise<unknown>, message?: RegExp): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof BatonError, String(error));
    assert.equal(error.code, code, error.message);
    if (message) assert.match(error.message, message);
    return true;
  });
}

const text = async (bytes: Promise<Uint8Array>) => Buffer.from(await bytes).toString();

describe("reading a directory as a volume", () => {
  test("reads, lists in code-unit order and tells files from directories", async () => {
    const reader = openDirectory(
      makeTree({ "boot/b": "2", "boot/a": "1", "boot/Z": "0", "boot/é": "", "boot/sub/x": "" }),
    );
    assert.equal(await text(reader.read("/boot/a")), "1");
    assert.deepEqual(
      (await reader.list("/boot")).map((item) => `${item.name} ${item.type}`),
      ["Z file", "a file", "b file", "sub directory", "é file"],
    );
    assert.equal((await reader.stat("/boot")).type, "directory");
    assert.deepEqual((await reader.stat("/boot/b")).size, 1);
    assert.deepEqual(
      (await reader.list("/")).map((item) => item.name),
      ["boot"],
    );
  });

  test("reads a part of a file, and no more than there is", async () => {
    const reader = openDirectory(makeTree({ f: "0123456789" }));
    assert.equal(await text(reader.readAt("/f", 3, 4)), "3456");
    assert.equal(await text(reader.readAt("/f", 8, 1e12)), "89");
    assert.equal(await text(reader.readAt("/f", 99, 1)), "");
  });

  test("refuses a file beyond the limit, before reading it", async () => {
    const tree = makeTree({ f: "0123456789" });
    fs.truncateSync(join(tree, "f"), 1e12);
    await fails("too-large", openDirectory(tree).read("/f"));
    await fails("too-large", openDirectory(tree).read("/f", 9), /9 bytes/);
  });

  test("reads files that claim no size, as those of /proc, to their end and within the limit", async () => {
    const reader = openDirectory("/proc/self");
    assert.match(await text(reader.read("/status")), /^Name:/);
    await fails("too-large", reader.read("/status", 10));
  });

  test("symlinks lead to places inside: relative, absolute, through directories", async () => {
    const reader = openDirectory(
      makeTree(
        { "boot/vmlinuz-6": "kernel", "usr/lib/x": "lib" },
        {
          vmlinuz: "boot/vmlinuz-6",
          "boot/vmlinuz": "/vmlinuz",
          lib: "/usr/lib",
          "boot/boot": ".",
          up: "boot/../usr/lib",
        },
      ),
    );
    for (const path of ["/vmlinuz", "/boot/vmlinuz", "/boot/boot/boot/vmlinuz-6", "boot//./vmlinuz"]) {
      assert.equal(await text(reader.read(path)), "kernel", path);
    }
    assert.equal(await text(reader.read("/lib/x")), "lib");
    assert.equal(await text(reader.read("/up/x")), "lib");
    assert.deepEqual(
      (await reader.list("/lib")).map((item) => item.name),
      ["x"],
    );
  });

  test("`..` and absolute symlinks can't leave the tree", async () => {
    const tree = makeTree(
      { "a/b": "" },
      { out: "../secret", abs: "/etc/passwd", deep: "a/../../../secret", dir: "..", host: base },
    );
    const reader = openDirectory(tree);
    for (const path of ["/../secret", "/a/../../secret", "/out", "/abs", "/deep", "/dir/secret", "/host"]) {
      await fails("not-found", reader.read(path));
    }
    // The root's parent is the root itself.
    assert.deepEqual(
      (await reader.list("/dir")).map((item) => item.name),
      ["a", "abs", "deep", "dir", "host", "out"],
    );
  });

  test("symlinks that never end are a loop; forty in a row are not", async () => {
    const links: Record<string, string> = { self: "self", ping: "pong", pong: "ping", grow: "grow/grow/grow" };
    for (let i = 1; i <= 41; i++) links[`l${i}`] = i === 1 ? "file" : `l${i - 1}`;
    const reader = openDirectory(makeTree({ file: "end" }, links));
    for (const name of ["self", "ping", "grow", "l41"]) await fails("loop", reader.read(`/${name}`));
    assert.equal(await text(reader.read("/l40")), "end");
  });

  test("FIFOs, sockets, devices and directories are not files, and reading them doesn't wait", async () => {
    const tree = makeTree({ "d/x": "" }, { null: "/dev/null" });
    execFileSync("mkfifo", [join(tree, "fifo")]);
    const reader = openDirectory(tree);
    await fails("not-a-file", reader.read("/fifo"));
    await fails("not-a-file", reader.stat("/fifo"));
    await fails("not-a-file", reader.read("/d"));
    await fails("not-a-file", reader.hostPath("/fifo"));
    await fails("not-a-directory", reader.list("/d/x"));
    await fails("not-found", reader.read("/null"));
    await fails("not-a-file", openDirectory("/dev").read("/null"));
    assert.equal((await reader.list("/")).find((item) => item.name === "fifo")?.type, "other");
  });

  test("says what is missing, and names the device", async () => {
    const reader = openDirectory(makeTree({ file: "" }), { name: "vda1" });
    await fails("not-found", reader.read("/none/such"), /^vda1:\/none: no such file/);
    await fails("not-found", reader.read("/file/such"), /vda1:\/file is not a directory/);
    await fails("not-found", reader.read("/a\0b"));
    await fails("not-found", reader.read(`/${"x".repeat(300)}`));
    await fails("not-found", reader.read(`/${"x/".repeat(9000)}`));
    await fails("not-found", openDirectory("/no/such/directory").list("/"));
  });

  test("says where a path really lies, and which names are one file", async () => {
    const tree = makeTree({ "boot/grub/grub.cfg": "x" }, { "boot/boot": ".", grub2: "/boot/grub" });
    fs.linkSync(join(tree, "boot/grub/grub.cfg"), join(tree, "other.cfg"));
    const reader = openDirectory(tree, { caseInsensitive: true });
    for (const path of [
      "/boot/grub/grub.cfg",
      "/boot/boot/boot/grub/grub.cfg",
      "/grub2/grub.cfg",
      "/BOOT/Grub/GRUB.cfg",
    ]) {
      assert.equal(await reader.realPath!(path), "/boot/grub/grub.cfg", path);
    }
    assert.equal(await reader.realPath!("/grub2/../.."), "/");
    assert.equal((await reader.stat("/other.cfg")).inode, (await reader.stat("/grub2/grub.cfg")).inode);
    assert.equal("inode" in (await reader.stat("/boot")), false);
    await assert.rejects(reader.realPath!("/gone"), { code: "not-found" });
  });

  test("gives the host's path of a file, after its symlinks", async () => {
    const tree = makeTree({ "boot/k": "" }, { k: "/boot/k" });
    assert.equal(await openDirectory(tree).hostPath("/k"), join(tree, "boot/k"));
    assert.equal(await openDirectory(`${tree}/`).hostPath("/k"), join(tree, "boot/k"));
    assert.match(await openDirectory("/").hostPath("/etc/passwd"), /^\/etc\/passwd$/);
  });

  test("case folds only where the tree stands for a filesystem that folds it", async () => {
    const tree = makeTree({ "EFI/BOOT/grub.CFG": "cfg", Both: "B", both: "b" });
    await fails("not-found", openDirectory(tree).read("/efi/boot/GRUB.cfg"));
    const vfat = openDirectory(tree, { caseInsensitive: true });
    assert.equal(await text(vfat.read("/efi/boot/GRUB.cfg")), "cfg");
    assert.equal(await vfat.hostPath("/efi/Boot/grub.cfg"), join(tree, "EFI/BOOT/grub.CFG"));
    assert.equal(await text(vfat.read("/both")), "b");
    assert.equal(await text(vfat.read("/BOTH")), "B");
    await fails("not-found", vfat.read("/efi/none"));
  });
});

test("whatever the path and the symlinks, nothing outside the tree is read", async () => {
  const part = fc.constantFrom("..", ".", "", "a", "b", "s1", "s2", "s3", "secret", "tree");
  const path = fc.array(part, { maxLength: 12 }).map((parts) => parts.join("/"));
  const link = fc.tuple(path, fc.boolean()).map(([p, absolute]) => (absolute ? `/${p}` : p) || ".");
  await fc.assert(
    fc.asyncProperty(link, link, link, fc.array(path, { minLength: 1, maxLength: 8 }), async (s1, s2, s3, paths) => {
      const tree = makeTree(
        { "a/b/secret": "inside", secret: "inside", "b/a": "inside" },
        { s1, "a/s2": s2, "a/b/s3": s3 },
      );
      for (const caseInsensitive of [false, true]) {
        const reader = openDirectory(tree, { caseInsensitive });
        for (const p of paths) {
          const got = await text(reader.read(p)).catch((error: unknown) => {
            assert.ok(error instanceof BatonError, String(error));
            return "inside";
          });
          assert.equal(got, "inside");
        }
      }
      fs.rmSync(join(tree, ".."), { recursive: true });
    }),
    { numRuns: 60 },
  );
});
