import assert from "node:assert/strict";
import { test } from "node:test";
import { type ParsedEntry, parsedEntry } from "../../src/entry.ts";
import { findEntry } from "../../src/policy/find.ts";
import { bootList } from "../../src/policy/list.ts";
import type { ReadConfig } from "../../src/policy/readconfig.ts";

const GRUB = "vda1:/boot/grub/grub.cfg";

const entry = (title: string, fields: Partial<ParsedEntry> = {}): ParsedEntry =>
  parsedEntry({
    title,
    type: "grub",
    source: GRUB,
    linux: { device: "vda1", path: "/vmlinuz" },
    ...fields,
  });

/** A configuration whose entries stand in it, unless they say otherwise. */
const config = ({ entries = [], source = GRUB, ...fields }: Partial<ReadConfig>): ReadConfig => ({
  source,
  entries: entries.map((item) => (item.source === GRUB ? { ...item, source } : item)),
  diagnostics: [],
  defaultIndex: null,
  defaultIsExplicit: false,
  fallback: [],
  timeout: null,
  timeoutStyle: null,
  volumeKey: "1111",
  removable: false,
  ...fields,
});

const present = (): null => null;

test("one configuration's default is the list's default, and its timeout counts", () => {
  const list = bootList([config({ entries: [entry("a"), entry("b")], defaultIndex: 1, timeout: 7 })], present);
  assert.deepEqual(
    list.entries.map(({ title, isDefault }) => [title, isDefault]),
    [
      ["a", false],
      ["b", true],
    ],
  );
  assert.equal(list.timeout, 7);
});

test("a configuration that names its default wins over one on an earlier disk that merely has a first entry", () => {
  const list = bootList(
    [
      config({ entries: [entry("first disk")], defaultIndex: 0 }),
      config({
        source: "vdb1:/x",
        volumeKey: "2222",
        entries: [entry("second disk")],
        defaultIndex: 0,
        defaultIsExplicit: true,
      }),
    ],
    present,
  );
  assert.equal(list.entries.find(({ isDefault }) => isDefault)?.title, "second disk");
});

test("a removable disk's default never wins over a fixed disk's", () => {
  const list = bootList(
    [
      config({
        source: "sda1:/x",
        entries: [entry("stick")],
        defaultIndex: 0,
        defaultIsExplicit: true,
        removable: true,
      }),
      config({ source: "vda1:/y", volumeKey: "2222", entries: [entry("disk")], defaultIndex: 0 }),
    ],
    present,
  );
  assert.equal(list.entries.find(({ isDefault }) => isDefault)?.title, "disk");
});

test("an entry whose file is missing stays listed with the reason and stays the default", () => {
  const list = bootList([config({ entries: [entry("a"), entry("b")], defaultIndex: 0 })], () => "the file is missing");
  assert.deepEqual(list.entries[0]?.bootable, false);
  assert.equal(list.entries[0]?.reason, "vda1:/vmlinuz: the file is missing");
  assert.equal(list.entries[0]?.isDefault, true);
});

test("an entry on a device that no attached one answers to says which is missing", () => {
  const waiting = entry("a", { linux: { selector: "UUID=abcd", path: "/vmlinuz" } });
  const list = bootList([config({ entries: [waiting] })], present);
  assert.equal(list.entries[0]?.reason, "/vmlinuz: no attached device answers to UUID=abcd");
});

test("with fallback: any, after the default come its fallbacks, its configuration's other entries, other disks, removable disks last", () => {
  const list = bootList(
    [
      config({ source: "sda1:/s", volumeKey: "s", entries: [entry("stick", { options: "stick" })], removable: true }),
      config({
        entries: ["a", "b", "c"].map((title) => entry(title, { options: title })),
        defaultIndex: 1,
        fallback: [2],
      }),
      config({ source: "vdb1:/z", volumeKey: "z", entries: [entry("z", { options: "z" })] }),
    ],
    present,
    { default: null, fallback: ["any"], order: [], removable: true },
  );
  const titles = list.order.map((id) => list.entries.find((item) => item.id === id)?.title);
  assert.deepEqual(titles, ["b", "c", "a", "z", "stick"]);
});

test("a stub that leads to another file doesn't list that file's entries twice", () => {
  const real = [entry("Debian", { source: "vda2:/boot/grub/grub.cfg" })];
  const list = bootList(
    [
      config({ source: "vda1:/EFI/debian/grub.cfg", entries: real, defaultIndex: 0, volumeKey: "esp" }),
      config({ source: "vda2:/boot/grub/grub.cfg", entries: real, defaultIndex: 0 }),
    ],
    present,
  );
  assert.equal(list.entries.length, 1);
  assert.equal(list.entries[0]?.isDefault, true);
});

test("an entry that GRUB lists from a Boot Loader Specification file isn't listed a second time for that file", () => {
  const file = { source: "vda1:/loader/entries/a.conf" };
  const list = bootList(
    [
      config({ entries: [entry("A", file)], defaultIndex: 0, timeout: 3 }),
      config({
        source: "vda1:/loader/entries",
        entries: [entry("a", file), entry("b", { source: "vda1:/b.efi" })],
        defaultIndex: 1,
      }),
    ],
    present,
  );
  assert.deepEqual(
    list.entries.map(({ title, isDefault }) => [title, isDefault]),
    [
      ["A", true],
      ["b", false],
    ],
  );
});

test("two configurations that lead to each other list each entry once, and lose none", () => {
  const both = [entry("x", { source: "vda1:/a" }), entry("y", { source: "vda2:/b" })];
  const list = bootList(
    [
      config({ source: "vda1:/a", entries: both }),
      config({ source: "vda2:/b", entries: both, defaultIndex: 0, volumeKey: "2222" }),
    ],
    present,
  );
  assert.deepEqual(
    list.entries.map(({ title }) => title),
    ["x", "y"],
  );
});

test("ids are unique, without spaces, and the same however often the list is made", () => {
  const configs = [
    config({
      entries: [entry("Debian GNU/Linux"), entry("Debian GNU/Linux"), entry("日本語 title", { submenu: ["More…"] })],
    }),
  ];
  const ids = bootList(configs, present).entries.map(({ id }) => id);
  assert.equal(new Set(ids).size, 3);
  for (const id of ids) assert.doesNotMatch(id, /\s/);
  assert.deepEqual(
    bootList(configs, present).entries.map(({ id }) => id),
    ids,
  );
});

test("an entry is found by id, then title, then submenu path, then number", () => {
  const { entries } = bootList(
    [config({ entries: [entry("one"), entry("two", { submenu: ["more"], nativeId: "native" }), entry("2")] })],
    present,
  );
  assert.equal(findEntry(entries, entries[1]!.id)?.title, "two");
  assert.equal(findEntry(entries, "one")?.title, "one");
  assert.equal(findEntry(entries, "more>two")?.title, "two");
  assert.equal(findEntry(entries, "native")?.title, "two");
  assert.equal(findEntry(entries, "2")?.title, "2");
  assert.equal(findEntry(entries, "1")?.title, "one");
  assert.equal(findEntry(entries, "4"), null);
  assert.equal(findEntry(entries, "0"), null);
});
