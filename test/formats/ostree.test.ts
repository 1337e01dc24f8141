/** OSTree's deployments without a loader, laid out as its documentation of deployments has them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFileRef } from "../../src/entry.ts";
import { ostree } from "../../src/formats/ostree.ts";
import { contextOf, type Files, type ReadOptions, readTree, treeVolume } from "./tree.ts";

const deployment = (boot: string, serial: string, version: string): Files => ({
  [`${boot}/os/abc/${serial}/usr/lib/modules/${version}/vmlinuz`]: "k",
  [`${boot}/os/abc/${serial}/usr/lib/modules/${version}/initramfs.img`]: "i",
  [`${boot}/os/abc/${serial}/usr/lib/os-release`]: "PRETTY_NAME=Acme\n",
});
const FILES: Files = {
  "/ostree/deploy/os/x": "",
  ...deployment("/ostree/boot.1", "0", "6.1"),
  ...deployment("/ostree/boot.1", "1", "6.12"),
};
const options: ReadOptions = { volume: { name: "sda3", uuid: "u", type: "ext4" } };

test("each deployment has its own kernel and the word that leads to it; none boots by itself", async () => {
  const { entries, defaultIndex } = await readTree(ostree, FILES, options);
  assert.deepEqual(
    entries.map(({ title, linux, initrd, options: cmdline }) => [
      title,
      ...[linux!, ...initrd].map(formatFileRef),
      cmdline,
    ]),
    [
      ["1", "6.12"],
      ["0", "6.1"],
    ].map(([serial, version]) => [
      `Acme, Linux ${version}`,
      `sda3:/ostree/boot.1/os/abc/${serial}/usr/lib/modules/${version}/vmlinuz`,
      `sda3:/ostree/boot.1/os/abc/${serial}/usr/lib/modules/${version}/initramfs.img`,
      `root=UUID=u rw ostree=/ostree/boot.1/os/abc/${serial}`,
    ]),
  );
  assert.equal(defaultIndex, null);
  assert.ok(entries.every(({ unchecked }) => unchecked !== undefined));
});

test("where a boot filesystem has the system's own entries, those count", async () => {
  const boot = treeVolume({ [`/ostree/os-${"a".repeat(64)}/vmlinuz-6.1`]: "k" }, { name: "sda2" });
  const root = treeVolume(FILES, options.volume);
  assert.deepEqual((await ostree.parse("/ostree/deploy", contextOf(root, { others: [boot] }))).entries, []);
});

test("a repository without deployments gives nothing", async () => {
  assert.deepEqual((await readTree(ostree, { "/ostree/deploy/os/x": "" }, options)).entries, []);
});
