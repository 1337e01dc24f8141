import assert from "node:assert/strict";
import { test } from "node:test";
import { compareEntryNames, compareRpmVersions } from "../../../src/formats/grub/rpmversion.ts";
import { makePe } from "../../binary/pefile.ts";
import { initrdsOf, kernelOf, memoryVolume, only, problems, read, titles } from "./support.ts";

const entry = (version: string, extra = "") => `title Fedora Linux (${version})
version ${version}
linux /vmlinuz-${version}
initrd /initramfs-${version}.img $tuned_initrd
options $kernelopts $tuned_params
grub_users $grub_users
grub_arg --unrestricted
grub_class fedora
${extra}`;

const FILES = {
  "/loader/entries/abc-5.9.0-1.fc33.x86_64.conf": entry("5.9.0-1.fc33.x86_64"),
  "/loader/entries/abc-5.10.2-1.fc33.x86_64.conf": entry("5.10.2-1.fc33.x86_64"),
  "/loader/entries/abc-0-rescue.conf": "title Rescue\nlinux /vmlinuz-0-rescue\noptions root=/dev/vda3 ro",
  "/loader/entries/README": "not an entry",
};

const HEADER = `
load_env
set kernelopts="root=UUID=1 ro rhgb"
insmod blscfg
`;

test("blscfg lists the entries of /loader/entries, the newest first", async () => {
  const result = await read(`${HEADER}blscfg\nmenuentry "Own" { linux /own }`, {
    files: FILES,
    path: "/grub2/grub.cfg",
  });
  assert.deepEqual(titles(result), [
    "Fedora Linux (5.10.2-1.fc33.x86_64)",
    "Fedora Linux (5.9.0-1.fc33.x86_64)",
    "Rescue",
    "Own",
  ]);
  const [first] = result.entries;
  assert.equal(first!.nativeId, "abc-5.10.2-1.fc33.x86_64");
  assert.equal(first!.source, "vda1:/loader/entries/abc-5.10.2-1.fc33.x86_64.conf");
  assert.equal(kernelOf(first!), "vda1:/vmlinuz-5.10.2-1.fc33.x86_64");
  assert.deepEqual(initrdsOf(first!), ["vda1:/initramfs-5.10.2-1.fc33.x86_64.img"]);
  assert.equal(first!.options, "BOOT_IMAGE=(hd0,gpt1)/vmlinuz-5.10.2-1.fc33.x86_64 root=UUID=1 ro rhgb");
  assert.equal(first!.restricted, null);
  assert.deepEqual(problems(result), []);
});

test("variables of the environment block, early initrds and passwords reach the entries", async () => {
  const result = await read(
    `${HEADER}
set superusers=root
set grub_users="ann"
set early_initrd="acpi.img ucode.img"
set tuned_params="isolcpus=1"
set tuned_initrd="($root)/tuned.img"
export tuned_initrd
blscfg default
blscfg non-default`,
    { files: { "/loader/entries/a-1-1.conf": entry("1-1") }, path: "/grub2/grub.cfg" },
  );
  const found = only(result);
  assert.equal(found.options, "BOOT_IMAGE=(hd0,gpt1)/vmlinuz-1-1 root=UUID=1 ro rhgb isolcpus=1");
  assert.deepEqual(initrdsOf(found), [
    "vda1:/acpi.img",
    "vda1:/ucode.img",
    "vda1:/initramfs-1-1.img",
    "vda1:/tuned.img",
  ]);
  assert.deepEqual(found.restricted, ["root", "ann"]);
});

test("entries are taken from the volume that $root names, and from /boot where there is no partition for it", async () => {
  const boot = memoryVolume({ "/loader/entries/a-1-1.conf": entry("1-1") }, { name: "vda2", label: "boot" });
  const result = await read("search --label --set=root boot\nblscfg\n", {
    others: [boot],
    path: "/EFI/fedora/grub.cfg",
  });
  assert.equal(kernelOf(only(result)), "vda2:/vmlinuz-1-1");
  const whole = await read("blscfg\n", { files: { "/boot/loader/entries/a.conf": "linux /boot/k\n" } });
  assert.equal(kernelOf(only(whole)), "vda1:/boot/k");
  assert.equal(only(whole).title, "/boot/k");
});

test("no entries at all is told", async () => {
  const result = await read("blscfg\n");
  assert.match(
    problems(result)[0] ?? "",
    /blscfg: there are no entries in vda1:\/loader\/entries or vda1:\/boot\/loader/,
  );
});

test("saved_entry names an entry by its file", async () => {
  const result = await read(`set default="abc-5.9.0-1.fc33.x86_64"\nblscfg\n`, { files: FILES });
  assert.equal(result.entries[result.defaultIndex!]?.title, "Fedora Linux (5.9.0-1.fc33.x86_64)");
});

test("versions are compared as RPM compares them", () => {
  const newer: [string, string][] = [
    ["5.10", "5.9"],
    ["1.0", "1.0~rc1"],
    ["1.0a", "1.0"],
    ["1.1", "1.a"],
    ["10", "9"],
    ["1.0010", "1.9"],
    ["2", "1.9.9"],
  ];
  for (const [a, b] of newer) {
    assert.ok(compareRpmVersions(a, b) > 0, `${a} is newer than ${b}`);
    assert.ok(compareRpmVersions(b, a) < 0, `${b} is older than ${a}`);
  }
  assert.equal(compareRpmVersions("1.0", "1_0"), 0);
  assert.ok(compareEntryNames("m-6.1.0-2.fc", "m-6.1.0-1.fc") > 0);
  assert.ok(compareEntryNames("m-6.1.0-1.fc", "m-0-rescue") > 0);
});

const UKI = makePe([
  [".osrel", 'NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\n'],
  [".cmdline", "root=LABEL=arch rw quiet\n"],
  [".linux", "kernel"],
  [".initrd", "initrd"],
]);

test("uki lists the unified kernel images of the system partition", async () => {
  const esp = memoryVolume(
    {
      "/EFI/Linux/arch-6.1.efi": UKI,
      "/EFI/Linux/arch-6.10.efi": UKI,
      "/EFI/Linux/tool.efi": makePe([[".text", "x"]]),
      "/EFI/Linux/notes.txt": "x",
    },
    { name: "vda2", type: "vfat" },
  );
  const result = await read("uki\n", { others: [esp] });
  assert.deepEqual(result.entries.map(kernelOf), ["vda2:/EFI/Linux/arch-6.10.efi", "vda2:/EFI/Linux/arch-6.1.efi"]);
  const [first] = result.entries;
  assert.equal(first!.title, "Arch Linux");
  assert.equal(first!.kind, "linux");
  assert.equal(first!.options, "root=LABEL=arch rw quiet");
  assert.equal(first!.reason, null);
});

test("a chainloaded unified kernel image is as good as its kernel, any other program is not", async () => {
  const files = { "/EFI/Linux/a.efi": UKI, "/EFI/tool.efi": makePe([[".text", "x"]]) };
  const result = await read(
    "menuentry A { chainloader /EFI/Linux/a.efi }\nmenuentry B { chainloader /EFI/Linux/a.efi single }\nmenuentry C { chainloader /EFI/tool.efi }",
    { files },
  );
  assert.deepEqual(
    result.entries.map(({ kind, options, reason }) => [kind, options, reason === null]),
    [
      ["linux", "root=LABEL=arch rw quiet", true],
      ["linux", "single", true],
      ["efi", "", false],
    ],
  );
});

test("an entry that counts its boots is known without its counter, and by its file's name", async () => {
  const files = { "/loader/entries/a-1.conf": entry("1"), "/loader/entries/b-2+3-1.conf": entry("2") };
  for (const name of ["b-2", "b-2.conf", "b-2+3-1", "b-2+3-1.conf"]) {
    const result = await read(`set default="${name}"\nblscfg\n`, { files });
    assert.equal(result.entries[result.defaultIndex!]?.nativeId, "b-2", name);
    assert.equal(result.defaultIsExplicit, true);
    const only = await read(`set default="${name}"\nblscfg --show-default\n`, { files });
    assert.deepEqual(titles(only), ["Fedora Linux (2)"]);
  }
});

test("what is wrong with an entry's options is told where they stand in its file", async () => {
  const conf = "title A\nversion 1\nlinux /k\n  options root='/dev/sda1 ro\n";
  const result = await read("blscfg\n", { files: { "/loader/entries/a.conf": conf } });
  assert.match(problems(result).join(), /^vda1:\/loader\/entries\/a\.conf:4:3: missing '|^4:3: missing '/);
});
