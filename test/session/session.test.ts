import assert from "node:assert/strict";
import { test } from "node:test";
import type { BootEntry } from "../../src/entry.ts";
import { hashPassword } from "../../src/policy/password.ts";
import { mergeSettings } from "../../src/policy/settings.ts";
import type { BootState } from "../../src/session/bootstate.ts";
import { eventually } from "../eventually.ts";
import { bench, booted, config, WORKS } from "./bench.ts";

const ONE = config("vda1", ["one"]);
const TWO = config("vda1", ["one", "two"]);
const NEVER = { timeout: { seconds: Number.POSITIVE_INFINITY, keys: false } };

test("the countdown of the menu ends with the default; where that fails, with the next", async () => {
  const { session, clock, events } = bench([TWO], { timeout: { seconds: 3, keys: true } }, { boots: { two: WORKS } });
  await session.openMenu();
  await clock.advance(2.9);
  assert.deepEqual([session.store.state.countdown, events], [1, ["menu"]]);
  await clock.advance(0.3);
  assert.deepEqual(booted(events), ["one", "two"]);
  assert.equal(events.at(-1), "baton: jump");
});

test("nothing boots before every device has answered, however long that takes", async () => {
  const { session, clock, events, settle } = bench([ONE], { timeout: { seconds: 1, keys: true } });
  settle(false);
  await session.openMenu();
  await clock.advance(60);
  assert.deepEqual([session.store.state.scanning, booted(events)], [true, []]);
  settle(true);
  session.update();
  await clock.advance(1);
  assert.deepEqual([session.store.state.scanning, booted(events)], [false, ["one"]]);
});

test("where the default can't change any more, it needn't wait for the other devices", async () => {
  const { session, clock, events, settle } = bench(
    [ONE],
    { timeout: { seconds: 1, keys: true } },
    { boots: { one: WORKS }, isDecided: () => true },
  );
  settle(false);
  await session.openMenu();
  await clock.advance(1.2);
  assert.deepEqual(booted(events), ["one"]);
});

test("a key stops the countdown for good, also for a menu that is opened again", async () => {
  const { session, keys, clock, events } = bench([ONE], { timeout: { seconds: 60, keys: true } });
  await session.openMenu();
  keys().stopCountdown();
  assert.equal(session.store.state.countdown, null);
  await session.closeMenu();
  await session.openMenu();
  await clock.advance(100);
  assert.deepEqual([session.store.state.countdown, booted(events)], [null, []]);
});

test("keys give the countdown time at once", async () => {
  const { session, keys } = bench([ONE], { timeout: { seconds: 10, keys: true } });
  await session.openMenu();
  keys().addTime!(20);
  assert.equal(session.store.state.countdown, 30);
});

test("a menu that is closed counts nothing", async () => {
  const { session, clock, events } = bench([ONE], { timeout: { seconds: 1, keys: true } });
  await session.openMenu();
  await session.closeMenu();
  await clock.advance(10);
  assert.deepEqual(booted(events), []);
});

test("the configuration's own timeout counts, but not before a person who pressed a key has seen the menu", () => {
  const { session } = bench([config("vda1", ["one"], { timeout: 0 })]);
  assert.equal(session.timeout, 0);
  session.holdForPerson();
  assert.equal(session.timeout, 5);
});

test("when everything has failed, the final action follows ten seconds later", async () => {
  for (const final of ["reboot", "poweroff"] as const) {
    const { session, clock, events } = bench([ONE], { final });
    await session.bootDefault();
    assert.match(session.store.state.message ?? "", /^Nothing booted: one: /);
    assert.deepEqual([session.store.state.next, session.store.state.countdown], [final, 10]);
    await clock.advance(9);
    assert.ok(!events.includes(final));
    await clock.advance(2);
    assert.equal(events.filter((event) => event === final).length, 1, "once and no more");
  }
});

test("a retry looks at every device again and tries what there is then; after the last the menu stays", async () => {
  const { session, source, clock, events } = bench([ONE], { final: "retry", retries: 2 });
  await session.bootDefault();
  source.arrive(config("vdb1", ["late"]));
  await clock.advance(11);
  assert.deepEqual([booted(events), events.filter((event) => event === "rescan").length], [["one", "one", "late"], 1]);
  await clock.advance(11);
  await clock.advance(60);
  assert.equal(events.filter((event) => event === "rescan").length, 2);
  assert.equal(booted(events).length, 5);
  assert.equal(session.store.state.countdown, null);
});

test("a key keeps the final action away; the menu waits for a person where there is none", async () => {
  const stopped = bench([ONE], { final: "reboot" });
  await stopped.session.bootDefault();
  stopped.keys().stopCountdown();
  await stopped.clock.advance(60);
  assert.ok(!stopped.events.includes("reboot"));
  for (const settings of [{ final: "menu" }, { final: "retry", retries: 0 }] as const) {
    const { session, clock, events } = bench([ONE], settings);
    await session.bootDefault();
    await clock.advance(60);
    assert.deepEqual([session.store.state.countdown, booted(events)], [null, ["one"]]);
  }
});

test("a person who ended the boot is not overtaken by the final action", async () => {
  const { session, keys, clock, events } = bench(
    [TWO],
    { final: "reboot", timeout: { seconds: 1, keys: true } },
    {
      boots: {
        one: async ({ onProgress }) => {
          keys().cancel!();
          onProgress({ title: "Loading one", detail: "", done: 0, total: null });
        },
      },
    },
  );
  await session.openMenu();
  await clock.advance(60);
  assert.deepEqual(booted(events), ["one"]);
  assert.ok(!events.includes("reboot"));
  assert.match(session.store.state.message ?? "", /^Nothing booted: one: .*ended by a key/);
});

test("the menu marks the entry that will boot, also where the owner names it", () => {
  const { session } = bench([TWO], { default: "2" });
  session.update();
  assert.deepEqual(
    session.store.state.entries.map(({ title, isDefault }) => [title, isDefault]),
    [
      ["one", false],
      ["two", true],
    ],
  );
});

test("settings that come from a file later choose another default, timeout and folders", () => {
  const { session, source } = bench([TWO]);
  session.update();
  assert.equal(session.store.state.defaultId, "vda1:baton:one");
  session.settle(mergeSettings({ default: "two", timeout: { seconds: 9, keys: true }, isofolders: ["/iso"] }));
  assert.equal(session.store.state.defaultId, "vda1:baton:two");
  assert.equal(session.timeout, 9);
  assert.deepEqual(source.isoFolders, ["/iso"]);
});

test("what was remembered stays in force when other settings come", () => {
  const { session } = bench([TWO], { default: "@saved" });
  session.settle(mergeSettings({ default: "@saved" }), { saved: "vda1:baton:two", passedOver: new Map() });
  assert.equal(session.store.state.defaultId, "vda1:baton:two");
  session.settle(mergeSettings({ default: "@saved", title: "other" }));
  assert.equal(session.store.state.defaultId, "vda1:baton:two");
  const passed = new Map([["vda1:baton:one", "it was not confirmed"]]);
  session.settle(mergeSettings({ tries: 1 }), { saved: null, passedOver: passed });
  assert.equal(session.store.state.defaultId, "vda1:baton:two");
});

test("a person's default holds at once; what was written, or why not, is said", async () => {
  const { session, keys } = bench([TWO], NEVER);
  await session.openMenu();
  await keys().makeDefault!(session.store.state.entries[1]!);
  assert.equal(session.store.state.defaultId, "vda1:baton:two");
  assert.equal(session.store.state.message, "two is the default as long as this menu is open.");
  assert.equal(session.store.state.note, session.store.state.message);
});

test("a default that can't be remembered says why, and the menu goes on", async () => {
  const { session, keys } = bench([TWO], NEVER, {
    bootState: async () => {
      throw new Error("the EFI variables can't be read");
    },
  });
  await session.openMenu();
  await keys().makeDefault!(session.store.state.entries[1]!);
  assert.equal(session.store.state.message, "the EFI variables can't be read");
});

test("what a boot leaves behind is written when everything is unmounted, before the jump", async () => {
  const order: string[] = [];
  const state: Partial<BootState> = {
    writesFor: () => [],
    perform: async () => {
      order.push(...events.slice(-1), "written");
      return ["vda1:/boot/batonenv was not written: it is full"];
    },
  };
  const { session, events } = bench(
    [ONE],
    { tries: 2, writes: "bootloader-state" },
    { boots: { one: WORKS }, bootState: async () => state as BootState },
  );
  void session.bootDefault();
  await eventually(() => assert.equal(events.at(-1), "baton: jump"));
  assert.deepEqual(order, ["unmount", "written"]);
  assert.equal(events.at(-2), "baton: vda1:/boot/batonenv was not written: it is full");
});

test("the password is the configuration's, and a wrong one too often is waited for by the session's clock", async () => {
  const { session, keys, clock } = bench([ONE], { ...NEVER, password: await hashPassword("right", 4) });
  await session.openMenu();
  const unlock = keys().unlock!;
  for (const wrong of ["a", "b"]) assert.deepEqual(await unlock(wrong), { ok: false, waitMs: 0 });
  assert.deepEqual(await unlock("c"), { ok: false, waitMs: 2000 });
  assert.equal((await unlock("right")).ok, false);
  await clock.advance(2.1);
  assert.equal((await unlock("right")).ok, true);
});

test("a device that a passphrase doesn't open can be tried again; one that nothing opens can't", async () => {
  const { session, keys } = bench([ONE], NEVER, {
    unlockDevice: async (_name, passphrase) => {
      if (passphrase === "damaged") throw new Error("its header is damaged");
      return passphrase === "right";
    },
  });
  await session.openMenu();
  const unlockDevice = keys().unlockDevice!;
  assert.deepEqual(await unlockDevice("vdb", "wrong"), { reason: "Wrong passphrase.", again: true });
  assert.deepEqual(await unlockDevice("vdb", "damaged"), { reason: "its header is damaged", again: false });
  assert.equal(await unlockDevice("vdb", "right"), null);
});

test("keys of what the host can't do are not offered", async () => {
  const { session, keys } = bench([ONE], NEVER);
  await session.openMenu();
  const { firmware, openUrl, unlockDevice } = keys();
  assert.deepEqual([firmware, openUrl, unlockDevice], [undefined, undefined, undefined]);
});

test("a look at every device again shows what has come", async () => {
  const { session, source, keys, events } = bench([ONE], NEVER);
  await session.openMenu();
  source.arrive(config("vdb1", ["late"]));
  await keys().rescan();
  assert.ok(events.includes("rescan"));
  assert.deepEqual(
    session.store.state.entries.map(({ title }: BootEntry) => title),
    ["one", "late"],
  );
});

test("a server that is silent is not waited for longer than a person likes", async () => {
  let answer: () => void = () => {};
  const { session, source, keys, clock } = bench([ONE], NEVER, {
    openUrl: async (url) => {
      if (url.includes("missing")) throw new Error("404: there is no such file");
      if (url.includes("silent"))
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      source.arrive(config(url, ["there"]));
    },
  });
  const { store } = session;
  await session.openMenu();
  const { openUrl, cancel } = keys();
  const waiting = openUrl!("http://silent/menu.ipxe");
  assert.deepEqual(
    [store.state.progress?.title, store.state.progress?.canCancel],
    ["Fetching http://silent/menu.ipxe", true],
  );
  cancel!();
  await waiting;
  assert.equal(store.state.progress, null);
  assert.match(store.state.message ?? "", /not waited for any more/);
  assert.equal(store.state.note, store.state.message);
  answer();
  await clock.advance(0);
  assert.equal(store.state.entries.length, 2, "what comes late is listed all the same");
  await openUrl!("http://server/missing");
  assert.equal(store.state.message, "404: there is no such file");
  await openUrl!("http://server/there");
  assert.deepEqual([store.state.message, store.state.entries.length], [null, 3]);
});

test("an entry that the owner forbids isn't booted by a person, not even with other files", async () => {
  const stick = config("sda1", ["one"], { removable: true });
  const { session, keys, clock, events } = bench([stick], { ...NEVER, removable: "never" }, { boots: { one: WORKS } });
  await session.openMenu();
  const entry = session.store.state.entries[0]!;
  void keys().boot(entry, undefined, { linux: entry.linux, initrd: [] });
  await clock.advance(1);
  assert.doesNotMatch(events.join("\n"), /baton: jump/);
  assert.match(session.store.state.message ?? "", /removable: never/);
});
