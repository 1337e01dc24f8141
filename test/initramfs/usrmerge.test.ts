import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { mergedTree, mergeUsr } from "../../initramfs/usrmerge.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-usrmerge-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** A package as dpkg-deb unpacks it; what begins with `->` is a link. */
function unpacked(name: string, files: Readonly<Record<string, string>>): string {
  const tree = join(directory, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    if (text.startsWith("->")) symlinkSync(text.slice(2), join(tree, path));
    else writeFileSync(join(tree, path), text);
  }
  return tree;
}

test("packages of older and of newer releases come to the same tree, with the old paths as links", async () => {
  const old = unpacked("old", {
    "bin/busybox": "old busybox",
    "lib/x86_64-linux-gnu/libc.so.6": "libc",
    "lib64/ld-linux-x86-64.so.2": "->/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": "linker",
    "usr/lib/other": "other",
  });
  const fresh = unpacked("fresh", { "usr/sbin/mdadm": "mdadm", "usr/lib/x86_64-linux-gnu/libm.so.6": "libm" });
  for (const tree of [old, fresh]) await mergeUsr(tree);
  const root = join(directory, "root");
  await mergedTree([old, fresh], root);
  const text = (path: string) => readFileSync(join(root, path), "utf8");
  for (const above of ["", "usr/"]) {
    assert.equal(text(`${above}bin/busybox`), "old busybox");
    assert.equal(text(`${above}sbin/mdadm`), "mdadm");
    assert.equal(text(`${above}lib/x86_64-linux-gnu/libm.so.6`), "libm");
    assert.equal(text(`${above}lib/other`), "other");
    // Not the linker of the machine that this runs on.
    assert.equal(text(`${above}lib64/ld-linux-x86-64.so.2`), "linker");
  }
  assert.equal(readlinkSync(join(root, "bin")), "usr/bin");
});

test("the links that an installed system has between the places are left to the tree", async () => {
  const base = unpacked("base", { bin: "->usr/bin", "usr/bin/true": "true" });
  await mergeUsr(base);
  await mergedTree([base], join(directory, "from-base"));
  assert.equal(readFileSync(join(directory, "from-base/bin/true"), "utf8"), "true");
});
