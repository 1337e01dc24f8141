/** The table of actions: what is read from it, and that a row is all that a new key needs. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  ACTIONS,
  type ActionRow,
  actionOfKey,
  actionOfWord,
  keyLabel,
  type MenuFront,
} from "../../src/menu/actions.ts";
import { Controller } from "../../src/menu/controller.ts";
import { Guard, type GuardFront } from "../../src/menu/guard.ts";
import { type MenuActions, MenuStore, OPEN_SETTINGS } from "../../src/menu/model.ts";
import { helpRows } from "../../src/menu/pages.ts";
import { helpLines } from "../../src/menu/plaintext.ts";
import { listKeys } from "../../src/menu/render.ts";
import { makeLook } from "../../src/menu/style.ts";
import { sampleEntry, sampleState } from "./samples.ts";

const LOOK = makeLook("xterm", true, true);

/** All that a new key needs. */
const EJECT: ActionRow = {
  action: "eject",
  keys: ["E", "C-j"],
  help: "open the drive",
  plain: "E",
  bar: [13, "eject"],
  run: ({ actions }) => void actions.rescan(),
};

test("one more row is in the screen's help and bar, in the plain menu's help, and bound to its keys", () => {
  const table = [...ACTIONS, EJECT];
  const shown = helpRows(80, LOOK, {}, table).map((row) =>
    row
      .map(({ text }) => text)
      .join("")
      .trim(),
  );
  assert.ok(shown.some((line) => /^E Ctrl-J +open the drive$/.test(line)));
  assert.ok(helpLines(table).includes("  E       open the drive"));
  assert.equal(actionOfKey("E", {}, table), EJECT);
  assert.equal(actionOfKey("C-j", {}, table), EJECT);
  assert.equal(actionOfKey("x", { eject: ["x"] }, table), EJECT, "the configuration may give it keys");
  assert.equal(actionOfWord("E", table), EJECT);
  const store = new MenuStore(sampleState());
  const hints = listKeys(undefined, new Controller(store, {} as MenuActions), store.state, table);
  assert.deepEqual(hints.at(-1), ["E", "eject"]);
});

test("every action has a name of its own, which the configuration's schema offers, and keys of its own", () => {
  const names = ACTIONS.map(({ action }) => action);
  const keys = ACTIONS.flatMap((row) => row.keys);
  assert.equal(new Set(names).size, names.length);
  assert.equal(new Set(keys).size, keys.length);
  const schema = JSON.parse(readFileSync("configs/baton.schema.json", "utf8"));
  assert.deepEqual(Object.keys(schema.properties.keys.properties), names);
  const words = ACTIONS.flatMap(({ plain }) => plain?.split(" ")[0] ?? []);
  assert.equal(new Set(words).size, words.length);
});

test("keys are called as they stand on keyboards", () => {
  assert.deepEqual(["escape", "pageup", "C-l", "M-b", "f10", "R", "?"].map(keyLabel), [
    ...["Esc", "PgUp", "Ctrl-L", "Alt-B", "F10", "R", "?"],
  ]);
});

test("an entry's own keys are looked for after the table's, and no inherited name is a key", () => {
  assert.equal(actionOfKey("constructor", { constructor: ["x"] }), undefined);
  assert.equal(actionOfKey("5"), undefined);
});

test("a password that was given on one console counts there alone", async () => {
  const store = new MenuStore({ settings: { ...OPEN_SETTINGS, shell: false, hasPassword: true } });
  const guard = new Guard(store, { unlock: async () => ({ ok: true, waitMs: 0 }) } as unknown as MenuActions, {
    now: () => 0,
  });
  const shell = (console: object): boolean => {
    let opened = false;
    const refuse = (): void => {};
    const front = {
      console,
      note: refuse,
      confirm: refuse,
      askPassword: refuse,
      deliberately: (then: () => void) => then(),
    };
    guard.pass({ shut: "shell" }, null, front, () => {
      opened = true;
    });
    return opened;
  };
  const [one, other] = [{}, {}];
  await guard.tryPassword("right", one);
  guard.extend(other);
  assert.deepEqual([shell(one), shell(other)], [true, false]);
});

/** A front that notes what it is asked, and a guard whose clock stands until it is moved. */
function guarded(settings: Partial<typeof OPEN_SETTINGS>, actions: Partial<MenuActions> = {}) {
  const done: string[] = [];
  let now = 0;
  const store = new MenuStore({ ...sampleState(), settings: { ...OPEN_SETTINGS, ...settings } });
  const unlock: MenuActions["unlock"] = async (password) => ({ ok: password === "sesame", waitMs: 0 });
  const guard = new Guard(store, { unlock, ...actions } as MenuActions, { now: () => now });
  const front: GuardFront = {
    note: (message) => void done.push(message),
    deliberately: (then) => {
      done.push("alone?");
      then();
    },
    confirm: ({ question }, then) => {
      done.push(question);
      then();
    },
    askPassword: ({ what }) => void done.push(`password for ${what}`),
  };
  const press = (action: string, entry = sampleEntry({ title: "Debian" })): string[] => {
    done.length = 0;
    const row = ACTIONS.find((one) => one.action === action)!;
    const menu = { actions, shell: () => void done.push("shell"), work: () => void done.push("work") };
    const fits = guard.pass(row.guard ?? {}, entry, front, () => row.run?.(menu as unknown as MenuFront, "", entry));
    return fits ? [...done] : ["nothing"];
  };
  const pass = (ms: number): void => {
    now += ms;
  };
  return { guard, press, pass };
}

test("what the session can't do means nothing, or says so", () => {
  const { press } = guarded({});
  assert.deepEqual(press("default"), ["nothing"]);
  assert.deepEqual(press("firmware"), ["This machine's firmware offers no way into its set-up from here."]);
});

test("a question comes before the work, and for a shell the key must have come alone", () => {
  const { press } = guarded({}, { reboot: async () => {} });
  assert.deepEqual(press("reboot"), ["Reboot this machine?", "work"]);
  assert.deepEqual(press("shell"), ["alone?", "shell"]);
});

test("a password opens what is shut until five minutes after the last key", async () => {
  const { guard, press, pass } = guarded({ shell: false, hasPassword: true });
  assert.deepEqual(press("shell"), ["alone?", "password for a shell"]);
  assert.match((await guard.tryPassword("wrong"))!, /not the password/);
  assert.equal(await guard.tryPassword("sesame"), null);
  pass(299_000);
  assert.deepEqual(press("shell"), ["alone?", "shell"]);
  guard.extend();
  pass(299_000);
  assert.deepEqual(press("shell"), ["alone?", "shell"]);
  pass(1001);
  guard.extend();
  assert.deepEqual(press("shell"), ["alone?", "password for a shell"]);
});
