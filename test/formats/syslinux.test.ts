import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatFileRef, type ParsedEntry } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import type { FormatResult } from "../../src/formats/format.ts";
import { parseAdv } from "../../src/formats/syslinux/adv.ts";
import { parsePxelinux, pxelinux, pxelinuxNames } from "../../src/formats/syslinux/pxelinux.ts";
import { syslinux } from "../../src/formats/syslinux/syslinux.ts";
import { contextOf, type Files, messages, type ReadOptions, readTree, treeVolume } from "./tree.ts";

const lines = (...text: string[]): string => `${text.join("\n")}\n`;
const read = (files: Files, options: ReadOptions = {}): Promise<FormatResult> => readTree(syslinux, files, options);
/** A configuration in /syslinux/syslinux.cfg, and what it includes beside it. */
const config = (text: string, more: Files = {}, options: ReadOptions = {}): Promise<FormatResult> =>
  read({ "/syslinux/syslinux.cfg": text, ...more }, options);
const uboot = (text: string, options: ReadOptions = {}): Promise<FormatResult> =>
  read({ "/extlinux/extlinux.conf": text }, { platform: { arch: "aarch64" }, ...options });

const titles = ({ entries }: FormatResult): string[] => entries.map((e) => [...e.submenu, e.title].join(" > "));
const chosen = ({ entries, defaultIndex }: FormatResult): string | null =>
  defaultIndex === null ? null : entries[defaultIndex]!.title;
const files = (entry: ParsedEntry): string[] =>
  [entry.linux, ...entry.initrd].map((f) => (f ? formatFileRef(f) : "none"));

describe("where configurations lie", () => {
  const find = (paths: readonly string[], fields = {}) =>
    syslinux.find(treeVolume(Object.fromEntries(paths.map((path) => [path, ""])), fields));

  test("the first in each loader's own order is read", async () => {
    assert.deepEqual(await find(["/syslinux/syslinux.cfg", "/boot/syslinux/syslinux.cfg", "/syslinux.cfg"]), [
      "/boot/syslinux/syslinux.cfg",
    ]);
    assert.deepEqual(await find(["/syslinux/extlinux.conf", "/syslinux/syslinux.cfg"]), ["/syslinux/extlinux.conf"]);
    assert.deepEqual(await find(["/boot/extlinux/extlinux.conf", "/extlinux/extlinux.conf"]), [
      "/extlinux/extlinux.conf",
    ]);
    assert.deepEqual(await find(["/EFI/BOOT/syslinux.cfg", "/syslinux.cfg"]), [
      "/syslinux.cfg",
      "/EFI/BOOT/syslinux.cfg",
    ]);
    assert.deepEqual(await find([]), []);
  });

  test("a CD is read as ISOLINUX reads it, and so is a stick with the files of one", async () => {
    const both = ["/boot/syslinux/syslinux.cfg", "/isolinux/isolinux.cfg", "/EFI/BOOT/syslinux.cfg"];
    assert.deepEqual(await find(both, { type: "iso9660" }), ["/isolinux/isolinux.cfg"]);
    assert.deepEqual(await find(["/isolinux/isolinux.cfg"]), ["/isolinux/isolinux.cfg"]);
    assert.deepEqual(await find(["/ISOLINUX/ISOLINUX.CFG"], { type: "iso9660" }), ["/ISOLINUX/ISOLINUX.CFG"]);
  });

  test("its own folder comes first, shown by a part of the program, up to two levels down", async () => {
    assert.deepEqual(await find(["/live/boot/syslinux.cfg", "/live/boot/ldlinux.sys"]), ["/live/boot/syslinux.cfg"]);
    assert.deepEqual(await find(["/tools/extlinux.conf", "/tools/LDLINUX.SYS"], { type: "vfat" }), [
      "/tools/extlinux.conf",
    ]);
    assert.deepEqual(await find(["/live/boot/isolinux.cfg", "/live/boot/isolinux.bin"], { type: "iso9660" }), [
      "/live/boot/isolinux.cfg",
    ]);
    const stale = ["/boot/syslinux/syslinux.cfg", "/syslinux/syslinux.cfg", "/syslinux/ldlinux.sys"];
    assert.deepEqual(await find(stale), ["/syslinux/syslinux.cfg"]);
    assert.deepEqual(await find(["/boot/extlinux.conf", "/boot/ldlinux.sys"]), ["/boot/extlinux.conf"]);
    assert.deepEqual(await find(["/boot/extlinux.conf"]), ["/boot/extlinux.conf"]);
    assert.deepEqual(await find(["/a/b/c/syslinux.cfg", "/a/b/c/ldlinux.sys"]), []);
    assert.deepEqual(await find(["/usr/boot/syslinux.cfg", "/usr/boot/ldlinux.sys"]), []);
  });

  test("for EFI: its own names, and every vendor's folder", async () => {
    assert.deepEqual(await find(["/EFI/BOOT/syslinux.cfg", "/EFI/BOOT/syslx64.cfg"]), ["/EFI/BOOT/syslx64.cfg"]);
    assert.deepEqual(await find(["/EFI/BOOT/syslia32.cfg"]), ["/EFI/BOOT/syslia32.cfg"]);
    assert.deepEqual(await find(["/EFI/kestrel/syslinux.cfg", "/efi/other/readme.txt"], { type: "vfat" }), [
      "/EFI/kestrel/syslinux.cfg",
    ]);
    assert.deepEqual(await find(["/live/efi/syslx64.cfg", "/live/efi/ldlinux.e64"]), ["/live/efi/syslx64.cfg"]);
  });

  test("thousands of folders cost a few looks", async () => {
    let looks = 0;
    const { reader } = treeVolume(Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`/d${at}/e/f`, ""])));
    const list: typeof reader.list = (path) => {
      looks++;
      return reader.list(path);
    };
    assert.deepEqual(await syslinux.find({ ...treeVolume({}), reader: { ...reader, list } }), []);
    assert.ok(looks < 250, `${looks} folders were listed`);
  });

  test("what a copy for the other firmware repeats is listed once, and what it has more stays", async () => {
    const label = (name: string, kernel = "/k"): string => lines(`LABEL ${name}`, `LINUX ${kernel}`, "INITRD /i");
    const volume = treeVolume({
      "/boot/syslinux/syslinux.cfg": `UI menu.c32\nDEFAULT b\n${label("a")}${label("b")}${label("dos", "../../memtest")}`,
      "/EFI/BOOT/syslx64.cfg": `# for EFI\nUI vesamenu.c32\nDEFAULT b\n${label("a", "../../k")}${label("b")}${label("e")}`,
      "/EFI/vendor/syslinux.cfg": label("a"),
    });
    const seen = async (firmware: "efi" | "pc"): Promise<string[]> => {
      const all: string[] = [];
      for (const path of await syslinux.find(volume)) {
        const found = await syslinux.parse(path, contextOf(volume, { platform: { firmware } }));
        all.push(`${path}: ${titles(found).join(" ")}, ${chosen(found)}`);
        assert.deepEqual(found.diagnostics, []);
      }
      return all;
    };
    assert.deepEqual(await seen("pc"), [
      "/boot/syslinux/syslinux.cfg: a b dos, b",
      "/EFI/BOOT/syslx64.cfg: e, null",
      "/EFI/vendor/syslinux.cfg: , null",
    ]);
    assert.deepEqual(await seen("efi"), [
      "/boot/syslinux/syslinux.cfg: dos, null",
      "/EFI/BOOT/syslx64.cfg: a b e, b",
      "/EFI/vendor/syslinux.cfg: , null",
    ]);
  });

  test("names are found whatever their case on the disk, and given as they stand there", async () => {
    assert.deepEqual(await find(["/EXTLINUX/Extlinux.conf"], { type: "vfat" }), ["/EXTLINUX/Extlinux.conf"]);
  });
});

describe("labels and command lines, as Syslinux 6.04 was seen to compose them", () => {
  test("arguments of KERNEL, APPEND with its blanks, INITRD, SYSAPPEND, in this order behind BOOT_IMAGE", async () => {
    const { entries } = await config(
      lines(
        "APPEND globalone",
        "LABEL one",
        "  KERNEL ../../vmlinuz extra",
        "  INITRD ../../i.img,../../j.img",
        "  APPEND   a  b console=ttyS0  c   ",
        "  SYSAPPEND 0x40003",
      ),
      {},
      { volume: { uuid: "5EED-0001" } },
    );
    assert.equal(
      entries[0]!.options,
      "BOOT_IMAGE=../../vmlinuz extra a  b console=ttyS0  c    initrd=../../i.img,../../j.img FSUUID=5EED-0001",
    );
    assert.deepEqual(files(entries[0]!), ["vda1:/vmlinuz", "vda1:/i.img", "vda1:/j.img"]);
  });

  test("of several initrd= the first is loaded, and all stay on the command line", async () => {
    const text = lines("LABEL two", "LINUX /vmlinuz", "INITRD /i.img,/j.img", "APPEND initrd=/k.img console=ttyS0 ");
    const { entries } = await config(text);
    assert.equal(entries[0]!.options, "BOOT_IMAGE=/vmlinuz initrd=/k.img console=ttyS0  initrd=/i.img,/j.img");
    assert.deepEqual(files(entries[0]!), ["vda1:/vmlinuz", "vda1:/k.img"]);
  });

  test("the global APPEND is for labels without one; a dash is for none", async () => {
    const text = lines(
      ...[
        "APPEND quiet",
        "LABEL a",
        "LINUX /k",
        "LABEL b",
        "LINUX /k",
        "APPEND own",
        "LABEL c",
        "LINUX /k",
        "APPEND -",
      ],
    );
    assert.deepEqual(
      (await config(text)).entries.map((entry) => entry.options),
      ["BOOT_IMAGE=/k quiet", "BOOT_IMAGE=/k own", "BOOT_IMAGE=/k"],
    );
  });

  test("a label without a kernel names its own; without MENU LABEL it is its own title", async () => {
    const { entries } = await config(lines("LABEL vmlinuz", "LABEL Two words", "LINUX /k", "MENU LABEL ^Second ^one"));
    assert.deepEqual(
      entries.map((e) => [e.title, e.nativeId, e.hotkey, e.options]),
      [
        ["vmlinuz", "vmlinuz", null, "BOOT_IMAGE=vmlinuz"],
        ["Second one", "Two words", "s", "BOOT_IMAGE=/k"],
      ],
    );
    assert.deepEqual(files(entries[0]!), ["vda1:/syslinux/vmlinuz"]);
  });

  test("the file's name tells KERNEL what it is; what only firmware can start says so", async () => {
    const { entries } = await config(
      lines(
        ...[
          "LABEL a",
          "KERNEL a.c32",
          "LABEL b",
          "KERNEL pxelinux.0",
          "LABEL c",
          "KERNEL boot.bin",
          "LABEL d",
          "LOCALBOOT 0x80",
        ],
        ...["LABEL e", "LINUX boot.bin", "LABEL f", "COM32 chain.c32", "APPEND hd0 1", "LABEL g", "COM32 reboot.c32"],
        ...[
          "LABEL h",
          "KERNEL memdisk",
          "INITRD /img/x.iso",
          "APPEND iso raw",
          "LABEL i",
          "KERNEL memdisk",
          "INITRD bios.img",
        ],
        ...["LABEL j", "FDIMAGE f.img", "LABEL k", "BSS dos.bss", "LABEL l", "COMBOOT x.com"],
      ),
    );
    assert.deepEqual(Object.fromEntries(entries.map((e) => [e.title, e.reason === null ? e.kind : `${e.kind}, not`])), {
      ...{ a: "other, not", b: "other, not", c: "other, not", d: "local, not", e: "linux", f: "local, not" },
      ...{ g: "other, not", h: "iso, not", i: "other, not", j: "other, not", k: "other, not", l: "other, not" },
    });
    assert.deepEqual(files(entries[7]!), ["none", "vda1:/img/x.iso"]);
  });

  test("linux.c32, mboot.c32, ifcpu64.c32 and whichsys.c32 stand for what they start", async () => {
    const text = lines(
      ...["LABEL l", "COM32 linux.c32", "APPEND /vmlinuz x initrd=/a initrd=/b"],
      ...["LABEL xen", "KERNEL mboot.c32", "APPEND xen.gz dom0_mem=1G --- vmlinuz root=/dev/sda1 --- initrd.img"],
      ...["LABEL esx", "KERNEL mboot.c32", "APPEND -c boot.cfg"],
      ...["LABEL cpu", "COM32 ifcpu64.c32", "APPEND k64 -- k32", "LABEL k64", "LINUX /k64", "LABEL k32", "LINUX /k32"],
      ...["LABEL sys", "COM32 whichsys.c32", "APPEND -iso- k32 -pxe- k32 -sys- k64 quiet"],
    );
    const { entries } = await config(text);
    const by = Object.fromEntries(entries.map((entry) => [entry.title, entry]));
    assert.equal(by.l!.options, "BOOT_IMAGE=/vmlinuz x initrd=/a initrd=/b");
    assert.deepEqual(files(by.l!), ["vda1:/vmlinuz", "vda1:/b"]);
    assert.equal(by.xen!.kind, "multiboot");
    assert.deepEqual(
      by.xen!.modules.map((m) => `${formatFileRef(m.file)} ${m.args}`),
      ["vda1:/syslinux/xen.gz dom0_mem=1G", "vda1:/syslinux/vmlinuz root=/dev/sda1", "vda1:/syslinux/initrd.img "],
    );
    assert.match(by.esx!.reason!, /boot\.cfg says, which can't be read/);
    assert.equal(by.cpu!.options, "BOOT_IMAGE=/k64");
    assert.deepEqual(files(by.sys!), ["vda1:/k64"]);
    const on32 = await config(text, {}, { platform: { arch: "i686", firmware: "pc" } });
    assert.equal(on32.entries.find((entry) => entry.title === "cpu")!.options, "BOOT_IMAGE=/k32");
  });

  test("a default that leads to a configuration which can't be read is listed once", async () => {
    const text = lines("DEFAULT more", "LABEL more", "CONFIG gone.cfg", "LABEL linux", "LINUX /k");
    const { entries, defaultIndex, defaultIsExplicit } = await config(text);
    assert.deepEqual(
      entries.map(({ title, reason }) => [title, reason]),
      [
        ["more", "it leads to another configuration, gone.cfg, which can't be read"],
        ["linux", null],
      ],
    );
    assert.deepEqual([defaultIndex, defaultIsExplicit], [0, true]);
  });

  test("mboot.c32 -c lists what VMware's boot.cfg names, with the reason", async () => {
    const menu = lines("LABEL esx", "KERNEL esxi/mboot.c32", "APPEND -c esxi/boot.cfg ks=http://10.0.0.1/ks.cfg");
    const bootCfg = (...more: string[]) =>
      lines(
        ...["bootstate=0", "title=Loading ESXi installer", ...more, "kernel=tboot.b00", "kernelopt=runweasel"],
        "modules=b.b00 --- useropts.gz keep=1 --- http://10.0.0.2/k.b00",
      );
    const modules = async (text: string, more: Record<string, string> = {}) => {
      const { entries, diagnostics } = await config(menu, { "/syslinux/esxi/boot.cfg": text, ...more });
      assert.deepEqual(messages(diagnostics), []);
      const [entry] = entries;
      assert.equal(entry!.kind, "multiboot");
      assert.equal(entry!.reason, "it starts VMware ESXi, which only VMware's own loader can do");
      assert.equal(entry!.options, "runweasel ks=http://10.0.0.1/ks.cfg");
      return entry!.modules.map(({ file, args }) => `${formatFileRef(file)} ${args}`);
    };
    const all = (folder: string) => [
      `vda1:${folder}/tboot.b00 runweasel ks=http://10.0.0.1/ks.cfg`,
      `vda1:${folder}/b.b00 `,
      `vda1:${folder}/useropts.gz keep=1`,
      "http://10.0.0.2/k.b00 ",
    ];
    assert.deepEqual(await modules(bootCfg()), all("/syslinux"));
    assert.deepEqual(await modules(bootCfg(), { "/syslinux/esxi/tboot.b00": "x" }), all("/syslinux/esxi"));
    assert.deepEqual(await modules(bootCfg("prefix=/esxi7")), all("/esxi7"));
    const { entries } = await config(menu, { "/syslinux/esxi/boot.cfg": "title=nothing" });
    assert.match(entries[0]!.reason!, /names no kernel/);
  });

  test("SYSAPPEND bits that nobody here knows are said once, and add nothing", async () => {
    const { entries, diagnostics } = await config(
      lines("SYSAPPEND 0x14", "LABEL a", "LINUX /k", "LABEL b", "LINUX /k", "SYSAPPEND 3"),
    );
    assert.deepEqual(
      entries.map((entry) => entry.options),
      ["BOOT_IMAGE=/k", "BOOT_IMAGE=/k"],
    );
    assert.deepEqual(messages(diagnostics), [
      "2:- SYSAPPEND: Baton doesn't know what belongs to 0x4, 0x10; nothing is added for it",
    ]);
  });

  test("paths start in the configuration's folder, back slashes are slashes, and (hd0,2) is a partition", async () => {
    const text = lines(
      ...[
        "LABEL a",
        "LINUX ..\\boot\\k",
        "INITRD ./i,../../../x",
        "LABEL b",
        "LINUX (hd0,2)/k",
        "LABEL c",
        "LINUX (hd0,3)/k",
      ],
    );
    const second = treeVolume({}, { name: "sda2", disk: "sda", partition: 2 });
    const { entries } = await config(
      text,
      {},
      { volume: { name: "sda1", disk: "sda", partition: 1 }, others: [second] },
    );
    assert.deepEqual(entries.map(files), [
      ["sda1:/boot/k", "sda1:/syslinux/i", "sda1:/x"],
      ["sda2:/k"],
      ["unresolved:hd0,3:/k"],
    ]);
  });
});

describe("menus", () => {
  const kernel = (name: string, ...more: string[]): string[] => [`LABEL ${name}`, `LINUX /${name}`, ...more];

  test("submenus, headings, hidden labels, separators and items that only lead about", async () => {
    const found = await config(
      lines(
        ...["UI vesamenu.c32", "MENU TITLE Top", ...kernel("a"), "MENU SEPARATOR", ...kernel("h", "MENU HIDE")],
        ...[
          "LABEL head",
          "MENU LABEL A ^heading",
          "MENU DISABLE",
          "MENU BEGIN deep",
          "MENU TITLE ^Deeper",
          ...kernel("b"),
        ],
        ...["LABEL back", "MENU LABEL Back", "MENU EXIT", "MENU BEGIN", "MENU LABEL Even ^deeper", ...kernel("c")],
        ...["MENU END", "MENU END", ...kernel("d", "MENU INDENT 2", "MENU PASSWD x"), "LABEL g", "MENU GOTO deep"],
      ),
    );
    assert.deepEqual(titles(found), ["a", "A heading", "Deeper > b", "Deeper > Even deeper > c", "d"]);
    assert.match(found.entries[1]!.reason!, /MENU DISABLE/);
    assert.deepEqual(found.entries[4]!.restricted, ["label d in vda1:/syslinux/syslinux.cfg:25"]);
    assert.deepEqual(found.diagnostics, []);
  });

  test("at a prompt, where no menu is drawn, hidden labels can be typed and are listed", async () => {
    assert.deepEqual(titles(await config(lines(...kernel("a", "MENU HIDE"), "PROMPT 1"))), ["a"]);
  });

  test("MENU INCLUDE with a tag makes a submenu, INCLUDE does not; what stands before ends there", async () => {
    const found = await config(
      lines("UI menu.c32", "LABEL a", "LINUX /a", "MENU INCLUDE b.cfg Other systems", "INCLUDE /other/c.cfg"),
      { "/syslinux/b.cfg": lines(...kernel("b")), "/other/c.cfg": lines(...kernel("c"), "INITRD i") },
    );
    assert.deepEqual(titles(found), ["a", "Other systems > b", "c"]);
    assert.deepEqual(
      files(found.entries[2]!),
      ["vda1:/c", "vda1:/syslinux/i"],
      "names don't start where INCLUDE leads",
    );
    assert.equal(found.entries[1]!.source, "vda1:/syslinux/b.cfg");
  });

  test("a label that starts a menu of other files is a submenu; one that leads back is nothing", async () => {
    const found = await config(
      lines(
        "DEFAULT menu.c32",
        ...kernel("a"),
        "LABEL m",
        "MENU LABEL ^More",
        "KERNEL menu.c32",
        "APPEND more.cfg x.cfg",
      ),
      {
        "/syslinux/more.cfg": lines(
          ...kernel("b"),
          "LABEL back",
          "KERNEL menu.c32",
          "APPEND syslinux.cfg",
          "LABEL r",
          "KERNEL menu.c32",
        ),
        "/syslinux/x.cfg": lines(...kernel("x", "MENU DEFAULT")),
      },
    );
    assert.deepEqual(titles(found), ["a", "More > b", "More > x"]);
    assert.equal(chosen(found), "a");
  });

  test("a configuration that hands over at once is the other's menu, with its working directory", async () => {
    const found = await config(
      lines("DEFAULT go", "LABEL go", "CONFIG sub/x.cfg", "APPEND ../", "LABEL own", "LINUX own"),
      {
        "/syslinux/sub/x.cfg": lines("UI menu.c32", "TIMEOUT 30", "LABEL b", "LINUX b"),
      },
    );
    assert.deepEqual(
      found.entries.map((e) => [e.title, files(e)[0]]),
      [
        ["b", "vda1:/b"],
        ["own", "vda1:/syslinux/own"],
      ],
    );
    assert.deepEqual([found.timeout, chosen(found)], [3, "b"]);
  });

  test("a help prompt that includes the menu which it was called from repeats nothing of it", async () => {
    const menu = lines("LABEL a", "LINUX /a", "LABEL help", "MENU LABEL ^Help", "CONFIG prompt.cfg");
    const found = await config(lines("DEFAULT vesamenu.c32", "INCLUDE menu.cfg"), {
      "/syslinux/menu.cfg": menu,
      "/syslinux/prompt.cfg": lines(
        "PROMPT 1",
        "INCLUDE menu.cfg",
        "LABEL menu",
        "CONFIG menu.cfg",
        "LABEL b",
        "LINUX /b",
      ),
    });
    assert.deepEqual(titles(found), ["a", "Help > b"]);
  });

  test("configurations that lead to one another end, and missing ones are said and listed", async () => {
    const found = await config(
      lines("UI menu.c32", "INCLUDE syslinux.cfg", ...kernel("a"), "LABEL gone", "CONFIG gone.cfg"),
    );
    assert.ok(titles(found).includes("a"));
    assert.ok(found.diagnostics.some((d) => /more than 16 deep/.test(d.message)));
    assert.match(found.entries.at(-1)!.reason!, /gone\.cfg/);
    const missing = await config(lines("INCLUDE nothing.cfg", ...kernel("a")));
    assert.deepEqual(titles(missing), ["a"]);
    assert.deepEqual(messages(missing.diagnostics), ["1:1 /syslinux/nothing.cfg is not there, and so not read"]);
  });
});

describe("the default and the time", () => {
  const abc = ["LABEL a", "LINUX /a", "LABEL b", "LINUX /b", "LABEL c", "LINUX /c"];
  const times = ({ timeout, timeoutStyle }: FormatResult) => [timeout, timeoutStyle];

  test("DEFAULT names a label, whatever its case, before or after it", async () => {
    for (const line of ["DEFAULT b", "default B"]) {
      assert.equal(chosen(await config(lines(line, ...abc))), "b");
      const after = await config(lines(...abc, line));
      assert.deepEqual([chosen(after), after.defaultIsExplicit], ["b", true]);
    }
  });

  test("in a menu ONTIMEOUT goes before DEFAULT, DEFAULT before MENU DEFAULT, and that before the first", async () => {
    const menu = ["UI menu.c32", "LABEL x", "MENU DISABLE", ...abc];
    const first = await config(lines(...menu));
    assert.deepEqual([chosen(first), first.defaultIsExplicit], ["a", false]);
    assert.equal(chosen(await config(lines(...menu, "MENU DEFAULT"))), "c");
    assert.equal(chosen(await config(lines(...menu, "MENU DEFAULT", "DEFAULT b"))), "b");
    assert.equal(chosen(await config(lines(...menu, "MENU DEFAULT", "DEFAULT b", "ONTIMEOUT a"))), "a");
    assert.equal(chosen(await config(lines("DEFAULT menu.c32", ...abc, "MENU DEFAULT"))), "c");
  });

  test("the default may stand in a submenu, be hidden, or be a submenu's own", async () => {
    const inside = [
      "UI menu.c32",
      "LABEL z",
      "LINUX /z",
      "MENU BEGIN",
      "MENU DEFAULT",
      ...abc,
      "MENU DEFAULT",
      "MENU END",
    ];
    assert.equal(chosen(await config(lines(...inside))), "c");
    assert.equal(chosen(await config(lines(...inside, "DEFAULT b"))), "b");
    const started = lines("UI menu.c32", "LABEL z", "LINUX /z", "MENU BEGIN", "MENU START", ...abc, "MENU END");
    assert.equal(chosen(await config(started)), "a");
    const hidden = await config(lines("UI menu.c32", ...abc, "MENU HIDE", "ONTIMEOUT c"));
    assert.deepEqual(titles(hidden), ["a", "b", "c"]);
    assert.equal(chosen(hidden), "c");
  });

  test("DEFAULT with arguments, and DEFAULT with a kernel that is no label, are entries of their own", async () => {
    const more = await config(lines("DEFAULT b single", ...abc));
    assert.equal(more.entries[more.defaultIndex!]!.options, "BOOT_IMAGE=/b single");
    assert.deepEqual(titles(more), ["a", "b", "c", "b (single)"]);
    const kernel = await config(lines("DEFAULT vmlinuz root=/dev/sda1", "APPEND ro"), { "/syslinux/vmlinuz": "k" });
    assert.equal(kernel.entries[kernel.defaultIndex!]!.options, "BOOT_IMAGE=vmlinuz root=/dev/sda1");
  });

  test("a command line that some label has too is that label's entry", async () => {
    const found = await config(
      lines("UI menu.c32", "ONTIMEOUT /k initrd=/i speech", ...abc, "LABEL s", "LINUX /k", "APPEND initrd=/i speech"),
      { "/k": "kernel" },
    );
    assert.deepEqual([titles(found), chosen(found)], [["a", "b", "c", "s"], "s"]);
  });

  test("a DEFAULT that is no label and may be no kernel is said", async () => {
    const found = await config(lines("IMPLICIT 0", "DEFAULT gone", ...abc));
    assert.deepEqual([found.defaultIndex, found.defaultIsExplicit], [null, false]);
    assert.deepEqual(messages(found.diagnostics), [
      "2:- DEFAULT gone: there is no such label, and no kernel of this name",
    ]);
  });

  test("TIMEOUT counts tenths of a second, zero waits for ever, and none leaves it open", async () => {
    const menu = ["UI menu.c32", ...abc];
    assert.deepEqual(times(await config(lines(...menu, "TIMEOUT 35"))), [3.5, "menu"]);
    assert.deepEqual(times(await config(lines(...menu, "TIMEOUT 0"))), [Number.POSITIVE_INFINITY, "menu"]);
    assert.deepEqual(times(await config(lines(...menu))), [null, "menu"]);
    assert.deepEqual(times(await config(lines(...menu, "TOTALTIMEOUT 600"))), [60, "menu"]);
    assert.deepEqual(times(await config(lines(...menu, "TIMEOUT 20", "MENU HIDDEN"))), [2, "hidden"]);
  });

  test("without a menu and with PROMPT 0 the default boots at once, unless a TIMEOUT gives a chance to step in", async () => {
    assert.deepEqual(times(await config(lines("DEFAULT a", "PROMPT 0", ...abc))), [0, "hidden"]);
    assert.deepEqual(times(await config(lines("DEFAULT a", "PROMPT 0", "TIMEOUT 50", ...abc))), [5, null]);
    assert.deepEqual(times(await config(lines("DEFAULT a", "PROMPT 0", "NOESCAPE 1", "TIMEOUT 50", ...abc))), [
      0,
      "hidden",
    ]);
    assert.deepEqual(times(await config(lines("DEFAULT a", "PROMPT 1", "TIMEOUT 50", ...abc))), [5, "menu"]);
    assert.deepEqual(times(await config(lines("DEFAULT a", ...abc))), [null, null]);
  });

  test("a prompt without DEFAULT has none; ONERROR names what follows a failure", async () => {
    const found = await config(lines("PROMPT 1", "ONERROR c", ...abc));
    assert.deepEqual([found.defaultIndex, found.fallback], [null, [2]]);
  });

  test("with MENU SAVE the label that Syslinux has remembered is the default; a boot-once is said, not followed", async () => {
    const text = lines("UI menu.c32", "MENU SAVE", "DEFAULT a", ...abc);
    const saved = await config(text, { "/syslinux/ldlinux.sys": adv([2, "c"]) });
    assert.equal(chosen(saved), "c");
    const once = await config(text, { "/syslinux/ldlinux.sys": adv([1, "b"]) });
    assert.equal(chosen(once), "a");
    assert.match(messages(once.diagnostics)[0]!, /extlinux --once/);
    assert.equal(chosen(await config(text, { "/syslinux/ldlinux.sys": "short" })), "a");
  });
});

/** An ldlinux.sys with both copies of an auxiliary data vector at its end. */
function adv(...tags: [number, string][]): Buffer {
  const copy = Buffer.alloc(512);
  let at = 8;
  for (const [tag, text] of tags) {
    copy[at] = tag;
    copy[at + 1] = text.length;
    copy.write(text, at + 2);
    at += 2 + text.length;
  }
  let sum = 0;
  for (let i = 8; i < 508; i += 4) sum = (sum + copy.readUInt32LE(i)) >>> 0;
  copy.writeUInt32LE(0x5a2d2fa5, 0);
  copy.writeUInt32LE((0xa3041767 - sum) >>> 0, 4);
  copy.writeUInt32LE(0xdd28bf64, 508);
  return Buffer.concat([Buffer.alloc(3000, 0x90), copy, copy]);
}

test("an auxiliary data vector as extlinux 6.04 --once wrote it is read; a damaged copy gives way to the other", () => {
  const written = Buffer.concat([
    Buffer.from("a52f2d5a8985b05c010a74776f2073696e676c65", "hex"),
    Buffer.alloc(488),
    Buffer.from("64bf28dd", "hex"),
  ]);
  assert.equal(written.length, 512);
  assert.deepEqual(parseAdv(Buffer.concat([written, written])), { bootOnce: "two single", menuSave: null });
  assert.deepEqual(parseAdv(Buffer.concat([Buffer.alloc(512), written])), { bootOnce: "two single", menuSave: null });
  written[20] = 1;
  assert.equal(parseAdv(Buffer.concat([written, written])), null);
});

describe("U-Boot's extlinux.conf", () => {
  test("nothing is added to APPEND; devicetrees and a FIT's configuration are understood", async () => {
    const found = await uboot(
      lines(
        ...[
          "menu title Boards",
          "timeout 35",
          "default two",
          "label one",
          "kernel /Image#conf-1",
          "append root=/dev/mmcblk0p2 ",
        ],
        ...[
          "label two",
          "menu label Two",
          "linux ../Image",
          "initrd /initrd.img",
          "fdt dtbs/board.dtb",
          "append quiet",
        ],
      ),
    );
    assert.deepEqual(
      found.entries.map((e) => [e.title, e.options, ...files(e)]),
      [
        ["one", "root=/dev/mmcblk0p2", "vda1:/Image"],
        ["Two", "quiet", "vda1:/Image", "vda1:/initrd.img"],
      ],
    );
    assert.equal(formatFileRef(found.entries[1]!.devicetree!), "vda1:/extlinux/dtbs/board.dtb");
    assert.deepEqual([chosen(found), found.timeout, found.timeoutStyle], ["Two", 4, "menu"]);
    assert.deepEqual(found.fallback, [], "what merely stands next is nobody's fallback");
  });

  test("initrd= in APPEND names the initrd and stays; a variable that only U-Boot knows is left out, and said", async () => {
    const variable = (name: string) => `$${"{"}${name}}`;
    const { entries, diagnostics } = await uboot(
      lines("LABEL a", "LINUX /Image", `APPEND ${variable("cbootargs")} initrd=/i x \\${variable("y")}`),
    );
    // One level of backslashes falls away.
    assert.equal(entries[0]!.options, `initrd=/i x ${variable("y")}`);
    assert.deepEqual(files(entries[0]!), ["vda1:/Image", "vda1:/i"]);
    assert.match(messages(diagnostics)[0]!, /^1:- \$\{cbootargs\}: U-Boot fills this in/);
  });

  test("single quotes and backslashes fall away as U-Boot's macros have it", async () => {
    const { entries, diagnostics } = await uboot(lines("LABEL a", "LINUX /I", "APPEND a='b c' d=\\'e\\\\f '$x \\g'"));
    assert.equal(entries[0]!.options, "a=b c d='e\\f $x \\g");
    assert.deepEqual(diagnostics, []);
  });

  test("a first label without DEFAULT is what U-Boot tries first; FDTDIR alone is said", async () => {
    const found = await uboot(
      lines("label a", "kernel /I", "fdtdir /dtbs", "fdtoverlays /o.dtbo", "label b", "kernel /J"),
    );
    assert.deepEqual([found.defaultIndex, found.defaultIsExplicit, found.fallback], [0, false, []]);
    assert.deepEqual(found.entries[0]!.devicetreeOverlays, [{ device: "vda1", path: "/o.dtbo" }]);
    assert.equal(found.diagnostics.length, 1);
  });

  test("who wrote the file decides whose it is: U-Boot's words, COM32 modules, then the machine", async () => {
    const boot = ["LABEL a", "LINUX /k", "APPEND q"];
    const options = async (text: string, arch: string) =>
      (await read({ "/extlinux/extlinux.conf": text }, { platform: { arch } })).entries[0]!.options;
    assert.equal(await options(lines(...boot), "x86_64"), "BOOT_IMAGE=/k q");
    assert.equal(await options(lines(...boot), "aarch64"), "q");
    assert.equal(await options(lines(...boot, "FDT /x.dtb"), "x86_64"), "q");
    assert.equal(await options(lines("UI menu.c32", ...boot), "aarch64"), "BOOT_IMAGE=/k q");
  });
});

test("TIMEOUT and TOTALTIMEOUT: whichever ends first, in tenths of a second", async () => {
  const after = async (...words: string[]) =>
    (await config(lines("UI menu.c32", ...words, "LABEL a", "LINUX /k"))).timeout;
  assert.equal(await after("TIMEOUT 50", "TOTALTIMEOUT 300"), 5);
  assert.equal(await after("TIMEOUT 300", "TOTALTIMEOUT 50"), 5);
  assert.equal(await after("TOTALTIMEOUT 70"), 7);
  assert.equal(await after("TIMEOUT 0", "TOTALTIMEOUT 70"), 7);
  assert.equal(await after("TIMEOUT 0"), Number.POSITIVE_INFINITY);
  assert.equal(await after(), null);
});

describe("what is not there", () => {
  test("a configuration without entries says so; one of headings and others too", async () => {
    const { entries, diagnostics } = await config(lines("MENU TITLE x", "MENU COLOR border 0"));
    assert.deepEqual(entries, []);
    assert.match(messages(diagnostics)[0]!, /it has no entries: no LABEL/);
  });

  test("an item that leads to a menu of which the part with entries is missing stays, with the reason", async () => {
    const text = lines(
      "UI menu.c32",
      "LABEL sub",
      "KERNEL menu.c32",
      "APPEND graphics.cfg sub.cfg",
      "LABEL a",
      "LINUX /k",
    );
    const { entries } = await config(text, { "/syslinux/graphics.cfg": "MENU COLOR border 0\n" });
    assert.deepEqual(
      entries.map((entry) => [entry.title, entry.reason !== null]),
      [
        ["sub", true],
        ["a", false],
      ],
    );
    assert.match(entries[0]!.reason!, /graphics\.cfg sub\.cfg, of which a part can't be read/);
  });

  test("a menu's default is its first item that can be chosen, be it one that kexec can't boot", async () => {
    const text = lines("UI menu.c32", "LABEL head", "MENU DISABLE", "LABEL hd", "LOCALBOOT 0", "LABEL a", "LINUX /k");
    const { entries, defaultIndex, defaultIsExplicit } = await config(text);
    assert.deepEqual([entries[defaultIndex!]!.title, defaultIsExplicit], ["hd", false]);
  });
});

describe("PXELINUX", () => {
  test("a machine's files are asked for by UUID, hardware address and shorter and shorter IP address", () => {
    const client = { uuid: "B8945908-D6A6-41A9-611D-74A6AB80B83D", mac: "88:99:AA:BB:CC:DD", ip: "192.168.2.91" };
    assert.deepEqual(pxelinuxNames(client), [
      ...["b8945908-d6a6-41a9-611d-74a6ab80b83d", "01-88-99-aa-bb-cc-dd", "C0A8025B", "C0A8025", "C0A802", "C0A80"],
      ...["C0A8", "C0A", "C0", "C", "default"],
    ]);
    assert.deepEqual(pxelinuxNames({ uuid: null, mac: null, ip: "300.1.1.1" }), ["default"]);
  });

  test("names start beside the boot file, :: is the server's root, and another server is a URL", async () => {
    const text = lines(
      ...["LABEL a", "KERNEL debian/linux", "INITRD ::top.gz", "LABEL b", "KERNEL 10.0.0.1::k", "LABEL c"],
      ...["KERNEL http://h/k", "INITRD tftp://h/i", "IPAPPEND 3"],
    );
    const files_ = { "/srv/tftp/pxelinux.cfg/default": text };
    const { entries } = await readTree(pxelinux, files_);
    assert.equal(entries[0]!.type, "pxelinux");
    assert.deepEqual(entries.map(files), [
      ["vda1:/srv/tftp/debian/linux", "vda1:/srv/tftp/top.gz"],
      ["tftp://10.0.0.1/k"],
      ["http://h/k", "tftp://h/i"],
    ]);
    const context = contextOf(treeVolume(files_));
    const network = { ip: "10.0.2.15:10.0.2.2:10.0.2.2:255.255.255.0", bootif: "01-52-54-00-12-34-56" };
    const booted = await parsePxelinux("/srv/tftp/pxelinux.cfg/default", "/srv/tftp", context, network);
    assert.equal(
      booted.entries[2]!.options,
      "BOOT_IMAGE=http://h/k initrd=tftp://h/i ip=10.0.2.15:10.0.2.2:10.0.2.2:255.255.255.0 BOOTIF=01-52-54-00-12-34-56",
    );
  });
});

describe("PXELINUX on a server", () => {
  const servers = {
    "tftp://s": treeVolume(
      {
        "/boot/pxelinux.cfg/default": lines(
          ...[
            "INCLUDE ::menus/one.cfg",
            "INCLUDE http://h/two.cfg",
            "INCLUDE /three.cfg",
            "INCLUDE 10.0.0.9::four.cfg",
          ],
          ...["LABEL more", "CONFIG http://h/deep/menu.cfg http://h/deep/", "LABEL esxi", "KERNEL mboot.c32"],
          ...["APPEND -c ::esxi/boot.cfg", "LABEL shut", "CONFIG file:///etc/shadow"],
        ),
        "/menus/one.cfg": lines("LABEL one", "KERNEL /k"),
        "/boot/three.cfg": lines("LABEL three", "KERNEL ::/k", "INITRD ../i,x/i"),
        "/esxi/boot.cfg": lines("kernel=k", "modules=m"),
        "/esxi/k": "",
      },
      { name: "tftp://s" },
    ),
    "http://h": treeVolume(
      { "/two.cfg": lines("LABEL two", "KERNEL k"), "/deep/menu.cfg": lines("LABEL deep", "KERNEL k", "INITRD ::i") },
      { name: "http://h" },
    ),
    "tftp://10.0.0.9": treeVolume({ "/four.cfg": lines("LABEL four", "KERNEL k") }, { name: "tftp://10.0.0.9" }),
  };
  const volume = servers["tftp://s"];
  const openUrl = async (url: string) => {
    const { protocol, host, pathname } = new URL(url);
    const tree = Object.values(servers).find(({ name }) => name === `${protocol}//${host}`);
    if (tree === undefined) throw new BatonError("refused", `${url}: only the owner may name it`);
    return { volume: tree, path: pathname };
  };
  const network = { ip: null, bootif: null, folder: "/boot" };
  const parse = (arch = "x86_64"): Promise<FormatResult> =>
    syslinux.parse("/boot/pxelinux.cfg/default", { ...contextOf(volume, { platform: { arch } }), network, openUrl });

  test("every name is below the boot file's folder but ::PATH, SERVER::PATH and URLs, menus' and kernels' alike", async () => {
    const found = await parse();
    assert.deepEqual(
      found.entries.map((entry) => `${[...entry.submenu, entry.title].join(" > ")}: ${files(entry).join(" ")}`),
      [
        "one: tftp://s:/boot/k",
        "two: tftp://s:/boot/k",
        "three: tftp://s:/k tftp://s:/i tftp://s:/boot/x/i",
        "four: tftp://s:/boot/k",
        "more > deep: http://h:/deep/k tftp://s:/i",
        "esxi: none",
        "shut: none",
      ],
    );
    assert.deepEqual(
      found.entries[5]!.modules.map(({ file }) => formatFileRef(file)),
      ["tftp://s:/esxi/k", "tftp://s:/esxi/m"],
    );
    assert.match(found.entries[6]!.reason!, /can't be read/);
    assert.deepEqual(messages(found.diagnostics), ["10:- file:///etc/shadow: only the owner may name it"]);
  });

  test("on another machine than a PC it is U-Boot's: nothing is added, and FDT is the devicetree", async () => {
    const board = { "/pxelinux.cfg/default": lines("LABEL b", "KERNEL /Image", "FDT /d/b.dtb", "APPEND ro") };
    const { entries } = await readTree(pxelinux, board, { platform: { arch: "aarch64" } });
    assert.equal(entries[0]!.options, "ro");
    assert.equal(formatFileRef(entries[0]!.devicetree!), "vda1:/d/b.dtb");
    const [pc] = (await readTree(pxelinux, board)).entries;
    assert.equal(pc!.options, "BOOT_IMAGE=/Image ro");
    assert.equal(pc!.devicetree, null);
  });

  test("a configuration on a disk reaches no server", async () => {
    const found = await config(
      lines("INCLUDE http://h/two.cfg", "INCLUDE (hd0,7)/x.cfg", "LABEL a", "LINUX /a"),
      {},
      {
        volume: { disk: "vda", partition: 1 },
      },
    );
    assert.deepEqual(titles(found), ["a"]);
    assert.deepEqual(messages(found.diagnostics), [
      "1:1 http://h/two.cfg can't be read: the configuration didn't come over the network",
      "2:1 unresolved:hd0,7:/x.cfg can't be read: no attached disk is that one",
    ]);
  });
});

describe("hostile and broken input", () => {
  test("TEXT without ENDTEXT loses no label", async () => {
    const found = await config(lines("LABEL a", "LINUX /a", "TEXT HELP", "  help", "LABEL b", "LINUX /b"));
    assert.deepEqual(titles(found), ["a", "b"]);
    assert.match(messages(found.diagnostics)[0]!, /^3:1 TEXT without ENDTEXT/);
    const whole = await config(lines("LABEL a", "TEXT HELP", "LABEL no", "ENDTEXT", "LINUX /a"));
    assert.deepEqual(titles(whole), ["a"]);
  });

  test("CR LF, a byte order mark, NUL and UTF-16 are survived", async () => {
    const utf16 = Buffer.concat([
      Buffer.from([0xfe, 0xff]),
      Buffer.from("LABEL w\r\nLINUX /w\r\n", "utf16le").swap16(),
    ]);
    const found = await config("\ufeffLABEL a\r\nLINUX /a\0junk\r\n\0\nINCLUDE w.cfg\r\n", {
      "/syslinux/w.cfg": utf16,
    });
    assert.deepEqual(
      found.entries.map((e) => files(e)[0]),
      ["vda1:/a", "vda1:/w"],
    );
    assert.match(messages(found.diagnostics)[0]!, /UTF-16/);
  });

  test("includes that multiply, menus that nest without end and a million labels stay within bounds", async () => {
    const doubling = await config(lines("INCLUDE syslinux.cfg", "INCLUDE syslinux.cfg", "LABEL a", "LINUX /a"));
    assert.ok(doubling.entries.length > 0 && doubling.entries.length <= 500);
    const nested = await config(
      lines(
        "UI menu.c32",
        ..."x"
          .repeat(5000)
          .split("")
          .map(() => "MENU BEGIN"),
        "LABEL a",
        "LINUX /a",
      ),
    );
    assert.ok(nested.entries[0]!.submenu.length <= 32);
    const many = await config("LABEL a\n".repeat(150_000));
    assert.equal(many.entries.length, 50_000);
    assert.match(many.diagnostics.at(-1)!.message, /more than 50000 labels/);
  });

  test("a configuration of 32 MiB is refused with a diagnostic", async () => {
    const found = await syslinux.parse(
      "/syslinux.cfg",
      contextOf(treeVolume({ "/syslinux.cfg": Buffer.alloc(33 << 20, 65) })),
    );
    assert.deepEqual([found.entries.length, found.diagnostics.length], [0, 1]);
  });

  test("whatever the text is, reading it ends, and every file lies on the volume", async () => {
    const word = fc.constantFrom(
      ...["LABEL", "KERNEL", "LINUX", "APPEND", "INITRD", "MENU", "BEGIN", "END", "INCLUDE", "CONFIG", "UI", "DEFAULT"],
      ...["menu.c32", "a", "b", "x.cfg", "syslinux.cfg", "../..", "^", "TEXT HELP", "ENDTEXT", "ONTIMEOUT", "-", "~"],
      ...[
        "whichsys.c32",
        "ifcpu64.c32",
        "-sys-",
        "--",
        "---",
        "mboot.c32",
        "FDT",
        "SEPARATOR",
        "initrd=a,b",
        "\0",
        "\r",
      ],
      ...["LOCALBOOT", "TIMEOUT", "TOTALTIMEOUT", "99999999999999999999", "INDENT", "GOTO", "EXIT", "PASSWD", "HIDE"],
    );
    const line = fc.array(fc.oneof({ weight: 9, arbitrary: word }, fc.string({ maxLength: 6 })), { maxLength: 4 });
    const text = fc
      .array(
        line.map((parts) => parts.join(" ")),
        { maxLength: 25 },
      )
      .map((all) => all.join("\n"));
    await fc.assert(
      fc.asyncProperty(text, text, fc.constantFrom("x86_64", "aarch64"), async (main, more, arch) => {
        for (const name of ["/syslinux/syslinux.cfg", "/extlinux/extlinux.conf"]) {
          const volume = treeVolume({ [name]: main, "/syslinux/x.cfg": more });
          const found = await syslinux.parse(name, contextOf(volume, { platform: { arch } }));
          assert.ok(found.defaultIndex === null || found.entries[found.defaultIndex]);
          for (const index of found.fallback) assert.ok(found.entries[index]);
          for (const entry of found.entries) {
            assert.ok(entry.linux !== null || entry.reason !== null || entry.modules.length > 0);
            for (const ref of [entry.linux, ...entry.initrd]) {
              if (ref && "path" in ref) assert.match(ref.path, /^\/(?!(.*\/)?\.\.(\/|$))/);
            }
          }
        }
      }),
      { numRuns: 400 },
    );
  });
});
