import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { formatFileRef, type ParsedEntry } from "../../src/entry.ts";
import { baton, petitboot } from "../../src/formats/baton/baton.ts";
import { assertWellFormed } from "./invariants.ts";
import { messages, readTree, treeVolume } from "./tree.ts";

const files = (entry: ParsedEntry): string[] =>
  [entry.linux, ...entry.initrd].map((f) => (f ? formatFileRef(f) : "none"));
const yaml = (text: string, more = {}) => readTree(baton, { "/boot/baton.yaml": text }, more);
const ini = (text: string, more = {}) => readTree(baton, { "/baton.ini": text }, more);

test("the examples in configs/ say the same in YAML and in INI, and every word of them is understood", async () => {
  const others = [treeVolume({}, { name: "sdb1", label: "RESCUE" })];
  const fromYaml = await yaml(readFileSync("configs/entries.yaml", "utf8"), { others });
  const fromIni = await ini(readFileSync("configs/entries.ini", "utf8"), { others });
  for (const found of [fromYaml, fromIni]) {
    assert.deepEqual(found.diagnostics, []);
    assert.deepEqual([found.defaultIndex, found.defaultIsExplicit, found.timeout], [0, true, 5]);
    const [debian, rescue] = found.entries;
    assert.deepEqual(
      [debian!.nativeId, debian!.title, debian!.type, debian!.hotkey],
      ["debian", "Debian GNU/Linux", "baton", "d"],
    );
    assert.deepEqual(files(debian!), ["vda1:/boot/vmlinuz", "vda1:/boot/ucode.img", "vda1:/boot/initrd.img"]);
    assert.equal(formatFileRef(debian!.devicetree!), "vda1:/boot/board.dtb");
    assert.equal(debian!.options, "root=UUID=6d3376e4-fc93-4509-95ec-a21d68011da2 ro quiet");
    assert.deepEqual([rescue!.title, rescue!.submenu], ["Rescue system on a stick", ["Advanced options"]]);
    assert.deepEqual(files(rescue!), ["sdb1:/live/vmlinuz", "sdb1:/live/initrd.img"]);
    assert.equal(rescue!.options, "boot=live nomodeset");
  }
});

test("files are named on this volume, beside the list, on another volume by what it is called, or by URL", async () => {
  const others = [
    treeVolume({}, { name: "sda2", uuid: "AB-12", disk: "sda" }),
    treeVolume({}, { name: "vda2", uuid: "ab-12", disk: "vda", partlabel: "boot", partuuid: "77" }),
  ];
  const names = [
    "/k",
    "k",
    "../../k",
    "UUID=AB-12:/k",
    "PARTLABEL=boot:/k",
    "PARTUUID=77:/k",
    "sda2:/k",
    "LABEL=x:/k",
    "http://h/k",
  ];
  const text = `entries:\n${names.map((name, i) => `  - {title: "${i}", linux: "${name}"}`).join("\n")}\n`;
  const { entries } = await yaml(text, { others, volume: { disk: "vda" } });
  assert.deepEqual(
    entries.map((e) => files(e)[0]),
    [
      ...[
        "vda1:/k",
        "vda1:/boot/k",
        "vda1:/k",
        "vda2:/k",
        "vda2:/k",
        "vda2:/k",
        "sda2:/k",
        "unresolved:LABEL=x:/k",
        "http://h/k",
      ],
    ],
  );
});

test("what is wrong is said with its line, and costs only itself", async () => {
  const fromYaml = await yaml(
    [
      "timeout: soon",
      "colour: red",
      "default: gone",
      "entries:",
      "  - title: no kernel",
      "  - words",
      "  - title: good",
      "    linux: k",
      "    bogus: 1",
      "    options: {a: b}",
    ].join("\n"),
  );
  assert.deepEqual(
    fromYaml.entries.map((e) => e.title),
    ["good"],
  );
  assert.deepEqual([fromYaml.defaultIndex, fromYaml.defaultIsExplicit, fromYaml.timeout], [0, false, null]);
  assert.deepEqual(messages(fromYaml.diagnostics).sort(), [
    "-:- 'colour' is no word of this file; ignored",
    "-:- the default 'gone' is no entry's id or title",
    "-:- timeout is a number of seconds, or never, not 'soon'; ignored",
    "5:- the entry 'no kernel' names no linux (the kernel's file); it is not listed",
    "6:- an entry is a list of words and values: title: …, linux: …",
    "7:- 'bogus' is no word of an entry; ignored",
    "7:- options is a text or a list of texts; it is ignored",
  ]);
  const fromIni = await ini("timeout = never\nnonsense\n[a]\nlinux = k\nx = 1\n[b]\n");
  assert.deepEqual([fromIni.entries.length, fromIni.timeout], [1, Number.POSITIVE_INFINITY]);
  assert.deepEqual(messages(fromIni.diagnostics), [
    "2:- 'nonsense' is neither [a name] nor a line with '='; it is ignored",
    "5:- 'x' is no word of an entry; ignored",
    "6:- the entry 'b' names no linux (the kernel's file); it is not listed",
  ]);
});

test("YAML that isn't YAML, that is another thing, or that explodes gives diagnostics and ends", async () => {
  for (const text of ["entries: [", "- a\n- b", "entries: 5", "just words", "a: &x [*x]", "%YAML 9.9\n---\n\0"]) {
    const found = await yaml(text);
    assert.deepEqual(found.entries, [], text);
    assert.ok(found.diagnostics.length > 0, text);
  }
  const bomb = [
    "a: &a [x, x, x, x, x, x, x, x, x]",
    ...[..."bcdefgh"].map((n, i) => `${n}: &${n} [${`*${"abcdefg"[i]}, `.repeat(9)}]`),
  ];
  const found = await yaml(`${bomb.join("\n")}\nentries: *h\n`);
  assert.deepEqual(found.entries, []);
  assert.deepEqual((await yaml("")).diagnostics, []);
});

test("petitboot.conf: a section an entry, paths from the volume's root", async () => {
  const text = [
    ...[
      "name = A disk",
      "description = of this machine",
      "; comment",
      "[linux]",
      "name=Linux",
      "description=The usual one",
    ],
    ...[
      "image=/boot/vmlinuz",
      "initrd=/boot/initrd",
      'args="root=/dev/sda1 ro"',
      "icon=/x.png",
      "[other]",
      "image=vmlinux",
    ],
  ].join("\r\n");
  const found = await readTree(petitboot, { "/boot/petitboot.conf": text });
  assert.deepEqual(
    found.entries.map((e) => [e.title, e.type, e.nativeId, e.options, ...files(e)]),
    [
      ["Linux", "petitboot", "linux", "root=/dev/sda1 ro", "vda1:/boot/vmlinuz", "vda1:/boot/initrd"],
      ["other", "petitboot", "other", "", "vda1:/vmlinux"],
    ],
  );
  assert.deepEqual(found.diagnostics, []);
});

test("lists are found where configs/ says, YAML before INI", async () => {
  assert.deepEqual(await baton.find(treeVolume({ "/baton.ini": "", "/boot/baton.yaml": "" })), ["/baton.ini"]);
  assert.deepEqual(await baton.find(treeVolume({ "/baton.ini": "", "/baton.yaml": "" })), ["/baton.yaml"]);
  assert.deepEqual(await baton.find(treeVolume({ "/efi/BATON/Baton.yml": "" }, { type: "vfat" })), [
    "/efi/BATON/Baton.yml",
  ]);
  assert.deepEqual(await baton.find(treeVolume({})), []);
});

test("whatever the text is, reading it ends in something well formed", async () => {
  const line = fc.constantFrom(
    ...[
      "entries:",
      "  - title: a",
      "    linux: /k",
      "    initrd: [x, y]",
      "default: a",
      "timeout: 3",
      "[a]",
      "linux = k",
      "title =",
    ],
    ...[
      "submenu: &x a",
      "  - *x",
      "  - {linux: k, title: ''}",
      "\t",
      "- -",
      ": :",
      "options: |",
      "   text",
      "key\\",
      "linux = UUID=1:/k",
    ],
  );
  const text = fc.array(fc.oneof(line, fc.string({ maxLength: 12 })), { maxLength: 15 }).map((all) => all.join("\n"));
  await fc.assert(
    fc.asyncProperty(text, async (words) => {
      assertWellFormed(await yaml(words));
      assertWellFormed(await ini(words));
      assertWellFormed(await readTree(petitboot, { "/petitboot.conf": words }));
    }),
    { numRuns: 300 },
  );
});

test("a key that stands twice is said with its line, and the later one counts", async () => {
  const found = await yaml("entries:\n  - title: A\n    linux: /a\n    linux: /b\n");
  assert.deepEqual(found.entries.flatMap(files), ["vda1:/b"]);
  assert.deepEqual(
    found.diagnostics.map(({ line, message }) => [line, message]),
    [[4, "'linux' stands there already; this one counts"]],
  );
});

test("YAML that no parser should be given is not read, and said so once", async () => {
  const found = await yaml("[".repeat(10_000));
  assert.deepEqual(found.entries, []);
  assert.equal(found.diagnostics.length, 1);
  assert.match(found.diagnostics[0]!.message, /it is not read: lists and maps stand more than 50 deep/);
});
