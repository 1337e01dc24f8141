import assert from "node:assert/strict";
import { test } from "node:test";
import type { BootCodeName } from "../../src/devices/bootcode.ts";
import type { BootSector } from "../../src/discovery/bootsector.ts";
import type { GrubPlace } from "../../src/formats/grub/embedded.ts";
import type { BootList } from "../../src/policy/list.ts";
import { NO_RULES } from "../../src/policy/readconfig.ts";
import { type Disk, listOf } from "./machine.ts";

type Sectors = NonNullable<Parameters<typeof listOf>[5]>;
type Machine = Record<string, Disk>;

const titleOf = ({ entries, defaultId }: BootList): string | null =>
  entries.find(({ id }) => id === defaultId)?.title ?? null;
const menu = (title: string, head = ""): string => `${head}\nmenuentry "${title}" { linux /vmlinuz root=LABEL=x }\n`;
const grubDisk = (title: string, head = "", more: Disk["files"] = {}): Disk => ({
  files: { "boot/grub/grub.cfg": menu(title, head), vmlinuz: "kernel", ...more },
});
/** A configuration that names its default, and the files of a loader beside it. */
const LEFT_OVER = grubDisk("Left over", "set default=0", { "boot/grub/i386-pc/core.img": "core" });
const grub = (place: Partial<GrubPlace> | null, more: Partial<BootSector> = {}): Sectors[string] => ({
  code: { name: "grub" },
  place: place && { tag: null, partition: null, folder: "/boot/grub", ...place },
  ...more,
});
const other = (name: BootCodeName, active?: number): Sectors[string] => ({
  code: { name, ...(active !== undefined && { active }) },
});
const uuid = (value: string): Partial<GrubPlace> => ({ tag: { tag: "UUID", value } });
const machine = (
  disks: Machine,
  sectors: Sectors,
  firmware: "pc" | "efi" = "pc",
  late: Machine = {},
): Promise<BootList> => listOf(disks, undefined, firmware, NO_RULES, late, sectors);

test("what the boot sector's GRUB leads to is the machine's, whatever another partition has left over", async () => {
  const disks = { sda1: LEFT_OVER, sda2: grubDisk("System"), sda3: LEFT_OVER };
  for (const place of [{ partition: 2 }, uuid("uuid-sda2")]) {
    const list = await machine(disks, { sda: grub(place) });
    assert.equal(titleOf(list), "System", list.why);
    assert.match(list.why, /^sda2:\/boot\/grub\/grub\.cfg is what GRUB in sda's boot sector starts with/);
    assert.equal(list.isDecided, true);
  }
});

test("where the boot sector can't be followed, what lies beside a loader's files counts as before", async () => {
  const disks = { sda1: grubDisk("First", "set default=0"), sda2: LEFT_OVER };
  for (const sector of [
    grub(null),
    grub({ partition: 7 }),
    grub({ folder: "/baton" }),
    other("windows"),
    other("active"),
  ]) {
    assert.equal(titleOf(await machine(disks, { sda: sector })), "Left over", JSON.stringify(sector));
  }
});

test("under UEFI no boot sector is started", async () => {
  const list = await machine({ sda1: LEFT_OVER, sda2: grubDisk("System") }, { sda: grub({ partition: 2 }) }, "efi");
  assert.equal(titleOf(list), "Left over");
});

test("a prefix of GRUB's for RAID or LVM leads to what has that name", async () => {
  const raid: Disk = { ...grubDisk("System"), aliases: ["md/boot", "mduuid/0123456789abcdef0123456789abcdef"] };
  const sectors = { sda: grub({ alias: "mduuid/0123456789abcdef0123456789abcdef" }) };
  assert.equal(titleOf(await machine({ sda1: LEFT_OVER, sdb1: raid }, sectors)), "System");
  const missing = await machine({ sda1: LEFT_OVER }, sectors);
  assert.deepEqual([titleOf(missing), missing.isDecided], ["Left over", false], "it may still come");
  assert.match(missing.why, /Left over|sda1/);
  const late = await machine({ sda1: LEFT_OVER }, sectors, "pc", { sdb1: raid });
  assert.equal(titleOf(late), "System");
});

test("disks are started in their order: the first whose boot sector can be followed has the default", async () => {
  const disks = { sda1: grubDisk("First"), sdb1: grubDisk("Second", "set default=0") };
  const both = { sda: grub({ partition: 1 }), sdb: grub({ partition: 1 }) };
  assert.equal(titleOf(await machine(disks, both)), "First");
  const windows = await machine(
    { sda1: { type: "ntfs", files: {} }, sdb1: grubDisk("Second") },
    {
      sda: other("active", 1),
      sda1: other("windows"),
      sdb: grub({ partition: 1 }),
    },
  );
  assert.equal(titleOf(windows), "Second");
  assert.match(windows.why, /passed over: sda's boot sector \(Windows on sda1: Baton can't follow it\)/);
  const across = await machine({ sda1: LEFT_OVER, sdb1: grubDisk("Second") }, { sda: grub(uuid("uuid-sdb1")) });
  assert.equal(titleOf(across), "Second", "a boot sector of the first disk may lead to the second");
});

test("the loader whose code it is reads its own configuration, not another's beside it", async () => {
  const syslinux: Disk = {
    files: { "syslinux.cfg": "DEFAULT a\nLABEL a\nMENU LABEL System\nLINUX /vmlinuz\n", vmlinuz: "kernel" },
  };
  const lilo: Disk = {
    files: { "etc/lilo.conf": "image=/vmlinuz\n  label=System\n", "boot/map": "map", vmlinuz: "kernel" },
  };
  const legacy: Disk = {
    files: { "boot/grub/menu.lst": "title System\nroot (hd0,1)\nkernel /vmlinuz ro\n", vmlinuz: "kernel" },
  };
  const cases: readonly (readonly [string, Disk, Sectors])[] = [
    ["extlinux behind a plain MBR", syslinux, { sda: other("active", 2), sda2: other("syslinux") }],
    ["LILO in the MBR", lilo, { sda: other("lilo") }],
    ["GRUB legacy in the MBR", legacy, { sda: other("grub-legacy") }],
    ["GRUB legacy in its partition", legacy, { sda: other("active", 2), sda2: other("grub-legacy") }],
    ["GRUB4DOS", legacy, { sda: other("grub4dos") }],
  ];
  for (const [what, disk, sectors] of cases) {
    const list = await machine({ sda1: LEFT_OVER, sda2: disk }, sectors);
    assert.equal(titleOf(list), "System", `${what}: ${list.why}`);
    assert.match(list.why, /sda's boot sector/, what);
  }
});

test("a stick's boot sector neither takes the default nor says which of the machine's configurations is the right one", async () => {
  const disks = {
    sda1: grubDisk("System", "set default=0"),
    sda2: grubDisk("Other"),
    sdb1: { ...LEFT_OVER, removable: true },
  };
  for (const place of [uuid("uuid-sda2"), { partition: 1 }]) {
    const list = await machine(disks, { sdb: grub(place, { removable: true }) });
    assert.equal(titleOf(list), "System");
  }
  const copied: Disk = { ...grubDisk("Copy", "set default=0"), uuid: "uuid-x", removable: true };
  const list = await machine({ sda1: grubDisk("System"), sdb1: copied }, { sda: grub(uuid("uuid-x")) });
  assert.equal(titleOf(list), "System", "a stick with the UUID doesn't stand in for it");
});

test("an entry that starts a boot sector opens the menu that its code reads, else it says whose code that is", async () => {
  const own = (to: string): Disk => ({
    files: { "boot/grub/grub.cfg": `menuentry "Other" { ${to} }\n${menu("Own")}`, vmlinuz: "kernel" },
  });
  const chain = own("chainloader (hd0,msdos2)+1");
  const linked = await machine({ sda1: chain, sda2: grubDisk("System") }, { sda2: grub({ folder: "/boot/grub" }) });
  const entryOf = (list: BootList, title: string) => list.entries.find((entry) => entry.title === title)!;
  assert.equal(entryOf(linked, "Other").leadsTo?.id, entryOf(linked, "System").id);
  const windows = await machine({ sda1: chain, sda2: { type: "ntfs", files: {} } }, { sda2: other("windows") });
  assert.equal(entryOf(windows, "Other").bootable, false);
  assert.match(entryOf(windows, "Other").reason ?? "", /boot sector.*in it stands Windows$/);
  const passed = await machine({ sda1: chain, sda2: LEFT_OVER }, { sda2: other("windows") });
  assert.equal(entryOf(passed, "Other").leadsTo, undefined, "files beside it are not what runs");
});

const reasonOf = (list: BootList, title: string): string =>
  list.entries.find((entry) => entry.title === title)?.reason ?? "";

test("GRUB legacy's chainloader starts the boot sector of what is named, or of the root", async () => {
  const cases: readonly (readonly [commands: string, sector: string | null])[] = [
    ["rootnoverify (hd0,1)\nmakeactive\nchainloader +1", "sda2"],
    ["root (hd0,1)\nchainloader --force +1", "sda2"],
    ["chainloader (hd0,1)+1", "sda2"],
    ["rootnoverify (hd0,0)\nchainloader (hd0,1)0+1", "sda2"],
    ["rootnoverify (hd0)\nchainloader +1", "sda"],
    ["chainloader (hd0)+1", "sda"],
    ["rootnoverify (hd0,1)\nchainloader 2+1", null],
    ["rootnoverify (hd0,1)\nchainloader /bootmgr", null],
    ["chainloader (hd0,5)+1", null],
  ];
  for (const [commands, sector] of cases) {
    const list = await machine(
      {
        sda1: { files: { "boot/grub/menu.lst": `title Other\n${commands}\n`, vmlinuz: "kernel" } },
        sda2: { type: "ntfs", files: {} },
      },
      { sda: other("lilo"), sda2: other("windows") },
    );
    const whose =
      sector === null
        ? /only the firmware's own loader can do$/
        : sector === "sda"
          ? /stands LILO$/
          : /stands Windows$/;
    assert.match(reasonOf(list, "Other"), whose, commands);
  }
});

test("GRUB's chainloader of the whole disk starts its boot sector", async () => {
  for (const to of ["chainloader (hd0)+1", "set root=hd0\nchainloader +1"]) {
    const list = await machine(
      { sda1: { files: { "boot/grub/grub.cfg": `menuentry "Other" { ${to} }\n` } } },
      { sda: other("active", 2), sda2: other("windows") },
    );
    assert.match(reasonOf(list, "Other"), /stands the active partition's loader$/, to);
  }
});

test("SYSLINUX's chain.c32 starts the boot sector that its arguments name", async () => {
  const cases: readonly (readonly [args: string, sector: string | null])[] = [
    ["hd0 2", "sda2"],
    ["hd0,2", "sda2"],
    ["boot 2", "sda2"],
    ["boot,2 swap", "sda2"],
    ["mbr:0x0badcafe 2", "sda2"],
    ["mbr=badcafe,2", "sda2"],
    ["label=Other", "sda2"],
    ["guid:0BADCAFE-02", "sda2"],
    ["hd0", "sda"],
    ["boot", "sda"],
    ["mbr:0x0badcafe", "sda"],
    ["fs", "sda1"],
    ["hd1 2", null],
    ["hd0 7", null],
    ["hd0 2 ntldr=/bootmgr", null],
    ["file=/boot.bin", null],
    ["", null],
  ];
  const whose = { sda: /stands LILO$/, sda1: /stands GRUB4DOS$/, sda2: /stands Windows$/ } as const;
  for (const [args, sector] of cases) {
    for (const command of [
      `COM32 chain.c32\nAPPEND ${args}`,
      `KERNEL chain.c32\nAPPEND ${args}`,
      `COM32 chain.c32 ${args}`,
    ]) {
      const list = await machine(
        {
          sda1: {
            files: { "syslinux.cfg": `DEFAULT a\nLABEL a\nMENU LABEL Other\n${command}\n` },
            partuuid: "0badcafe-01",
          },
          sda2: { type: "ntfs", files: {}, partuuid: "0badcafe-02", partlabel: "Other" },
        },
        { sda: other("lilo"), sda1: other("grub4dos"), sda2: other("windows") },
      );
      const reason = reasonOf(list, "Other");
      if (sector === null) assert.doesNotMatch(reason, /stands/, command);
      else assert.match(reason, whose[sector as keyof typeof whose], command);
    }
  }
});

test("an entry of GRUB legacy's or SYSLINUX's opens the menu behind the boot sector", async () => {
  const files = {
    "GRUB legacy": { "boot/grub/menu.lst": "title Other\nroot (hd0,1)\nchainloader +1\n" },
    SYSLINUX: { "syslinux.cfg": "DEFAULT a\nLABEL a\nMENU LABEL Other\nCOM32 chain.c32\nAPPEND hd0 2\n" },
  };
  for (const [what, of] of Object.entries(files)) {
    for (const sectors of [{ sda2: grub({ partition: 2 }) }, {}] as Sectors[]) {
      const list = await machine({ sda1: { files: of }, sda2: LEFT_OVER }, sectors);
      const [link] = list.entries.filter(({ title }) => title === "Other");
      assert.equal(link?.leadsTo?.id, list.entries.find(({ title }) => title === "Left over")?.id, what);
    }
  }
});

test("Limine's and LILO's entries for other systems start a boot sector, too", async () => {
  const limine = (options: string): Disk["files"] => ({ "limine.conf": `/Other\n  protocol: bios\n${options}` });
  const lilo = (more: string): Disk["files"] => ({ "etc/lilo.conf": `${more}\n  label=Other\n` });
  const cases: readonly (readonly [string, Disk["files"], string | null])[] = [
    ["the drive that Limine started from", limine(""), "LILO"],
    ["its second partition", limine("  partition: 2\n"), "Windows"],
    ["by the MBR's number", limine("  mbr_id: 0x0badcafe\n  partition: 2\n"), "Windows"],
    ["by GUID", limine("  gpt_guid: 0badcafe-02\n"), "Windows"],
    ["a drive by its number", limine("  drive: 2\n  partition: 2\n"), null],
    ["LILO: a partition", lilo("boot=/dev/hda\nother=/dev/hda2"), "Windows"],
    ["LILO: the disk", lilo("boot=/dev/sda\nother=/dev/sda"), "LILO"],
    ["LILO: another disk's", lilo("boot=/dev/hda\nother=/dev/hdb2"), null],
    ["LILO: nobody says which disk is which", lilo("other=/dev/hda2"), null],
  ];
  for (const [what, files, whose] of cases) {
    const list = await machine(
      {
        sda1: { files, partuuid: "0badcafe-01" },
        sda2: { type: "ntfs", files: {}, partuuid: "0badcafe-02" },
      },
      { sda: other("lilo"), sda2: other("windows") },
    );
    const reason = reasonOf(list, "Other");
    if (whose === null) assert.doesNotMatch(reason, /stands/, what);
    else assert.ok(reason.endsWith(`stands ${whose}`), `${what}: ${reason}`);
  }
});
