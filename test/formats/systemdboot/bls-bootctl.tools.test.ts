/** Type #1 entries against the real bootctl: the same entries in the same order with the same words. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bls } from "../../../src/formats/systemdboot/bls.ts";
import { uki } from "../../../src/formats/systemdboot/uki.ts";
import { makePe } from "../../binary/pefile.ts";
import { bootctlList, bootctlMissing, findBootctl } from "../bootctl.ts";
import { readTree } from "../tree.ts";

const program = findBootctl();
const missing = bootctlMissing(program);

const word = fc.constantFrom("debian", "fedora", "arch", "a", "b-1", "x_y");
const version = fc.constantFrom("6.1.0-18-amd64", "6.1.0-9-amd64", "6.10~rc1", "6.10", "5.4^git1", "1", "");
const machine = fc.constantFrom("4098b3f648d74c13b1f04ccfba7798e8", "00000000000000000000000000000001");
const entry = fc
  .record({
    title: fc.option(fc.constantFrom("Debian", "Fedora Linux 40 (Workstation)", "Arch Linux")),
    version: fc.option(version),
    "machine-id": fc.option(machine),
    "sort-key": fc.option(word),
    linux: fc.constantFrom("/vmlinuz", "/a/linux", "//double//slash"),
    initrd: fc.option(fc.constantFrom("/initrd", "/ucode")),
    options: fc.option(fc.constantFrom("root=/dev/sda1 ro", "quiet  splash")),
    more: fc.option(fc.constantFrom("options single", 'options a="b c"', "# options no", "")),
  })
  .map(({ more, ...keys }) =>
    [...Object.entries(keys).flatMap(([key, value]) => (value ? `${key}  ${value}` : [])), more ?? "", ""].join("\n"),
  );
const name = fc
  .tuple(word, fc.constantFrom("", "-6.1", "-6.10", "-rescue"), fc.constantFrom("", "+3", "+0-3", "+2-1"))
  .map((parts) => parts.join(""));
const folder = fc.uniqueArray(fc.tuple(name, entry), {
  maxLength: 12,
  minLength: 1,
  selector: ([n]) => n.replace(/\+.*/, ""),
});

test("bootctl lists the same entries in the same order with the same titles and options", {
  skip: missing ?? false,
}, async () => {
  for (const entries of fc.sample(folder, { numRuns: 25, seed: 7 })) {
    const files = Object.fromEntries(entries.map(([n, text]) => [`/loader/entries/${n}.conf`, text]));
    const theirs = bootctlList(files, program);
    const ours = (await readTree(bls, files)).entries;
    assert.deepEqual(
      ours.map((e) => ({
        id: `${e.nativeId}.conf`,
        title: e.title,
        options: e.options,
        sortKey: e.sortKey ?? undefined,
      })),
      theirs.map((e) => ({ id: e.id, title: e.showTitle, options: e.options ?? "", sortKey: e.sortKey })),
      JSON.stringify(files, null, 1),
    );
  }
});

test("bootctl gives unified kernel images the same names, versions and command lines", {
  skip: missing ?? false,
}, async () => {
  const os = (...lines: string[]): string => `${lines.join("\n")}\n`;
  const image = (osRelease: string, cmdline: string): Uint8Array =>
    makePe([
      [".text", "code"],
      [".osrel", osRelease],
      [".cmdline", cmdline],
      [".linux", "kernel"],
    ]);
  const files = {
    "/EFI/Linux/fedora-6.9+3-1.efi": image(
      os("NAME=Fedora", 'PRETTY_NAME="Fedora 40"', "ID=fedora", "VERSION_ID=40"),
      "a b\n",
    ),
    "/EFI/Linux/fedora-6.10.efi": image(
      os("NAME=Fedora", "PRETTY_NAME='Fedora 40'", "ID=fedora", "VERSION=41 (x)"),
      "quiet",
    ),
    "/EFI/Linux/img.efi": image(os("NAME=N", "ID=i", "IMAGE_ID=img", "IMAGE_VERSION=7", "BUILD_ID=b"), "x=1  y=2"),
    "/EFI/Linux/b.efi": image(os("ID=only", "BUILD_ID=9"), "z"),
  };
  const theirs = bootctlList(files, program);
  const ours = (await readTree(uki, files)).entries;
  assert.deepEqual(
    ours.map((e) => [`${e.nativeId}.efi`, e.title, e.version ?? null, e.sortKey ?? null, e.options]),
    theirs.map((e) => [e.id, e.showTitle, e.version ?? null, e.sortKey ?? null, e.options]),
  );
});
