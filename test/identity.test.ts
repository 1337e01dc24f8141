import assert from "node:assert/strict";
import { test } from "node:test";
import { answersTo, hasTag, parseSelectedFile, parseSelector, type VolumeIdentity } from "../src/identity.ts";

const VOLUME: VolumeIdentity = {
  name: "vda1",
  uuid: "1234-ABCD",
  label: "ESP",
  partuuid: "0fc63daf-8483-4772-8e79-3d69d8477de4",
  partlabel: "EFI System",
};
const BARE: VolumeIdentity = { name: "vdb", uuid: null, label: null, partuuid: null, partlabel: null };

test("UUIDs are compared in either case, labels to the letter", () => {
  const cases: readonly [string, boolean][] = [
    ["UUID=1234-ABCD", true],
    ["UUID=1234-abcd", true],
    ["UUID=1234", false],
    ["PARTUUID=0FC63DAF-8483-4772-8E79-3D69D8477DE4", true],
    ["LABEL=ESP", true],
    ["LABEL=esp", false],
    ["PARTLABEL=EFI System", true],
    ["PARTLABEL=EFI SYSTEM", false],
    ["vda1", true],
    ["VDA1", false],
    ["/dev/vda1", false],
    // The words themselves are the kernel's, in capitals.
    ["uuid=1234-ABCD", false],
  ];
  for (const [name, expected] of cases) assert.equal(answersTo(VOLUME, name), expected, name);
});

test("what says nothing of itself answers to no tag, not even to an empty one", () => {
  for (const tag of ["UUID", "LABEL", "PARTUUID", "PARTLABEL"] as const) {
    assert.equal(answersTo(BARE, `${tag}=`), false, tag);
    assert.equal(hasTag(BARE, tag, ""), false, tag);
    assert.equal(hasTag(VOLUME, tag, ""), false, tag);
  }
});

test("a selector's value is all that follows the first equals sign", () => {
  assert.deepEqual(parseSelector("LABEL=a=b\nc"), { tag: "LABEL", value: "a=b\nc" });
  assert.equal(parseSelector("MODEL=disk"), null);
  assert.equal(parseSelector("constructor=x"), null);
  assert.equal(parseSelector("UUID"), null);
  assert.equal(parseSelector(""), null);
});

test("a file on a named filesystem", () => {
  assert.deepEqual(parseSelectedFile("UUID=1234-ABCD:/boot/vmlinuz"), {
    selector: "UUID=1234-ABCD",
    path: "/boot/vmlinuz",
  });
  assert.deepEqual(parseSelectedFile("LABEL=a/b:/x"), { selector: "LABEL=a/b", path: "/x" });
  assert.deepEqual(parseSelectedFile("sda1:/a:/b"), { selector: "sda1", path: "/a:/b" });
  for (const text of ["/vmlinuz", "sda1:vmlinuz", "", ":/x"]) {
    assert.equal(parseSelectedFile(text), null, text);
  }
});
