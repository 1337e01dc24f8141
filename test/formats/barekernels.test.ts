/** Kernels on disks without any configuration, named as Debian, Fedora, Arch and Alpine name theirs. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatFileRef } from "../../src/entry.ts";
import { bareKernels } from "../../src/formats/barekernels.ts";
import { assertWellFormed } from "./invariants.ts";
import { contextOf, type Files, type ReadOptions, treeVolume } from "./tree.ts";

const KERNEL = Buffer.alloc(0x206);
KERNEL.write("HdrS", 0x202);

async function listed(files: Files, options: ReadOptions = {}) {
  const volume = treeVolume(files, { name: "sda1", type: "ext4", uuid: "aa", ...options.volume });
  const rows: (string | null)[][] = [];
  for (const path of await bareKernels.find(volume)) {
    const result = await bareKernels.parse(path, contextOf(volume, options));
    assertWellFormed(result);
    assert.equal(result.defaultIndex, null);
    for (const { title, linux, initrd, options: cmdline, reason, unchecked } of result.entries) {
      assert.match(unchecked!, /no configuration names it/);
      rows.push([title, formatFileRef(linux!), ...initrd.map(formatFileRef), cmdline, reason]);
    }
  }
  return rows;
}

test("the newest comes first, each with its own initrd, and the filesystem that they lie on is the root", async () => {
  const files = {
    "/boot/vmlinuz-6.1.0-9-amd64": KERNEL,
    "/boot/vmlinuz-6.1.0-18-amd64": KERNEL,
    "/boot/vmlinuz-6.1.0-18-amd64.sig": KERNEL,
    "/boot/vmlinuz-broken": "no kernel",
    "/boot/initrd.img-6.1.0-9-amd64": "i",
    "/boot/initrd.img-6.1.0-18-amd64": "i",
    "/sbin/init": "x",
    "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  };
  const row = (version: string) => [
    `Debian GNU/Linux 12 (bookworm), Linux ${version}`,
    `sda1:/boot/vmlinuz-${version}`,
    `sda1:/boot/initrd.img-${version}`,
    "root=UUID=aa ro",
    null,
  ];
  assert.deepEqual(await listed(files), [row("6.1.0-18-amd64"), row("6.1.0-9-amd64")]);
});

describe("the root of a kernel on a filesystem of its own", () => {
  const files = { "/vmlinuz-lts": KERNEL, "/initramfs-lts": "i" };
  const root = (name: string, more: Partial<Parameters<typeof treeVolume>[1]> = {}, at = "") =>
    treeVolume({ [`${at}/usr/lib/systemd/systemd`]: "x" }, { name, type: "ext4", uuid: `u-${name}`, ...more });
  const cmdline = async (...others: ReturnType<typeof root>[]) => (await listed(files, { others }))[0]!.slice(3);

  test("is the one that has an init, in its usual subvolume of btrfs, too", async () => {
    assert.deepEqual(await cmdline(root("sda2"), treeVolume({ "/home/x": "" }, { name: "sda3" })), [
      "root=UUID=u-sda2 ro",
      null,
    ]);
    assert.deepEqual(await cmdline(root("sda2", { type: "btrfs" }, "/@")), [
      "root=UUID=u-sda2 rootflags=subvol=@ ro",
      null,
    ]);
    assert.deepEqual(await cmdline(root("sda2", { uuid: null, partuuid: "pp" })), ["root=PARTUUID=pp ro", null]);
  });

  test("isn't guessed among several, nor on a stick", async () => {
    assert.deepEqual(await cmdline(root("sda2"), root("sdb1")), [
      "",
      "it can't be told which filesystem is its root: sda2, sdb1",
    ]);
    assert.deepEqual(await cmdline(root("sda2"), root("sdb1", { removable: true })), ["root=UUID=u-sda2 ro", null]);
  });

  test("isn't needed where the initrd is all there is", async () => {
    assert.deepEqual(await listed(files), [["vmlinuz-lts", "sda1:/vmlinuz-lts", "sda1:/initramfs-lts", "", null]]);
  });
});

test("a folder without a kernel, and files that only look like some, give nothing", async () => {
  assert.deepEqual(await listed({ "/boot/grub/x": "", "/vmlinuz": "text", "/kernel.conf": KERNEL }), []);
});
