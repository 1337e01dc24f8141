import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReadConfig } from "../../src/policy/readconfig.ts";
import { bench, config, WORKS } from "./bench.ts";

/** One entry that differs from an ordinary one. */
function special(change: Partial<ReadConfig["entries"][number]>): ReadConfig {
  const made = config("vda1", ["one"]);
  return { ...made, entries: [{ ...made.entries[0]!, ...change }] };
}

const ONE = config("vda1", ["one"]);
const NEVER = { timeout: { seconds: Number.POSITIVE_INFINITY, keys: false } };

test("without a menu every step is said on every console, and its reason where it fails", async () => {
  const { session, announced, events, clock } = bench([config("vda1", ["one", "two"])], {}, { boots: { two: WORKS } });
  void session.bootDefault();
  await clock.advance(0);
  assert.deepEqual(announced, [
    "Booting one (vda1:/list)",
    "Failed: one: the disk was pulled out",
    "Booting two (vda1:/list)",
  ]);
  assert.deepEqual(events, [
    "boot one",
    "baton: failed vda1:baton:one: the disk was pulled out",
    "boot two",
    "baton: loaded vda1:baton:two by kexec_load in 1.50 s",
    "unmount",
    "baton: jump",
  ]);
});

test("from the menu the line about the load waits until the menu is closed, and the jump for both", async () => {
  const { session, events, keys, clock } = bench([ONE], NEVER, { boots: { one: WORKS } });
  await session.openMenu();
  void keys().boot(session.store.state.entries[0]!);
  await clock.advance(0);
  assert.deepEqual(events, [
    "menu",
    "boot one",
    "close",
    "unmount",
    "baton: loaded vda1:baton:one by kexec_load in 1.50 s",
    "baton: jump",
  ]);
});

test("why the jump may never come is said before it, and hardware is quieted", async () => {
  const { session, announced, events, clock } = bench([ONE], NEVER, {
    boots: { one: WORKS },
    jumpWarning: () => "A device has not answered.",
    beforeJump: async () => void events.push("quiet"),
  });
  void session.bootDefault();
  await clock.advance(0);
  assert.equal(announced.at(-1), "A device has not answered.");
  assert.deepEqual(events.slice(-2), ["quiet", "baton: jump"]);
});

test("a failed boot comes back to the menu with its reason and advice, and no countdown starts again", async () => {
  const { session, keys, clock, events } = bench([ONE], { timeout: { seconds: 60, keys: true } });
  const { store } = session;
  await session.openMenu();
  assert.equal(store.state.countdown, 60);
  await keys().boot(store.state.entries[0]!);
  assert.equal(store.state.message, "one: the disk was pulled out");
  assert.equal(store.state.failure?.reason, "the disk was pulled out");
  assert.ok(store.state.failure.advice.length > 0);
  await clock.advance(100);
  assert.deepEqual([store.state.countdown, store.state.progress], [null, null]);
  assert.equal(events.filter((event) => event === "boot one").length, 1);
});

test("a jump that comes back is a failure, too", async () => {
  const { session, events } = bench([ONE], {}, { boot: (async () => {}) as () => Promise<never> });
  await session.bootDefault();
  assert.ok(events.includes("baton: failed vda1:baton:one: the jump to the new kernel came back"));
});

test("Esc ends the loading at its next step; the speed is shown until then", async () => {
  const { session, keys, clock } = bench([ONE], NEVER, {
    boots: {
      one: async ({ onProgress }) => {
        const progress = { title: "Loading one", detail: "/one", total: 100 };
        onProgress({ ...progress, done: 0 });
        await clock.advance(1);
        onProgress({ ...progress, done: 50 });
        assert.equal(session.store.state.progress?.rate, 50);
        keys().cancel!();
        onProgress({ ...progress, done: 60 });
        assert.fail("it goes on");
      },
    },
  });
  await session.openMenu();
  await keys().boot(session.store.state.entries[0]!);
  assert.match(session.store.state.message ?? "", /^one: .*ended by a key/);
});

test("while one is going on, no second one begins", async () => {
  const { session, events, keys } = bench([ONE], NEVER, { boots: { one: () => new Promise(() => {}) } });
  await session.openMenu();
  const [entry] = session.store.state.entries;
  void keys().boot(entry!);
  await keys().boot(entry!);
  assert.deepEqual(events, ["menu", "boot one"]);
});

test("an edited command line and files are booted as the person wrote them", async () => {
  const seen: unknown[] = [];
  const { session, keys } = bench([ONE], NEVER, {
    boot: async (entry, options) => {
      seen.push(entry.linux, options);
      throw new Error("seen");
    },
  });
  await session.openMenu();
  const linux = { device: "vdb1", path: "/other" };
  await keys().boot(session.store.state.entries[0]!, "single", { linux, initrd: [] });
  assert.deepEqual(seen, [linux, "single"]);
});

test("what its bootloader restricts needs a person, and an entry that leads to a menu needs one as well", async () => {
  const restricted = bench([special({ restricted: ["root"] })], NEVER);
  await restricted.session.bootDefault();
  assert.match(restricted.session.store.state.message ?? "", /a person must choose it/);
  await restricted.keys().boot(restricted.session.store.state.entries[0]!);
  assert.equal(restricted.session.store.state.message, "one: the disk was pulled out");

  const opened: string[] = [];
  const openDoor = async (door: string) => void opened.push(door);
  const menu = bench([special({ opens: "tftp://server/menu" })], NEVER, { openDoor });
  await menu.session.bootDefault();
  assert.match(menu.session.store.state.message ?? "", /read when a person chooses it/);
  await menu.keys().boot(menu.session.store.state.entries[0]!);
  assert.deepEqual([opened, menu.session.store.state.message], [["tftp://server/menu"], null]);
});

test("an entry that can't be booted fails with its reason, and nothing is loaded", async () => {
  const { session, events } = bench([special({ reason: "vda1:/one: the file is missing" })], NEVER);
  await session.bootDefault();
  assert.match(session.store.state.message ?? "", /the file is missing/);
  assert.ok(!events.includes("boot one"));
});

test("the firmware's own entries are started by the firmware", async () => {
  const next: string[] = [];
  const { session, keys } = bench([special({ type: "firmware", kind: "efi", linux: null })], NEVER, {
    bootNext: async ({ title }) => void next.push(title),
  });
  await session.openMenu();
  await keys().boot(session.store.state.entries[0]!);
  assert.deepEqual(next, ["one"]);
  assert.match(session.store.state.message ?? "", /was to restart, and has not/);
});
