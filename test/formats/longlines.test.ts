/**
 * Files of some hundred kilobytes in which a reader would go over the same text again and again. Each of these takes
 * minutes or gigabytes where it does; none of them is timed here.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Format, FormatResult } from "../../src/formats/format.ts";
import { grub } from "../../src/formats/grub/grub.ts";
import { kexecboot } from "../../src/formats/kexecboot.ts";
import { limine } from "../../src/formats/limine/limine.ts";
import { raspberryPi } from "../../src/formats/raspberrypi/raspberrypi.ts";
import { refind } from "../../src/formats/refind/refind.ts";
import { syslinux } from "../../src/formats/syslinux/syslinux.ts";
import { contextOf, type Files, messages, readTree, treeVolume } from "./tree.ts";

const LONG = 600_000;
const blanks = " ".repeat(LONG);
const CONF = "/EFI/refind/refind.conf";

/** Of the one path, whatever else the format finds. */
async function read(format: Format, path: string, files: Files): Promise<FormatResult> {
  const volume = treeVolume(files, { type: "vfat" });
  return format.parse(path, contextOf(volume));
}

describe("a long line is read once", () => {
  test("limine.conf: macros that are never closed stay as they are", async () => {
    const { entries } = await readTree(limine, {
      "/limine.conf": `/A\nprotocol: linux\npath: boot():/k\ncmdline: ${"${".repeat(200_000)}\n`,
    });
    assert.equal(entries[0]!.options.length, 400_000);
  });

  test("kexecboot's boot.cfg: blanks in a name and in a value, and empty lines", async () => {
    const { entries } = await readTree(kexecboot, {
      "/boot/boot.cfg": `LABEL=A\nKERNEL=/k\na${blanks}b\nAPPEND=a${" ".repeat(1000)}b\n`,
    });
    assert.match(entries[0]!.options, /a {1000}b$/);
    assert.deepEqual(await kexecboot.find(treeVolume({ "/boot/boot.cfg": "\n".repeat(LONG) })), []);
  });

  test("config.txt: blanks in a value", async () => {
    const files = { "/start4.elf": "x", "/config.txt": `device_tree=a${blanks}b\nkernel=k\n` };
    assert.equal((await readTree(raspberryPi, files)).entries.length, 1);
  });

  test("U-Boot's extlinux.conf: blanks in a kernel's name", async () => {
    const text = `LABEL a\nFIT /k${"\t ".repeat(LONG / 2)}b#conf-1\n`;
    assert.equal((await readTree(syslinux, { "/extlinux/extlinux.conf": text })).entries.length, 1);
  });

  test("GRUB's cat: line breaks at the end of a file, and before it", async () => {
    const cats = "cat --set=x /b\n".repeat(50);
    const files = {
      "/b": `${"\n".repeat(60_000)}x\n\n`,
      "/boot/grub/grub.cfg": `${cats}menuentry A { linux /k }\n`,
    };
    assert.equal((await readTree(grub, files)).entries.length, 1);
  });
});

describe("refind.conf", () => {
  const stanza = (title: string): string => `menuentry "${title}" {\nloader /k\n}\n`;

  test("a line of options to which thousands are added is one line", async () => {
    const subs = "submenuentry S {\nadd_options x\n}\n".repeat(14_000);
    const many = `menuentry A {\nloader /k\noptions "${"y".repeat(400_000)}"\n${subs}}\n`;
    const { entries, diagnostics } = await read(refind, CONF, { [CONF]: many });
    assert.ok(entries.length > 1 && entries.length < 100);
    assert.match(messages(diagnostics).join("\n"), /take more than/);
    const added = await read(refind, CONF, {
      [CONF]: `scanfor manual\nmenuentry A {\nloader /k\noptions a\n${"add_options x\n".repeat(3)}add_options ""\n}\n`,
    });
    assert.equal(added.entries[0]!.options, "a x x x");
  });

  test("files are included, places scanned and titles looked for a few times only", async () => {
    const files: Files = {
      [CONF]: [
        "include more.conf\n".repeat(1000),
        `scanfor ${"internal,manual,".repeat(10_000)}\n`,
        `also_scan_dirs ${"a,".repeat(50_000)}\n`,
        "also_scan_dirs +,b\n".repeat(1000),
        stanza("A").repeat(1000),
        `default_selection ${"none,".repeat(50_000)}\n`,
      ].join(""),
      "/EFI/refind/more.conf": `timeout 7\n${"#".repeat(100_000)}\n`,
    };
    const { entries, timeout, diagnostics } = await read(refind, CONF, files);
    assert.deepEqual([entries.length, timeout], [1000, 7]);
    assert.match(messages(diagnostics).join("\n"), /more than 8 files are included: the rest is ignored/);
  });
});
