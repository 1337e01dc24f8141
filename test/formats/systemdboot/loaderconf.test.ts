import assert from "node:assert/strict";
import { test } from "node:test";
import type { Diagnostic } from "../../../src/entry.ts";
import { type LoaderSettings, loaderSettings } from "../../../src/formats/systemdboot/loaderconf.ts";
import { testPlatform } from "../golden.ts";
import { messages } from "../tree.ts";

function settings(text: string | null, variables: Record<string, string> = {}): LoaderSettings & { said: string[] } {
  const diagnostics: Diagnostic[] = [];
  const found = loaderSettings(text, "esp:/loader/loader.conf", testPlatform({}, variables), diagnostics);
  return { ...found, said: messages(diagnostics) };
}

const patterns = ({ choices }: LoaderSettings): string[] =>
  choices.map((c) => (c.skipBad ? `${c.pattern} (good)` : c.pattern));

test("the timeout of loader.conf is a number, or one of systemd-boot's words", () => {
  const cases: readonly [string, number | null, string | null][] = [
    ["timeout 3", 3, "menu"],
    ["timeout 0", 0, "hidden"],
    ["timeout menu-hidden", 0, "hidden"],
    ["timeout menu-disabled", 0, "hidden"],
    ["timeout menu-force", Number.POSITIVE_INFINITY, "menu"],
    ["timeout 4294967295", Number.POSITIVE_INFINITY, "menu"],
    ["timeout 4294967294", null, null],
    ["timeout 5\ntimeout 7", 7, "menu"],
    ["default arch", null, null],
  ];
  for (const [text, timeout, timeoutStyle] of cases) {
    const found = settings(text);
    assert.deepEqual([found.timeout, found.timeoutStyle], [timeout, timeoutStyle], text);
  }
});

test("a timeout that is none is said and ignored", () => {
  const found = settings("# comment\ntimeout soon\n");
  assert.equal(found.timeout, null);
  assert.deepEqual(found.said, [
    "2:- timeout is a number of seconds, menu-force, menu-hidden or menu-disabled, not 'soon'; ignored",
  ]);
});

test("EFI variables win over loader.conf, and a one-shot timeout over both, with the menu shown", () => {
  assert.equal(settings("timeout 3", { LoaderConfigTimeout: "9" }).timeout, 9);
  assert.equal(settings("timeout 3", { LoaderConfigTimeout: "menu-force" }).timeout, Number.POSITIVE_INFINITY);
  assert.equal(settings("timeout 3", { LoaderConfigTimeout: "nonsense" }).timeout, 3);
  const once = settings("timeout 3", { LoaderConfigTimeout: "9", LoaderConfigTimeoutOneShot: "0" });
  assert.deepEqual([once.timeout, once.timeoutStyle], [Number.POSITIVE_INFINITY, "menu"]);
  assert.deepEqual(once.writesAtStart, [{ efivar: "LoaderConfigTimeoutOneShot", value: null }]);
});

test("the default is looked for in systemd-boot's order: one shot, preferred, then default, variables before the file", () => {
  const text = "default  Debian-*\npreferred fedora-*";
  assert.deepEqual(patterns(settings(text)), ["fedora-* (good)", "debian-*"]);
  const variables = {
    LoaderEntryOneShot: "once.conf\0",
    LoaderEntryDefault: "chosen.conf",
    LoaderEntryPreferred: "liked.conf",
  };
  assert.deepEqual(patterns(settings(text, variables)), [
    "once.conf",
    "liked.conf (good)",
    "fedora-* (good)",
    "chosen.conf",
    "debian-*",
  ]);
  assert.deepEqual(settings(text, variables).writesAtStart, [{ efivar: "LoaderEntryOneShot", value: null }]);
});

test("@saved is the entry booted last, which booting then writes", () => {
  const found = settings("default @saved", { LoaderEntryLastBooted: "Arch.conf" });
  assert.deepEqual(patterns(found), ["arch.conf"]);
  assert.equal(found.savesEntry, true);
  assert.deepEqual(patterns(settings("default @saved")), []);
  assert.equal(settings("default arch.conf").savesEntry, false);
});

test("booleans, unknown keys and unknown @names are read as systemd-boot reads them", () => {
  const found = settings("editor off\nauto-entries maybe\ncolour red\ndefault @first\nconsole-mode max\n");
  assert.deepEqual([found.editor, found.autoEntries], [false, true]);
  assert.deepEqual(found.choices, []);
  assert.deepEqual(found.said, [
    "2:- auto-entries is yes or no, not 'maybe'; the line is ignored",
    "3:- 'colour' is no key of loader.conf; the line is ignored",
    "4:- default '@first': the only name with @ is @saved; the line is ignored",
  ]);
});

test("CR LF line ends, tabs, quotes and blanks around a value don't matter", () => {
  const found = settings('timeout\t 4 \r\n\r\n  default   "arch linux.conf"\r\n');
  assert.equal(found.timeout, 4);
  assert.deepEqual(patterns(found), ["arch linux.conf"]);
});
