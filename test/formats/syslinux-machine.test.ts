/** What syslinux' family takes from the machine it runs on: SYSAPPEND's words, U-Boot's devicetrees. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { emptyFdt, fdtText, makeNode, readFdt, writeFdt } from "../../src/binary/fdt.ts";
import { formatFileRef } from "../../src/entry.ts";
import type { Platform } from "../../src/formats/format.ts";
import { syslinux } from "../../src/formats/syslinux/syslinux.ts";
import { type Files, messages, readTree } from "./tree.ts";

/** An SMBIOS structure: its formatted part after the header, and its strings. */
function structure(type: number, body: readonly number[], strings: readonly string[]): Buffer {
  const head = [type, 4 + body.length, 0, type, ...body];
  const texts = strings.length === 0 ? "\0\0" : `${strings.map((text) => `${text}\0`).join("")}\0`;
  return Buffer.concat([Buffer.from(head), Buffer.from(texts, "latin1")]);
}

const UUID = [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x46, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
const SMBIOS = Buffer.concat([
  structure(0, [1, 2], ["SeaBIOS", "1.16 \t(beta)"]),
  structure(1, [1, 2, 3, 4, ...UUID, 6, 0, 5], ["  ACME  Corp. ", "Rocket", "   ", "S\u0001N 1", "Boosters"]),
  structure(2, [1, 0, 2], ["Board", "rev B"]),
  structure(3, [0, 0x83], []),
  structure(127, [], []),
]);

const platform: Partial<Platform> = {
  smbios: () => SMBIOS,
  cpu: () => ({ family: 25, flags: new Set(["fpu", "lm", "nx", "pae", "svm"]) }),
};

async function options(mask: string, more: Partial<Platform> = platform): Promise<string> {
  const text = `LABEL a\n LINUX /k\n APPEND x\n SYSAPPEND ${mask}\n`;
  const files = { "/syslinux/syslinux.cfg": text };
  const { entries } = await readTree(syslinux, files, { platform: more, volume: { uuid: "ABCD-EF01" } });
  return entries[0]!.options.replace(/^BOOT_IMAGE=\/k x ?/, "");
}

describe("SYSAPPEND", () => {
  test("gives a word for each bit, in their order, blanks as underscores, without those that the machine lacks", async () => {
    assert.equal(
      await options("0x7fffc"),
      [
        "SYSUUID=33221100-5544-7746-8899-aabbccddeeff CPU=6PXLS",
        "SYSVENDOR=ACME_Corp. SYSPRODUCT=Rocket SYSSERIAL=S_N_1 SYSFAMILY=Boosters",
        "MBVENDOR=Board MBVERSION=rev_B BIOSVENDOR=SeaBIOS BIOSVERSION=1.16_(beta) SYSFF=3 FSUUID=ABCD-EF01",
      ].join(" "),
    );
  });

  test("a machine without SMBIOS gets no word of it, and an old processor has its own family", async () => {
    assert.equal(await options("0x7fff4", { smbios: () => null }), "FSUUID=ABCD-EF01");
    assert.equal(await options("8", { ...platform, cpu: () => ({ family: 5, flags: new Set() }) }), "CPU=5");
    assert.equal(await options("0x8", { ...platform, arch: "aarch64", cpu: () => null }), "");
  });

  test("tables that are cut short or lie about their lengths give what can be read", async () => {
    for (let length = 0; length < SMBIOS.length; length++) {
      const text = await options("0x7fff0", { smbios: () => SMBIOS.subarray(0, length) });
      assert.match(text, /^(\S+=\S+ ?)+$/);
    }
  });
});

function devicetree(...compatible: string[]): Uint8Array {
  const tree = emptyFdt();
  tree.root.properties.set("model", fdtText("a board"));
  tree.root.properties.set("compatible", Buffer.from(compatible.map((name) => `${name}\0`).join("")));
  makeNode(tree, "/soc").properties.set("compatible", fdtText("acme,decoy"));
  return writeFdt(tree);
}

const CONFIG = "LABEL a\n LINUX /k\n FDTDIR ../dtbs/6.1\n FDTOVERLAYS /o/one.dtbo  /o/two.dtbo\n";
const DTBS: Files = {
  "/boot/extlinux/extlinux.conf": CONFIG,
  "/boot/dtbs/6.1/acme/rocket-v1.dtb": devicetree("acme,rocket-v1", "acme,soc9"),
  "/boot/dtbs/6.1/acme/rocket-v2.dtb": devicetree("acme,rocket-v2", "acme,rocket", "acme,soc9"),
  "/boot/dtbs/6.1/acme/rocket-v2-nfc.dtb": devicetree("acme,rocket-v2", "acme,nfc", "acme,soc9"),
  "/boot/dtbs/6.1/other/bcm1.dtb": devicetree("vendor,oddly-named"),
  "/boot/dtbs/6.1/other/decoy.dtb": devicetree("other,thing"),
  "/boot/dtbs/6.1/broken.dtb": "no devicetree",
  "/boot/dtbs/6.1/short-rocket-v2.dtb": devicetree("acme,rocket-v2").subarray(0, 60),
};

async function chosen(compatible: readonly string[], files: Files = DTBS) {
  const { entries, diagnostics } = await readTree(syslinux, files, {
    platform: { arch: "aarch64", compatible: () => compatible },
  });
  const { devicetree: found, devicetreeOverlays = [] } = entries[0]!;
  return { file: found && formatFileRef(found), overlays: devicetreeOverlays.map(formatFileRef), diagnostics };
}

describe("FDTDIR", () => {
  test("means the devicetree that says it is for this machine, whatever its file is called", async () => {
    assert.equal((await chosen(["acme,rocket-v1", "acme,soc9"])).file, "vda1:/boot/dtbs/6.1/acme/rocket-v1.dtb");
    assert.equal((await chosen(["vendor,oddly-named"])).file, "vda1:/boot/dtbs/6.1/other/bcm1.dtb");
  });

  test("of several for the same board, the one that agrees in the other names too", async () => {
    const { file, overlays, diagnostics } = await chosen(["acme,rocket-v2", "acme,nfc", "acme,soc9"]);
    assert.equal(file, "vda1:/boot/dtbs/6.1/acme/rocket-v2-nfc.dtb");
    assert.deepEqual(overlays, ["vda1:/o/one.dtbo", "vda1:/o/two.dtbo"]);
    assert.deepEqual(diagnostics, []);
  });

  test("without one for this machine, or on a host that is none, says so and names none", async () => {
    const none = await chosen(["acme,decoy"]);
    assert.equal(none.file, null);
    assert.match(messages(none.diagnostics)[0]!, /FDTDIR .*no file in it is for this machine \(acme,decoy\)/);
    assert.match(messages((await chosen([])).diagnostics)[0]!, /only U-Boot knows/);
    const gone = { "/boot/extlinux/extlinux.conf": CONFIG };
    assert.match(messages((await chosen(["a,b"], gone)).diagnostics)[0]!, /no file in it/);
  });

  test("FDT wins over it, and FDT - means none", async () => {
    const both = (fdt: string) => ({ ...DTBS, "/boot/extlinux/extlinux.conf": `${CONFIG} FDT ${fdt}\n` });
    assert.equal((await chosen(["acme,rocket-v1"], both("/x.dtb"))).file, "vda1:/x.dtb");
    const none = await chosen(["acme,rocket-v1"], both("-"));
    assert.deepEqual([none.file, none.diagnostics], [null, []]);
  });

  test("bytes that are changed never make reading fail", async () => {
    const good = devicetree("acme,rocket-v1");
    assert.equal(readFdt(good).root.properties.size, 2);
    for (let at = 0; at < good.length; at++) {
      const bad = Uint8Array.from(good);
      bad[at] = 0xff;
      await chosen(["acme,rocket-v1"], { ...DTBS, "/boot/dtbs/6.1/acme/rocket-v1.dtb": bad });
    }
  });
});
