import assert from "node:assert/strict";
import { test } from "node:test";
import { unreadable } from "../../src/discovery/unreadable.ts";
import { type Disk, listOf } from "./machine.ts";

const MENU = `menuentry "System" { linux /vmlinuz root=LABEL=x }\n`;
const titles = async (disks: Record<string, Disk>): Promise<string[]> =>
  (await listOf(disks)).entries.map(({ title }) => title);
const disk = (files: Disk["files"], more: Partial<Disk> = {}): Disk => ({
  files: { vmlinuz: "kernel", ...files },
  ...more,
});
const stub = (uuid: string, path: string): string => `search.fs_uuid ${uuid} root\nconfigfile ($root)${path}\n`;

test("a configuration that several names lead to is one menu", async () => {
  const entry = "title System\nlinux /vmlinuz\noptions root=LABEL=x\n";
  const cases: Record<string, Disk> = {
    "/boot is a link to the root of its own volume": disk({ "grub2/grub.cfg": MENU, boot: { link: "." } }),
    "/boot/boot is one, in a volume that holds both": disk({
      "boot/grub/grub.cfg": MENU,
      "boot/boot": { link: "." },
      grub: { link: "boot/grub" },
    }),
    "one bootloader's folder is a link to the other's": disk({
      "boot/grub/grub.cfg": MENU,
      "boot/grub2": { link: "grub" },
    }),
    "the file alone is a link": disk({
      "boot/grub2/grub.cfg": MENU,
      "boot/grub/grub.cfg": { link: "../grub2/grub.cfg" },
    }),
    "the file has two names by a hard link": disk({
      "boot/grub/grub.cfg": MENU,
      "boot/grub2/grub.cfg": { hardLink: "boot/grub/grub.cfg" },
    }),
    "entries of systemd-boot's": disk({ "loader/entries/a.conf": entry, boot: { link: "." } }),
    "a link from a subvolume": disk({ "@/boot/grub/grub.cfg": MENU, "@snap": { link: "@" } }, { type: "btrfs" }),
    syslinux: disk({
      "boot/syslinux/syslinux.cfg": "LABEL x\nMENU LABEL System\nLINUX /vmlinuz\nAPPEND root=LABEL=x\n",
      syslinux: { link: "boot/syslinux" },
    }),
  };
  for (const [what, one] of Object.entries(cases)) assert.deepEqual(await titles({ sda1: one }), ["System"], what);
});

test("a copy is another file", async () => {
  assert.deepEqual(await titles({ sda1: disk({ "boot/grub/grub.cfg": MENU, "boot/grub2/grub.cfg": MENU }) }), [
    "System",
    "System",
  ]);
});

test("what a system partition's GRUB leads to is listed once, by whatever name it says", async () => {
  for (const path of ["/boot/grub2/grub.cfg", "/grub2/grub.cfg", "/menu/../grub2/grub.cfg", "/hard.cfg", "/soft.cfg"]) {
    const found = await listOf({
      sda1: disk({ "EFI/house/grub.cfg": stub("uuid-sda2", path) }, { type: "vfat" }),
      sda2: disk({
        "grub2/grub.cfg": MENU,
        boot: { link: "." },
        "menu/x": "",
        "hard.cfg": { hardLink: "grub2/grub.cfg" },
        "soft.cfg": { link: "boot/grub2/grub.cfg" },
      }),
    });
    assert.deepEqual(
      found.entries.map(({ source }) => source),
      ["sda2:/grub2/grub.cfg"],
      path,
    );
    assert.match(found.why, /is what the EFI system partition.s GRUB starts with/);
  }
});

test("two equal stubs lead to one menu, and a stub may spell a name on FAT in any case", async () => {
  const to = stub("uuid-sda2", "/boot/grub/grub.cfg");
  const system = disk({ "boot/grub/grub.cfg": MENU });
  const both = { "EFI/BOOT/grub.cfg": to, "EFI/house/grub.cfg": to };
  assert.deepEqual(await titles({ sda1: { type: "vfat", files: both }, sda2: system }), ["System"]);
  const spelled = {
    "EFI/BOOT/grub.cfg": "configfile /efi/HOUSE/Grub.CFG\n",
    "EFI/house/grub.cfg": MENU,
    vmlinuz: "kernel",
  };
  assert.deepEqual(await titles({ sda1: { type: "vfat", files: spelled } }), ["System"]);
});

test("a name that leads to what Baton can't read says what that is", () => {
  const pool = {
    name: "sda2",
    type: "zfs_member",
    uuid: "15186027794240820929",
    label: "bpool",
    reason: "a member of a ZFS pool",
  };
  const raid = { name: "sdb1", type: "linux_raid_member", uuid: "ab-cd", label: null, reason: "a member of a RAID" };
  const plain = { name: "sdc1", type: "ext4", uuid: "77", label: "x", reason: null };
  const ask = (selector: string): string | null => unreadable(selector, [plain, raid, pool]);
  assert.equal(ask("UUID=d2bf9bd1e0eed6c1"), "sda2 answers to UUID=d2bf9bd1e0eed6c1: a member of a ZFS pool");
  for (const name of ["UUID=D2BF9BD1E0EED6C1", "UUID=15186027794240820929", "LABEL=bpool"])
    assert.match(ask(name)!, /ZFS/, name);
  assert.match(ask("UUID=AB-CD")!, /^sdb1 answers to UUID=AB-CD: a member of a RAID/);
  for (const name of ["UUID=d2bf9bd1e0eed6c2", "UUID=77", "LABEL=BPOOL", "hd0,gpt2", "PARTUUID=77"])
    assert.equal(ask(name), null, name);
});

test("a pool that isn't attached is told by the way in which GRUB names one and by its root", async () => {
  const config = (options: string): string =>
    `menuentry "Pool" {\n search --fs-uuid --set=root d2bf9bd1e0eed6c1\n linux /BOOT/a@/vmlinuz ${options}\n}\n`;
  const reasonOf = async (options: string): Promise<string | null> =>
    (await listOf({ sda1: disk({ "boot/grub/grub.cfg": config(options) }) })).entries[0]!.reason;
  assert.match((await reasonOf("root=ZFS=rpool/ROOT/a"))!, /ZFS pool, which Baton can't read/);
  assert.match((await reasonOf("root=/dev/sda2"))!, /no attached device answers to UUID=d2bf9bd1e0eed6c1$/);
});
