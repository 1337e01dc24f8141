import assert from "node:assert/strict";
import { test } from "node:test";
import { startDisk, startPartition } from "../../src/discovery/startdisk.ts";

interface Device {
  readonly name: string;
  readonly disk: string;
  readonly partuuid: string | null;
  readonly removable: boolean;
}

const ESP = "0aa0c4d2-1111-4222-8333-44445555beef";
const partition = (name: string, partuuid: string | null, removable: boolean): Device => ({
  ...{ name, partuuid, removable },
  disk: name.replace(/p?\d+$/, ""),
});
const STICK = partition("sda1", ESP, true);
const SECOND_STICK = partition("sdb1", ESP, true);
const BUILT_IN = partition("nvme0n1p1", ESP, false);
const OTHER = partition("sdc1", "77", true);
const SILENT = partition("sdd1", null, true);

function* orders<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) {
    for (const rest of orders(items.toSpliced(index, 1))) yield [item, ...rest];
  }
}

/** For each arrival the answer before and after the devices of the start have all been read. */
const answers = (order: readonly Device[], settledAfter: number): (string | null)[] =>
  order.map((_, index) => startDisk(order.slice(0, index + 1), ESP, index >= settledAfter));

test("in no order of arrival does a removable disk pass for it before every device of the start has been read", () => {
  for (const order of orders([STICK, OTHER, SILENT, BUILT_IN])) {
    const settled = order.indexOf(BUILT_IN);
    for (const [index, disk] of answers(order, settled).entries()) {
      assert.equal(disk, index < settled ? null : "nvme0n1", `${order.map(({ name }) => name)}: ${index}`);
    }
  }
});

test("of several disks with that partition the built-in one is meant, and of removable ones none", () => {
  for (const order of orders([STICK, BUILT_IN, SECOND_STICK])) assert.equal(startDisk(order, ESP, true), "nvme0n1");
  for (const order of orders([STICK, SECOND_STICK, OTHER])) {
    assert.equal(startDisk(order, ESP, true), null);
    const second = Math.max(order.indexOf(STICK), order.indexOf(SECOND_STICK));
    // A copy that comes later takes the trust from the first one, too.
    for (const [index, disk] of answers(order, 0).entries()) if (index >= second) assert.equal(disk, null);
  }
  assert.equal(startDisk([BUILT_IN, partition("sde1", ESP, false)], ESP, true), null, "both are built in anyway");
});

test("a stick that Baton was started from is the disk once all have answered, with all its partitions", () => {
  assert.equal(startDisk([STICK, OTHER], ESP, false), null);
  assert.equal(startDisk([STICK, OTHER], ESP, true), "sda");
  assert.equal(startDisk([partition("sda1", ESP.toUpperCase(), true)], ESP, true), "sda");
  assert.equal(startDisk([{ ...STICK, name: "dm-0", disk: null, baseDisk: "sda" }], ESP, true), "sda");
});

test("where the loader says nothing no disk is meant, not even one without a number", () => {
  assert.equal(startPartition({ loaderVariable: () => null }), null);
  assert.equal(startPartition({}), null);
  assert.equal(startPartition({ loaderVariable: (name) => (name === "StubDevicePartUUID" ? "AB" : null) }), "ab");
  assert.equal(startDisk([STICK, SILENT, BUILT_IN], null, true), null);
});
