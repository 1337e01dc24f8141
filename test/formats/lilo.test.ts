/**
 * LILO, ELILO and kexecboot, none of which Debian has any more: what is expected is what lilo.conf(5), ELILO's elilo.txt and
 * kexecboot's table of keywords say.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatFileRef } from "../../src/entry.ts";
import { kexecboot } from "../../src/formats/kexecboot.ts";
import { elilo, lilo } from "../../src/formats/lilo/lilo.ts";
import { assertGolden, fixtures } from "./golden.ts";
import { contextOf, messages, readTree, treeVolume } from "./tree.ts";

for (const name of fixtures("lilo-", "elilo-")) {
  test(`${name} gives the entries of its expected.json`, () => assertGolden(name, [lilo, elilo]));
}

const CONF = "/etc/lilo.conf";
const IMAGE = "image=/boot/k\nlabel=A\nimage=/boot/k\nlabel=B\n";

describe("LILO", () => {
  test("has a default only where its map file is there: else the text is a leftover", async () => {
    assert.equal((await readTree(lilo, { [CONF]: IMAGE })).defaultIndex, null);
    const installed = await readTree(lilo, { [CONF]: `map=/boot/m\ndefault=B\n${IMAGE}`, "/boot/m": "" });
    assert.deepEqual([installed.defaultIndex, installed.defaultIsExplicit], [1, true]);
    const gone = await readTree(lilo, { [CONF]: `default=C\n${IMAGE}`, "/boot/map": "" });
    assert.deepEqual([gone.defaultIndex, gone.defaultIsExplicit], [0, false]);
    assert.match(messages(gone.diagnostics)[0]!, /the default is C, which the menu doesn't have/);
  });

  test("finds kernels on a boot filesystem of the same disk", async () => {
    const root = treeVolume({ [CONF]: IMAGE }, { name: "sda2", disk: "sda", partition: 2 });
    const boot = treeVolume({ "/k": "k", "/map": "" }, { name: "sda1", disk: "sda", partition: 1 });
    const { entries, defaultIndex } = await lilo.parse(CONF, contextOf(root, { others: [boot] }));
    assert.equal(formatFileRef(entries[0]!.linux!), "sda1:/k");
    assert.equal(defaultIndex, 0);
  });

  test("what needs a password doesn't boot without one, unless it is needed for other words only", async () => {
    const restricted = async (text: string) => (await readTree(lilo, { [CONF]: text + IMAGE })).entries[0]!.restricted;
    assert.deepEqual(await restricted("password=x\n"), ["password of A"]);
    assert.equal(await restricted("password=x\nrestricted\n"), null);
    const own = async (text: string) =>
      (await readTree(lilo, { [CONF]: `password=x\nrestricted\nimage=/k\n${text}\n` })).entries[0]!.restricted;
    assert.deepEqual(
      [await own("mandatory"), await own("bypass"), await own("label=A")],
      [["password of k"], null, null],
    );
  });

  test("broken lines cost themselves only", async () => {
    const { entries } = await readTree(lilo, {
      [CONF]: 'image=\nlabel="open\nappend\n=\nimage=/k\nappend="a \\"b\\""\n',
    });
    assert.deepEqual(
      entries.map(({ title, options, reason }) => [title, options, reason]),
      [
        ["open", "BOOT_IMAGE=open", "it names no kernel"],
        ["k", 'BOOT_IMAGE=k a "b"', null],
      ],
    );
  });
});

describe("kexecboot", () => {
  const read = (text: string) =>
    readTree(kexecboot, { "/boot/boot.cfg": text }, { volume: { name: "sda2", type: "ext4" } });

  test("shows what has the highest priority first, which is the default unless one is marked", async () => {
    const text = "TIMEOUT=4\nLABEL=A\nKERNEL=/a\nPRIORITY=1\nLABEL=B\nKERNEL=/b\npriority = 9\n";
    const { entries, defaultIndex, timeout, defaultIsExplicit } = await read(text);
    assert.deepEqual(
      entries.map(({ title }) => title),
      ["B", "A"],
    );
    assert.deepEqual([defaultIndex, defaultIsExplicit, timeout], [0, false, 4]);
    const marked = await read(`${text}LABEL=C\nKERNEL=/c\nDEFAULT\n`);
    assert.deepEqual([marked.entries[marked.defaultIndex!]!.title, marked.defaultIsExplicit], ["C", true]);
  });

  test("makes the command line of the filesystem and what is appended, unless all of it is given", async () => {
    const text =
      "# x\nLABEL=A\nKERNEL=/a\nINITRD=/i\nDTB=/d\nAPPEND=quiet\nLABEL=B\nKERNEL=/b\nCMDLINE=root=/dev/x\nLABEL=C\n";
    const { entries } = await read(text);
    assert.deepEqual(
      entries.map(({ options, reason }) => [options, reason]),
      [
        ["root=/dev/sda2 rootfstype=ext4 rootwait quiet", null],
        ["root=/dev/x", null],
        ["root=/dev/sda2 rootfstype=ext4 rootwait", "it names no kernel"],
      ],
    );
    assert.deepEqual([entries[0]!.initrd[0]!, entries[0]!.devicetree!].map(formatFileRef), ["sda2:/i", "sda2:/d"]);
  });

  test("VMware's file of the same name is none", async () => {
    assert.deepEqual(await kexecboot.find(treeVolume({ "/boot/boot.cfg": "kernel=b.b00\nkernelopt=x\n" })), []);
  });
});
