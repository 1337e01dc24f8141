import assert from "node:assert/strict";
import { test } from "node:test";
import type { BootEntry } from "../../src/entry.ts";
import type { BootList } from "../../src/policy/list.ts";
import { type BootRules, NO_RULES } from "../../src/policy/readconfig.ts";
import { makePe } from "../binary/pefile.ts";
import { embeddedGrub } from "../formats/grub/embeddedgrub.ts";
import { type Disk, listOf } from "./machine.ts";

const menu = (title: string, more = ""): string =>
  `${more}\nmenuentry "${title}" { linux /vmlinuz root=LABEL=${title} }\n`;
const chain = (title: string, to: string, more = ""): string => `menuentry "${title}" ${more} { ${to} }\n`;
const esp = (files: Disk["files"], more: Partial<Disk> = {}): Disk => ({
  type: "vfat",
  files: { vmlinuz: "k", ...files },
  ...more,
});
const ext4 = (files: Disk["files"], more: Partial<Disk> = {}): Disk => ({ files: { vmlinuz: "k", ...files }, ...more });
const find = ({ entries }: BootList, title: string): BootEntry => entries.find((entry) => entry.title === title)!;
const titleOf = (list: BootList): string | null => list.entries.find(({ id }) => id === list.defaultId)?.title ?? null;
const unattended = (list: BootList): string[] =>
  list.unattended.map((id) => list.entries.find((entry) => entry.id === id)!.title);

/** A system partition whose menu's first entry starts the other bootloader. */
const first = (to: string, more: Disk["files"] = {}): Disk =>
  esp({ "EFI/first/grub.cfg": `set timeout=7\n${chain("Other", to)}${menu("Own")}`, ...more });

test("an entry that starts another bootloader opens its menu, and boots that menu's default", async () => {
  const other = ext4({ "boot/grub/grub.cfg": menu("Spare") + menu("System", "set default=1\nset timeout=30") });
  const stub = "search.fs_uuid uuid-sda2 root\nconfigfile ($root)/boot/grub/grub.cfg\n";
  const cases: Record<string, Record<string, Disk>> = {
    "GRUB with a stub": {
      sda1: first("chainloader /EFI/other/grubx64.efi", {
        "EFI/other/grubx64.efi": "GRUB",
        "EFI/other/grub.cfg": stub,
      }),
      sda2: other,
    },
    "shim, as os-prober writes it": {
      sda1: first("search --no-floppy --fs-uuid --set=root uuid-sda1\nchainloader /efi/OTHER/shimx64.efi", {
        "EFI/other/shimx64.efi": "shim",
        "EFI/other/grub.cfg": stub,
      }),
      sda2: other,
    },
    "a boot partition of its own with GRUB in the default place, as Ubuntu Core has it": {
      sda1: first("search --set=boot_fs --fs-uuid uuid-sda2\nchainloader ($boot_fs)/EFI/boot/grubx64.efi"),
      sda2: ext4({
        "EFI/boot/grubx64.efi": "GRUB",
        "EFI/core/grub.cfg": menu("Spare") + menu("System", "set default=1"),
      }),
    },
    "systemd-boot": {
      sda1: first("chainloader /EFI/systemd/systemd-bootx64.efi", {
        "EFI/systemd/systemd-bootx64.efi": "sd",
        "loader/loader.conf": "default system.conf\n",
        "loader/entries/spare.conf": "title Spare\nlinux /vmlinuz\noptions root=LABEL=Spare\n",
        "loader/entries/system.conf": "title System\nlinux /vmlinuz\noptions root=LABEL=System\n",
      }),
    },
    "systemd-boot starts GRUB": {
      sda1: esp({
        "EFI/systemd/systemd-bootx64.efi": "sd",
        "loader/loader.conf": "default other.conf\n",
        "loader/entries/other.conf": "title Other\nefi /EFI/other/grubx64.efi\n",
        "loader/entries/own.conf": "title Own\nlinux /vmlinuz\noptions root=LABEL=Own\n",
        "EFI/other/grubx64.efi": "GRUB",
        "EFI/other/grub.cfg": stub,
      }),
      sda2: other,
    },
    "without a stub, the one configuration of its disk": {
      sda1: first("chainloader /EFI/other/grubx64.efi", { "EFI/other/grubx64.efi": "GRUB" }),
      sda2: other,
    },
    syslinux: {
      sda1: first("chainloader /EFI/syslinux/syslinux.efi", {
        "EFI/syslinux/syslinux.efi": "syslinux",
        "EFI/syslinux/syslinux.cfg":
          "DEFAULT b\nLABEL a\nMENU LABEL Spare\nLINUX /vmlinuz\nAPPEND root=LABEL=Spare\nLABEL b\nMENU LABEL System\nLINUX /vmlinuz\nAPPEND root=LABEL=System\n",
      }),
    },
  };
  for (const [what, disks] of Object.entries(cases)) {
    const list = await listOf(disks);
    const link = find(list, "Other");
    assert.equal(titleOf(list), "System", `${what}: ${list.why}`);
    assert.equal(unattended(list)[0], "System", `${what}: ${list.why}`);
    assert.match(list.why, /Other opens sda\d:/, what);
    assert.equal(link.bootable, true, `${what}: ${link.reason}`);
    assert.equal(link.linux, null);
    assert.equal(link.leadsTo?.id, find(list, "System").id, what);
    assert.ok(!unattended(list).includes("Other") && !unattended(list).includes("Own"), what);
  }
});

test("on a BIOS a partition's boot sector opens the menu whose boot loader is installed there", async () => {
  const onie = ext4(
    { "grub/grub.cfg": menu("Install", "set default=0"), "grub/i386-pc/core.img": "core" },
    { label: "ONIE-BOOT" },
  );
  for (const to of [
    "search --label --set=root ONIE-BOOT\nchainloader +1",
    "chainloader (hd0,gpt2)+1",
    "set root=hd0,2\nchainloader +1",
  ]) {
    const list = await listOf(
      { sda1: ext4({ "boot/grub/grub.cfg": chain("Other", to) + menu("Own") }), sda2: onie },
      undefined,
      "pc",
    );
    assert.equal(find(list, "Other").leadsTo?.id, find(list, "Install").id, to);
  }
  for (const to of [
    "chainloader (hd0)+1",
    "set root=hd0\nchainloader +1",
    "chainloader (hd0,gpt2)2+1",
    "chainloader (hd0,gpt3)+1",
  ]) {
    const disks = {
      sda1: ext4({ "boot/grub/grub.cfg": chain("Other", to) + menu("Own") }),
      sda2: onie,
      sda3: ext4({ "x/y": "" }),
    };
    const list = await listOf(disks, undefined, "pc");
    assert.equal(find(list, "Other").leadsTo, undefined, to);
    assert.equal(find(list, "Other").bootable, false, to);
  }
});

test("the first menu's time counts, and what it would have saved", async () => {
  const saving = `set timeout=7\nload_env\nif [ -n "$next_entry" ]; then set default=$next_entry; set next_entry=; save_env next_entry; fi\n`;
  const list = await listOf({
    sda1: esp({
      "EFI/first/grub.cfg": saving + menu("Own") + chain("Other", "chainloader /EFI/other/grubx64.efi"),
      "EFI/first/grubenv": `# GRUB Environment Block\nnext_entry=1\n${"#".repeat(985)}`,
      "EFI/other/grubx64.efi": "GRUB",
      "EFI/other/grub.cfg": menu("System", "set default=0\nset timeout=30"),
    }),
  });
  assert.equal(titleOf(list), "System");
  assert.equal(list.timeout, 7);
  assert.match(JSON.stringify(find(list, "System").writes), /next_entry/);
});

test("a stick that starts a disk's programs takes neither their place nor their number", async () => {
  const many = Array.from({ length: 100 }, (_, i) =>
    chain(`Stick ${i}`, `search --fs-uuid --set=root uuid-sdb1\nchainloader /EFI/x/${i}.efi`),
  );
  const list = await listOf({
    sda1: esp({ "boot/grub/grub.cfg": many.join("") }, { removable: true }),
    sdb1: first("chainloader /EFI/other/grubx64.efi", {
      "EFI/other/grubx64.efi": "GRUB",
      "EFI/other/grub.cfg": menu("System", "set default=0"),
    }),
  });
  assert.deepEqual(unattended(list), ["System"]);
});

test("each menu is opened once: a circle boots nothing by itself", async () => {
  const to = (name: string): string => `chainloader /EFI/${name}/grubx64.efi`;
  const circle = esp({
    "EFI/first/grubx64.efi": "GRUB",
    "EFI/first/grub.cfg": chain("To second", to("second")) + menu("First"),
    "EFI/second/grubx64.efi": "GRUB",
    "EFI/second/grub.cfg": chain("To third", to("third")) + menu("Second"),
    "EFI/third/grubx64.efi": "GRUB",
    "EFI/third/grub.cfg": chain("To first", to("first")) + menu("Third"),
  });
  const list = await listOf({ sda1: circle });
  assert.deepEqual(unattended(list), []);
  assert.equal(titleOf(list), "To second");
  assert.match(list.why, /leads back to itself/);
  for (const title of ["To second", "To third", "To first"]) {
    assert.equal(find(list, title).bootable, false);
    assert.match(find(list, title).reason!, /leads back to itself/);
  }
  const chainOfThree = esp({ ...circle.files, "EFI/third/grub.cfg": menu("Third") });
  const through = await listOf({ sda1: chainOfThree });
  assert.equal(titleOf(through), "Third");
  assert.match(through.why, /To second opens sda1:.EFI.second.grub.cfg, where To third opens sda1:.EFI.third.grub.cfg/);
});

test("an entry that starts its own menu leads back to itself", async () => {
  const list = await listOf({
    sda1: esp({
      "EFI/first/grubx64.efi": "GRUB",
      "EFI/first/grub.cfg": chain("Again", "chainloader /EFI/first/grubx64.efi") + menu("Own"),
    }),
  });
  assert.match(find(list, "Again").reason!, /leads back to itself/);
  assert.deepEqual(unattended(list), []);
});

test("what is no bootloader that Baton knows stays an entry that can't be booted", async () => {
  const pe = makePe([[".text", "code"]]);
  for (const [path, content] of [
    ["/EFI/Microsoft/Boot/bootmgfw.efi", "MZ"],
    ["/EFI/BOOT/BOOTX64.EFI", pe],
    ["/EFI/tool/shell.efi", "MZ"],
    ["/EFI/gone/grubx64.efi", null],
  ] as const) {
    const files = { "EFI/other/grub.cfg": menu("System"), ...(content === null ? {} : { [path.slice(1)]: content }) };
    const list = await listOf({ sda1: first(`chainloader ${path}`, files) });
    const link = find(list, "Other");
    assert.equal(link.leadsTo, undefined, path);
    assert.equal(link.bootable, false, path);
    assert.match(link.reason!, /starts another boot program/, path);
    assert.equal(titleOf(list), "Other", path);
    assert.deepEqual(unattended(list), [], path);
  }
});

test("of several configurations that it may read the one that its program has built in is meant, else none", async () => {
  const started = (program: string | Uint8Array): Promise<BootList> =>
    listOf({
      sda1: first("chainloader /EFI/other/grubx64.efi", { "EFI/other/grubx64.efi": program }),
      sda2: ext4({ "boot/grub/grub.cfg": menu("Another") }),
      sda3: ext4({ "boot/grub/grub.cfg": menu("System") }),
    });
  const built = await started(embeddedGrub({ prefix: "(,gpt3)/boot/grub" }));
  assert.equal(find(built, "Other").leadsTo?.id, find(built, "System").id);
  const list = await started("GRUB");
  assert.equal(find(list, "Other").leadsTo, undefined);
  assert.deepEqual(unattended(list), []);
});

test("by itself a menu is opened only where it may boot by itself", async () => {
  const at = (entry: string, other: Disk, rules: Partial<BootRules> = {}): Promise<BootList> =>
    listOf({ sda1: esp({ "EFI/first/grub.cfg": entry + menu("Own") }), sdb1: other }, undefined, "efi", {
      ...NO_RULES,
      ...rules,
    });
  const to = "search --fs-uuid --set=root uuid-sdb1\nchainloader /EFI/other/grubx64.efi";
  const other = (config: string, more: Partial<Disk> = {}): Disk =>
    esp({ "EFI/other/grubx64.efi": "GRUB", "EFI/other/grub.cfg": config }, more);
  const system = other(menu("System", "set default=0"));
  assert.deepEqual(unattended(await at(chain("Other", to), system)), ["System"]);

  const closed: Record<string, BootList> = {
    "on a removable device": await at(chain("Other", to), other(menu("System", "set default=0"), { removable: true })),
    "outside the owner's order": await at(chain("Other", to), system, { order: ["UUID=uuid-sda1"] }),
    "a password stands before it": await at(`set superusers=root\n${chain("Other", to)}`, system),
    "a check that can't be made": await at(`set check_signatures=enforce\n${chain("Other", to)}`, system),
    "its first entry merely stands first and erases": await at(
      chain("Other", to),
      other(`menuentry "Wipe" { linux /vmlinuz autonuke }\n`),
    ),
  };
  for (const [what, list] of Object.entries(closed)) {
    assert.equal(titleOf(list), "Other", what);
    assert.deepEqual(unattended(list), [], what);
    assert.notEqual(find(list, "Other").leadsTo, undefined, what);
  }
  const named = await at(chain("Other", to), other(`set default=0\nmenuentry "Wipe" { linux /vmlinuz autonuke }\n`));
  assert.deepEqual(unattended(named), ["Wipe"], "its own configuration names it");
});

test("as the owner's default or fallback, and as its configuration's fallback, it means what it leads to", async () => {
  const disks = (head: string): Record<string, Disk> => ({
    sda1: esp({
      "EFI/first/grub.cfg": `${head}\n${menu("Own")}${chain("Other", "chainloader /EFI/other/grubx64.efi")}`,
      "EFI/other/grubx64.efi": "GRUB",
      "EFI/other/grub.cfg": menu("System"),
    }),
  });
  const by = async (rules: Partial<BootRules>, head = ""): Promise<string[]> =>
    unattended(await listOf(disks(head), undefined, "efi", { ...NO_RULES, ...rules }));
  assert.deepEqual(await by({}), ["Own"]);
  assert.deepEqual(await by({ default: "Other" }), ["System"]);
  assert.deepEqual(await by({ fallback: ["Other"] }), ["Own", "System"]);
  assert.deepEqual(await by({}, "set fallback=1"), ["Own", "System"]);
  assert.match(
    (await listOf(disks(""), undefined, "efi", { ...NO_RULES, default: "Other" })).why,
    /it is named: default Other; Other opens/,
  );
});

test("a menu on a disk that comes later is opened once it is there", async () => {
  const to = "search --fs-uuid --set=root uuid-sdb1\nchainloader /EFI/other/grubx64.efi";
  const early = { sda1: esp({ "EFI/first/grub.cfg": chain("Other", to) + menu("Own") }) };
  const late = { sdb1: esp({ "EFI/other/grubx64.efi": "GRUB", "EFI/other/grub.cfg": menu("System") }) };
  const before = await listOf(early);
  assert.deepEqual([titleOf(before), unattended(before), before.isDecided], ["Other", [], false]);
  const list = await listOf(early, undefined, "efi", NO_RULES, late);
  assert.deepEqual(unattended(list), ["System"]);
});
