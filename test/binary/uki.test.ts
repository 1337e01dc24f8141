import assert from "node:assert/strict";
import { test } from "node:test";
import { findSection, readPe } from "../../src/binary/pe.ts";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { profileSections, sectionText, stubCmdline } from "../../src/binary/uki.ts";
import { makePe } from "./pefile.ts";

test("the command line is what systemd-stub makes of the section", () => {
  assert.equal(stubCmdline("  root=/dev/sda1\tro\nquiet\n\0\0"), "root=/dev/sda1 ro quiet");
  assert.equal(stubCmdline("a \n  b"), "a    b", "blanks within stay as many as they are");
  assert.equal(stubCmdline("a\0b"), "a");
  assert.equal(stubCmdline("\x7f\x01a=\x1b[0m\x7f"), "a= [0m");
  assert.equal(stubCmdline("\u00a0a\u00a0"), "\u00a0a\u00a0", "other blanks of Unicode are text");
  assert.equal(stubCmdline(" \n\0"), "");
});

async function texts(name: string, sections: readonly (readonly [string, string])[]): Promise<(string | null)[]> {
  const bytes = makePe(sections);
  const readAt = readAtOfBytes(bytes);
  const pe = (await readPe(readAt, bytes.length))!;
  return Promise.all(profileSections(pe).map((own) => sectionText(readAt, findSection(own, name))));
}

test("a profile's own sections count before the base's; without profiles there is one", async () => {
  const base = [
    [".linux", "k"],
    [".cmdline", "base\0\0"],
  ] as const;
  assert.deepEqual(await texts(".cmdline", base), ["base"]);
  const profiles = [...base, [".profile", "ID=one"], [".profile", "ID=two"], [".cmdline", "second"]] as const;
  assert.deepEqual(await texts(".cmdline", profiles), ["base", "second"]);
  assert.deepEqual(await texts(".profile", profiles), ["ID=one", "ID=two"]);
  assert.deepEqual(await texts(".osrel", profiles), [null, null]);
});

test("no more than 256 profiles are read, as by systemd-boot", async () => {
  const many = Array.from({ length: 300 }, (_, index) => [".profile", `ID=${index}`] as const);
  assert.equal((await texts(".profile", many)).length, 256);
});

test("a text of more than 64 KiB is refused, not read", async () => {
  await assert.rejects(texts(".cmdline", [[".cmdline", "x".repeat(100_000)]]), { code: "too-large" });
});
