import assert from "node:assert/strict";
import { test } from "node:test";
import type { BootList } from "../../src/policy/list.ts";
import { makePe } from "../binary/pefile.ts";
import { embeddedGrub } from "../formats/grub/embeddedgrub.ts";
import { type Disk, listOf } from "./machine.ts";

const titleOf = ({ entries, defaultId }: BootList): string | null =>
  entries.find(({ id }) => id === defaultId)?.title ?? null;

const stub = (uuid: string, path = "/boot/grub/grub.cfg"): string =>
  `search.fs_uuid ${uuid} root\nset prefix=($root)${path.replace(/\/[^/]*$/, "")}\nconfigfile $prefix/${path.replace(/^.*\//, "")}\n`;
const menu = (title: string, head = ""): string => `${head}\nmenuentry "${title}" { linux /vmlinuz root=LABEL=x }\n`;
const grubDisk = (title: string, head = "", path = "boot/grub/grub.cfg"): Disk => ({
  files: { [path]: menu(title, head), vmlinuz: "kernel" },
});
const SERVICE = grubDisk("Repair", "set default=0");
const esp = (files: Disk["files"]): Disk => ({ type: "vfat", files });

test("a configuration that the system partition's GRUB leads to comes before one that names a default", async () => {
  for (const order of [
    ["sda1", "sda2", "sda3"],
    ["sda3", "sda1", "sda2"],
    ["sda2", "sda3", "sda1"],
  ]) {
    const all: Record<string, Disk> = {
      sda1: esp({ "EFI/house/grub.cfg": stub("uuid-sda3") }),
      sda2: SERVICE,
      sda3: grubDisk("System"),
    };
    const list = await listOf(Object.fromEntries(order.map((name) => [name, all[name]!])));
    assert.equal(titleOf(list), "System", order.join(" "));
    assert.match(list.why, /is what the EFI system partition's GRUB starts with/);
    assert.equal(list.entries.filter(({ title }) => title === "System").length, 1);
  }
});

test("a partition of its own for /boot has its configuration in /grub", async () => {
  const list = await listOf({
    sda1: esp({ "EFI/house/grub.cfg": stub("uuid-sda3", "/grub/grub.cfg") }),
    sda2: SERVICE,
    sda3: grubDisk("System", "", "grub/grub.cfg"),
  });
  assert.equal(titleOf(list), "System");
});

test("the default is the one that the configuration has by the way that the firmware takes", async () => {
  const two = `if [ -n "$pick" ]; then set default=$pick; fi${menu("One")}${menu("Two")}`;
  const list = await listOf({
    sda1: { files: { "boot/grub/grub.cfg": two, vmlinuz: "kernel" } },
    sda2: esp({ "EFI/house/grub.cfg": `set pick=1\nexport pick\n${stub("uuid-sda1")}` }),
  });
  assert.equal(titleOf(list), "Two");
});

test("a vendor's folder comes before \\EFI\\BOOT", async () => {
  const list = await listOf({
    sda1: esp({ "EFI/BOOT/grub.cfg": stub("uuid-sda2"), "EFI/house/grub.cfg": stub("uuid-sda3") }),
    sda2: SERVICE,
    sda3: grubDisk("System"),
  });
  assert.equal(titleOf(list), "System");
});

test("of two vendors' folders the one whose configuration names its default is taken, and neither loses to a service partition", async () => {
  const both = (head: string): Promise<BootList> =>
    listOf({
      sda1: SERVICE,
      sda2: esp({ "EFI/first/grub.cfg": stub("uuid-sda3"), "EFI/second/grub.cfg": stub("uuid-sda4") }),
      sda3: grubDisk("First"),
      sda4: grubDisk("Second", head),
    });
  assert.equal(titleOf(await both("")), "First");
  assert.equal(titleOf(await both("set default=0")), "Second");
});

test("systemd-boot's menu on the system partition comes before another partition's GRUB", async () => {
  for (const loader of [
    { "EFI/systemd/systemd-bootx64.efi": "MZ" },
    { "EFI/BOOT/BOOTX64.EFI": "MZ", "loader/loader.conf": "timeout 3\n" },
  ]) {
    const list = await listOf({
      sda1: SERVICE,
      sda2: esp({
        ...loader,
        "loader/entries/a.conf": "title System\nlinux /k\noptions root=/dev/sda3\n",
        k: "kernel",
      }),
    });
    assert.equal(titleOf(list), "System");
    assert.match(list.why, /systemd-boot|EFI.BOOT/);
  }
  // A folder of entries alone is nobody's menu.
  const bare = esp({ "loader/entries/a.conf": "title System\nlinux /k\noptions root=/dev/sda3\n", k: "kernel" });
  assert.equal(titleOf(await listOf({ sda1: SERVICE, sda2: bare })), "Repair");
});

test("a disk's own layout counts on that disk: an earlier disk that names its default keeps it", async () => {
  const list = await listOf({
    sda1: grubDisk("First disk", "set default=0"),
    sdb1: esp({ "EFI/house/grub.cfg": stub("uuid-sdb2") }),
    sdb2: grubDisk("Second disk"),
  });
  assert.equal(titleOf(list), "First disk");
  assert.equal(list.isDecided, true);
});

test("a stick whose GRUB leads to the built-in disk's configuration takes neither entries nor the default from it", async () => {
  const list = await listOf({
    sda1: { ...esp({ "EFI/house/grub.cfg": `${stub("uuid-sdb1")}set default=0` }), removable: true },
    sdb1: grubDisk("System"),
  });
  assert.equal(titleOf(list), "System");
  assert.match(list.entries[0]?.id ?? "", /^uuid-sdb1:/);
});

test("on a BIOS the configuration beside an installed boot loader is the machine's", async () => {
  for (const disks of [
    {
      sda1: SERVICE,
      sda2: { files: { ...grubDisk("System").files, "boot/grub/i386-pc/core.img": "core" } },
    },
    {
      sda1: SERVICE,
      sda2: {
        files: {
          "boot/syslinux/syslinux.cfg": "DEFAULT System\nLABEL System\n LINUX /vmlinuz\n",
          "boot/syslinux/ldlinux.sys": "sys",
          vmlinuz: "kernel",
        },
      },
    },
  ]) {
    const list = await listOf(disks, undefined, "pc");
    assert.equal(titleOf(list), "System");
    assert.match(list.why, /boot loader that is installed beside it/);
    assert.equal(titleOf(await listOf(disks)), "Repair", "under UEFI no boot sector is started");
  }
});

/** EFI_LOAD_OPTION with a hard drive node for a GPT partition, and a file. */
function loadOption(title: string, partuuid: string | null, file: string | null): Buffer {
  const nodes: Buffer[] = [];
  if (partuuid !== null) {
    const drive = Buffer.alloc(42);
    drive.set([4, 1, 42, 0]);
    const [a, b, c, d, e] = partuuid.split("-") as [string, string, string, string, string];
    for (const [at, hex] of [
      [24, a],
      [28, b],
      [30, c],
    ] as const)
      drive.set(Buffer.from(hex, "hex").reverse(), at);
    drive.set(Buffer.from(d + e, "hex"), 32);
    drive.set([2, 2], 40);
    nodes.push(drive);
  }
  if (file !== null) {
    const text = Buffer.from(`${file}\0`, "utf16le");
    nodes.push(Buffer.concat([Buffer.from([4, 4, text.length + 4, 0]), text]));
  }
  const paths = Buffer.concat([...nodes, Buffer.from([0x7f, 0xff, 4, 0])]);
  const head = Buffer.alloc(6);
  head.writeUInt32LE(1, 0);
  head.writeUInt16LE(paths.length, 4);
  return Buffer.concat([head, Buffer.from(`${title}\0`, "utf16le"), paths]);
}

const uint16s = (...numbers: number[]): Buffer => Buffer.from(Uint16Array.from(numbers).buffer);
const PART_A = "11111111-1111-4111-8111-111111111111";
const PART_B = "22222222-2222-4222-8222-222222222222";
const NOT_THERE = "33333333-3333-4333-8333-333333333333";

test("BootOrder says which disk's loader is first; Baton, Windows and the network are passed over and named", async () => {
  const disks = {
    sda1: { ...esp({ "EFI/first/grub.cfg": stub("uuid-sda2") }), partuuid: PART_A },
    sda2: grubDisk("First", "set default=0"),
    sdb1: {
      ...esp({ "EFI/second/grub.cfg": stub("uuid-sdb2"), "EFI/Microsoft/Boot/bootmgfw.efi": "MZ" }),
      partuuid: PART_B,
    },
    sdb2: grubDisk("Second"),
  };
  const variables = {
    BootCurrent: uint16s(7),
    BootOrder: uint16s(7, 0, 1, 2, 3),
    Boot0007: loadOption("Baton", PART_A, "\\EFI\\BATON\\BATON.EFI"),
    Boot0000: loadOption("Windows Boot Manager", PART_B, "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"),
    Boot0001: loadOption("PXEv4", null, null),
    Boot0002: loadOption("second", PART_B, "\\EFI\\SECOND\\SHIMX64.EFI"),
    Boot0003: loadOption("first", PART_A, "\\EFI\\first\\grubx64.efi"),
  };
  const list = await listOf(disks, variables);
  assert.equal(titleOf(list), "Second");
  assert.match(list.why, /Boot0002 second/);
  assert.match(
    list.why,
    /passed over: Boot0007 Baton \(Baton itself\), Boot0000 Windows Boot Manager \(Baton can't follow it\)/,
  );
  assert.match(list.why, /Boot0001 PXEv4 \(on no disk\)/);
  assert.equal(list.isDecided, true);
  const swapped = await listOf(disks, { ...variables, BootOrder: uint16s(0, 3, 2) });
  assert.equal(titleOf(swapped), "First");
});

test("a loader whose disk isn't there yet may still come first, so nothing is decided", async () => {
  const disks = {
    sda1: { ...esp({ "EFI/first/grub.cfg": stub("uuid-sda2") }), partuuid: PART_A },
    sda2: grubDisk("First", "set default=0"),
  };
  const late = loadOption("late", NOT_THERE, "\\EFI\\late\\grubx64.efi");
  const own = loadOption("first", PART_A, "\\EFI\\first\\grubx64.efi");
  const list = await listOf(disks, { BootOrder: uint16s(1, 2), Boot0001: late, Boot0002: own });
  assert.deepEqual([titleOf(list), list.isDecided], ["First", false]);
  assert.match(list.why, /Boot0001 late \(its disk isn't there\)/);
  const after = await listOf(disks, { BootOrder: uint16s(2, 1), Boot0001: late, Boot0002: own });
  assert.equal(after.isDecided, true);
});

test("the firmware's entry for systemd-boot leads to its menu, one for a program to that program's entry", async () => {
  const conf = (title: string, kernel: string): string => `title ${title}\nlinux ${kernel}\noptions root=/dev/sda3\n`;
  const disks = {
    sda1: {
      ...esp({
        "EFI/systemd/systemd-bootx64.efi": "MZ",
        "loader/entries/a.conf": conf("First", "/a.efi"),
        "loader/entries/b.conf": conf("Second", "/b.efi"),
        "a.efi": "kernel",
        "b.efi": "kernel",
      }),
      partuuid: PART_A,
    },
    sda2: { ...esp({ "EFI/house/grub.cfg": stub("uuid-sda3") }), partuuid: PART_B },
    sda3: grubDisk("GRUB's", "set default=0"),
  };
  const start = (file: string): Promise<BootList> =>
    listOf(disks, { BootOrder: uint16s(1), Boot0001: loadOption("it", PART_A, file) });
  const bySystemd = await start("\\EFI\\systemd\\systemd-bootx64.efi");
  assert.match(bySystemd.why, /loader.entries is what the firmware's Boot0001 it starts with/);
  assert.equal(titleOf(await start("\\B.EFI")), "Second");
  assert.equal(titleOf(await start("\\A.EFI")), "First");
});

test("GRUB without a small configuration beside it has its own built in: the one on its disk", async () => {
  const list = await listOf(
    {
      sda1: grubDisk("Other disk", "set default=0"),
      sdb1: { ...esp({ "EFI/arch/grubx64.efi": "MZ" }), partuuid: PART_B },
      sdb2: grubDisk("System"),
    },
    { BootOrder: uint16s(1), Boot0001: loadOption("arch", PART_B, "\\EFI\\arch\\grubx64.efi") },
  );
  assert.equal(titleOf(list), "System");
});

test("GRUB legacy's file beside GRUB 2's never has the default; an empty default is the first entry", async () => {
  const legacy = "default 0\ntitle Former\nroot (hd0,0)\nkernel /vmlinuz-old ro\n";
  const files = { "boot/grub/menu.lst": legacy, "vmlinuz-old": "kernel", vmlinuz: "kernel" };
  const present = menu("Present", 'set default="${saved_entry}"');
  for (const path of ["boot/grub2/grub.cfg", "boot/grub/grub.cfg", "grub/grub.cfg"]) {
    assert.equal(titleOf(await listOf({ sda1: { files: { ...files, [path]: present } } })), "Present", path);
  }
  assert.equal(titleOf(await listOf({ sda1: { files } })), "Former");
});

test("a name means the configuration's own disk first, then a built-in one, then what can be taken out", async () => {
  const root = (uuid: string, removable = false): Disk => ({ uuid, removable, files: { vmlinuz: "kernel" } });
  const search = {
    files: { "boot/grub/grub.cfg": `menuentry "A" { search --set=root --fs-uuid same\n linux /vmlinuz }` },
  };
  const linuxOf = async (disks: Record<string, Disk>): Promise<unknown> => (await listOf(disks)).entries[0]?.linux;
  const onDevice = (device: string): unknown => ({ device, path: "/vmlinuz" });
  const stickFirst = { sda1: root("same", true), sdb1: search, sdc1: root("same") };
  assert.deepEqual(await linuxOf(stickFirst), onDevice("sdc1"));
  assert.deepEqual(await linuxOf({ ...stickFirst, sdb2: root("same") }), onDevice("sdb2"));
  assert.deepEqual(await linuxOf({ sda1: root("same", true), sdb1: search }), onDevice("sda1"));
});

test("what a vendor's GRUB has built in says which configuration it comes to, where there is no stub", async () => {
  const bySearch = embeddedGrub({
    prefix: "/EFI/house",
    config: "search.fs_uuid uuid-sda3 root\nset prefix=($root)'/boot/grub'\n",
  });
  const cases: Record<string, Disk["files"]> = {
    "by UUID": { "EFI/house/grubx64.efi": bySearch },
    "by the partition's number": { "EFI/house/grubx64.efi": embeddedGrub({ prefix: "(,gpt3)/boot/grub" }) },
    "in the default place": { "EFI/BOOT/BOOTX64.EFI": bySearch },
    "before the stub beside it, which it doesn't read": {
      "EFI/house/grubx64.efi": bySearch,
      "EFI/house/grub.cfg": stub("uuid-sda2"),
    },
  };
  for (const [what, files] of Object.entries(cases)) {
    const list = await listOf({ sda1: esp(files), sda2: SERVICE, sda3: grubDisk("System") });
    assert.equal(titleOf(list), "System", `${what}: ${list.why}`);
    assert.match(list.why, /has built in/, what);
  }
});

test("a place that is built in and isn't there says nothing, and a stick's copy doesn't stand in for it", async () => {
  const program = embeddedGrub({
    prefix: "/x",
    config: "search.fs_uuid uuid-gone root\nset prefix=($root)/boot/grub\n",
  });
  const gone = await listOf({
    sda1: esp({ "EFI/house/grubx64.efi": program }),
    sda2: SERVICE,
    sda3: grubDisk("System"),
  });
  assert.equal(titleOf(gone), "Repair");
  const stick: Disk = { ...grubDisk("Stick", "set default=0"), uuid: "uuid-gone", removable: true };
  const beside = await listOf({ sda1: esp({ "EFI/house/grubx64.efi": program }), sda2: SERVICE, sdb1: stick });
  assert.equal(titleOf(beside), "Repair");
});

test("where the firmware has no entries, shim in the default place starts what the vendors' BOOTX64.CSV names", async () => {
  const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");
  const shim = makePe([[".sbat", "sbat,1,SBAT Version,sbat,1,x\nshim,4,UEFI shim,shim,1,x\n"]]);
  const files = (more: Disk["files"]): Disk["files"] => ({
    "EFI/BOOT/BOOTX64.EFI": shim,
    "EFI/BOOT/fbx64.efi": "fb",
    "EFI/alpha/grub.cfg": stub("uuid-sda2"),
    "EFI/beta/grub.cfg": stub("uuid-sda3"),
    "EFI/beta/shimx64.efi": shim,
    "EFI/beta/BOOTX64.CSV": utf16("shimx64.efi,beta,,This is the boot entry for beta\n"),
    ...more,
  });
  const titleWith = async (more: Disk["files"], variables?: Record<string, Buffer>): Promise<string | null> => {
    const list = await listOf(
      { sda1: { ...esp(files(more)), partuuid: PART_A }, sda2: SERVICE, sda3: grubDisk("System") },
      variables,
    );
    return titleOf(list);
  };
  assert.equal(await titleWith({}), "System");
  assert.equal(
    await titleWith({ "EFI/beta/BOOTX64.CSV": utf16("\ufeffshimx64.efi,beta,,x\r\nother.efi,x,,y\r\n") }),
    "System",
    "a mark",
  );
  assert.equal(
    await titleWith({ "EFI/BOOT/grub.cfg": stub("uuid-sda2") }),
    "System",
    "shim doesn't start the GRUB beside it",
  );
  const without: Record<string, Disk["files"]> = {
    "the default loader isn't shim": { "EFI/BOOT/BOOTX64.EFI": makePe([[".text", "code"]]) },
    "no list": { "EFI/beta/BOOTX64.CSV": "" },
    "a list in another encoding": { "EFI/beta/BOOTX64.CSV": "shimx64.efi,beta,,x\n" },
  };
  for (const [what, more] of Object.entries(without)) assert.equal(await titleWith(more), "Repair", what);
  const started = { BootOrder: uint16s(1), Boot0001: loadOption("alpha", PART_A, "\\EFI\\alpha\\shimx64.efi") };
  assert.equal(await titleWith({}, started), "Repair", "the firmware's own entries say more");
});

const utf16 = (text: string): string => Buffer.from(text, "utf16le").toString("latin1");
/** Each loader's program with the name of its configuration in it, as a real one has it, and that configuration. */
const LOADERS: Readonly<Record<string, { program: Uint8Array; file: string; config: string; name: string }>> = {
  Limine: {
    program: makePe([[".data", "/boot/limine/limine.conf"]]),
    file: "limine.conf",
    config: "/System\n  protocol: linux\n  path: boot():/vmlinuz\n",
    name: "limine_x64.efi",
  },
  rEFInd: {
    program: makePe([[".data", utf16("refind.conf\0")]]),
    file: "refind.conf",
    config: "scanfor manual\nmenuentry System {\n  loader /vmlinuz\n}\n",
    name: "refind_x64.efi",
  },
  ELILO: {
    program: makePe([[".data", utf16("elilo.conf\0")]]),
    file: "elilo.conf",
    config: "image=/vmlinuz\n  label=System\n",
    name: "elilo-x86_64.efi",
  },
  SYSLINUX: {
    program: makePe([[".data", "/boot/syslinux/syslinux.cfg"]]),
    file: "syslinux.cfg",
    config: "DEFAULT a\nLABEL a\nMENU LABEL System\nLINUX /vmlinuz\n",
    name: "syslinux.efi",
  },
};

test("the firmware's entry for Limine, rEFInd, ELILO and SYSLINUX leads to the configuration beside the program", async () => {
  for (const [loader, { program, file, config, name }] of Object.entries(LOADERS)) {
    const places: Readonly<Record<string, string | null>> = {
      [`EFI/house/${name}`]: `\\EFI\\house\\${name}`,
      "EFI/house/BOOTX64.EFI": "\\EFI\\HOUSE\\BOOTX64.EFI",
      "EFI/BOOT/BOOTX64.EFI": null,
    };
    for (const [path, entry] of Object.entries(places)) {
      for (const content of [program, "MZ"]) {
        const folder = path.replace(/\/[^/]*$/, "");
        const own = { [path]: content, [`${folder}/${file}`]: config, vmlinuz: "kernel" };
        // Another loader was here, too, and its menu names a default.
        const disks = {
          sda1: { ...esp({ ...own, "EFI/left/grub.cfg": menu("Left over", "set default=0") }), partuuid: PART_A },
          sda2: SERVICE,
        };
        const list = await listOf(disks, { BootOrder: uint16s(1), Boot0001: loadOption("it", PART_A, entry) });
        const what = `${loader} in ${path}, ${content === "MZ" ? "by its place" : "by what it holds"}: ${list.why}`;
        assert.equal(titleOf(list), "System", what);
        assert.match(list.why, /the firmware's Boot0001 it starts with/, what);
      }
    }
  }
});

test("where the firmware has no entries, such a program on the system partition counts as GRUB's does", async () => {
  for (const [loader, { program, file, config, name }] of Object.entries(LOADERS)) {
    for (const path of [`EFI/house/${name}`, "EFI/BOOT/BOOTX64.EFI"]) {
      const folder = path.replace(/\/[^/]*$/, "");
      const files = { [path]: program, [`${folder}/${file}`]: config, vmlinuz: "kernel" };
      const list = await listOf({ sda1: SERVICE, sda2: esp(files) });
      assert.equal(titleOf(list), "System", `${loader} in ${path}: ${list.why}`);
      assert.match(list.why, new RegExp(`is the menu of the ${loader} in sda2:`));
    }
    const other = {
      "EFI/BOOT/BOOTX64.EFI": makePe([[".text", "code"]]),
      [`EFI/house/${file}`]: config,
      vmlinuz: "kernel",
    };
    assert.equal(titleOf(await listOf({ sda1: SERVICE, sda2: esp(other) })), "Repair", `${loader}: another program's`);
  }
});
