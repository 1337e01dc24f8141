/** Partitions without a filesystem that a boot loader reads as a whole, by files that stand for them. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type DiskSpec, discoverDirectories } from "../../src/discovery/directories.ts";
import { formatFileRef } from "../../src/entry.ts";
import { openFiles } from "../../src/loader/openfiles.ts";
import { filesOf, listFiles } from "../../src/loader/refs.ts";
import { NO_RULES } from "../../src/policy/readconfig.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-partitions-"));
after(() => rmSync(folder, { recursive: true }));

function spec(name: string, directory: string, partlabel: string | null = null): DiskSpec {
  return { name, directory, partlabel, uuid: null, label: null, partuuid: null, type: null };
}

const PARTITIONS = ["boot_a", "boot_b", "init_boot_a", "init_boot_b", "vendor_boot_a", "vendor_boot_b", "misc"];
const image = (number: number): string =>
  join(import.meta.dirname, `../corpus/android-slots/mmcblk0p${number}/${PARTITIONS[number - 1]}.img`);

test("partitions in any order make one menu: the slot on trial is the default, the one that has come up boots by itself", async () => {
  const disks = PARTITIONS.map((label, index) => spec(`p${index + 1}`, image(index + 1), label)).reverse();
  const discovery = await discoverDirectories(disks, { firmware: "efi", arch: "aarch64" }, NO_RULES);
  const { entries, unattended, defaultId } = discovery.list;
  assert.deepEqual(
    entries.map(({ nativeId, bootable, reason }) => [nativeId, bootable, reason]),
    [
      ["boot_a", true, null],
      ["boot_b", true, null],
    ],
  );
  assert.equal(defaultId, entries[1]!.id);
  assert.match(discovery.devices.find(({ name }) => name === "p7")!.reason!, /a part of what Android/);
  assert.deepEqual(unattended, [entries[0]!.id]);
  assert.equal(formatFileRef(entries[0]!.linux!), "p1:/boot_a.img");
  const opened = listFiles(await openFiles(discovery, filesOf(entries[0]!, "aarch64")));
  assert.deepEqual(
    opened.map(({ size, offset }) => [size, offset]),
    [
      [8192, 0],
      [12288, 0],
      [8192, 0],
      [12288, 0],
    ],
  );
  await Promise.all(opened.map(({ handle }) => handle.close()));
});

test("without a name of its own a boot image is boot.img, and a file that is no such image says so", async () => {
  const other = join(folder, "other");
  writeFileSync(other, Buffer.alloc(4096));
  const disks = [spec("a", image(1)), spec("b", other), spec("c", image(1), "../x")];
  const discovery = await discoverDirectories(disks, { firmware: "efi", arch: "aarch64" }, NO_RULES);
  const [first, second] = discovery.devices;
  assert.deepEqual(first!.sources, ["/boot.img"]);
  assert.match(second!.reason!, /neither a directory nor/);
  assert.deepEqual(
    discovery.list.entries.map(({ linux }) => linux && formatFileRef(linux)),
    ["a:/boot.img", "c:/boot.img"],
  );
});
