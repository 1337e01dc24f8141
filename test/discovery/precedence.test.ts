import assert from "node:assert/strict";
import { test } from "node:test";
import { type Known, mayPrecede } from "../../src/discovery/precedence.ts";

const ESP = "0aa0c4d2-1111-4222-8333-44445555beef";

const partition = (name: string, removable: boolean, partuuid: string | null = null) => ({
  ...{ name, partuuid, removable },
  ...{ disk: name.replace(/p?\d+$/, ""), baseDisk: name.replace(/p?\d+$/, "") },
});
const STICK = partition("sda1", true);
const SECOND_STICK = partition("sdb1", true);
const BUILT_IN = partition("sdc1", false, ESP);
const ITS_OTHER = partition("sdc2", false);
const LATER = partition("sdd1", false);
const DEVICES = [STICK, SECOND_STICK, BUILT_IN, ITS_OTHER, LATER];

/** Which of the devices a disk waits for while none of them has been read. */
function awaitedBy(own: (typeof DEVICES)[number], known: Partial<Known<(typeof DEVICES)[number]>> = {}): string[] {
  const all = {
    ...{ devices: DEVICES, startPartition: null, mayRemovableBoot: false },
    isRemovable: ({ removable }: { removable: boolean }) => removable,
    ...known,
  };
  const others = DEVICES.filter((other) => other !== own);
  return others.filter((other) => mayPrecede(other.name, other, own, all)).map(({ name }) => name);
}

test("a built-in disk waits for those before it and for its own partitions, and for no stick", () => {
  assert.deepEqual(awaitedBy(BUILT_IN), ["sdc2"]);
  assert.deepEqual(awaitedBy(LATER), ["sdc1", "sdc2"]);
});

test("it waits for the sticks before it where what is on them may boot by itself", () => {
  assert.deepEqual(awaitedBy(BUILT_IN, { mayRemovableBoot: true }), ["sda1", "sdb1", "sdc2"]);
});

test("a stick may be the disk that Baton was started from, until a built-in disk proves to be it", () => {
  const start = { startPartition: ESP };
  assert.deepEqual(awaitedBy(LATER, { ...start, devices: [STICK, LATER] }), ["sda1", "sdb1", "sdc1", "sdc2"]);
  assert.deepEqual(awaitedBy(LATER, start), ["sdc1", "sdc2"]);
});

test("a stick waits for the one before it, as ever", () => {
  assert.deepEqual(awaitedBy(SECOND_STICK), ["sda1"]);
});

test("a device of which nothing is known but its name counts by that", () => {
  const known = { devices: DEVICES, startPartition: null, mayRemovableBoot: false, isRemovable: () => false };
  assert.equal(mayPrecede("sdb1", null, LATER, known), true);
  assert.equal(mayPrecede("sde1", null, LATER, known), false);
});
