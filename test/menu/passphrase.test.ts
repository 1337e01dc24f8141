/** The passphrase of an encrypted device is asked for in the menu. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Controller } from "../../src/menu/controller.ts";
import type { MenuActions } from "../../src/menu/model.ts";
import { MenuStore } from "../../src/menu/model.ts";
import type { Viewport } from "../../src/menu/page.ts";
import type { DeviceStatus } from "../../src/status.ts";
import { sampleState } from "./samples.ts";

const view: Viewport = { columns: 80, listRows: 10, pageRows: 20, pageLength: () => 0 };
const host = { shell: () => {}, redraw: () => {} };

function device(name: string, isLocked: boolean): DeviceStatus {
  const nothing = { size: 1, type: "crypto_LUKS", uuid: null, label: null, model: null, transport: null };
  return { ...nothing, name, sources: [], reason: "encrypted (LUKS2)", isLocked };
}

/** A controller over devices of which `sesame` opens each. */
function menu(...devices: readonly DeviceStatus[]) {
  const store = new MenuStore({ ...sampleState(), scanning: false, countdown: null, devices });
  const tried: string[] = [];
  const booted: string[] = [];
  const actions: MenuActions = {
    boot: async (entry) => void booted.push(entry.title),
    rescan: async () => {},
    stopCountdown: () => {},
    reboot: async () => {},
    powerOff: async () => {},
    log: () => [],
    unlockDevice: async (name, passphrase) => {
      tried.push(`${name}:${passphrase}`);
      if (passphrase === "broken") return { reason: "its header is damaged.", again: false };
      return passphrase === "sesame" ? null : { reason: "Wrong passphrase.", again: true };
    },
  };
  const controller = new Controller(store, actions);
  const type = async (text: string): Promise<void> => {
    for (const letter of text) controller.key(letter, letter, view, host);
    controller.key("enter", "", view, host);
    await turn();
  };
  const key = (name: string): void => controller.key(name, name.length === 1 ? name : "", view, host);
  const note = (): string | null => (controller.page?.kind === "prompt" ? controller.page.note : null);
  return { store, controller, tried, booted, type, key, note };
}

test("the right passphrase opens the device; it is shown as stars", async () => {
  const { store, controller, tried, type, key } = menu(device("vda1", false), device("vda2", true));
  key("u");
  assert.ok(controller.page?.kind === "prompt" && controller.page.hidden);
  assert.equal(controller.page.title, "Passphrase for vda2");
  await type("sesame");
  assert.deepEqual(tried, ["vda2:sesame"]);
  assert.equal(controller.page, null);
  assert.match(store.state.message ?? "", /^vda2 is open/);
});

test("after three wrong passphrases the question is closed, and the list is there", async () => {
  const { store, controller, tried, booted, type, key, note } = menu(device("vda2", true));
  key("u");
  await type("one");
  assert.equal(note(), "Wrong passphrase. 2 tries are left.");
  await type("two");
  assert.equal(note(), "Wrong passphrase. One try is left.");
  await type("three");
  assert.equal(controller.page, null);
  assert.match(store.state.message ?? "", /stays shut/);
  assert.equal(tried.length, 3);
  key("home"); // closes the message, and moves
  key("enter");
  await turn();
  assert.equal(booted.length, 1);
});

test("what no passphrase opens is not asked for again", async () => {
  const { store, controller, type, key } = menu(device("vda2", true));
  key("u");
  await type("broken");
  assert.equal(controller.page, null);
  assert.match(store.state.message ?? "", /header is damaged/);
});

test("several devices take turns", () => {
  const { controller, key } = menu(device("vda2", true), device("vdb", false), device("vdc", true));
  const titles = [];
  for (let turn = 0; turn < 3; turn++) {
    key("u");
    titles.push(controller.page?.kind === "prompt" && controller.page.title);
    key("escape");
  }
  assert.deepEqual(titles, ["Passphrase for vda2", "Passphrase for vdc", "Passphrase for vda2"]);
});

test("where nothing is locked the key says so", () => {
  const { store, controller, key } = menu(device("vda1", false));
  key("u");
  assert.equal(controller.page, null);
  assert.match(store.state.message ?? "", /^No encrypted device/);
});
