import assert from "node:assert/strict";
import { test } from "node:test";
import { PROBES } from "../../src/devices/probes/table.ts";
import { FILESYSTEMS, filesystem, mountTries } from "../../src/volumes/filesystems.ts";

/** Types that one probe tells apart. */
const BY_PROBE: Readonly<Record<string, readonly string[]>> = { ext4: ["ext2", "ext3", "ext4"] };
/** Recognised so that a person hears what is on the disk; mounted plainly where the kernel knows them. */
const ONLY_NAMED = ["apfs", "jfs", "zfs_member"];

test("every filesystem of the table has a probe, and every one that is recognised stands in the table", () => {
  const probed = PROBES.filter(({ usage }) => usage === "filesystem").flatMap(({ type }) => BY_PROBE[type] ?? [type]);
  const rows = FILESYSTEMS.map(({ type }) => type);
  assert.deepEqual(rows.toSorted(), probed.filter((type) => !ONLY_NAMED.includes(type)).toSorted());
});

test("no way of mounting replays a journal that could be replayed", () => {
  const without = /\b(noload|norecovery|nologreplay|disable_roll_forward)\b/;
  for (const { type, replay } of FILESYSTEMS) {
    if (replay === null) continue;
    for (const { data } of mountTries(type)) assert.match(data, without, type);
    assert.doesNotMatch(replay, without, `${type} in memory`);
  }
});

test("what is written keeps a file's blocks in their place, and is heard of before", () => {
  const written = FILESYSTEMS.flatMap(({ type, writable }) => (writable === null ? [] : [type]));
  assert.deepEqual(written.toSorted(), ["ext2", "ext3", "ext4", "vfat", "xfs"]);
});

test("a filesystem without a row is mounted plainly and never written", () => {
  assert.deepEqual(mountTries("nilfs2"), [{ driver: "nilfs2", data: "" }]);
  assert.equal(filesystem("nilfs2").writable, null);
  assert.equal(filesystem(null).writable, null);
  assert.equal(filesystem("constructor").writable, null);
});

test("names fold case where Windows' filesystems are meant, by whatever name", () => {
  for (const type of ["vfat", "fat", "msdos", "exfat", "ntfs"]) assert.equal(filesystem(type).caseless, true, type);
  for (const type of ["ext4", "iso9660", null]) assert.equal(filesystem(type).caseless, undefined);
});
