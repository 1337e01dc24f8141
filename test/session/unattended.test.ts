import assert from "node:assert/strict";
import { test } from "node:test";
import { afterRound, bootUnattended } from "../../src/session/unattended.ts";
import { bench, booted, config, FakeClock, FakeSource } from "./bench.ts";

/** Attempts that all fail; the one of `cancelled` because a person ended it. */
function attempts(cancelled: string | null = null) {
  const tried: string[] = [];
  return {
    tried,
    get isCancelled() {
      return tried.at(-1) === cancelled;
    },
    attempt: async ({ title }: { readonly title: string }) => {
      tried.push(title);
      return "it failed";
    },
  };
}

const always = () => true;

test("a default that fails is followed by its fallback, then by the system's other kernels, each once", async () => {
  const discovery = new FakeSource([config("vda1", ["one", "two", "three"], { defaultIndex: 1, fallback: [2] })]);
  const all = attempts();
  const said = await bootUnattended({ discovery, isSettled: always }, all, new FakeClock());
  assert.deepEqual(all.tried, ["two", "three", "one"]);
  assert.equal(said, "3 entries failed. two: it failed. three: it failed. one: it failed");
});

test("the entry that the owner names comes first", async () => {
  const { session, events } = bench([config("vda1", ["one", "two"])], { default: "two" });
  await session.bootDefault();
  assert.deepEqual(booted(events), ["two", "one"]);
});

test("what follows a failed default is chosen when every device has answered, among all there is then", async () => {
  const discovery = new FakeSource([config("vda1", ["one"])]);
  const all = attempts();
  const clock = new FakeClock();
  let isSettled = false;
  const work = bootUnattended({ discovery, isSettled: () => isSettled }, all, clock);
  await clock.advance(30);
  assert.deepEqual(all.tried, ["one"], "it waits as long as it takes");
  discovery.arrive(config("vdb1", ["late"]));
  isSettled = true;
  await clock.advance(1);
  assert.match(await work, /^2 entries failed/);
  assert.deepEqual(all.tried, ["one", "late"]);
});

test("a person who ends an attempt ends the round", async () => {
  const discovery = new FakeSource([config("vda1", ["one", "two"])]);
  const all = attempts("one");
  assert.equal(await bootUnattended({ discovery, isSettled: always }, all, new FakeClock()), "one: it failed");
  assert.deepEqual(all.tried, ["one"]);
});

test("with nothing to boot it says so", async () => {
  const said = await bootUnattended({ discovery: new FakeSource([]), isSettled: always }, attempts(), new FakeClock());
  assert.equal(said, "nothing that could be booted was found");
});

test("a round is followed by the final action; retries end after their number", () => {
  assert.equal(afterRound(1, { final: "menu", retries: 3 }), null);
  assert.equal(afterRound(9, { final: "reboot", retries: 0 }), "reboot");
  assert.equal(afterRound(9, { final: "poweroff", retries: 0 }), "poweroff");
  assert.deepEqual(
    [1, 2, 3].map((round) => afterRound(round, { final: "retry", retries: 2 })),
    ["retry", "retry", null],
  );
});
