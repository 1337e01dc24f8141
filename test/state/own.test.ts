import assert from "node:assert/strict";
import { test } from "node:test";
import { firmwareConfig } from "../../src/discovery/firmwareentries.ts";
import { parsedEntry } from "../../src/entry.ts";
import { EMPTY_RESULT } from "../../src/formats/format.ts";
import { bootList } from "../../src/policy/list.ts";
import { rewriteEnvBlock } from "../../src/state/envblock.ts";
import { parseLoadOption } from "../../src/state/firmware.ts";
import { OwnState, STATE_VARIABLE } from "../../src/state/own.ts";
import { describeWrite } from "../../src/state/perform.ts";

test("an entry that nobody confirms is passed over after so many boots, and not before", () => {
  const state = OwnState.fromVariable("");
  for (let boots = 1; boots <= 3; boots++) {
    assert.equal(state.passedOver(3).size, 0);
    state.boot("id-1");
  }
  assert.match(state.passedOver(3).get("id-1")!, /booted 3 times/);
  assert.equal(state.passedOver(0).size, 0, "0 doesn't count");
});

test("what is confirmed is the last boot, and it starts anew", () => {
  const state = OwnState.fromVariable("last=a\ntries.a=2\ntries.b=1\nsaved=b");
  assert.deepEqual(state.confirm(), { efivar: STATE_VARIABLE, value: "tries.b=1\nsaved=b" });
  assert.equal(state.confirm(), null);
  assert.equal(state.triesOf("b"), 1);
});

test("in a file only what changes is written", () => {
  const bytes = Buffer.from("# GRUB Environment Block\ntries.x=1\n".padEnd(1024, "#"));
  const file = { device: "vda1", path: "/batonenv" };
  const state = OwnState.fromFile(file, bytes);
  assert.deepEqual(state.boot("x"), { file, set: { last: "x", "tries.x": "2" }, unset: [] });
  assert.deepEqual(state.save("y"), { file, set: { saved: "y" }, unset: [] });
  assert.equal(state.saved, "y");
  assert.equal(describeWrite(state.confirm()!), "vda1:/batonenv (without last, without tries.x)");
});

test("a file always has room for the entry that boots now: counts of others are forgotten", () => {
  let bytes: Uint8Array = Buffer.from("# GRUB Environment Block\nsaved=s\n".padEnd(1024, "#"));
  for (let i = 0; i < 60; i++) {
    const write = OwnState.fromFile({ device: "vda1", path: "/batonenv" }, bytes).boot(`entry-with-a-long-name-${i}`);
    assert.ok("file" in write);
    bytes = rewriteEnvBlock(bytes, write.set, write.unset);
    assert.equal(bytes.length, 1024);
  }
  const state = OwnState.fromFile({ device: "vda1", path: "/batonenv" }, bytes);
  assert.deepEqual([state.saved, state.last], ["s", "entry-with-a-long-name-59"]);
  assert.deepEqual([state.triesOf("entry-with-a-long-name-59"), state.triesOf("entry-with-a-long-name-0")], [1, 0]);
});

test("the variable stays small, whatever comes and goes; the newest counts are kept", () => {
  const state = OwnState.fromVariable("saved=s");
  for (let i = 0; i < 500; i++) state.boot(`entry-number-${i}`);
  const write = state.boot("last-one");
  assert.ok("efivar" in write && write.value!.length <= 2048);
  assert.ok("efivar" in write && /saved=s/.test(write.value!) && /tries\.last-one=1/.test(write.value!));
});

test("counts that make no sense count as none", () => {
  const state = OwnState.fromVariable("tries.a=-5\ntries.b=many\ntries.c=1e99\n=x\nnothing");
  assert.deepEqual(
    ["a", "b"].map((id) => state.triesOf(id)),
    [0, 0],
  );
  assert.equal(state.last, null);
});

test("a firmware's boot entry is read: title and file, but not what is switched off or hidden", () => {
  const node = (type: number, subtype: number, data: Buffer): Buffer => {
    const head = Buffer.from([type, subtype, 0, 0]);
    head.writeUInt16LE(4 + data.length, 2);
    return Buffer.concat([head, data]);
  };
  const paths = Buffer.concat([
    node(
      4,
      1,
      Buffer.concat([Buffer.alloc(20), Buffer.from("2d1c6b5a11000040800000000000aa11", "hex"), Buffer.from([2, 2])]),
    ),
    node(4, 4, Buffer.from("\\EFI\\Microsoft\\Boot\\bootmgfw.efi\0", "utf16le")),
    node(0x7f, 0xff, Buffer.alloc(0)),
  ]);
  const option = (attributes: number): Buffer => {
    const head = Buffer.alloc(6);
    head.writeUInt32LE(attributes, 0);
    head.writeUInt16LE(paths.length, 4);
    return Buffer.concat([head, Buffer.from("Windows Boot Manager\0", "utf16le"), paths, Buffer.from("data")]);
  };
  assert.deepEqual(parseLoadOption("0003", option(1)), {
    number: "0003",
    title: "Windows Boot Manager",
    file: "\\EFI\\Microsoft\\Boot\\bootmgfw.efi",
    partuuid: "5a6b1c2d-0011-4000-8000-00000000aa11",
  });
  assert.equal(parseLoadOption("0003", option(0)), null);
  assert.equal(parseLoadOption("0003", option(9)), null);
  for (let cut = 0; cut < option(1).length; cut++) parseLoadOption("0003", option(1).subarray(0, cut));
});

const found = [
  {
    number: "0003",
    title: "Windows Boot Manager",
    file: "\\EFI\\MICROSOFT\\Boot\\bootmgfw.efi",
    partuuid: "5a6b1c2d-0011-4000-8000-00000000aa11",
  },
];

test("what the firmware can start stands in the place of the disk's own entry for the same file", () => {
  const volume = (partuuid: string) => ({ name: "sda1", uuid: null, label: null, partuuid, partlabel: null });
  const volumes = [volume("5A6B1C2D-0011-4000-8000-00000000AA11")];
  const source = "sda1:/EFI/Microsoft/Boot/bootmgfw.efi";
  const reason = "it starts an EFI program, which only the firmware can do";
  const loader = parsedEntry({ title: "Windows Boot Manager", type: "bls", source, kind: "efi", reason });
  const onDisk = {
    ...EMPTY_RESULT,
    source: "sda1:/loader/entries",
    entries: [loader],
    volumeKey: "sda1",
    removable: false,
  };
  const firmware = firmwareConfig({ writes: "bootloader-state" }, volumes, found);
  const { entries } = bootList([onDisk, ...firmware], () => null);
  assert.deepEqual(
    entries.map(({ type, bootable, source }) => [type, bootable, source]),
    [["firmware", true, "sda1:/EFI/MICROSOFT/Boot/bootmgfw.efi"]],
  );
  const elsewhere = firmwareConfig({ writes: "bootloader-state" }, [volume("other")], found);
  assert.equal(bootList([onDisk, ...elsewhere], () => null).entries.length, 2);
});

test("firmware's entries are listed last, never boot by themselves, and only where writing is allowed", () => {
  const listed = (writes: "none" | "bootloader-state") => bootList(firmwareConfig({ writes }, [], found), () => null);
  const [shut] = listed("none").entries;
  assert.deepEqual([shut?.id, shut?.bootable, shut?.isDefault], ["firmware:firmware:Boot0003", false, false]);
  assert.match(shut?.reason ?? "", /only the firmware can start it/);
  const open = listed("bootloader-state");
  assert.deepEqual([open.entries[0]?.bootable, open.defaultId, open.order], [true, null, []]);
  assert.deepEqual(firmwareConfig({ writes: "none" }, [], []), []);
});
