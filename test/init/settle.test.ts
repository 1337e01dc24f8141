import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { lookForNamedEntry, readConfiguration } from "../../src/init/settle.ts";
import { parseBootWords } from "../../src/policy/words.ts";
import { initBench } from "./bench.ts";

const NO_WORDS = parseBootWords("");
const NOW = Promise.resolve();
const noNetwork = async () => null;

test("without baton.config= nothing waits for a configuration, and nothing is read that doesn't count", async () => {
  const { parts, readiness, events } = initBench({}, noNetwork);
  assert.equal(readiness.awaits("configuration"), true);
  const reading = readConfiguration(NO_WORDS, parts);
  assert.equal(readiness.awaits("configuration"), false, "at once");
  await reading;
  assert.deepEqual(events, []);
});

test("what was remembered is read when every disk has been, since it may stand on any", async () => {
  for (const settings of [{ tries: 2 }, { default: "@saved" }]) {
    const { parts, readiness, events, settle } = initBench(settings, noNetwork);
    const reading = readConfiguration(NO_WORDS, parts);
    await turn();
    assert.deepEqual([events, readiness.awaits("state")], [[], true]);
    settle("one");
    await reading;
    assert.deepEqual([events, readiness.awaits("state")], [["settle with what was remembered"], false]);
  }
});

test("the console names an entry that is nowhere, when ISO files and drivers are through", async () => {
  const { parts, readiness, events, settle, complete } = initBench({ default: "two" }, noNetwork);
  const looking = lookForNamedEntry(parseBootWords("baton.default=two"), parts, NOW);
  settle("one");
  await turn();
  assert.deepEqual(events, []);
  complete();
  await looking;
  const message = "baton.default=two: no entry has this id, title or number";
  assert.deepEqual(events, ["drivers", `baton: ${message}`, `message ${message}`]);
  assert.equal(readiness.awaits("drivers"), false);
});

test("the message names the file's key where no word names the entry, and there is none for an entry that is listed", async () => {
  const lost = initBench({ default: "two" }, noNetwork);
  lost.complete();
  await lookForNamedEntry(NO_WORDS, lost.parts, NOW);
  assert.match(lost.events.at(-1) ?? "", /^message default: two: no entry/);
  const found = initBench({ default: "one" }, noNetwork);
  found.settle("one");
  found.complete();
  await lookForNamedEntry(NO_WORDS, found.parts, NOW);
  assert.deepEqual(found.events, ["drivers"]);
});
