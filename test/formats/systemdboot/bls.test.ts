import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { formatFileRef, type ParsedEntry } from "../../../src/entry.ts";
import { BatonError } from "../../../src/errors.ts";
import { bls } from "../../../src/formats/systemdboot/bls.ts";
import { compareEntries, type Sortable, sortEntries, uniqueTitles } from "../../../src/formats/systemdboot/order.ts";
import { bootCounter, nextCounterName } from "../../../src/formats/systemdboot/type1.ts";
import { makePe } from "../../binary/pefile.ts";
import { contextOf, type Files, messages, type ReadOptions, readTree, treeReader, treeVolume } from "../tree.ts";

const at = (path: string): string => `/loader/entries/${path}`;
const read = (files: Files, options: ReadOptions = {}) => readTree(bls, files, options);
const ids = (entries: readonly ParsedEntry[]): (string | null)[] => entries.map((entry) => entry.nativeId);

test("an entry is read key by key, with options and initrds joined in their order", async () => {
  const text = [
    "# kernel-install",
    "title      Debian GNU/Linux 12 (bookworm)",
    "version    6.1.0-18-amd64",
    "machine-id 4098b3f648d74c13b1f04ccfba7798e8",
    "sort-key   debian",
    "architecture x64",
    "options    root=UUID=1234 ro",
    "options    quiet",
    "linux      /debian/6.1/linux",
    "initrd     /ucode.img",
    "initrd     debian/6.1/initrd",
    "devicetree /debian/6.1/board.dtb",
    "",
  ].join("\n");
  const { entries, diagnostics } = await read({ [at("debian-6.1.conf")]: text });
  const [entry] = entries;
  assert.deepEqual(diagnostics, []);
  assert.equal(entries.length, 1);
  assert.equal(entry!.nativeId, "debian-6.1");
  assert.equal(entry!.title, "Debian GNU/Linux 12 (bookworm)");
  assert.equal(entry!.source, "vda1:/loader/entries/debian-6.1.conf");
  assert.equal(entry!.kind, "linux");
  assert.equal(formatFileRef(entry!.linux!), "vda1:/debian/6.1/linux");
  assert.deepEqual(entry!.initrd.map(formatFileRef), ["vda1:/ucode.img", "vda1:/debian/6.1/initrd"]);
  assert.equal(formatFileRef(entry!.devicetree!), "vda1:/debian/6.1/board.dtb");
  assert.equal(entry!.options, "root=UUID=1234 ro quiet");
  assert.equal(entry!.version, "6.1.0-18-amd64");
  assert.equal(entry!.sortKey, "debian");
  assert.equal(entry!.machineId, "4098b3f648d74c13b1f04ccfba7798e8");
  assert.equal(entry!.architecture, "x64");
  assert.equal(entry!.triesLeft, null);
  assert.deepEqual(entry!.writes, []);
});

test("entries without sort-key stand by file name, newest version first, below those with one", async () => {
  const files: Record<string, string> = {};
  for (const name of ["arch", "arch-fallback", "linux-6.9", "linux-6.10"]) files[at(`${name}.conf`)] = "linux /l";
  files[at("keyed.conf")] = "linux /l\nsort-key zzz";
  const { entries } = await read(files);
  assert.deepEqual(ids(entries), ["keyed", "linux-6.10", "linux-6.9", "arch", "arch-fallback"]);
});

test("with sort-key the order is by key, machine id and version, the newest first; tried-out entries go last", async () => {
  const { entries, defaultIndex, defaultIsExplicit } = await read({
    [at("1.conf")]: "linux /l\nsort-key fedora\nversion 6.9\nmachine-id bb",
    [at("2.conf")]: "linux /l\nsort-key fedora\nversion 6.10\nmachine-id bb",
    [at("3.conf")]: "linux /l\nsort-key fedora\nversion 6.1\nmachine-id aa",
    [at("4.conf")]: "linux /l\nsort-key debian\nversion 5.10",
    [at("5+0-3.conf")]: "linux /l\nsort-key alpine\nversion 7",
    [at("6+2.conf")]: "linux /l\nsort-key arch\nversion 7",
  });
  assert.deepEqual(ids(entries), ["6", "4", "3", "2", "1", "5"]);
  assert.equal(defaultIndex, 0);
  assert.equal(defaultIsExplicit, false);
});

test("a boot counter is no part of the name, and booting counts down by renaming the file", async () => {
  const { entries } = await read({ [at("arch+3-1.conf")]: "title Arch\nlinux /l" });
  assert.equal(entries[0]!.nativeId, "arch");
  assert.equal(entries[0]!.triesLeft, 3);
  assert.equal(entries[0]!.triesDone, 1);
  assert.deepEqual(entries[0]!.writes, [
    {
      rename: { device: "vda1", path: "/loader/entries/arch+3-1.conf" },
      to: "vda1:/loader/entries/arch+2-2.conf",
    },
  ]);
});

test("boot counters are told from names that only look like them", () => {
  assert.deepEqual(bootCounter("a+3.conf"), { id: "a.conf", left: 3, done: 0 });
  assert.deepEqual(bootCounter("a+b+4-0.efi"), { id: "a+b.efi", left: 4, done: 0 });
  for (const name of ["a.conf", "a+.conf", "a+x.conf", "a+1-.conf", "a+1-2", "a+1-2..conf", "a+99999999999.conf"]) {
    assert.deepEqual(bootCounter(name), { id: name, left: null, done: null }, name);
  }
  assert.equal(nextCounterName("a+3.conf"), "a+2-1.conf");
  assert.equal(nextCounterName("a+0-3.conf"), "a+0-4.conf");
  assert.equal(nextCounterName("a.conf"), null);
});

test("entries for another architecture are hidden, and entries for EFI programs on a machine without EFI", async () => {
  const files = {
    [at("x64.conf")]: "linux /l\narchitecture X64",
    [at("aa64.conf")]: "linux /l\narchitecture aa64",
    [at("shell.conf")]: "title Shell\nefi /shellx64.efi",
  };
  assert.deepEqual(ids((await read(files)).entries), ["x64", "shell"]);
  assert.deepEqual(ids((await read(files, { platform: { arch: "aarch64", firmware: "pc" } })).entries), ["aa64"]);
});

test("an EFI program is listed with the reason why it can't be booted", async () => {
  const { entries } = await read({ [at("memtest.conf")]: "title Memtest\nefi /memtest.efi", "/memtest.efi": "MZ…" });
  assert.equal(entries[0]!.kind, "efi");
  assert.equal(entries[0]!.linux, null);
  assert.match(entries[0]!.reason!, /\/memtest\.efi.*firmware/);
});

test("a kernel that is started with an efi line boots all the same", async () => {
  const kernel = Buffer.alloc(1024);
  kernel.write("MZ", 0);
  kernel.write("HdrS", 0x202);
  const { entries } = await read({
    [at("old.conf")]: "efi /vmlinuz\noptions initrd=/initrd root=/dev/sda1",
    "/vmlinuz": kernel,
  });
  assert.equal(entries[0]!.kind, "linux");
  assert.equal(formatFileRef(entries[0]!.linux!), "vda1:/vmlinuz");
  assert.equal(entries[0]!.reason, null);
});

test("loader.conf decides: its pattern, its timeout, without counter and whatever the case", async () => {
  const files = {
    [at("a.conf")]: "linux /l\nversion 1",
    [at("Debian-5+3.conf")]: "linux /l\nversion 1",
    [at("Debian-4.conf")]: "linux /l\nversion 1",
  };
  for (const pattern of ["debian-5.conf", "DEBIAN-*", "debian-5+3.conf", "?ebian-[5-9].conf"]) {
    const found = await read({ ...files, "/loader/loader.conf": `default ${pattern}\ntimeout 7\n` });
    assert.equal(found.entries[found.defaultIndex!]!.nativeId, "Debian-5", pattern);
    assert.equal(found.defaultIsExplicit, true);
    assert.equal(found.timeout, 7);
  }
});

test("a pattern that matches nothing leaves the first entry, and says nothing explicit", async () => {
  const found = await read({ [at("a.conf")]: "linux /l", "/loader/loader.conf": "default gone-*.conf" });
  assert.deepEqual([found.defaultIndex, found.defaultIsExplicit], [0, false]);
});

test("a name without its ending is told, and counts where nothing else names an entry", async () => {
  const files = { [at("plain.conf")]: "linux /l", [at("tiny+3.conf")]: "linux /l" };
  const named = async (conf: string, variables = {}) => {
    const found = await read({ ...files, "/loader/loader.conf": conf }, { variables });
    return [found.entries[found.defaultIndex!]!.nativeId, found.defaultIsExplicit, found.diagnostics.length];
  };
  assert.deepEqual(await named("default plain"), ["plain", true, 1]);
  assert.deepEqual(await named("preferred Plai?"), ["plain", true, 1]);
  assert.deepEqual(await named("default tiny"), ["tiny", true, 1]);
  assert.deepEqual(await named("preferred plain\ndefault tiny.conf"), ["tiny", true, 1]);
  assert.deepEqual(await named("", { LoaderEntryDefault: "plain" }), ["plain", true, 1]);
  const { diagnostics } = await read({ ...files, "/loader/loader.conf": "default plain" });
  assert.match(messages(diagnostics)[0]!, /^-:- default 'plain' is no entry's whole name.*write 'plain\.conf'/);
});

test("keys that other programs write for loaders of their own are no fault", async () => {
  const text = "linux /l\naboot /aboot.img\nabootcfg /aboot.cfg\nfdtdir /dtb\ngrub_class ostree\n";
  assert.deepEqual((await read({ [at("a.conf")]: text })).diagnostics, []);
});

test("'preferred' passes over entries without tries left, 'default' does not", async () => {
  const files = { [at("new+0-3.conf")]: "linux /l", [at("old.conf")]: "linux /l" };
  const preferred = await read({ ...files, "/loader/loader.conf": "preferred *.conf" });
  assert.equal(preferred.entries[preferred.defaultIndex!]!.nativeId, "old");
  const chosen = await read({ ...files, "/loader/loader.conf": "preferred new.conf\ndefault new.conf" });
  assert.equal(chosen.entries[chosen.defaultIndex!]!.nativeId, "new");
});

test("LoaderEntryOneShot wins once: every boot from this menu would use it up", async () => {
  const files = { [at("a.conf")]: "linux /l", [at("b.conf")]: "linux /l", "/loader/loader.conf": "default a.conf" };
  const found = await read(files, { variables: { LoaderEntryOneShot: "b.conf" } });
  assert.equal(found.entries[found.defaultIndex!]!.nativeId, "b");
  for (const entry of found.entries) assert.deepEqual(entry.writes, [{ efivar: "LoaderEntryOneShot", value: null }]);
});

test("with default @saved the last booted entry is the default, and each entry says that it would be saved", async () => {
  const files = { [at("a.conf")]: "linux /l", [at("b.conf")]: "linux /l", "/loader/loader.conf": "default @saved" };
  const found = await read(files, { variables: { LoaderEntryLastBooted: "a.conf" } });
  const chosen = found.entries[found.defaultIndex!]!;
  assert.equal(chosen.nativeId, "a");
  assert.deepEqual(chosen.writes, [{ efivar: "LoaderEntryLastBooted", value: "a.conf" }]);
});

test("equal titles are told apart by version, then machine id, then name", async () => {
  const { entries } = await read({
    [at("a.conf")]: "title Same\nversion 1\nmachine-id 11112222333344445555666677778888\nlinux /l\nsort-key a",
    [at("b.conf")]: "title Same\nversion 1\nmachine-id aaaa2222333344445555666677778888\nlinux /l\nsort-key b",
    [at("c.conf")]: "title Same\nversion 2\nlinux /l\nsort-key c",
    [at("d.conf")]: "linux /l\nsort-key d",
    [at("e.conf")]: "title Other\nversion 9\nlinux /l\nsort-key e",
  });
  assert.deepEqual(
    entries.map((entry) => entry.title),
    [
      "Same (1) (11112222333344445555666677778888)",
      "Same (1) (aaaa2222333344445555666677778888)",
      "Same (2)",
      "d.conf",
      "Other",
    ],
  );
});

test("one bad entry costs the others nothing: it is said which and why", async () => {
  const files = {
    [at("bad.conf")]: "title Nothing to boot\n",
    [at("dir.conf")]: "",
    [at("good.conf")]: "title Good\nlinux /l\nbogus line\n",
    [at("two.conf")]: "linux /l\nefi /x.efi\n",
  };
  const { entries, diagnostics } = await read(files);
  assert.deepEqual(ids(entries), ["two", "good"]);
  assert.deepEqual(messages(diagnostics), [
    "-:- the entry names nothing to boot: it needs a linux, efi or uki line",
    "-:- the entry names nothing to boot: it needs a linux, efi or uki line",
    "3:- 'bogus' is no key of a boot entry; ignored",
    "2:- the entry names linux already; this efi line is ignored: keep one of them",
  ]);
});

test("a file that can't be read is one diagnostic; a volume that doesn't answer rejects", async () => {
  const files = { [at("a.conf")]: "linux /l", [at("b.conf")]: "linux /l" };
  const reader = treeReader(files);
  const failing = (code: "io" | "timeout") =>
    treeVolume(files, {
      ...{ name: "sdz1" },
    }).reader && {
      ...reader,
      read: (path: string, limit?: number) =>
        path.endsWith("a.conf") ? Promise.reject(new BatonError(code, `${path}: broken`)) : reader.read(path, limit),
    };
  const volumeOf = (code: "io" | "timeout") => ({ ...treeVolume(files), reader: failing(code) });
  const found = await bls.parse("/loader/entries", contextOf(volumeOf("io")));
  assert.deepEqual(ids(found.entries), ["b"]);
  assert.deepEqual(messages(found.diagnostics), ["-:- /loader/entries/a.conf: broken"]);
  await assert.rejects(bls.parse("/loader/entries", contextOf(volumeOf("timeout"))), { code: "timeout" });
});

test("entries below /boot of a root filesystem find their kernels where they are", async () => {
  const files = {
    "/boot/loader/entries/own.conf": "linux /vmlinuz-1\ninitrd /initramfs-1.img",
    "/boot/loader/entries/root.conf": "linux /boot/vmlinuz-1\ninitrd /boot/initramfs-1.img",
    "/boot/loader/entries/gone.conf": "linux /vmlinuz-9",
    "/boot/vmlinuz-1": "k",
    "/boot/initramfs-1.img": "i",
  };
  const { entries } = await read(files);
  const linux = Object.fromEntries(entries.map((entry) => [entry.nativeId, formatFileRef(entry.linux!)]));
  assert.deepEqual(linux, { own: "vda1:/boot/vmlinuz-1", root: "vda1:/boot/vmlinuz-1", gone: "vda1:/vmlinuz-9" });
});

test("Fedora's variables are filled in from GRUB's environment block, where there is one", async () => {
  const entry =
    "linux /vmlinuz\ninitrd /initramfs.img $tuned_initrd\noptions $kernelopts $tuned_params\ngrub_users $grub_users\ngrub_arg --unrestricted";
  const block = `# GRUB Environment Block\nsaved_entry=x\nkernelopts=root=UUID=1 ro rhgb \n${"#".repeat(900)}`;
  const filled = await read({ [at("f.conf")]: entry, "/grub2/grubenv": block });
  assert.equal(filled.entries[0]!.options, "root=UUID=1 ro rhgb");
  assert.deepEqual(filled.entries[0]!.initrd.map(formatFileRef), ["vda1:/initramfs.img"]);
  assert.equal(filled.entries[0]!.restricted, null);
  assert.deepEqual(filled.diagnostics, []);
  const broken = { "/grub2/grubenv": "# GRUB Environment Block\nkernelopts=a\\\nb\\\\\n####" };
  const joined = await read({ [at("f.conf")]: "linux /vmlinuz\noptions $kernelopts c", ...broken });
  assert.equal(joined.entries[0]!.options, "a b\\ c", "found by fuzzing: a line break in a value");
  const plain = await read({ [at("f.conf")]: "linux /vmlinuz\noptions cost=$5" });
  assert.equal(plain.entries[0]!.options, "cost=$5");
});

test("loader.conf of the ESP holds for entries on another volume of its disk", async () => {
  const esp = treeVolume(
    { "/loader/loader.conf": "default b.conf\ntimeout 2" },
    { name: "sda1", type: "vfat", disk: "sda" },
  );
  const stray = treeVolume({ "/loader/loader.conf": "default a.conf" }, { name: "sdb1", type: "vfat", disk: "sdb" });
  const files = { [at("a.conf")]: "linux /l\nsort-key a", [at("b.conf")]: "linux /l\nsort-key b" };
  const found = await read(files, { volume: { name: "sda2", type: "ext4", disk: "sda" }, others: [esp, stray] });
  assert.deepEqual([found.defaultIndex, found.timeout, found.defaultIsExplicit], [1, 2, true]);
});

test("entries on ESP and XBOOTLDR stand in one list, that of the ESP", async () => {
  const esp = treeVolume(
    { [at("m.conf")]: "linux /l\nsort-key m", "/loader/loader.conf": "default z.conf" },
    { name: "sda1", type: "vfat", disk: "sda" },
  );
  const boot = treeVolume(
    { [at("a.conf")]: "linux /l\nsort-key a", [at("z.conf")]: "linux /l\nsort-key z" },
    { name: "sda2", type: "vfat", disk: "sda" },
  );
  const merged = await bls.parse("/loader/entries", contextOf(esp, { others: [boot] }));
  assert.deepEqual(ids(merged.entries), ["a", "m", "z"]);
  assert.deepEqual(
    merged.entries.map((entry) => formatFileRef(entry.linux!)),
    ["sda2:/l", "sda1:/l", "sda2:/l"],
  );
  assert.equal(merged.defaultIndex, 2);
  const other = await bls.parse("/loader/entries", contextOf(boot, { others: [esp] }));
  assert.deepEqual(other.entries, []);
});

test("a byte order mark, CR LF, NUL and UTF-16 are survived", async () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("title Wide\r\nlinux /l\r\n", "utf16le")]);
  const { entries, diagnostics } = await read({
    [at("a.conf")]: "\ufefftitle Marked\r\nlinux /l\r\n",
    [at("b.conf")]: utf16,
    [at("c.conf")]: "title Nul\0\nlinux /l\0\n\0\0",
  });
  assert.deepEqual(
    entries.map((entry) => entry.title),
    ["Nul", "Wide", "Marked"],
  );
  assert.deepEqual(messages(diagnostics), [
    "-:- the file is UTF-16, which its own bootloader does not read; save it as UTF-8",
  ]);
});

test("names that systemd-boot keeps for itself, hidden files and other suffixes are no entries", async () => {
  const files = { [at("auto-x.conf")]: "linux /l", [at(".hidden.conf")]: "linux /l", [at("a.txt")]: "linux /l" };
  assert.deepEqual(await bls.find(treeVolume(files)), []);
  const found = await read({ ...files, [at("A.CONF")]: "linux /l" });
  assert.deepEqual(ids(found.entries), ["A"]);
});

test("entries are found where they lie: in the root, below /boot, and in btrfs subvolumes", async () => {
  const entry = { [at("a.conf")]: "linux /l" };
  assert.deepEqual(await bls.find(treeVolume({ "/LOADER/Entries/a.conf": "" }, { type: "vfat" })), ["/LOADER/Entries"]);
  assert.deepEqual(await bls.find(treeVolume({ ...entry, "/boot/loader/entries/b.conf": "" })), [
    "/loader/entries",
    "/boot/loader/entries",
  ]);
  const sub = { "/root/boot/loader/entries/a.conf": "linux /vmlinuz", "/root/boot/vmlinuz": "k" };
  assert.deepEqual(await bls.find(treeVolume(sub, { type: "btrfs" })), ["/root/boot/loader/entries"]);
  const { entries } = await read(sub, { volume: { type: "btrfs" } });
  assert.equal(formatFileRef(entries[0]!.linux!), "vda1:/root/boot/vmlinuz");
  assert.deepEqual(await bls.find(treeVolume({})), []);
});

const sortable: fc.Arbitrary<Sortable> = fc.record({
  id: fc.constantFrom("a.conf", "a-1.conf", "b.conf", "b-10.conf", "b-9.conf"),
  sortKey: fc.constantFrom(null, "", "x", "y"),
  machineId: fc.constantFrom(null, "1", "2"),
  version: fc.constantFrom(null, "1", "1~rc", "1.1", "a"),
  triesLeft: fc.constantFrom(null, 0, 1, 3),
  triesDone: fc.constantFrom(null, 0, 2),
  profile: fc.constantFrom(0, 1),
});

test("the order of entries is a total order, whatever they say", () => {
  fc.assert(
    fc.property(sortable, sortable, sortable, (a, b, c) => {
      assert.equal(Math.sign(compareEntries(a, b)), -Math.sign(compareEntries(b, a)) || 0);
      assert.equal(compareEntries(a, a), 0);
      const inOrder = [a, b, c].sort(compareEntries);
      for (const [i, x] of inOrder.entries()) {
        for (const y of inOrder.slice(i + 1)) assert.ok(compareEntries(x, y) <= 0);
      }
    }),
    { numRuns: 3000 },
  );
});

test("titles are unique wherever names are", () => {
  const entry = fc.record({
    ownTitle: fc.constantFrom(null, "", "T", "U"),
    version: fc.constantFrom(null, "1"),
    machineId: fc.constantFrom(null, "0123456789"),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
      const titles = uniqueTitles(entries.map((fields, i) => ({ ...fields, shownId: `${i}.conf` })));
      assert.equal(new Set(titles).size, entries.length);
    }),
  );
});

test("hundreds of entries are sorted as a few are", () => {
  const word = fc.constantFrom(null, "debian", "fedora");
  const some = fc.record({
    id: fc.constantFrom("a.conf", "a-1.conf", "b~1.conf", "b.conf", "b-.conf"),
    sortKey: word,
    machineId: word,
    version: fc.constantFrom(null, "6.1", "6.10", "6.9-rc1", "6.9~rc1", "6.9--1", "6.9"),
    triesLeft: fc.constantFrom(null, 0, 3),
    triesDone: fc.constantFrom(null, 0, 1),
    profile: fc.constantFrom(0, 0, 1),
  });
  fc.assert(
    fc.property(fc.array(some, { minLength: 50, maxLength: 120 }), (entries: Sortable[]) => {
      const sorted = [...entries];
      sortEntries(sorted);
      assert.deepEqual(sorted, [...entries].sort(compareEntries));
    }),
    { numRuns: 100 },
  );
});

test("other systems' loaders stand behind all entries, with the reason why they can't be booted here", async () => {
  const files: Files = {
    [at("linux.conf")]: "title Linux\nlinux /l",
    [at("a-bad+0.conf")]: "title Bad\nlinux /l",
    "/EFI/Microsoft/Boot/bootmgfw.efi": "MZ",
    "/shellx64.efi": "MZ",
    "/shellia32.efi": "MZ",
    "/EFI/BOOT/BOOTX64.EFI": makePe([[".text", "refind"]]),
    "/loader/loader.conf": "default auto-win*",
  };
  const { entries, defaultIndex, defaultIsExplicit } = await read(files, { volume: { type: "vfat" } });
  assert.deepEqual(
    entries.map((entry) => `${entry.nativeId}: ${entry.title}`),
    [
      ...["linux: Linux", "a-bad: Bad", "auto-windows: Windows Boot Manager", "auto-efi-shell: EFI Shell"],
      "auto-efi-default: EFI Default Loader",
    ],
  );
  assert.deepEqual([defaultIndex, defaultIsExplicit], [2, true]);
  assert.match(entries[2]!.reason!, /EFI program \/EFI\/Microsoft\/Boot\/bootmgfw\.efi, which only the firmware/);
  assert.equal(entries[2]!.source, "vda1:/EFI/Microsoft/Boot/bootmgfw.efi");

  const count = async (more: Files, platform = {}) =>
    (await read({ ...files, ...more }, { volume: { type: "vfat" }, platform })).entries.length;
  assert.equal(await count({ "/loader/loader.conf": "auto-entries no" }), 2);
  assert.equal(await count({}, { firmware: "pc" }), 2);
  // systemd-boot's own copy of itself, and what is no program at all.
  assert.equal(await count({ "/EFI/BOOT/BOOTX64.EFI": makePe([[".sdmagic", "#### LoaderInfo"]]) }), 4);
  assert.equal(await count({ "/EFI/BOOT/BOOTX64.EFI": "MZ" }), 4);
});

test("devicetree overlays are named in their order", async () => {
  const { entries, diagnostics } = await read({
    [at("a.conf")]: "linux /l\ndevicetree /a.dtb\ndevicetree-overlay /one.dtbo two.dtbo\ndevicetree-overlay /three",
  });
  assert.deepEqual(
    entries[0]!.devicetreeOverlays!.map((ref) => ("path" in ref ? ref.path : "")),
    ["/one.dtbo", "/two.dtbo", "/three"],
  );
  assert.deepEqual(diagnostics, []);
});

test("whatever the bytes of an entry are, the others are listed", async () => {
  const line = fc.oneof(
    fc.constantFrom(
      "title x",
      "linux /a",
      "initrd /b",
      "options q",
      "efi /x",
      "version ~^",
      "sort-key",
      "\0",
      "\r",
      "#",
    ),
    fc.string({ maxLength: 30 }),
  );
  const text = fc.oneof(
    fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join("\n"))),
    fc.uint8Array({ maxLength: 200 }),
  );
  await fc.assert(
    fc.asyncProperty(text, async (bytes) => {
      const { entries } = await read({ [at("fuzz.conf")]: bytes, [at("good.conf")]: "linux /l" });
      assert.ok(ids(entries).includes("good"));
      for (const { linux, initrd } of entries) {
        for (const ref of [linux, ...initrd]) assert.ok(ref === null || ("path" in ref && ref.path.startsWith("/")));
      }
    }),
    { numRuns: 300 },
  );
});

test("the specification's newest keys: uki with a profile, uki-url, extra", async () => {
  const image = makePe([
    [".osrel", "ID=os\nPRETTY_NAME=OS\n"],
    [".linux", "kernel"],
    [".profile", "ID=main\n"],
    [".cmdline", "quiet"],
    [".profile", "ID=reset\n"],
    [".cmdline", "reset"],
  ]);
  const files = {
    "/os/os.efi": image,
    [at("a.conf")]: "title A\nuki /os/os.efi",
    [at("b.conf")]: "title B\nuki /os/os.efi\nprofile 1\nextra /os/os.cred",
    [at("c.conf")]: "title C\nuki /os/os.efi\nprofile 7",
    [at("d.conf")]: "title D\nuki-url https://example.org/os.efi",
    [at("e.conf")]: "title E\nuki-url :os.efi",
  };
  const { entries, diagnostics } = await read(files, { volume: { type: "vfat" } });
  const rows = entries.map(({ title, kind, options, profile, reason }) => [title, kind, options, profile, reason]);
  assert.deepEqual(rows.reverse(), [
    ["A", "linux", "quiet", 0, null],
    ["B", "linux", "reset", 1, null],
    ["C", "linux", "", undefined, "/os/os.efi has no profile 7"],
    [
      ...["D", "other", "", undefined],
      "its unified kernel image is fetched from https://example.org/os.efi: give Baton's menu this URL (n)",
    ],
  ]);
  assert.deepEqual(messages(diagnostics), [
    "4:- systemd-boot would hand /os/os.cred to the system as well; Baton does not",
  ]);
});

test("an entry that a variable makes endless, and a folder of nothing but mistakes, leave the others and few messages", async () => {
  const block = Buffer.from(`# GRUB Environment Block\na=${"y".repeat(50_000)}\n`);
  const wrong = `linux /k\n${"a b\n".repeat(8_000)}`;
  const { entries, diagnostics } = await read({
    "/grub2/grubenv": block,
    [at("long.conf")]: `title Long\nlinux /k\noptions ${"$a ".repeat(600)}\n`,
    [at("plain.conf")]: "title Plain\nlinux /k\noptions $a\n",
    ...Object.fromEntries(["1", "2", "3"].map((name) => [at(`${name}.conf`), `title ${name}\n${wrong}`])),
  });
  assert.deepEqual(entries.map(({ title }) => title).sort(), ["1", "2", "3", "Plain"]);
  assert.equal(entries.find(({ title }) => title === "Plain")!.options.length, 50_000);
  assert.equal(diagnostics.length, 201);
  assert.match(diagnostics.at(-1)!.message, /there is more to say/);
});

test("an entry on trial has what comes when its tries are used up as its successor, a good one has none", async () => {
  const entry = "sort-key x\nlinux /k\nversion ";
  const counted = await read({
    [at("c+3.conf")]: `${entry}3\n`,
    [at("b+2.conf")]: `${entry}2\n`,
    [at("a.conf")]: `${entry}1\n`,
  });
  assert.deepEqual(ids(counted.entries), ["c", "b", "a"]);
  assert.deepEqual([counted.defaultIndex, counted.successors], [0, [1, 2]]);
  const good = await read({ [at("b.conf")]: `${entry}2\n`, [at("a.conf")]: `${entry}1\n` });
  assert.equal(good.successors, undefined);
  const named = await read({
    "/loader/loader.conf": "default c*\n",
    [at("c+3.conf")]: `${entry}3\n`,
    [at("a.conf")]: `${entry}1\n`,
  });
  assert.equal(named.successors, undefined, "'default' names it all the same");
});
