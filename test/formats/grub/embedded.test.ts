import assert from "node:assert/strict";
import { test } from "node:test";
import { embeddedPlace, type GrubPlace, placeOf } from "../../../src/formats/grub/embedded.ts";
import { embeddedGrub } from "./embeddedgrub.ts";
import { MemoryReader } from "./support.ts";

const at = (folder: string, more: Partial<GrubPlace> = {}): GrubPlace => ({
  tag: null,
  partition: null,
  folder,
  ...more,
});
const uuid = (value: string): Partial<GrubPlace> => ({ tag: { tag: "UUID", value } });

test("a prefix names a folder on the program's own partition, or on another one of its disk", () => {
  const cases: readonly (readonly [string, GrubPlace | null])[] = [
    ["/EFI/debian", at("/EFI/debian")],
    ["/EFI/debian/", at("/EFI/debian")],
    ["(,gpt2)/boot/grub", at("/boot/grub", { partition: 2 })],
    ["(hd0,gpt2)/boot/grub", at("/boot/grub", { partition: 2 })],
    ["(,msdos1)/grub2", at("/grub2", { partition: 1 })],
    ["(hd0,3)/grub", at("/grub", { partition: 3 })],
    ["(memdisk)/grub", null],
    ["(lvm/vg-boot)/grub", at("/grub", { alias: "lvm/vg-boot" })],
    ["(mduuid/0123,gpt2)/boot/grub", at("/boot/grub", { alias: "mduuid/0123,gpt2" })],
    ["(lvm/vg boot)/grub", null],
    ["(http,10.0.2.2)/grub", null],
    ["boot/grub", null],
    ["", null],
  ];
  for (const [prefix, place] of cases) assert.deepEqual(placeOf(prefix, ""), place, prefix);
});

test("a first script that searches for a filesystem comes before the prefix", () => {
  const set = "set prefix=($root)'/boot/grub'\n";
  const cases: readonly (readonly [string, GrubPlace | null])[] = [
    [`search.fs_uuid 1111-2222 root hd0,gpt2 \n${set}`, at("/boot/grub", uuid("1111-2222"))],
    [`search.fs_label BOOT root\n${set}`, at("/boot/grub", { tag: { tag: "LABEL", value: "BOOT" } })],
    [
      `search --no-floppy --fs-uuid --set=root 1111-2222\nset prefix=($root)/boot/grub\n`,
      at("/boot/grub", uuid("1111-2222")),
    ],
    [
      `search -u --set=root --hint hd0,gpt2 1111-2222\nset prefix="($root)/boot/grub"\n`,
      at("/boot/grub", uuid("1111-2222")),
    ],
    [`search --file --set=root /.disk/info\n${set}`, null],
    [set, null],
    ["normal (memdisk)/grub.cfg\n", at("/EFI/house")],
  ];
  for (const [config, place] of cases) assert.deepEqual(placeOf("/EFI/house", config), place, config);
});

test("both are read from the program's section of modules, behind them", async () => {
  const read = (file: Uint8Array): Promise<GrubPlace | null> =>
    embeddedPlace(new MemoryReader({ "/g.efi": file }), "/g.efi");
  assert.deepEqual(await read(embeddedGrub({ prefix: "(,gpt2)/boot/grub" })), at("/boot/grub", { partition: 2 }));
  assert.deepEqual(await read(embeddedGrub({ prefix: "/EFI/house", is32: true })), at("/EFI/house"), "32 bits");
  const config = "search.fs_uuid 77 root\nset prefix=($root)'/grub'\n";
  assert.deepEqual(await read(embeddedGrub({ prefix: "/x", config })), at("/grub", uuid("77")));
});

test("a section that lies about its sizes says nothing, and ends", async () => {
  const good = embeddedGrub({ prefix: "/EFI/house" });
  const section = Buffer.from(good).indexOf("mimg");
  for (const [offset, value] of [
    [0, 0],
    [8, 0xffffffff],
    [16, 0],
    [24 + 4, 0],
    [24 + 4, 7],
    [24 + 4, 0xffffffff],
    [24 + 4, 8],
  ] as const) {
    const bad = Buffer.from(good);
    bad.writeUInt32LE(value, section + offset);
    await assert.doesNotReject(embeddedPlace(new MemoryReader({ "/g.efi": bad }), "/g.efi"), `${offset}: ${value}`);
  }
  for (const file of ["", "MZ", "text"]) {
    assert.equal(await embeddedPlace(new MemoryReader({ "/g.efi": file }), "/g.efi").catch(() => null), null);
  }
});
