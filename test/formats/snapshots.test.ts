/** Snapshots of a btrfs: where they lie, what they are called, and which of their kernels find their modules. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { grub } from "../../src/formats/grub/grub.ts";
import { snapshots } from "../../src/formats/snapshots.ts";
import { assertGolden } from "./golden.ts";
import { assertWellFormed } from "./invariants.ts";
import { contextOf, type Files, treeVolume } from "./tree.ts";

const KERNEL = Buffer.alloc(0x206);
KERNEL.write("HdrS", 0x202);

const BTRFS = { name: "sda1", type: "btrfs", uuid: "aa" };

async function listed(files: Files, more: Parameters<typeof treeVolume>[1] = {}) {
  const volume = treeVolume(files, { ...BTRFS, ...more });
  const found = [];
  for (const place of await snapshots.find(volume)) {
    const result = await snapshots.parse(place, contextOf(volume));
    assertWellFormed(result);
    found.push(...result.entries.map(({ title, snapshot }) => ({ title, ...snapshot! })));
  }
  return found;
}

test("snapper's and timeshift's snapshots with a kernel are entries, the newest first", () =>
  assertGolden("snapshots-btrfs", [grub, snapshots]));

test("snapper's lie in a subvolume of their own, too, and may then be of any system", async () => {
  for (const place of ["/@snapshots", "/.snapshots", "/@.snapshots"]) {
    const files = { [`${place}/7/snapshot/boot/vmlinuz-1.2`]: KERNEL, [`${place}/7/snapshot/lib/modules/1.2/x`]: "" };
    const [one, ...more] = await listed(files);
    assert.deepEqual(
      [one!.title, one!.subvolume, one!.of],
      ["Snapshot 7, Linux 1.2", `${place.slice(1)}/7/snapshot`, null],
    );
    assert.deepEqual(more, []);
  }
});

test("any other is one where the filesystem says so, with what it is of and whether it is read-only", async () => {
  const files = { "/backup/one/boot/vmlinuz-1.2": KERNEL, "/@new/boot/vmlinuz-1.2": KERNEL };
  assert.deepEqual(await listed(files), []);
  const subvolumes = async () => [
    { path: "@new", snapshotOf: null, readOnly: false },
    { path: "backup/one", snapshotOf: "@", readOnly: true },
  ];
  const [one, ...more] = await listed(files, { subvolumes });
  assert.deepEqual([one!.title, one!.of], ["Snapshot backup/one, Linux 1.2", "@"]);
  assert.match(one!.warnings.join("; "), /no modules.*read-only/);
  assert.deepEqual(more, []);
});

test("no other filesystem has any, nor a path that rootflags= can't say", async () => {
  assert.deepEqual(await listed({ "/.snapshots/1/snapshot/boot/vmlinuz-1": KERNEL }, { type: "ext4" }), []);
  assert.deepEqual(await listed({ "/timeshift-btrfs/snapshots/2026/a,b/boot/vmlinuz-1": KERNEL }), []);
});

test("of hundreds the newest fifty are listed", async () => {
  const numbers = Array.from({ length: 200 }, (_, index) => index + 1);
  const files = Object.fromEntries(numbers.map((n) => [`/.snapshots/${n}/snapshot/boot/vmlinuz-1`, KERNEL]));
  const all = await listed(files);
  assert.equal(all.length, 50);
  assert.match(all[0]!.title, /^Snapshot 200,/);
});
