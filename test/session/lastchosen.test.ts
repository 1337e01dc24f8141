import assert from "node:assert/strict";
import { test } from "node:test";
import type { BootEntry } from "../../src/entry.ts";
import { mergeSettings } from "../../src/policy/settings.ts";
import type { BootState } from "../../src/session/bootstate.ts";
import { rememberBoot, saveDefault } from "../../src/session/lastchosen.ts";

const ENTRY = { id: "vda1:baton:one", title: "one" } as BootEntry;
const WRITES = mergeSettings({ writes: "bootloader-state" });

/** A host that remembers by these answers. */
function host(state: Partial<BootState>) {
  const events: string[] = [];
  return {
    events,
    host: {
      bootState: async () => state as BootState,
      unmount: async () => void events.push("unmount"),
      milestone: (text: string) => void events.push(text),
    },
  };
}

test("what could not be written is told to the kernel log, unless the owner forbids all writing", async () => {
  const state = { writesFor: () => [], perform: async () => ["it is full"] };
  const told = host(state);
  await rememberBoot(told.host, ENTRY, WRITES);
  assert.deepEqual(told.events, ["unmount", "baton: it is full"]);
  const forbidden = host(state);
  await rememberBoot(forbidden.host, ENTRY, mergeSettings({ writes: "none" }));
  assert.deepEqual(forbidden.events, ["unmount"]);
});

test("a disk that doesn't take it keeps no boot for ever", async () => {
  const { host: silent } = host({ writesFor: () => [], perform: () => new Promise(() => {}) });
  await rememberBoot(silent, ENTRY, WRITES, 1);
});

test("state that can't be read keeps no boot either, and no host without state is asked", async () => {
  const { host: made } = host({});
  await rememberBoot({ ...made, bootState: () => Promise.reject(new Error("no variables")) }, ENTRY, WRITES);
  await rememberBoot({ unmount: () => assert.fail("unmounted"), milestone: () => {} }, ENTRY, WRITES);
});

test("the person who saves a default is told how long it holds", async () => {
  const say = (state: Partial<BootState>) => saveDefault(host(state).host, ENTRY, WRITES);
  assert.match(await say({ writesToSave: () => null }), /until the machine restarts: Baton has no place/);
  assert.match(
    await say({ writesToSave: () => [], perform: async () => ["the disk is full"] }),
    /^one is the default until the machine restarts\. the disk is full\.$/,
  );
  assert.match(await say({ writesToSave: () => [], perform: async () => [] }), /^one is saved as the default/);
});
