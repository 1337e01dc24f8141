import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceMonitor } from "../../src/discovery/devicemonitor.ts";
import { readNamedFile } from "../../src/init/namedconfig.ts";

/** What the reader needs of the machine: its filesystems, and whether all have answered. */
function machine(
  volumes: readonly { name: string; uuid: string; removable?: boolean; type?: string }[],
  isSettled = true,
) {
  const reader = (name: string) => ({ read: async (path: string) => Buffer.from(`${name}${path}`) });
  const all = volumes.map((volume) => ({
    ...{ label: null, partuuid: null, partlabel: null, removable: false, type: "ext4" },
    ...{ ...volume, reader: reader(volume.name) },
  }));
  return { isSettled, discovery: { volumes: all } } as unknown as DeviceMonitor & { isSettled: boolean };
}

const NAME = "UUID=11:/baton.yaml";
const noUrl = (): Promise<string> => Promise.reject(new Error("no URL is asked for"));

test("the file of the one filesystem that answers to the name is read", async () => {
  const found = machine([
    { name: "vda1", uuid: "11" },
    { name: "vda2", uuid: "22" },
  ]);
  assert.equal(await readNamedFile(NAME, found, 1000, noUrl), "vda1/baton.yaml");
});

test("two devices that answer to the name are an error: neither is read", async () => {
  const found = machine([
    { name: "vda1", uuid: "11" },
    { name: "sda1", uuid: "11", removable: true },
  ]);
  await assert.rejects(readNamedFile(NAME, found, 1000, noUrl), /vda1 and sda1 both answer to UUID=11/);
});

test("the members of one btrfs are one filesystem, but not with a stick among them", async () => {
  const members = [
    { name: "vda1", uuid: "11", type: "btrfs" },
    { name: "vdb1", uuid: "11", type: "btrfs" },
  ];
  assert.equal(await readNamedFile(NAME, machine(members), 1000, noUrl), "vda1/baton.yaml");
  const withStick = [...members, { name: "sda1", uuid: "11", type: "btrfs", removable: true }];
  await assert.rejects(readNamedFile(NAME, machine(withStick), 1000, noUrl), /both answer/);
});

test("a copy that answers late counts as well: the file is read when every device has answered", async () => {
  const found = machine([{ name: "sda1", uuid: "11", removable: true }], false);
  const reading = readNamedFile(NAME, found, 60_000, noUrl);
  (found.discovery as unknown as { volumes: unknown }).volumes = machine([
    { name: "sda1", uuid: "11", removable: true },
    { name: "vda1", uuid: "11" },
  ]).discovery.volumes;
  found.isSettled = true;
  await assert.rejects(reading, /sda1 and vda1 both answer/);
});

test("what has not appeared in time is told", async () => {
  await assert.rejects(readNamedFile(NAME, machine([]), 0, noUrl), /no filesystem that answers to UUID=11/);
});
