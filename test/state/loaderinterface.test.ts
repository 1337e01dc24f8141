/** What Baton and systemd tell each other in EFI variables. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entryId, entryName, interfaceWrites, takeRequests } from "../../src/state/loaderinterface.ts";

const IDS = [
  "vda1:grub:debian",
  "5a6b1c2d-0009:bls:6.1.0-31-amd64",
  "sda2:/boot/grub/grub.cfg:Debian GNU/Linux, with Linux 6.1",
  "a+b:+.c+2b",
  "Über: 漢字 🥖",
  "a\tb\u0000c",
  ".",
  "..",
  "%2e+",
];

test("every id has a name that systemd takes, no two the same, and each leads back to its id", () => {
  const names = IDS.map((id) => entryName(id)!);
  for (const [at, name] of names.entries()) {
    assert.match(name, /^[A-Za-z0-9+._-]{1,255}$/);
    assert.ok(name !== "." && name !== "..");
    assert.equal(entryId(name), IDS[at]);
  }
  assert.equal(new Set(names).size, IDS.length);
  assert.equal(names[0], "vda1+.grub+.debian");
});

test("an id without a name, and a name without an id: neither is bent into another", () => {
  assert.equal(entryName(""), null);
  assert.equal(entryName("é".repeat(50)), null);
  assert.equal(entryName("x".repeat(256)), null);
  // Names of others, as loader entries have them; and what no id gives.
  for (const name of ["debian-6.1+3-1.conf", "arch.conf", "auto-windows", "x+", "x+zz", "+ff", "+2E", "+61", "漢"]) {
    assert.equal(entryId(name), name);
  }
});

test("what is said at a boot: who boots what, and the entries that may be asked for, in the list's order", () => {
  const writes = interfaceWrites("1.2.3", ["a:b", "c"], "c", { init: 1500.4, exec: 2_000_000 });
  const said = Object.fromEntries(writes.map((write) => ("efivar" in write ? [write.efivar, write.value] : [])));
  assert.deepEqual(said, {
    LoaderInfo: "Baton 1.2.3",
    LoaderFeatures: "\x3f\x05\0\0\0\0\0\0",
    LoaderEntries: "a+.b\0c",
    LoaderEntrySelected: "c",
    LoaderTimeInitUSec: "1500",
    LoaderTimeExecUSec: "2000000",
  });
});

test("a list of thousands takes only the room that firmware has, and what boots is in it", () => {
  const ids = Array.from({ length: 5000 }, (_, index) => `vda1:grub:entry-${index}`);
  const writes = interfaceWrites("1", ids, ids[4000]!, { init: 0, exec: 1 });
  const entries = writes.find((write) => "efivar" in write && write.efivar === "LoaderEntries");
  assert.ok(entries !== undefined && "efivar" in entries && entries.value!.length < 2048);
  const names = entries.value!.split("\0");
  assert.deepEqual([names[0], names.at(-1)], ["vda1+.grub+.entry-0", "vda1+.grub+.entry-4000"]);
});

test("what was asked for one start is taken away; what can't be is not obeyed, or it would hold for ever", () => {
  const variables = new Map([
    ["LoaderEntryOneShot", "vda1+.grub+.other"],
    ["LoaderConfigTimeoutOneShot", "10"],
    ["LoaderEntryDefault", "debian.conf"],
  ]);
  const requests = takeRequests(
    (name) => variables.get(name) ?? null,
    (name) => {
      if (name === "LoaderConfigTimeoutOneShot") throw new Error("firmware refuses");
      variables.delete(name);
    },
  );
  assert.deepEqual(requests.once, { entry: "vda1:grub:other", timeout: null });
  assert.deepEqual(requests.usual, { entry: "debian.conf", timeout: null });
  assert.match(requests.problems.join(), /LoaderConfigTimeoutOneShot is not obeyed.*firmware refuses/);
  assert.deepEqual([...variables.keys()], ["LoaderConfigTimeoutOneShot", "LoaderEntryDefault"]);
});
