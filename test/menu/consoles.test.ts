import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findConsoles } from "../../src/menu/consoles.ts";
import { quietKernel } from "../../src/menu/printk.ts";
import { toLegacyTerminfo } from "../../src/menu/terminfo.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-consoles-"));
after(() => rmSync(folder, { recursive: true }));

/** A /sys whose kernel console is `active`, with `tty3` in the foreground. */
function sysfs(active: string): string {
  const root = mkdtempSync(join(folder, "sys-"));
  for (const path of ["class/tty/console", "class/tty/tty0", "module/vt/parameters"]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  writeFileSync(join(root, "class/tty/console/active"), `${active}\n`);
  writeFileSync(join(root, "class/tty/tty0/active"), "tty3\n");
  writeFileSync(join(root, "module/vt/parameters/default_utf8"), "1\n");
  return root;
}

test("the kernel's active consoles are used, tty0 as the virtual terminal in the foreground", () => {
  assert.deepEqual(findConsoles(null, { sysfs: sysfs("tty0 ttyS1") }), [
    { name: "tty0", path: "/dev/tty3", kind: "vt", term: "linux", unicode: true },
    { name: "ttyS1", path: "/dev/ttyS1", kind: "serial", term: "vt220", unicode: null },
  ]);
});

test("consoles that nobody sits at are left out, and so is one named twice", () => {
  const names = findConsoles(null, { sysfs: sysfs("netcon0 ttynull0 hvc0 tty0 tty3") }).map((spec) => spec.name);
  assert.deepEqual(names, ["hvc0", "tty0"]);
});

test("baton.console= comes first, with or without /dev and a speed; what is no name opens nothing", () => {
  const names = findConsoles(["/dev/ttyS0", "115200n8", "../../etc/passwd", "ttyAMA0"], { sysfs: sysfs("tty0") });
  assert.deepEqual(
    names.map((spec) => spec.path),
    ["/dev/ttyS0", "/dev/ttyAMA0"],
  );
});

test("without /sys there are no consoles, and that is no error", () => {
  assert.deepEqual(findConsoles(null, { sysfs: join(folder, "nothing") }), []);
});

test("the console log level is 1 while the menu is drawn, what it was when the kernel should speak, and restored", () => {
  const path = join(folder, "printk");
  writeFileSync(path, "7\t4\t1\t7\n");
  const level = (): string => readFileSync(path, "utf8").trim();
  const kernel = quietKernel(path);
  assert.equal(level(), "1");
  assert.equal(
    kernel.aloud(() => level()),
    "7",
  );
  assert.equal(level(), "1");
  kernel.restore();
  assert.equal(level(), "7");
});

test("where the log level can't be set the menu comes all the same", () => {
  const kernel = quietKernel(join(folder, "not-there"));
  assert.equal(
    kernel.aloud(() => 5),
    5,
  );
  kernel.restore();
});

/** A compiled description with one boolean, the given numbers, and one string. */
function terminfo(magic: number, numbers: readonly number[], bytes: 2 | 4): Buffer {
  const names = Buffer.from("x|test\0");
  const header = Buffer.alloc(12);
  const table = Buffer.from("\x1b[H\0");
  [magic, names.length, 1, numbers.length, 1, table.length].forEach((value, index) => {
    header.writeUInt16LE(value, index * 2);
  });
  const body = Buffer.alloc(numbers.length * bytes);
  numbers.forEach((value, index) => {
    body.writeIntLE(value, index * bytes, bytes);
  });
  return Buffer.concat([header, names, Buffer.from([1]), body, Buffer.from([0, 0]), table]);
}

test("terminfo with 32-bit numbers becomes the format that blessed reads; the old one stays as it is", () => {
  const wide = terminfo(0o1036, [80, -1, 65536], 4);
  const legacy = terminfo(0o432, [80, -1, 0x7fff], 2);
  assert.deepEqual(toLegacyTerminfo(wide), legacy);
  assert.equal(toLegacyTerminfo(legacy), legacy);
  assert.equal(toLegacyTerminfo(wide.subarray(0, 20)).length, 20, "a damaged file is left to fail");
});
