/**
 * Limine's configuration. Debian has no Limine; what is expected here is what Limine's own CONFIG.md says of each key,
 * path and macro.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatFileRef } from "../../src/entry.ts";
import { limine } from "../../src/formats/limine/limine.ts";
import { makePe } from "../binary/pefile.ts";
import { assertGolden, fixtures } from "./golden.ts";
import { contextOf, type Files, messages, type ReadOptions, readTree, treeVolume } from "./tree.ts";

for (const name of fixtures("limine-")) {
  test(`${name} gives the entries of its expected.json`, () => assertGolden(name, [limine]));
}

const conf = (text: string, options: ReadOptions = {}) => readTree(limine, { "/limine.conf": text }, options);
const LINUX = "protocol: linux\npath: boot():/k\n";

describe("which file is read", () => {
  const read = async (paths: readonly string[], firmware: "efi" | "pc"): Promise<string[]> => {
    const files: Files = Object.fromEntries(paths.map((path) => [path, `/At ${path}\n${LINUX}`]));
    const volume = treeVolume(files, { type: "vfat" });
    const titles: string[] = [];
    for (const path of await limine.find(volume)) {
      const { entries } = await limine.parse(path, contextOf(volume, { platform: { firmware } }));
      titles.push(...entries.map(({ title }) => title.slice(3)));
    }
    return titles;
  };

  test("beside the program on EFI, in the fixed places on a BIOS, the first of them", async () => {
    const all = ["/limine.conf", "/limine/limine.conf", "/boot/limine/limine.conf", "/EFI/limine/limine.conf"];
    assert.deepEqual(await read(all, "efi"), ["/EFI/limine/limine.conf"]);
    assert.deepEqual(await read(all, "pc"), ["/boot/limine/limine.conf"]);
  });

  test("what there is alone is read by either firmware, in whichever case its name is", async () => {
    assert.deepEqual(await read(["/efi/boot/LIMINE.CONF"], "pc"), ["/efi/boot/LIMINE.CONF"]);
    assert.deepEqual(await read(["/Limine.conf"], "efi"), ["/Limine.conf"]);
  });
});

describe("the default", () => {
  const menu = `/+A\n//A1\n${LINUX}//A2\n${LINUX}/B\n//B1\n${LINUX}//B1\n${LINUX}/C/D\n${LINUX}`;
  const chosen = async (text: string): Promise<string | null> => {
    const { defaultIndex, entries, defaultIsExplicit } = await conf(`${text}\n${menu}`);
    const entry = defaultIndex === null ? null : entries[defaultIndex]!;
    if (entry === null) return null;
    return `${[...entry.submenu, entry.title].join(">")} ${defaultIndex}${defaultIsExplicit ? "" : " first"}`;
  };

  test("a number counts the rows that are shown, folders among them, and not what is in a closed folder", async () => {
    assert.equal(await chosen("default_entry: 2"), "A>A1 0");
    assert.equal(await chosen("default_entry: 5"), "C/D 4");
  });

  test("a path names folders and the entry, `#1` the second of that name, a backslash keeps a slash", async () => {
    assert.equal(await chosen("default_entry: B/B1"), "B>B1 2");
    assert.equal(await chosen("default_entry: B/B1#1"), "B>B1 3");
    assert.equal(await chosen("default_entry: C\\/D"), "C/D 4");
  });

  test("a folder, or what isn't there, is no default, and neither is a folder in the first place", async () => {
    assert.equal(await chosen("default_entry: 1"), null);
    assert.equal(await chosen("default_entry: 9"), null);
    assert.equal(await chosen("default_entry: B"), null);
    assert.equal(await chosen(""), null);
    const { defaultIndex, defaultIsExplicit } = await conf(`/A\n${LINUX}`);
    assert.deepEqual([defaultIndex, defaultIsExplicit], [0, false]);
  });
});

test("the time until then", async () => {
  const timeout = async (text: string) => (await conf(`timeout: ${text}\n/A\n${LINUX}`)).timeout;
  assert.deepEqual(await Promise.all(["0", "0.25", "no", "99999", "soon"].map(timeout)), [
    0,
    0.25,
    Number.POSITIVE_INFINITY,
    9999,
    null,
  ]);
  assert.equal((await conf(`quiet: yes\n/A\n${LINUX}`)).timeoutStyle, "hidden");
});

describe("files", () => {
  const kernel = async (path: string, options: ReadOptions = {}) => {
    const { entries } = await conf(`/A\nprotocol: linux\npath: ${path}\n`, options);
    const { linux, reason, digests, unchecked } = entries[0]!;
    return { linux: linux && formatFileRef(linux), reason, digests, unchecked };
  };

  test("what can't be found stays unresolved under the name that it has", async () => {
    assert.equal((await kernel("guid(ABCD):/k")).linux, "unresolved:UUID=ABCD:/k");
    assert.equal((await kernel("fslabel(X):/k")).linux, "unresolved:LABEL=X:/k");
    const disk = { volume: { disk: "vda", partition: 1 } };
    assert.equal((await kernel("boot(3):/k", disk)).linux, "unresolved:boot(3):/k");
    assert.equal((await kernel("hdd(1:1):/k", disk)).linux, "vda1:/k");
  });

  test("a path never leaves its volume; one that is none, or on an unknown thing, is told", async () => {
    assert.equal((await kernel("boot():/../../k")).linux, "vda1:/k");
    assert.match((await kernel("/k")).reason!, /names no file that Limine could find: \/k/);
    assert.match((await kernel("fwcfg():/k")).reason!, /on fwcfg, which Baton doesn't know/);
  });

  test("a BLAKE2b hash goes with the entry, one of another kind keeps it from booting by itself", async () => {
    const hex = "ab".repeat(64);
    const file = { device: "vda1", path: "/k" };
    assert.deepEqual((await kernel(`boot():/k#${hex.toUpperCase()}`)).digests, [
      { file, algorithm: "blake2b512", hex },
    ]);
    const blake3 = await kernel(`boot():/k#${"ab".repeat(32)}`);
    assert.equal(blake3.digests, undefined);
    assert.match(blake3.unchecked!, /hash of \/k, which is of a kind that Baton doesn't know/);
  });
});

test("an EFI program that is a kernel or a unified kernel image boots, with Limine's command line before its own", async () => {
  const files: Files = {
    "/limine.conf":
      "/Image\nprotocol: efi\npath: boot():/u.efi\n/Words\nprotocol: efi\npath: boot():/u.efi\ncmdline: mine\n" +
      "/Shell\nprotocol: efi\npath: boot():/shell.efi\n",
    "/u.efi": makePe([
      [".osrel", "ID=acme\n"],
      [".cmdline", "own"],
      [".linux", "kernel"],
    ]),
    "/shell.efi": makePe([[".text", "x"]]),
  };
  const { entries } = await readTree(limine, files);
  assert.deepEqual(
    entries.map(({ kind, options, profile }) => [kind, options, profile]),
    [
      ["linux", "own", 0],
      ["linux", "mine", 0],
      ["efi", "", undefined],
    ],
  );
  assert.match(entries[2]!.reason!, /starts the EFI program \/shell\.efi, which only the firmware can do/);
});

test("an entry for another firmware or architecture isn't shown, as in Limine's menu", async () => {
  const text = `/A\nif_arch: aarch64\n${LINUX}/B\nif_fw_type: BIOS\n${LINUX}/C\nif_arch: ia-32 x86-64\n${LINUX}`;
  assert.deepEqual(
    (await conf(text)).entries.map(({ title }) => title),
    ["C"],
  );
});

test("macros that would fill the memory are refused, and an entry without its menu is left out", async () => {
  const bomb = `\${A}=${"x".repeat(2000)}\n/T\ncmdline: ${"${A}".repeat(500)}\n`;
  const { entries, diagnostics } = await conf(bomb);
  assert.equal(entries.length, 0);
  assert.match(messages(diagnostics)[0]!, /more than four times as long/);
  const orphan = await conf(`/A\n${LINUX}///B\n${LINUX}`);
  assert.equal(orphan.entries.length, 1);
  assert.match(messages(orphan.diagnostics)[0]!, /the one around it is missing/);
});
