import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFileRef } from "../../../src/entry.ts";
import { readConfiguration } from "../../../src/formats/grub/grub.ts";
import { initrdsOf, kernelOf, memoryVolume, only, problems, read, titles } from "./support.ts";

test("an entry has the kernel, the initrds and the command line that GRUB would give the kernel", async () => {
  const entry = only(
    await read(`menuentry "Debian" --class debian --id deb {
  linux /boot/vmlinuz root=UUID=1 ro quiet
  initrd /boot/early.img /boot/initrd.img
}`),
  );
  assert.equal(entry.nativeId, "deb");
  assert.equal(entry.kind, "linux");
  assert.equal(entry.source, "vda1:/boot/grub/grub.cfg");
  assert.equal(kernelOf(entry), "vda1:/boot/vmlinuz");
  assert.deepEqual(initrdsOf(entry), ["vda1:/boot/early.img", "vda1:/boot/initrd.img"]);
  assert.equal(entry.options, "BOOT_IMAGE=/boot/vmlinuz root=UUID=1 ro quiet");
  assert.equal(entry.reason, null);
});

for (const [words, options] of [
  [`"dyndbg=file x.c +p" ro`, `"dyndbg=file x.c +p" ro`],
  [`a="b c"`, `"a=b c"`],
  [`'a"b' it\\'s back\\\\slash`, `a\\"b it\\'s back\\\\slash`],
  [`"" x`, ` x`],
  ["a  b\tc", "a b c"],
] as const) {
  test(`the command line is quoted as GRUB quotes it: ${words}`, async () => {
    const entry = only(await read(`menuentry x { linux /k ${words} }`));
    assert.equal(entry.options, `BOOT_IMAGE=/k ${options}`);
  });
}

test("BOOT_IMAGE is the name as written, device and all, with every linux command and on every architecture", async () => {
  for (const command of ["linux", "linux16", "linuxefi"]) {
    const config = `menuentry x { ${command} ($root)/k ro\n${command.replace("linux", "initrd")} /i }`;
    const entry = only(await read(config, { platform: { arch: "aarch64" } }));
    assert.equal(entry.options, "BOOT_IMAGE=(hd0,gpt1)/k ro");
    assert.equal(kernelOf(entry), "vda1:/k");
    assert.deepEqual(initrdsOf(entry), ["vda1:/i"]);
  }
});

test("a body runs with the variables as they are at the end of the configuration, and keeps its own to itself", async () => {
  const result = await read(`
set args=early
menuentry A { set own=a; linux /a $args $own }
menuentry B { linux /b $args $own }
set args=late
`);
  assert.deepEqual(
    result.entries.map(({ options }) => options),
    ["BOOT_IMAGE=/a late a", "BOOT_IMAGE=/b late"],
  );
});

test("a body's arguments are the title and what follows it", async () => {
  const entry = only(await read(`menuentry "T" x "y z" { linux /k $1 $2 "$3" $# }`));
  assert.equal(entry.options, `BOOT_IMAGE=/k T x "y z" 3`);
});

test("submenus see exported variables only, and $chosen tells the way to an entry", async () => {
  const result = await read(`
set plain=1
set passed=2
export passed
submenu "S" --id s {
  set inner=3
  menuentry "E>" { linux /k p=$plain e=$passed i=$inner c=$chosen }
  submenu "T" { menuentry "F" --id f { linux /k c=$chosen i=$inner } }
}
menuentry "Top" { linux /k c=$chosen }
`);
  assert.deepEqual(titles(result), ["S > E>", "S > T > F", "Top"]);
  assert.deepEqual(
    result.entries.map(({ options }) => options.slice("BOOT_IMAGE=/k ".length)),
    ["p= e=2 i=3 c=s>E>>", "c=s>T>f i=", "c=Top"],
  );
});

test("entries that submenus and functions make, and those of loops, are listed where GRUB shows them", async () => {
  const result = await read(`
function entry {
  menuentry "$1" "$2" { linux /vmlinuz-$2 }
}
for v in 6.1 5.10; do
  entry "Debian $v" $v
done
if [ a = a ]; then
  menuentry "Yes" { linux /yes }
else
  menuentry "No" { linux /no }
fi
`);
  assert.deepEqual(titles(result), ["Debian 6.1", "Debian 5.10", "Yes"]);
  assert.deepEqual(result.entries.map(kernelOf), ["vda1:/vmlinuz-6.1", "vda1:/vmlinuz-5.10", "vda1:/yes"]);
});

test("menuentry takes its body from --source too", async () => {
  const entry = only(await read(`menuentry "x" --source "linux /k a=b\ninitrd /i"`));
  assert.equal(entry.options, "BOOT_IMAGE=/k a=b");
  assert.deepEqual(initrdsOf(entry), ["vda1:/i"]);
});

test("a second linux or initrd replaces the first, as in GRUB", async () => {
  const entry = only(await read("menuentry x { linux /a 1\ninitrd /i\nlinux /b 2\ninitrd /j\ninitrd /k }"));
  assert.equal(entry.options, "BOOT_IMAGE=/b 2");
  assert.deepEqual(initrdsOf(entry), ["vda1:/k"]);
});

test("what follows boot doesn't count", async () => {
  const entry = only(await read("menuentry x { linux /a\nboot\nlinux /b }"));
  assert.equal(kernelOf(entry), "vda1:/a");
});

test("a devicetree is kept", async () => {
  const entry = only(await read("menuentry x { linux /a\ndevicetree /dtb/board.dtb }"));
  assert.equal(formatFileRef(entry.devicetree!), "vda1:/dtb/board.dtb");
});

for (const [command, module, kind] of [
  ["multiboot", "module", "multiboot"],
  ["multiboot2", "module2", "multiboot2"],
  ["xen_hypervisor", "xen_module", "multiboot2"],
] as const) {
  test(`${command}: the hypervisor is the first of the modules, and linux is null`, async () => {
    const entry = only(
      await read(`menuentry Xen {
  ${command} /boot/xen.gz placeholder dom0_mem=1G
  ${module} /boot/vmlinuz placeholder root=/dev/sda1 ro
  ${module} --nounzip /boot/initrd.img
}`),
    );
    assert.equal(entry.kind, kind);
    assert.equal(entry.linux, null);
    assert.equal(entry.options, "placeholder dom0_mem=1G");
    assert.deepEqual(
      entry.modules.map(({ file, args }) => [formatFileRef(file), args]),
      [
        ["vda1:/boot/xen.gz", "placeholder dom0_mem=1G"],
        ["vda1:/boot/vmlinuz", "placeholder root=/dev/sda1 ro"],
        ["vda1:/boot/initrd.img", ""],
      ],
    );
    assert.equal(entry.reason, null);
  });
}

for (const [body, kind, reason] of [
  ["chainloader +1", "local", /boot sector \+1/],
  ["chainloader (hd0,msdos1)+1", "local", /boot sector/],
  ["chainloader /EFI/Microsoft/Boot/bootmgfw.efi", "efi", /another boot program \(\/EFI\/Microsoft/],
  ["fwsetup", "other", /firmware's setup/],
  ["reboot", "other", /restarts/],
  ["halt", "other", /switches the machine off/],
  ["exit", "local", /leaves GRUB/],
  ["ntldr /bootmgr", "other", /Windows boot loader \(\/bootmgr\)/],
  ["kfreebsd /boot/kernel", "other", /FreeBSD/],
  ["true", "other", /loads nothing/],
  ["initrd /i", "other", /loads nothing/],
] as const) {
  test(`an entry that kexec can't start is listed with the reason: ${body}`, async () => {
    const entry = only(await read(`menuentry x { ${body} }`));
    assert.equal(entry.kind, kind);
    assert.match(entry.reason ?? "", reason);
    assert.equal(entry.linux, null);
  });
}

test("a name without a slash is a reason on a disk, and none in a tree that stands for a server", async () => {
  const config = "menuentry x { linux images/vmlinuz }";
  assert.match(only(await read(config)).reason ?? "", /doesn't begin with '\/'/);
  const served = only(await read(config, { volume: { type: null } }));
  assert.equal(served.reason, null);
  assert.equal(kernelOf(served), "vda1:/images/vmlinuz");
});

test("files on servers are URLs", async () => {
  const entry = only(await read("menuentry x { linux (http,10.0.0.1)/vmlinuz\ninitrd (tftp,boot.lan,1069)/initrd }"));
  assert.equal(kernelOf(entry), "http://10.0.0.1/vmlinuz");
  assert.deepEqual(initrdsOf(entry), ["tftp://boot.lan:1069/initrd"]);
});

test("the users who may boot an entry are kept, where the configuration has superusers", async () => {
  const entries = `
menuentry A { linux /k }
menuentry B --unrestricted { linux /k }
menuentry C --users "ann,bob" --hotkey=c { linux /k }
`;
  const locked = await read(`set superusers="root"\n${entries}`);
  assert.deepEqual(
    locked.entries.map(({ restricted }) => restricted),
    [["root"], null, ["root", "ann", "bob"]],
  );
  assert.equal(locked.entries[2]?.hotkey, "c");
  const open = await read(entries);
  assert.ok(open.entries.every(({ restricted }) => restricted === null));
});

test("a blank title that loads nothing separates entries and is none", async () => {
  const result = await read(`set default=2
menuentry "A" { linux /a }
menuentry " " { true }
menuentry "B" { linux /b }
`);
  assert.deepEqual(titles(result), ["A", "B"]);
  assert.equal(result.defaultIndex, 1);
});

test("a script that boots by itself is an entry named after its file", async () => {
  const result = await read("linux /vmlinuz root=/dev/vda2\ninitrd /initrd\nboot\n");
  const entry = only(result);
  assert.equal(entry.title, "grub.cfg");
  assert.equal(entry.options, "BOOT_IMAGE=/vmlinuz root=/dev/vda2");
  assert.equal(result.defaultIndex, 0);
  assert.equal(result.timeout, 0);
});

test("another configuration's menu is listed where configfile shows it, with its own default and source", async () => {
  const files = {
    "/grub/real.cfg": "set default=1\nset timeout=3\nmenuentry A { linux /a }\nmenuentry B { linux /b }\n",
  };
  const result = await read(
    "search --file --set=root /grub/real.cfg\nset prefix=($root)/grub\nconfigfile $prefix/real.cfg\n",
    {
      files,
      path: "/EFI/debian/grub.cfg",
    },
  );
  assert.deepEqual(titles(result), ["A", "B"]);
  assert.equal(result.defaultIndex, 1);
  assert.equal(result.timeout, 3);
  assert.equal(result.entries[0]?.source, "vda1:/grub/real.cfg");
});

test("an entry that opens another configuration is a submenu of it", async () => {
  const files = { "/other.cfg": "menuentry A { linux /a }\n" };
  const result = await read(`menuentry "Other" { configfile /other.cfg }\nmenuentry B { linux /b }\n`, { files });
  assert.deepEqual(titles(result), ["Other > A", "B"]);
});

test("extract_entries_source takes another configuration's entries into the menu", async () => {
  const files = { "/other.cfg": "menuentry A { linux /a }\n" };
  assert.deepEqual(titles(await read(`menuentry B { linux /b }\nextract_entries_source /other.cfg\n`, { files })), [
    "B",
    "A",
  ]);
});

test("a configuration that reads itself with other variables is read anew", async () => {
  const again = `if [ "$n" = aaa ]; then
  menuentry "Last" { linux /k }
else
  set n=a$n
  menuentry "$n" { linux /k }
  source /boot/grub/grub.cfg
fi
`;
  const result = await read(again);
  assert.deepEqual(titles(result), ["a", "aa", "aaa", "Last"]);
  assert.deepEqual(problems(result), []);
});

test("--users without a value leaves an entry to the superusers, where there are any", async () => {
  const entry = "menuentry A --users $nobody --id a { linux /a }\nmenuentry B --users { linux /b }";
  const restricted = async (config: string) => (await read(config)).entries.map((one) => one.restricted);
  assert.deepEqual(await restricted(entry), [null, null]);
  assert.deepEqual(await restricted(`set superusers=root\n${entry}`), [["root"], ["root"]]);
});

test("a backslash before x and two hexadecimal digits stays, wherever it stands", async () => {
  for (const word of ["LABEL=A\\x20b\\x2fc", "'LABEL=A\\x20b\\x2fc'", '"LABEL=A\\x20b\\x2fc"', "$label"]) {
    const config = `set label='LABEL=A\\x20b\\x2fc'\nmenuentry x { linux /k root=${word} \\xyz }`;
    assert.equal(only(await read(config)).options, "BOOT_IMAGE=/k root=LABEL=A\\x20b\\x2fc xyz", word);
  }
});

for (const [script, kernel, initrds] of [
  ["if linux /gone; then initrd /gone.img; else linux /k; initrd /i; fi", "/k", ["/i"]],
  ["if ! linux /gone; then linux /k; fi", "/k", []],
  ["if linux /k; then if ! initrd /gone.img; then initrd /i; fi; fi", "/k", ["/i"]],
  ["linux /k\nif initrd /i /gone.img; then true; fi", "/k", []],
  ["for k in /gone /also-gone /k /i; do if linux $k; then break; fi; done", "/k", []],
  ["if linux (hd7,gpt1)/k; then true; else linux /k; fi", "/k", []],
] as const) {
  test(`in a condition a file that is missing is an answer: ${script}`, async () => {
    const entry = only(await read(`menuentry x { ${script} }`, { files: { "/k": "", "/i": "" } }));
    assert.equal(kernelOf(entry), `vda1:${kernel}`);
    assert.deepEqual(
      initrdsOf(entry),
      initrds.map((path) => `vda1:${path}`),
    );
  });
}

test("a condition in which no kernel could be loaded loads none", async () => {
  const entry = only(await read("menuentry x { if linux /gone; then true; fi }"));
  assert.deepEqual([entry.linux, entry.reason], [null, "it loads nothing that could be started"]);
});

test("a module that is missing in a condition leaves the others", async () => {
  const files = { "/x": "", "/m": "" };
  const entry = only(
    await read("menuentry x { multiboot2 /x\nmodule2 /m\nif module2 /gone; then true; fi }", { files }),
  );
  assert.equal(entry.modules.length, 2);
});

test("a configuration that reads itself ends there", async () => {
  for (const command of ["source", "configfile", "normal"]) {
    const result = await read(`menuentry A { linux /a }\n${command} /boot/grub/grub.cfg\n`);
    assert.deepEqual(titles(result), ["A"]);
    assert.equal(/reads itself again/.test(problems(result).join()), command === "source", command);
  }
});

test("an entry that opens its own menu anew, one that isn't there or one that is empty says so", async () => {
  const files = { "/empty.cfg": "set a=b\n" };
  const entry = (path: string) => `menuentry "${path}" { configfile ${path} }\n`;
  const paths = ["/boot/grub/grub.cfg", "/none.cfg", "/empty.cfg"];
  const result = await read(`menuentry A { linux /a }\n${paths.map(entry).join("")}`, { files });
  assert.deepEqual(
    result.entries.map(({ reason }) => reason),
    [
      null,
      "the menu that it opens, vda1:/boot/grub/grub.cfg, is this one",
      "the menu that it opens, vda1:/none.cfg, can't be read",
      "the menu that it opens, vda1:/empty.cfg, has no entries",
    ],
  );
});

test("files inside a disk image are told as such where the image can't be opened", async () => {
  const config = `menuentry "ISO" {
  loopback loop /isos/debian.iso
  linux (loop)/live/vmlinuz findiso=/isos/debian.iso
  initrd (loop)/live/initrd.img
}`;
  const entry = only(await read(config, { files: { "/isos/debian.iso": "x" } }));
  assert.equal(entry.options, "BOOT_IMAGE=(loop)/live/vmlinuz findiso=/isos/debian.iso");
  assert.equal(kernelOf(entry), "unresolved:loop:/live/vmlinuz");
  assert.match(entry.reason ?? "", /inside the disk image vda1:\/isos\/debian\.iso/);
});

test("a disk named by number is the configuration's own", async () => {
  const disk = { disk: "vda", scheme: "gpt" } as const;
  const second = memoryVolume({}, { name: "vda2", partition: 2, ...disk });
  const other = memoryVolume({}, { name: "vdb2", partition: 2, disk: "vdb", scheme: "gpt" });
  const config =
    "menuentry A { set root=hd1,gpt2; linux /a }\nmenuentry B { linux (hd0,gpt1)/b }\nmenuentry C { linux (hd3,msdos9)/c }";
  const result = await read(config, { volume: { partition: 1, ...disk }, others: [other, second] });
  assert.deepEqual(result.entries.map(kernelOf), ["vda2:/a", "vda1:/b", "unresolved:hd3,msdos9:/c"]);
  const directory = await read(config, { others: [other, second] });
  assert.deepEqual(directory.entries.map(kernelOf), ["vda1:/a", "vda1:/b", "vda1:/c"]);
});

test("newc: names a file of the initial file system", async () => {
  const entry = only(await read("menuentry x { linux /k\ninitrd /i newc:etc/key:/secret/key }"));
  assert.deepEqual(initrdsOf(entry), ["vda1:/i", "vda1:/secret/key"]);
  assert.deepEqual(entry.initrdNames, [null, "etc/key"]);
  assert.equal(entry.reason, null);
});

test("a disk image that can be opened is a device like any other", async () => {
  const image = memoryVolume(
    { "/boot/grub/loopback.cfg": 'menuentry "Live" { linux /live/vmlinuz iso=$iso_path }' },
    { name: "loop0" },
  );
  const config = `set iso_path=/isos/live.iso
export iso_path
menuentry "ISO" {
  loopback loop $iso_path
  root=(loop)
  configfile /boot/grub/loopback.cfg
}`;
  const own = memoryVolume({ "/isos/live.iso": "x", "/grub.cfg": config });
  const result = await readConfiguration("/grub.cfg", {
    volume: own,
    volumes: [own],
    platform: { firmware: "efi", arch: "x86_64" },
    openImage: async (_, path) => (path === "/isos/live.iso" ? image : "it is none"),
  });
  assert.deepEqual(titles(result), ["ISO > Live"]);
  assert.equal(kernelOf(result.entries[0]!), "loop0:/live/vmlinuz");
  assert.equal(result.entries[0]!.options, "BOOT_IMAGE=/live/vmlinuz iso=/isos/live.iso");
});

test("superusers of a configuration that configfile shows guard its entries", async () => {
  const files = {
    "/other.cfg": 'set superusers="root"\nmenuentry A { linux /a }\nmenuentry B --unrestricted { linux /b }',
  };
  const result = await read("configfile /other.cfg", { files });
  assert.deepEqual(
    result.entries.map(({ restricted }) => restricted),
    [["root"], null],
  );
});

test("variables of the network are there when the tree came over it", async () => {
  const volume = memoryVolume({ "/grub.cfg": "menuentry x { linux (http)/k s=$net_default_server }" });
  const result = await readConfiguration("/grub.cfg", {
    volume,
    volumes: [volume],
    platform: { firmware: "efi", arch: "x86_64" },
    variables: { net_default_server: "10.0.0.1" },
  });
  assert.equal(kernelOf(only(result)), "http://10.0.0.1/k");
});

test("openSUSE's snapshots: each opens its own configuration in its own subvolume", async () => {
  const snapshot = (number: number) => `if [ -f "/.snapshots/${number}/snapshot/boot/grub2/grub.cfg" ]; then
  snapshot_found=true
  saved_subvol=$btrfs_subvol
  menuentry "Leap 15.5 (5.14.21,2024-03-0${number},pre,zypp(zypper))" "@/.snapshots/${number}/snapshot" {
    btrfs_subvol="$2"
    extra_cmdline="rootflags=subvol=$2"
    export btrfs_subvol extra_cmdline
    snapshot_num=${number}
    export snapshot_num
    configfile /boot/grub2/grub.cfg
    btrfs_subvol=$saved_subvol
  }
fi
`;
  const menu = `submenu "Start bootloader from a read-only snapshot" {
${[2, 3, 4].map((n) => `if [ -f "/.snapshots/${n}/grub-snapshot.cfg" ]; then source "/.snapshots/${n}/grub-snapshot.cfg"; fi`).join("\n")}
if [ x$snapshot_found != xtrue ]; then
  submenu "Not Found" { true; }
fi
}`;
  const config = `set btrfs_relative_path="yes"
export btrfs_relative_path
if [ -n "$extra_cmdline" ]; then
  submenu "Bootable snapshot #$snapshot_num" {
    menuentry "If OK, run 'snapper rollback' and reboot." { true; }
  }
fi
menuentry "Leap 15.5" { linux /boot/vmlinuz root=UUID=ab \${extra_cmdline} quiet
initrd /boot/initrd }
hiddenentry "Text mode" --hotkey "t" { set textmode=true; terminal_output console; }
if [ -z "$extra_cmdline" -a -f "/.snapshots/grub-snapshot.cfg" ]; then
  source "/.snapshots/grub-snapshot.cfg"
fi`;
  const top = "/@/.snapshots";
  const files: Record<string, string> = { [`${top}/grub-snapshot.cfg`]: menu };
  for (const number of [2, 3]) {
    files[`${top}/${number}/grub-snapshot.cfg`] = snapshot(number);
    files[`${top}/${number}/snapshot/boot/grub2/grub.cfg`] = config;
  }
  const path = `${top}/1/snapshot/boot/grub2/grub.cfg`;
  const result = await read(config, { path, files, volume: { type: "btrfs" } });
  assert.deepEqual(problems(result), []);
  const deep = "Start bootloader from a read-only snapshot > Leap 15.5 (5.14.21,2024-03-0";
  assert.deepEqual(
    result.entries.map((entry) => [[...entry.submenu, entry.title].join(" > "), kernelOf(entry), entry.options]),
    [
      ["Leap 15.5", "vda1:/@/.snapshots/1/snapshot/boot/vmlinuz", "BOOT_IMAGE=/boot/vmlinuz root=UUID=ab quiet"],
      ...[2, 3].flatMap((n) => [
        [
          `${deep}${n},pre,zypp(zypper)) > Bootable snapshot #${n} > If OK, run 'snapper rollback' and reboot.`,
          null,
          "",
        ],
        [
          `${deep}${n},pre,zypp(zypper)) > Leap 15.5`,
          `vda1:/@/.snapshots/${n}/snapshot/boot/vmlinuz`,
          `BOOT_IMAGE=/boot/vmlinuz root=UUID=ab rootflags=subvol=@/.snapshots/${n}/snapshot quiet`,
        ],
      ]),
    ],
  );
});

test("openSUSE's system partition leads to the configuration in the default subvolume", async () => {
  const base = "/@/.snapshots/1/snapshot";
  const config =
    'set btrfs_relative_path="y"\nexport btrfs_relative_path\nmenuentry A { linux /boot/vmlinuz\ninitrd /boot/initrd }';
  const files = { [`${base}/boot/grub2/grub.cfg`]: config, [`${base}/boot/vmlinuz`]: "x" };
  const system = memoryVolume(files, { name: "vda2", type: "btrfs", uuid: "ab-12", disk: "vda", partition: 2 });
  const result = await read(
    `set btrfs_relative_path="yes"
search --fs-uuid --set=root ab-12
set prefix=($root)/boot/grub2
source "\${prefix}/grub.cfg"`,
    { path: "/EFI/opensuse/grub.cfg", others: [system], volume: { type: "vfat", disk: "vda", partition: 1 } },
  );
  assert.deepEqual(problems(result), []);
  assert.equal(kernelOf(only(result)), `vda2:${base}/boot/vmlinuz`);
});

test("what stands in a restricted submenu is restricted, whatever the entries say, unless the submenu is unrestricted", async () => {
  const result = await read(`set superusers="root"
export superusers
submenu Closed { menuentry a --unrestricted { linux /k }
  submenu Deeper --unrestricted { menuentry b --unrestricted { linux /k } } }
submenu Crew --users "mate, bosun" { menuentry c --unrestricted { linux /k }
  menuentry d --users bosun { linux /k }
  menuentry e { linux /k } }
submenu Free --unrestricted { menuentry f --unrestricted { linux /k } }
`);
  assert.deepEqual(
    result.entries.map(({ title, restricted }) => [title, restricted]),
    [
      ["a", ["root"]],
      ["b", ["root"]],
      ["c", ["root", "mate", "bosun"]],
      ["d", ["root", "bosun"]],
      ["e", ["root"]],
      ["f", null],
    ],
  );
  assert.deepEqual(result.superusers, ["root"]);
  assert.equal((await read("menuentry a { linux /k }")).superusers, undefined);
});

test("what hangs on a check that can't be made is listed as if it had failed, and doesn't boot by itself", async () => {
  const result = await read(`if verify_detached /k /k.sig; then menuentry Checked { linux /k }
else menuentry Unchecked { linux /k }
fi
menuentry Beside { linux /k }
menuentry Inside { if verify_detached /k /k.sig; then linux /k; fi }
if authenticate mate; then menuentry Crew { linux /k }
fi
`);
  assert.deepEqual(titles(result), ["Unchecked", "Beside", "Inside", "Crew"], "nobody is superuser: nobody is asked");
  assert.deepEqual(
    result.entries.map(({ unchecked }) => unchecked !== undefined),
    [true, false, true, false],
  );
  assert.match(result.entries[2]!.reason ?? "", /verify_detached/);
  assert.match(problems(result)[0]!, /'verify_detached' counts as failed/);
  const guarded = await read(
    "set superusers=root\nif authenticate; then menuentry A { linux /k }\nfi\nmenuentry B { linux /k }",
  );
  assert.deepEqual(titles(guarded), ["B"]);
  const enforced = await read("set check_signatures=enforce\nsubmenu S { menuentry A { linux /k } }");
  assert.match(only(enforced).unchecked ?? "", /check_signatures=enforce/);
});
