import assert from "node:assert/strict";
import { test } from "node:test";
import { grub } from "../../../src/formats/grub/grub.ts";
import { memoryVolume } from "./support.ts";

const find = (paths: readonly string[], type = "ext4") =>
  grub.find(memoryVolume(Object.fromEntries(paths.map((path) => [path, ""])), { type }));

test("configurations are found where GRUB's installers put them", async () => {
  assert.deepEqual(await find(["/boot/grub/grub.cfg", "/etc/fstab"]), ["/boot/grub/grub.cfg"]);
  assert.deepEqual(await find(["/grub2/grub.cfg", "/vmlinuz"]), ["/grub2/grub.cfg"]);
  assert.deepEqual(await find(["/EFI/debian/grub.cfg", "/EFI/BOOT/BOOTX64.EFI", "/EFI/fedora/grub.cfg"], "vfat"), [
    "/EFI/debian/grub.cfg",
    "/EFI/fedora/grub.cfg",
  ]);
  assert.deepEqual(
    await find(["/efi/boot/grub.cfg", "/boot/grub/grub.cfg", "/boot/grub/x86_64-efi/grub.cfg"], "iso9660"),
    ["/boot/grub/grub.cfg", "/efi/boot/grub.cfg"],
  );
  assert.deepEqual(await find(["/boot/grub/x86_64-efi/grub.cfg"]), ["/boot/grub/x86_64-efi/grub.cfg"]);
  assert.deepEqual(await find(["/grub.cfg"]), ["/grub.cfg"]);
  assert.deepEqual(await find(["/debian-installer/amd64/grub/grub.cfg"]), ["/debian-installer/amd64/grub/grub.cfg"]);
  assert.deepEqual(await find(["/home/x"]), []);
});

test("on btrfs they are found in the subvolumes that lie at its top", async () => {
  assert.deepEqual(await find(["/@/boot/grub/grub.cfg", "/root/boot/grub2/grub.cfg", "/@home/a"], "btrfs"), [
    "/@/boot/grub/grub.cfg",
    "/root/boot/grub2/grub.cfg",
  ]);
  assert.deepEqual(await find(["/@/boot/grub/grub.cfg"], "ext4"), []);
  assert.deepEqual(await find(["/@/.snapshots/1/snapshot/boot/grub2/grub.cfg"], "btrfs"), [
    "/@/.snapshots/1/snapshot/boot/grub2/grub.cfg",
  ]);
});

test("of openSUSE's snapshots the running system's is the one without a menu entry beside it", async () => {
  const snapshot = (number: number) => `/@/.snapshots/${number}/snapshot/boot/grub2/grub.cfg`;
  const beside = (number: number) => `/@/.snapshots/${number}/grub-snapshot.cfg`;
  assert.deepEqual(await find([snapshot(1), beside(1), snapshot(2), snapshot(3), beside(3)], "btrfs"), [snapshot(2)]);
  assert.deepEqual(await find([snapshot(1), beside(1)], "btrfs"), [snapshot(1)]);
});

test("a volume without any is looked at with few questions", async () => {
  const volume = memoryVolume({ "/home/a": "", "/etc/fstab": "" });
  await grub.find(volume);
  assert.ok((volume.reader as unknown as { asked: Record<string, number> }).asked.stat! <= 2);
});
