import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDiskSpec, parsePlatform } from "../../../src/commands/shared/diskspec.ts";

test("a disk specification gives the name, the directory and what blkid would say", () => {
  const spec = parseDiskSpec("vda1=/srv/tree,uuid=1-2,label=a\\,b,partuuid=p,partlabel=q,type=vfat");
  assert.deepEqual(spec, {
    name: "vda1",
    directory: "/srv/tree",
    uuid: "1-2",
    label: "a,b",
    partuuid: "p",
    partlabel: "q",
    type: "vfat",
  });
});

test("a directory may hold '=' and an escaped comma", () => {
  assert.equal(parseDiskSpec("a=/x=y\\,z").directory, "/x=y,z");
});

test("what is wrong with a disk specification is wrong usage, told with the form", () => {
  for (const text of ["", "vda1", "vda1=", "=/x", "vda1=/x,colour=red", "vda1=/x,uuid", "a b=/x"]) {
    assert.throws(() => parseDiskSpec(text), { code: "usage", message: /NAME=DIR/ });
  }
});

test("the platform is pc or efi, efi and x86_64 unless given", () => {
  assert.deepEqual(parsePlatform(undefined, undefined), { firmware: "efi", arch: "x86_64" });
  assert.deepEqual(parsePlatform("pc", "aarch64"), { firmware: "pc", arch: "aarch64" });
  assert.throws(() => parsePlatform("bios", undefined), { code: "usage" });
});
