/** Snapshots in the list: with their system's command line, in a submenu, and never by themselves. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { snapshotOptions } from "../../src/discovery/snapshots.ts";
import { listOf } from "./machine.ts";

const KERNEL = `${"\0".repeat(0x202)}HdrS`;
const UUID = "uuid-sda2";
const menu = (subvolume: string, more = ""): string =>
  `menuentry "System ${subvolume}" ${more} { search --fs-uuid --set=root ${UUID}\n linux /${subvolume}/boot/vmlinuz-2 root=UUID=${UUID} rootflags=subvol=${subvolume},ssd quiet }\n`;
const snapshot = (at: string) => ({ [`${at}/boot/vmlinuz-1`]: KERNEL, [`${at}/lib/modules/1/x`]: "" });
const SNAPPER = snapshot("@/.snapshots/3/snapshot");
const TIMESHIFT = snapshot("timeshift-btrfs/snapshots/2026-01-02_03-04-05/@");

const listed = async (files: Record<string, string>, others: Parameters<typeof listOf>[0] = {}) =>
  listOf({ sda2: { files: { "@/boot/vmlinuz-2": KERNEL, ...files }, type: "btrfs" }, ...others });

test("a snapshot has its system's command line with its own subvolume, and waits for a person", async () => {
  const { entries, unattended, order } = await listed({ "@/boot/grub/grub.cfg": menu("@"), ...SNAPPER, ...TIMESHIFT });
  const [own, ...found] = entries;
  assert.deepEqual([own!.isDefault, unattended, order], [true, [own!.id], [own!.id]]);
  assert.deepEqual(
    found.map(({ submenu, options, bootable, isDefault }) => [submenu, options, bootable, isDefault]),
    ["timeshift-btrfs/snapshots/2026-01-02_03-04-05/@", "@/.snapshots/3/snapshot"].map((path) => [
      ["Snapshots on sda2"],
      `BOOT_IMAGE=/${path}/boot/vmlinuz-1 root=UUID=${UUID} quiet rootflags=subvol=${path},ssd`,
      ...[true, false],
    ]),
  );
  assert.equal(new Set(found.map(({ config }) => config)).size, 1, "in one submenu");
  for (const { unchecked } of found) assert.match(unchecked!, /^it is a snapshot/);
});

test("a snapshot that a menu has already, or whose system nothing names, isn't offered", async () => {
  const own = `${menu("@")}${menu("@/.snapshots/3/snapshot").replace("vmlinuz-2", "vmlinuz-1")}`;
  const titles = async (files: Record<string, string>) => (await listed(files)).entries.map(({ title }) => title);
  assert.deepEqual(await titles({ "@/boot/grub/grub.cfg": own, ...SNAPPER }), [
    "System @",
    "System @/.snapshots/3/snapshot",
  ]);
  assert.deepEqual(await titles(SNAPPER), []);
});

test("each is given to the system that it is of; where that can't be told, it can't be booted", async () => {
  const files = {
    "@/boot/grub/grub.cfg": menu("@"),
    "other/boot/grub/grub.cfg": menu("other"),
    "other/boot/vmlinuz-2": KERNEL,
  };
  const { entries } = await listed({ ...files, ...SNAPPER, ...snapshot("@snapshots/1/snapshot") });
  const rows = entries.filter(({ type }) => type === "snapshot").map(({ title, reason }) => [title, reason]);
  assert.deepEqual(rows, [
    ["Snapshot 3, Linux 1", null],
    [
      "Snapshot 1, Linux 1",
      "there are several systems on its filesystem, and it can't be told of which it is a snapshot",
    ],
  ]);
});

test("a snapshot of what its bootloader keeps shut is shut as well", async () => {
  const locked = `set superusers="root"\npassword root secret\n${menu("@")}`;
  const { entries, locks } = await listed({ "@/boot/grub/grub.cfg": locked, ...SNAPPER });
  const found = entries.find(({ type }) => type === "snapshot")!;
  assert.deepEqual(found.restricted, entries[0]!.restricted);
  assert.notEqual(found.restricted, null);
  assert.deepEqual(locks.find(({ source }) => source === found.config)?.superusers, ["root"]);
});

test("one system's password opens no snapshot of another that has its own", async () => {
  const locked = (name: string): string => `set superusers="root"\npassword root ${name}\n${menu(name)}`;
  const { entries } = await listed({
    ...{ "@/boot/grub/grub.cfg": locked("@"), ...SNAPPER, ...snapshot("other/.snapshots/1/snapshot") },
    ...{ "other/boot/grub/grub.cfg": locked("other"), "other/boot/vmlinuz-2": KERNEL },
  });
  const found = entries.filter(({ type }) => type === "snapshot");
  assert.deepEqual(
    found.map(({ bootable, restricted }) => bootable && restricted !== null),
    [true, false],
  );
  assert.match(found[1]!.reason!, /passwords/);
});

test("all of rootflags= stays but the subvolume, by name or number; quotes stay around what needs them", () => {
  const cases: Record<string, string> = {
    "root=LABEL=x ro": "root=LABEL=x ro rootflags=subvol=s",
    "rootflags=subvolid=256,noatime,subvol=/@ rw": "rw rootflags=subvol=s,noatime",
    'a="b c" "rootflags=subvol=@" initrd=\\x rootflags=ssd': 'a="b c" rootflags=subvol=s,ssd',
    "BOOT_IMAGE=(hd0,gpt2)/@/boot/k quiet": "BOOT_IMAGE=/s/boot/k quiet rootflags=subvol=s",
  };
  for (const [given, wanted] of Object.entries(cases)) assert.equal(snapshotOptions(given, "s", "/s/boot/k"), wanted);
});
