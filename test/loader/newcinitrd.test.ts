import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { cpioType, readCpio } from "../../src/binary/cpio.ts";
import { discoverDirectories } from "../../src/discovery/directories.ts";
import { newcArchive, newcFile } from "../../src/loader/newcinitrd.ts";
import { planBoot } from "../../src/loader/plan.ts";
import { TrustPolicy } from "../../src/trust/policy.ts";

const text = (words: string): Uint8Array => Buffer.from(words);

test("a file is put where its name says, with the folders on the way", () => {
  const archive = newcArchive("//etc/keys/disk", text("secret"));
  const entries = [...readCpio(archive)].map((entry) => [cpioType(entry), entry.name, entry.mode & 0o777]);
  assert.deepEqual(entries, [
    ["directory", "etc", 0o777],
    ["directory", "etc/keys", 0o777],
    ["file", "etc/keys/disk", 0o777],
  ]);
  assert.equal(archive.length % 4, 0);
  assert.equal([...readCpio(newcArchive("plain", text("abc")))].at(-1)!.data.length, 3);
  assert.equal([...readCpio(newcArchive("plain", text("abc"), 0o640))].at(-1)!.mode & 0o7777, 0o640);
});

test("a name that leads out of the file system, or is none, is refused", () => {
  for (const name of ["", "/", "../etc/shadow", "a/../b", "a//b", "a/", "TRAILER!!!"]) {
    assert.throws(() => newcArchive(name, text("x")), /can't go into a cpio archive/, name);
  }
});

test("a file for which memory is short is refused with the numbers, and not read", async () => {
  const file = { name: "vda1:/large", size: 100 << 20 };
  const read = () => assert.fail("it was read");
  const short = newcFile("etc/large", file, read, async () => 200 << 20);
  await assert.rejects(
    short,
    /vda1:\/large: to put its 100 MiB into an initrd takes 300 MiB of memory, and 200 MiB are free/,
  );
});

test("in memory it is a file like any other", async () => {
  const { handle, size } = await newcFile("etc/key", { name: "vda1:/key", size: 3 }, async () => text("abc"));
  try {
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await handle.read(bytes, 0, size, 0);
    assert.equal(bytesRead, size);
    assert.equal(Buffer.from([...readCpio(bytes)].at(-1)!.data).toString(), "abc");
  } finally {
    await handle.close();
  }
  const huge = { name: "vda1:/huge", size: 2 ** 40 };
  await assert.rejects(
    newcFile("x", huge, async () => text("")),
    /vda1:\/huge has .* bytes/,
  );
});

const root = mkdtempSync(join(tmpdir(), "baton-newc-"));
after(() => rmSync(root, { recursive: true }));

test("what booting an entry with such a file would read says so", async () => {
  mkdirSync(join(root, "boot/grub"), { recursive: true });
  for (const name of ["k", "i", "key"]) writeFileSync(join(root, "boot", name), name);
  const entry = (id: string, name: string) =>
    `menuentry ${id} --id ${id} { linux /boot/k\ninitrd /boot/i newc:${name}:/boot/key }\n`;
  writeFileSync(join(root, "boot/grub/grub.cfg"), entry("good", "etc/key") + entry("bad", "../key"));
  const spec = {
    name: "vda1",
    directory: root,
    uuid: null,
    label: null,
    partuuid: null,
    partlabel: null,
    type: "ext4",
  };
  const discovery = await discoverDirectories(
    [spec],
    { firmware: "efi", arch: "x86_64" },
    { default: null, fallback: [], order: [], removable: false },
  );
  const [good, bad] = discovery.list.entries;
  assert.equal(good!.reason, null);
  const { files } = await planBoot(discovery, TrustPolicy.off, good!, "x86_64");
  const sha256 = (name: string) => createHash("sha256").update(name).digest("hex");
  assert.deepEqual(files, [
    { ref: "vda1:/boot/k", size: 1, sha256: sha256("k") },
    { ref: "vda1:/boot/i", size: 1, sha256: sha256("i") },
    { ref: "vda1:/boot/key", size: 3, sha256: sha256("key"), initrdName: "etc/key" },
  ]);
  await assert.rejects(planBoot(discovery, TrustPolicy.off, bad!, "x86_64"), /can't go into a cpio archive/);
});
