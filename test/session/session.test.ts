import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Discovery } from "../../src/discovery/discovery.ts";
import { parsedEntry } from "../../src/entry.ts";
import { EMPTY_RESULT, type Format, type FormatResult } from "../../src/formats/format.ts";
import type { MenuActions } from "../../src/menu/model.ts";
import { mergeSettings, type Settings } from "../../src/policy/settings.ts";
import type { SessionPlace } from "../../src/session/host.ts";
import { Session } from "../../src/session/session.ts";

interface Bench {
  readonly session: Session;
  readonly milestones: string[];
  readonly announced: string[];
  readonly menus: MenuActions[];
  /** Whether every device has answered; so unless it is said here. */
  settle(isSettled: boolean): void;
  /** A disk answers late, with an entry of this title. */
  arrive(title: string): Promise<void>;
}

/** A session over entries with these titles, none of which names a file that is there. */
async function bench(
  titles: readonly string[],
  settings: Partial<Settings> = {},
  result: Partial<FormatResult> = {},
): Promise<Bench> {
  const late: string[] = [];
  const format: Format = {
    name: "baton",
    find: async () => ["/list"],
    parse: async (_path, { volume: { name } }) => {
      const all = name === "a1" ? titles : late;
      const entries = all.map((title) =>
        parsedEntry({ title, type: "baton", source: `${name}:/list`, linux: { device: name, path: `/${title}` } }),
      );
      return { ...EMPTY_RESULT, entries, defaultIndex: all.length > 0 ? 0 : null, ...(name === "a1" ? result : {}) };
    },
  };
  const discovery = new Discovery({ firmware: "efi", arch: "x86_64" }, undefined, [format]);
  const nothing = (): never => {
    throw new Error("the disk was pulled out");
  };
  const attach = (name: string): void =>
    discovery.attach(
      {
        ...{ name, type: "ext4", uuid: null, label: null, partuuid: null, partlabel: null },
        ...{ disk: null, partition: null, scheme: null, removable: false },
        reader: {
          read: nothing,
          readAt: nothing,
          list: nothing,
          // The files are there when the list is made, and gone when they are opened.
          stat: async () => ({ type: "file", size: 1, mtime: 0 }),
        },
        hostPath: async () => nothing(),
        close: async () => {},
      },
      { name, size: 1, type: "ext4", uuid: null, label: null, model: null, transport: null, reason: null },
    );
  attach("a1");
  await discovery.scan();
  const milestones: string[] = [];
  const announced: string[] = [];
  const menus: MenuActions[] = [];
  let settled = true;
  const place: SessionPlace = {
    discovery,
    isSettled: () => settled,
    rescan: () => discovery.scan(),
    milestone: (text) => void milestones.push(text),
    jumpWarning: () => null,
    announce: (text) => void announced.push(text),
    openMenu: async (_store, actions) => {
      menus.push(actions);
      return { aloud: (print) => print(), close: async () => {} };
    },
    unmount: async () => {},
    openUrl: async (url) => {
      if (url.includes("silent")) await new Promise(() => {});
      if (url.includes("missing")) throw new Error("404: there is no such file");
    },
    reboot: async () => {},
    powerOff: async () => {},
  };
  const session = new Session(place, mergeSettings(settings), []);
  return {
    session,
    milestones,
    announced,
    menus,
    settle: (isSettled) => {
      settled = isSettled;
    },
    arrive: async (title) => {
      late.push(title);
      attach("b1");
      await discovery.scan(["b1"]);
    },
  };
}

const failures = (milestones: readonly string[]): string[] =>
  milestones.filter((line) => line.startsWith("baton: failed")).map((line) => line.replace(/: the disk.*/, ""));

test("unattended, a default that fails is followed by the other entries, each once, each with its reason", async () => {
  const { session, milestones } = await bench(["one", "two", "three"], {}, { defaultIndex: 1, fallback: [2] });
  const said = await session.bootUnattended();
  assert.deepEqual(
    failures(milestones),
    ["two", "three", "one"].map((title) => `baton: failed a1:baton:${title}`),
  );
  assert.match(said, /^3 entries failed/);
  assert.match(milestones[0] ?? "", /the disk was pulled out/);
});

test("unattended, the entry that the command line names comes first", async () => {
  const { session, milestones } = await bench(["one", "two"], { default: "two" });
  await session.bootUnattended();
  assert.equal(failures(milestones)[0], "baton: failed a1:baton:two");
});

test("unattended, a default that fails is followed by what a slow disk has, once that has answered", async () => {
  const { session, milestones, settle, arrive } = await bench(["one"]);
  settle(false);
  const work = session.bootUnattended();
  while (failures(milestones).length === 0) await sleep(5);
  await sleep(20);
  assert.deepEqual(failures(milestones), ["baton: failed a1:baton:one"]);
  await arrive("late");
  settle(true);
  assert.match(await work, /^2 entries failed/);
  assert.deepEqual(failures(milestones), ["baton: failed a1:baton:one", "baton: failed b1:baton:late"]);
});

test("with nothing to boot, unattended says so", async () => {
  const { session } = await bench([]);
  assert.match(await session.bootUnattended(), /nothing that could be booted was found/);
});

test("a boot from the menu that fails comes back to it with the reason, and no countdown starts again", async () => {
  const { session, menus } = await bench(["one"], { timeout: { seconds: 60, keys: true } });
  await session.openMenu();
  assert.equal(session.store.state.countdown, 60);
  const [entry] = session.store.state.entries;
  await menus[0]!.boot(entry!);
  assert.match(session.store.state.message ?? "", /one: .*the disk was pulled out/);
  assert.equal(session.store.state.countdown, null);
  assert.equal(session.store.state.progress, null);
  await session.closeMenu();
});

test("a key stops the countdown for good", async () => {
  const { session, menus } = await bench(["one"], { timeout: { seconds: 60, keys: true } });
  await session.openMenu();
  menus[0]!.stopCountdown();
  await session.closeMenu();
  await session.openMenu();
  assert.equal(session.store.state.countdown, null);
  await session.closeMenu();
});

test("the menu marks the entry that will boot, also where the command line names it", async () => {
  const { session } = await bench(["one", "two"], { default: "2" });
  session.update();
  assert.deepEqual(
    session.store.state.entries.map(({ title, isDefault }) => [title, isDefault]),
    [
      ["one", false],
      ["two", true],
    ],
  );
});

test("the configuration's own timeout counts, but not before somebody who pressed a key has seen the menu", async () => {
  const { session } = await bench(["one"], {}, { timeout: 0 });
  assert.equal(session.timeout, 0);
  session.holdForPerson();
  assert.equal(session.timeout, 5);
});

test("the countdown of ten seconds after everything has failed leads to what the settings say", async () => {
  for (const final of ["retry", "reboot", "poweroff"] as const) {
    const { session } = await bench(["one"], { final, retries: 1 });
    await session.bootDefault();
    assert.match(session.store.state.message ?? "", /^Nothing booted: one: /);
    assert.deepEqual([session.store.state.next, session.store.state.countdown], [final, 10]);
    await session.closeMenu();
  }
});

test("after the last retry, and without one, the menu waits for a person", async () => {
  for (const settings of [{ final: "menu" }, { final: "retry", retries: 0 }] as const) {
    const { session } = await bench(["one"], settings);
    await session.bootDefault();
    assert.equal(session.store.state.countdown, null);
    await session.closeMenu();
  }
});

test("each failure is said on every console while there is no menu", async () => {
  const { session, announced } = await bench(["one", "two"]);
  await session.bootUnattended();
  assert.deepEqual(
    announced.map((line) => line.replace(/(one|two): .*/, "$1")),
    ["Booting one (a1:/list)", "Failed: one", "Booting two (a1:/list)", "Failed: two"],
  );
});

test("settings that come from a file later choose another default", async () => {
  const { session } = await bench(["one", "two"]);
  session.update();
  assert.equal(session.store.state.defaultId, "a1:baton:one");
  session.settle(mergeSettings({ default: "two", timeout: { seconds: 9, keys: true } }));
  assert.equal(session.store.state.defaultId, "a1:baton:two");
  assert.equal(session.timeout, 9);
});

test("a server that is silent is not waited for longer than a person likes", async () => {
  const { session, menus } = await bench(["one"], { timeout: { seconds: Infinity, keys: true } });
  await session.openMenu();
  const { store } = session;
  const waiting = menus[0]!.openUrl!("http://silent/menu.ipxe");
  assert.deepEqual(
    [store.state.progress?.title, store.state.progress?.canCancel],
    ["Fetching http://silent/menu.ipxe", true],
  );
  menus[0]!.cancel!();
  await waiting;
  assert.equal(store.state.progress, null);
  assert.match(store.state.message ?? "", /not waited for any more/);
  assert.equal(store.state.note, store.state.message);
  await menus[0]!.openUrl!("http://server/missing");
  assert.equal(store.state.message, "404: there is no such file");
  await menus[0]!.openUrl!("http://server/there");
  assert.equal(store.state.message, null);
  await session.closeMenu();
});
