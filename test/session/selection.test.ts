import assert from "node:assert/strict";
import { test } from "node:test";
import type { BootEntry } from "../../src/entry.ts";
import { mergeSettings } from "../../src/policy/settings.ts";
import type { SessionHost } from "../../src/session/host.ts";
import { type Ahead, Selection } from "../../src/session/selection.ts";
import { config, FakeSource } from "./bench.ts";

/** A selection over a disk's `one` and `two` and a server's `far`, with what it wants loaded, in order. */
function selection(more: { isSettled?: () => boolean; loadAhead?: undefined } = {}) {
  const far = config("http://server", ["far"]);
  const remote = { ...far, entries: [{ ...far.entries[0]!, linux: { url: "http://server/vmlinuz" } }] };
  const discovery = new FakeSource([config("vda1", ["one", "two"]), remote]);
  const wanted: (string | null)[] = [];
  const ahead: Ahead = {
    want: (entry) => void wanted.push(entry?.title ?? null),
    take: async () => ({ method: "kexec_load", seconds: 0 }),
    resume: () => {},
  };
  const host = { discovery, isSettled: () => true, loadAhead: async () => assert.fail("not asked"), ...more };
  const entries = Object.fromEntries(discovery.list.entries.map((entry) => [entry.title, entry]));
  return { wanted, entries, selection: new Selection(host as unknown as SessionHost, async () => ahead) };
}

const one = { title: "one" } as BootEntry;

test("the default is loaded ahead until a person selects another entry", async () => {
  const { wanted, entries, selection: made } = selection();
  made.update();
  assert.deepEqual(wanted, [], "nothing before there is a menu");
  await made.begin(mergeSettings());
  made.select(entries.two!);
  assert.deepEqual(wanted, ["one", "two"]);
});

test("nothing is loaded ahead for a submenu, or from a server that nobody has asked", async () => {
  const { wanted, entries, selection: made } = selection();
  await made.begin(mergeSettings());
  made.select(null);
  made.select(entries.far!);
  assert.deepEqual(wanted, ["one", null, null]);
});

test("nothing is loaded ahead before the devices have been read", async () => {
  let settled = false;
  const { wanted, selection: made } = selection({ isSettled: () => settled });
  await made.begin(mergeSettings());
  assert.deepEqual(wanted, []);
  settled = true;
  made.update();
  assert.deepEqual(wanted, ["one"]);
});

test("nothing is loaded ahead where the owner or the host doesn't want it; a boot then loads all itself", async () => {
  const forbidden = selection();
  await forbidden.selection.begin(mergeSettings({ stage: false }));
  assert.equal(await forbidden.selection.take(one, ""), null);
  const host = selection({ loadAhead: undefined });
  await host.selection.begin(mergeSettings());
  assert.equal(await host.selection.take(one, ""), null);
  assert.deepEqual([forbidden.wanted, host.wanted], [[], []]);
});

test("what was loaded ahead is what a boot takes", async () => {
  const { selection: made } = selection();
  await made.begin(mergeSettings());
  assert.deepEqual(await made.take(one, ""), { method: "kexec_load", seconds: 0 });
});
