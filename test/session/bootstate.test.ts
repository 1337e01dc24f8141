import assert from "node:assert/strict";
import { test } from "node:test";
import { parsedEntry } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import { EMPTY_RESULT } from "../../src/formats/format.ts";
import { bootList } from "../../src/policy/list.ts";
import { mergeSettings } from "../../src/policy/settings.ts";
import { BootState } from "../../src/session/bootstate.ts";
import type { EntryVolume } from "../../src/session/entrysource.ts";
import { STATE_FILES } from "../../src/state/own.ts";

/** A grubenv that says what was saved. */
const STATE = Buffer.from(`${"# GRUB Environment Block\nsaved=chosen\n".padEnd(1024, "#")}`);

/** Baton's state on a removable volume; `loneDisk` is the disk on USB that counts as the machine's own. */
async function savedFrom(volume: Pick<EntryVolume, "name" | "disk" | "removable">, loneDisk: string | null) {
  const read = async (path: string): Promise<Buffer> => {
    if (path !== STATE_FILES[0]) throw new BatonError("not-found", `${path} is not there`);
    return STATE;
  };
  const reader = { read, stat: async () => ({ size: STATE.length }) };
  const list = { ...bootList([], () => null), loneDisk };
  const state = new BootState(
    { list, volumes: [{ ...volume, reader }] },
    () => Promise.reject(new Error("unused")),
    false,
  );
  await state.load();
  return state.rules(mergeSettings({ default: "@saved" })).saved ?? null;
}

test("what a stick says was saved doesn't count; what the machine's only disk on USB says does", async () => {
  const partition = { name: "sda1", disk: "sda", removable: true };
  assert.notEqual(await savedFrom({ ...partition, removable: false }, null), null);
  assert.equal(await savedFrom(partition, null), null);
  assert.equal(await savedFrom(partition, "sdb"), null);
  assert.notEqual(await savedFrom(partition, "sda"), null);
  assert.notEqual(await savedFrom({ name: "sda", disk: null, removable: true }, "sda"), null);
});

test("a slot that was marked as bad gives way, by the name that its updater has for it", async () => {
  const entries = ["A", "B"].map((title) =>
    parsedEntry({ title, type: "baton", source: "vda1:/baton.yaml", nativeId: title }),
  );
  const config = { ...EMPTY_RESULT, source: "vda1:/baton.yaml", entries, volumeKey: "vda1", removable: false };
  const list = { ...bootList([config], () => null), loneDisk: null };
  const read = async () => Buffer.from("# GRUB Environment Block\nsaved=B\nbad.B=1\nslots=B A\n".padEnd(1024, "#"));
  const volume = { name: "vda1", removable: false, reader: { read, stat: async () => ({ size: 1024 }) } };
  const state = new BootState({ list, volumes: [volume] }, () => Promise.reject(new Error("unused")), false);
  await state.load();
  const { passedOver } = state.rules(mergeSettings({ default: "@saved" }));
  assert.deepEqual([...passedOver!.keys()], [list.entries[1]!.id]);
});
