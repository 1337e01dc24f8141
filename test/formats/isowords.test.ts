/** How an ISO's entries are told that their medium is a file. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ParsedEntry, parsedEntry } from "../../src/entry.ts";
import { type IsoPlace, withIsoUrl, withIsoWords } from "../../src/formats/isowords.ts";

const DEVICE = "vda1+x.iso";
const SOURCE = `${DEVICE}:/boot/grub/grub.cfg`;
const PLACE: IsoPlace = { device: DEVICE, file: "vda1:/iso/x.iso", path: "/iso/x.iso", uuid: "1234-ABCD" };

const entry = (options: string, path = "/live/vmlinuz", fields: Partial<ParsedEntry> = {}): ParsedEntry =>
  parsedEntry({ title: "T", type: "grub", source: SOURCE, linux: { device: DEVICE, path }, options, ...fields });

const optionsOf = (options: string, path?: string, place = PLACE): string =>
  withIsoWords([entry(options, path)], place, SOURCE).entries[0]!.options;

test("each family gets its own words", () => {
  for (const [options, path, words] of [
    ["boot=casper quiet", "/vmlinuz", "iso-scan/filename=/iso/x.iso"],
    ["quiet", "/casper/vmlinuz", "iso-scan/filename=/iso/x.iso"],
    ["boot=live components", "/live/vmlinuz", "findiso=/iso/x.iso"],
    ["archisobasedir=arch archisolabel=A", "/arch/boot/x", "img_dev=/dev/disk/by-uuid/1234-ABCD img_loop=/iso/x.iso"],
    ["misobasedir=manjaro misolabel=M", "/boot/x", "img_dev=/dev/disk/by-uuid/1234-ABCD img_loop=/iso/x.iso"],
    ["root=live:CDLABEL=Fedora rd.live.image", "/boot/x", "iso-scan/filename=/iso/x.iso"],
    ["inst.stage2=hd:LABEL=Fedora quiet", "/images/x", "iso-scan/filename=/iso/x.iso"],
    ["dokeymap looptype=squashfs cdroot", "/boot/gentoo", "isoboot=/iso/x.iso"],
  ] as const) {
    assert.equal(optionsOf(options, path), `${options} ${words}`);
  }
});

test("the words come before what is meant for init or for the installed system", () => {
  assert.equal(optionsOf("boot=casper --- quiet"), "boot=casper iso-scan/filename=/iso/x.iso --- quiet");
  assert.equal(optionsOf("boot=live -- 1"), "boot=live findiso=/iso/x.iso -- 1");
  assert.equal(optionsOf("---", "/casper/vmlinuz"), "iso-scan/filename=/iso/x.iso ---");
  assert.equal(optionsOf("boot=live a=b---c"), "boot=live a=b---c findiso=/iso/x.iso");
});

test("under Xen it is the Linux among the modules that gets the words", () => {
  const file = (path: string) => ({ device: DEVICE, path });
  const modules = [
    { file: file("/boot/xen.gz"), args: "placeholder dom0_mem=2G" },
    { file: file("/images/pxeboot/vmlinuz"), args: "placeholder inst.stage2=hd:LABEL=QUBES quiet" },
    { file: file("/images/pxeboot/initrd.img"), args: "" },
  ];
  const xen = entry("placeholder dom0_mem=2G", "", { kind: "multiboot2", linux: null, modules });
  const [told] = withIsoWords([xen], PLACE, SOURCE).entries;
  assert.deepEqual(
    told!.modules.map(({ args }) => args),
    ["placeholder dom0_mem=2G", "placeholder inst.stage2=hd:LABEL=QUBES quiet iso-scan/filename=/iso/x.iso", ""],
  );
  assert.equal(told!.options, xen.options);
  const other = { ...xen, modules: [{ file: file("/kernel"), args: "" }, modules[1]!] };
  assert.deepEqual(withIsoWords([other], PLACE, SOURCE).entries, [other]);
});

test("what has words of its own, or needs none, stays as it is", () => {
  for (const options of ["boot=live findiso=/x", "boot=casper iso-scan/filename=/x", "boot=live fetch=http://h/x"]) {
    const result = withIsoWords([entry(options)], PLACE, SOURCE);
    assert.equal(result.entries[0]!.options, options);
    assert.deepEqual(result.diagnostics, []);
  }
  const others = [
    entry("", "/boot/memtest86+.bin"),
    entry("boot=live", "/vmlinuz", { linux: { device: "vda1", path: "/vmlinuz" } }),
    entry("boot=live", "/x", { kind: "efi", linux: null }),
  ];
  assert.deepEqual(withIsoWords(others, PLACE, SOURCE), { entries: others, diagnostics: [] });
});

test("a system of no known family is left as it is, with one warning for all its entries", () => {
  const unknown = [entry("vga=788 --- quiet", "/install.amd/vmlinuz"), entry("rescue", "/install.amd/vmlinuz")];
  const { entries, diagnostics } = withIsoWords(unknown, PLACE, SOURCE);
  assert.deepEqual(entries, unknown);
  assert.equal(diagnostics.length, 1);
  assert.match(diagnostics[0]!.message, /^'T' and 1 more: .*vda1:\/iso\/x\.iso/);
});

test("a name that no command line can hold, or a filesystem without a UUID, is said and not guessed around", () => {
  const spaced = withIsoWords([entry("boot=live")], { ...PLACE, path: "/my iso.iso" }, SOURCE);
  assert.equal(spaced.entries[0]!.options, "boot=live");
  assert.match(spaced.diagnostics[0]!.message, /rename the file/);
  const arch = [entry("archisobasedir=arch"), entry("archisobasedir=arch quiet")];
  const nameless = withIsoWords(arch, { ...PLACE, uuid: null }, SOURCE);
  assert.deepEqual(nameless.entries, arch);
  assert.equal(nameless.diagnostics.length, 1);
  assert.equal(optionsOf("boot=live", "/x", { ...PLACE, path: "/$&.iso" }), "boot=live findiso=/$&.iso");
});

test("an image on a server is named by its URL, where the family's initramfs fetches one", () => {
  const url = "http://h/x.iso?a=$&";
  const [casper, live, dracut, debian] = [
    entry("boot=casper quiet --- splash", "/vmlinuz"),
    entry("quiet", "/casper/vmlinuz"),
    entry("root=live:CDLABEL=Fedora rd.live.image", "/images/vmlinuz"),
    entry("boot=live", "/live/vmlinuz"),
  ];
  const told = withIsoUrl([casper!, live!, dracut!], DEVICE, url);
  assert.deepEqual(
    told.entries.map(({ options }) => options),
    [
      `boot=casper quiet iso-url=${url} ip=dhcp --- splash`,
      `quiet iso-url=${url} ip=dhcp`,
      `root=live:${url} rd.live.image rd.neednet=1 ip=dhcp`,
    ],
  );
  assert.deepEqual(told.diagnostics, []);
  const lost = withIsoUrl([debian!], DEVICE, url);
  assert.equal(lost.entries[0], debian);
  assert.match(lost.diagnostics[0]!.message, /may not find its medium/);
  // Of another device, or without a need for a medium: as it was.
  const others = [entry("boot=casper"), entry("", "/boot/memtest86+x64.bin")];
  assert.deepEqual(withIsoUrl([others[0]!], "vda1", url), { entries: [others[0]], diagnostics: [] });
  assert.deepEqual(withIsoUrl([others[1]!], DEVICE, url), { entries: [others[1]], diagnostics: [] });
});
