import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { formatFileRef, type ParsedEntry } from "../../../src/entry.ts";
import type { Format, FormatResult } from "../../../src/formats/format.ts";
import { osNames } from "../../../src/formats/osrelease.ts";
import { bls } from "../../../src/formats/systemdboot/bls.ts";
import { uki } from "../../../src/formats/systemdboot/uki.ts";
import { makePe } from "../../binary/pefile.ts";
import { contextOf, type Files, messages, type ReadOptions, readTree, treeVolume } from "../tree.ts";

const OS = 'NAME="Fedora Linux"\nPRETTY_NAME="Fedora Linux 40"\nID=fedora\nVERSION_ID=40\n';
const section = (name: string, text: string): readonly [string, string] => [name, text];
const image = (...sections: (readonly [string, string])[]): Uint8Array =>
  makePe([section(".linux", "kernel"), ...sections]);
const plain = (cmdline: string): Uint8Array => image(section(".osrel", OS), section(".cmdline", cmdline));

const read = (files: Files, options: ReadOptions = {}, format: Format = uki): Promise<FormatResult> =>
  readTree(format, files, options);
const summary = (entries: readonly ParsedEntry[]): unknown[] => entries.map((e) => [e.nativeId, e.title, e.options]);

test("an image in /EFI/Linux is an entry: named by its os-release, with its own command line, booted as one file", async () => {
  const { entries, diagnostics } = await read({ "/EFI/Linux/fedora-6.9+3-1.efi": plain("root=/dev/sda2 ro\n\0\0") });
  const [entry] = entries;
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(summary(entries), [["fedora-6.9", "Fedora Linux 40", "root=/dev/sda2 ro"]]);
  assert.equal(entry!.type, "uki");
  assert.equal(entry!.kind, "linux");
  assert.equal(formatFileRef(entry!.linux!), "vda1:/EFI/Linux/fedora-6.9+3-1.efi");
  assert.deepEqual(entry!.initrd, []);
  assert.deepEqual([entry!.version, entry!.sortKey, entry!.triesLeft, entry!.triesDone], ["40", "fedora", 3, 1]);
  assert.deepEqual(entry!.writes, [
    {
      rename: { device: "vda1", path: "/EFI/Linux/fedora-6.9+3-1.efi" },
      to: "vda1:/EFI/Linux/fedora-6.9+2-2.efi",
    },
  ]);
});

test("each profile is an entry; its sections go before the image's own", async () => {
  const bytes = image(
    section(".osrel", OS),
    section(".cmdline", "quiet"),
    section(".profile", "ID=regular\nTITLE=Regular boot\n"),
    section(".profile", "ID=factory-reset\nTITLE='Factory reset'\n"),
    section(".cmdline", "quiet systemd.unit=factory-reset.target"),
    section(".profile", "ID=storage\n"),
    section(".profile", ""),
    section(".osrel", "ID=other\nPRETTY_NAME=Other"),
  );
  const files = { "/EFI/Linux/os.efi": bytes, "/loader/loader.conf": "default os.efi@factory-*\ntimeout 4" };
  const { entries, defaultIndex, timeout } = await read(files);
  // The last has another name and sort key: it is sorted apart.
  assert.deepEqual(summary(entries), [
    ["os", "Fedora Linux 40 (Regular boot)", "quiet"],
    ["os@factory-reset", "Fedora Linux 40 (Factory reset)", "quiet systemd.unit=factory-reset.target"],
    ["os@storage", "Fedora Linux 40 (storage)", "quiet"],
    ["os@3", "Other (Profile #4)", "quiet"],
  ]);
  assert.deepEqual(
    entries.map((entry) => entry.profile),
    [0, 1, 2, 3],
  );
  assert.deepEqual([defaultIndex, timeout], [1, 4]);
});

test("a pattern for an image means its first profile", async () => {
  const bytes = image(section(".osrel", OS), section(".profile", "ID=a"), section(".profile", "ID=b"));
  const found = await read({ "/EFI/Linux/os+2.efi": bytes, "/loader/loader.conf": "default os.efi" });
  assert.equal(found.entries[found.defaultIndex!]!.nativeId, "os");
});

test("images and entry files stand in one list, sorted together", async () => {
  const found = await read(
    {
      "/loader/entries/debian.conf": "title Debian\nsort-key debian\nversion 6.1\nlinux /l",
      "/loader/entries/zorin.conf": "title Zorin\nsort-key zorin\nlinux /l",
      "/EFI/Linux/fedora.efi": plain("quiet"),
      "/loader/loader.conf": "default fedora.efi",
    },
    {},
    bls,
  );
  assert.deepEqual(
    found.entries.map((entry) => [entry.title, entry.type]),
    [
      ["Debian", "bls"],
      ["Fedora Linux 40", "uki"],
      ["Zorin", "bls"],
    ],
  );
  assert.equal(found.defaultIndex, 1);
  const volume = treeVolume({ "/loader/entries/a.conf": "linux /l", "/EFI/Linux/b.efi": plain("") });
  assert.deepEqual(await uki.find(volume), [], "what the bls format lists is not found twice");
});

test("images for another machine are hidden", async () => {
  const other = makePe([section(".linux", "k"), section(".osrel", OS)], { machine: 0xaa64 });
  const files = { "/EFI/Linux/arm.efi": other, "/EFI/Linux/pc.efi": plain("") };
  assert.deepEqual(
    (await read(files)).entries.map((entry) => entry.nativeId),
    ["pc"],
  );
  const arm = await read(files, { platform: { arch: "aarch64" } });
  assert.deepEqual(
    arm.entries.map((entry) => entry.nativeId),
    ["arm"],
  );
});

test("an image without names is listed all the same; a program without a kernel only says why not", async () => {
  const { entries, diagnostics } = await read({
    "/EFI/Linux/anonymous.efi": image(section(".cmdline", "quiet")),
    "/EFI/Linux/shell.efi": makePe([section(".text", "code")]),
    "/EFI/Linux/text.efi": "not a program",
    "/EFI/Linux/tool.efi": makePe([section(".osrel", "NAME=Tool")]),
  });
  assert.deepEqual(
    entries.map((entry) => [entry.title, entry.kind, entry.reason === null]),
    [
      ["Tool", "efi", false],
      ["anonymous.efi", "linux", true],
    ],
  );
  assert.deepEqual(
    diagnostics.map((d) => d.source.replace(/.*\//, "")),
    ["anonymous.efi", "shell.efi", "text.efi"],
  );
});

test("addons for this machine add to the command line: those for all images first", async () => {
  const addon = (text: string, options = {}): Uint8Array => makePe([section(".cmdline", text)], options);
  const { entries } = await read({
    "/EFI/Linux/os.efi": plain("quiet"),
    "/EFI/Linux/os.efi.extra.d/b.addon.efi": addon("b=1\n"),
    "/EFI/Linux/os.efi.extra.d/a.addon.efi": addon("a=1"),
    "/EFI/Linux/os.efi.extra.d/arm.addon.efi": addon("arm=1", { machine: 0xaa64 }),
    "/EFI/Linux/os.efi.extra.d/kernel.addon.efi": plain("kernel=1"),
    "/EFI/Linux/os.efi.extra.d/readme.txt": "x",
    "/loader/addons/all.addon.efi": addon("all=1"),
  });
  assert.equal(entries[0]!.options, "quiet all=1 a=1 b=1");
  assert.equal(entries[0]!.addons, undefined);
});

test("addons with files are named, for Type #1 entries too; a boot counter is no part of their folder's name", async () => {
  const files = {
    "/EFI/Linux/os+2-1.efi": plain("quiet"),
    "/EFI/Linux/os.efi.extra.d/fw.addon.efi": makePe([section(".initrd", "070701"), section(".cmdline", "fw")]),
    "/EFI/Linux/os.efi.extra.d/torn.addon.efi": plain("x").subarray(0, 300),
    "/loader/addons/ucode.ADDON.EFI": makePe([section(".ucode", "070701")]),
    "/loader/entries/os.conf": "title Named\nuki /EFI/Linux/os+2-1.efi\noptions single",
  };
  const { entries, diagnostics } = await read(files, {}, bls);
  const addons = [
    { device: "vda1", path: "/loader/addons/ucode.ADDON.EFI" },
    { device: "vda1", path: "/EFI/Linux/os.efi.extra.d/fw.addon.efi" },
  ];
  assert.deepEqual(
    entries.map((entry) => [entry.title, entry.options, entry.addons]),
    [
      ["Fedora Linux 40", "quiet fw", addons],
      ["Named", "single fw", addons],
    ],
  );
  assert.match(diagnostics[0]!.source, /torn\.addon\.efi$/);
});

test("a Type #1 entry may name an image and one of its profiles; its own options replace the image's", async () => {
  const bytes = image(
    section(".osrel", OS),
    section(".cmdline", "base"),
    section(".profile", "ID=one"),
    section(".profile", "ID=two"),
    section(".cmdline", "second"),
  );
  const { entries } = await read(
    {
      "/images/os.efi": bytes,
      "/loader/entries/a.conf": "title A\nuki /images/os.efi",
      "/loader/entries/b.conf": "title B\nuki /images/os.efi\nprofile 1",
      "/loader/entries/c.conf": "title C\nuki /images/os.efi\nprofile 1\noptions own",
      "/loader/entries/d.conf": "title D\nuki /images/os.efi\nprofile 7",
      "/loader/entries/e.conf": "title E\nefi /images/os.efi",
      "/loader/entries/f.conf": "title F\nuki-url https://example.org/os.efi",
      "/loader/entries/g.conf": "title G\nuki /images/gone.efi",
    },
    {},
    bls,
  );
  const by = Object.fromEntries(entries.map((entry) => [entry.title, entry]));
  assert.deepEqual([by.A!.options, by.A!.profile], ["base", 0]);
  assert.deepEqual([by.B!.options, by.B!.profile], ["second", 1]);
  assert.deepEqual([by.C!.options, by.C!.profile], ["own", 1]);
  assert.equal(by.D!.reason, "/images/os.efi has no profile 7");
  assert.deepEqual([by.E!.kind, by.E!.options], ["linux", "base"]);
  assert.match(by.F!.reason!, /https:\/\/example\.org\/os\.efi/);
  assert.equal(by.G!.reason, null, "whether a file is there is seen later, for every entry alike");
});

test("names are taken from os-release in systemd's order", () => {
  assert.deepEqual(osNames("ID=debian\nNAME=Debian\nVERSION_ID=12"), {
    name: "Debian",
    version: "12",
    sortKey: "debian",
  });
  assert.deepEqual(osNames("IMAGE_ID=img\nIMAGE_VERSION='7'\nID=x\nVERSION=1"), {
    name: "img",
    version: "7",
    sortKey: "img",
  });
  assert.equal(osNames("VERSION=1\n# NAME=no"), null);
});

test("whatever is broken in an image, reading it ends, and the others are listed", async () => {
  const good = plain("quiet");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
      fc.nat(good.length),
      async (changes, length) => {
        const bad = Buffer.from(good.subarray(0, length));
        for (const [at, value] of changes) if (at < bad.length) bad[at] = value;
        const { entries } = await read({ "/EFI/Linux/bad.efi": bad, "/EFI/Linux/good.efi": good });
        assert.ok(entries.some((entry) => entry.nativeId === "good" && entry.options === "quiet"));
      },
    ),
    { numRuns: 300 },
  );
  const found = await uki.parse("/EFI/Linux", contextOf(treeVolume({ "/EFI/Linux/short.efi": good.subarray(0, 300) })));
  assert.equal(messages(found.diagnostics).length, 1);
});

test("an image whose texts fill memory is not listed, which is told; the image beside it is", async () => {
  const profiles = Array.from({ length: 30 }, () => [section(".profile", ""), section(".cmdline", "x".repeat(60_000))]);
  const large = image(section(".osrel", OS), ...profiles.flat());
  const { entries, diagnostics } = await read({ "/EFI/Linux/a.efi": large, "/EFI/Linux/b.efi": plain("ro") });
  assert.deepEqual(
    entries.map(({ options }) => options),
    ["ro"],
  );
  assert.match(diagnostics.map(({ message }) => message).join("\n"), /texts have more than 1048576 bytes together/);
});
