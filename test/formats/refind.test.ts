/**
 * rEFInd. `refind_linux.conf` in the corpus is what Debian's mkrlconf (rEFInd 0.13.2) writes; what is expected of stanzas,
 * settings and of the scan for kernels is what the package's documentation says.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatFileRef } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import { matchInitrd, versionIn } from "../../src/formats/kernels.ts";
import { refind } from "../../src/formats/refind/refind.ts";
import { tokenLines } from "../../src/formats/refind/tokens.ts";
import { assertGolden, fixtures, testVolume } from "./golden.ts";
import { contextOf, type Files, messages, type ReadOptions, treeVolume } from "./tree.ts";

for (const name of fixtures("refind-")) {
  test(`${name} gives the entries of its expected.json`, () => assertGolden(name, [refind]));
}

const KERNEL = Buffer.alloc(0x206);
KERNEL.write("HdrS", 0x202);

async function read(files: Files, options: ReadOptions = {}, path = "/EFI/refind/refind.conf") {
  const volume = treeVolume(files, { type: "vfat", ...options.volume });
  assert.ok((await refind.find(volume)).includes(path));
  return refind.parse(path, contextOf(volume, options));
}

const CONF = "/EFI/refind/refind.conf";
const stanza = (title: string) => `menuentry "${title}" {\nloader /k\n}\n`;

test("words are cut at blanks, equal signs and commas, but not in quotes", () => {
  const words = (text: string) => [...tokenLines(text)].map((line) => line.words);
  assert.deepEqual(words('a b="c,d e" # f\n\n  # g\n"x ""y"" z",w\n'), [
    ["a", "b", "c,d e"],
    ['x "y" z', "w"],
  ]);
  assert.deepEqual(words('menuentry "open\n}'), [["menuentry", "open"], ["}"]]);
});

describe("versions and initrds", () => {
  test("a version goes from the first digit to the last, with texts that count as digits", () => {
    assert.equal(versionIn("vmlinuz-4.2.5-300.fc23.x86_64"), "4.2.5-300.fc23.x86_64");
    assert.equal(versionIn("vmlinuz-linux"), null);
    assert.equal(versionIn("vmlinuz-linux-4.8", ["linux-lts", "linux"]), "linux-4.8");
    assert.equal(versionIn("vmlinuz-linux-lts", ["linux-lts", "linux"]), "linux-lts");
  });

  test("the initrd has the same version, and of several the name that goes on like the kernel's", () => {
    const debug = ["initrd-4.8.0-32-debug", "initrd-4.8.0-32-standard", "initrd-4.8.0-31-standard"];
    assert.equal(matchInitrd("vmlinuz-4.8.0-32-standard", debug), "initrd-4.8.0-32-standard");
    const arch = ["initramfs-linux-fallback.img", "initramfs-linux.img", "initramfs-linux-lts.img"];
    assert.equal(matchInitrd("vmlinuz-linux", arch), "initramfs-linux.img");
    assert.equal(matchInitrd("vmlinuz-linux-lts", arch), "initramfs-linux-lts.img");
    assert.equal(matchInitrd("vmlinuz-5.0", ["initrd.img-6.0"]), null);
  });
});

test("a disk that comes changes the menu where there is a scan", async () => {
  assert.equal((await read({ [CONF]: stanza("A") })).awaitsDevices, true);
  assert.equal((await read({ [CONF]: `scanfor manual\n${stanza("A")}` })).awaitsDevices, undefined);
});

describe("the scan", () => {
  const files: Files = {
    [CONF]: "scanfor internal\n",
    "/boot/vmlinuz-6.1": KERNEL,
    "/boot/vmlinuz-6.10": KERNEL,
    "/boot/initrd.img-6.10": "i",
    "/boot/vmlinuz-notes.txt": KERNEL,
    "/boot/vmlinuz-text": "no kernel",
    "/EFI/arch/bzImage.efi": KERNEL,
  };
  const titles = async (conf: string, more: Files = {}) =>
    (await read({ ...files, ...more, [CONF]: conf })).entries.map(({ title }) => title);

  test("finds kernels by their names, the newest first, and none of them boots by itself", async () => {
    const { entries, defaultIndex } = await read({ ...files, [CONF]: "scanfor internal\ndefault_selection vmlinuz\n" });
    assert.deepEqual(
      entries.map(({ title, initrd }) => [title, initrd.map(formatFileRef)]),
      [
        ["Boot /EFI/arch/bzImage.efi from vda1", []],
        ["Boot /boot/vmlinuz-6.10 from vda1", ["vda1:/boot/initrd.img-6.10"]],
        ["Boot /boot/vmlinuz-6.1 from vda1", []],
      ],
    );
    assert.ok(entries.every(({ unchecked }) => unchecked !== undefined));
    assert.equal(defaultIndex, null);
  });

  test("leaves out what the configuration shuts", async () => {
    assert.deepEqual(await titles("scanfor manual\n"), []);
    assert.deepEqual(await titles("scan_all_linux_kernels false\n"), ["Boot /EFI/arch/bzImage.efi from vda1"]);
    assert.deepEqual(await titles("dont_scan_dirs boot\ndont_scan_files bzimage.efi\n"), []);
    const one = "dont_scan_dirs OTHER:boot\ndont_scan_files /boot/vmlinuz-6.1,/EFI/arch/bzimage.efi\n";
    assert.deepEqual(await titles(one), ["Boot /boot/vmlinuz-6.10 from vda1"]);
    assert.deepEqual(
      await titles("also_scan_dirs kernels\ndont_scan_dirs EFI/arch\n", { "/kernels/kernel-1": KERNEL }),
      ["Boot /kernels/kernel-1 from vda1"],
    );
  });

  test("takes the options beside the kernel, with its version and its own initrds, else those of /etc/fstab", async () => {
    const lines =
      '"Standard" "root=/dev/a initrd=boot\\ucode.img initrd=\\boot\\i-%v.img x=%%v"\n"Single" "root=/dev/a single"\n';
    const given = { "/boot/vmlinuz-6.1": KERNEL, "/boot/initrd-6.1": "i", "/boot/refind_linux.conf": lines };
    const { entries } = await read(given, {}, "/boot/refind_linux.conf");
    assert.deepEqual(
      entries.map(({ title, submenu, options, initrd }) => [...submenu, title, options, ...initrd.map(formatFileRef)]),
      [
        [
          "Boot /boot/vmlinuz-6.1 from vda1",
          "root=/dev/a initrd=boot\\ucode.img initrd=\\boot\\i-6.1.img x=%v",
          "vda1:/boot/ucode.img",
          "vda1:/boot/i-6.1.img",
        ],
        ["Boot /boot/vmlinuz-6.1 from vda1", "Single", "root=/dev/a single", "vda1:/boot/initrd-6.1"],
      ],
    );
    const fstab = { ...files, "/etc/fstab": "# x\nUUID=1 /boot vfat d 0 0\nLABEL=r / ext4 d 0 1\n" };
    assert.equal((await read(fstab)).entries[0]!.options, "ro root=LABEL=r");
  });
});

describe("the default", () => {
  const menu = stanza("One") + stanza("Two");
  const chosen = async (conf: string, more: Files = {}, options: ReadOptions = {}) => {
    const { entries, defaultIndex, defaultIsExplicit } = await read(
      { [CONF]: conf + menu, "/k": KERNEL, ...more },
      options,
    );
    return defaultIndex === null ? null : `${entries[defaultIndex]!.title} ${defaultIsExplicit}`;
  };

  test("is named by a part of its title, and by its number where there are nothing but stanzas", async () => {
    assert.equal(await chosen("default_selection tw\n"), "Two true");
    assert.equal(await chosen("default_selection 2\nscanfor manual\n"), "Two true");
    assert.equal(await chosen("default_selection 2\n"), null);
    assert.equal(await chosen("default_selection Windows\n"), null);
    assert.equal(await chosen("scanfor manual\n"), "One false");
  });

  test("is what was started last where nothing is named: rEFInd keeps that in a file or in a variable", async () => {
    const previous = (title: string) => ({ "/EFI/refind/vars/PreviousBoot": Buffer.from(`${title}\0`, "utf16le") });
    assert.equal(await chosen("", previous("Boot Two")), "Two true");
    assert.equal(await chosen('default_selection "+,One"\n', previous("Gone")), "One true");
    const platform = {
      efiVariable: (name: string) => (name === "PreviousBoot" ? Buffer.from("Two\0", "utf16le") : null),
    };
    assert.equal(await chosen("", {}, { platform }), "Two true");
  });
});

test("timeouts: none is 0, at once is -1", async () => {
  const timeout = async (text: string) => (await read({ [CONF]: `${text}\n` })).timeout;
  assert.deepEqual(await Promise.all(["timeout 7", "timeout 0", "timeout -1", "timeout x", ""].map(timeout)), [
    7,
    Number.POSITIVE_INFINITY,
    0,
    null,
    null,
  ]);
});

test("a file that includes itself, or isn't there, is told", async () => {
  const conf = `include refind.conf\ninclude none.conf\n${stanza("A")}`;
  const { entries, diagnostics } = await read({ [CONF]: conf, "/k": KERNEL });
  assert.equal(entries.filter(({ title }) => title === "A").length, 2);
  assert.match(messages(diagnostics).join("\n"), /none\.conf: no such file/);
});

test("another disk that doesn't answer costs its own kernels, and a stanza's that lies on it only that one", async () => {
  const silent = async (): Promise<never> => {
    throw new BatonError("timeout", "sdb1: no answer");
  };
  const reader = { read: silent, readAt: silent, list: silent, stat: silent };
  const others = [testVolume(reader, { name: "sdb1", label: "Silent" })];
  const conf = `${stanza("Mine")}menuentry Theirs {\nvolume Silent\nloader /x\n}\n`;
  const { entries, diagnostics } = await read({ [CONF]: conf, "/k": KERNEL, "/boot/vmlinuz-1": KERNEL }, { others });
  assert.deepEqual(
    entries.map(({ title }) => title),
    ["Boot /boot/vmlinuz-1 from vda1", "Mine", "Theirs"],
  );
  assert.match(messages(diagnostics).join("\n"), /kernels on sdb1 were not looked for: sdb1: no answer/);
});
