import assert from "node:assert/strict";
import { test } from "node:test";
import { Countdown, type CountdownFacts } from "../../src/session/countdown.ts";

function running(more: Partial<CountdownFacts> = {}) {
  let ms = 0;
  const countdown = new Countdown({ now: () => ms });
  const facts: CountdownFacts = { owner: 10, config: null, isSettled: true, hasDefault: true, ...more };
  countdown.begin();
  return {
    countdown,
    facts,
    /** What it shows and does so many seconds after its beginning. */
    at: (seconds: number) => {
      ms = seconds * 1000;
      return countdown.step(facts);
    },
  };
}

test("it counts whole seconds down and boots at its end, not before the devices have answered", () => {
  const { at } = running();
  assert.deepEqual(at(0), { left: 10, boot: false });
  assert.deepEqual(at(9.2), { left: 1, boot: false });
  assert.deepEqual(at(10), { left: 0, boot: true });
  assert.deepEqual(running({ isSettled: false }).at(11), { left: 0, boot: false });
});

test("the owner's time comes before the configuration's, and that before five seconds", () => {
  const { countdown } = running();
  assert.equal(countdown.timeout({ owner: 3, config: 7 }), 3);
  assert.equal(countdown.timeout({ owner: null, config: 7 }), 7);
  assert.equal(countdown.timeout({ owner: null, config: null }), 5);
});

test("without a default, or after a key, nothing is counted and nothing boots", () => {
  assert.deepEqual(running({ hasDefault: false }).at(20), { left: null, boot: false });
  const { countdown, at } = running();
  countdown.stop();
  assert.deepEqual(at(20), { left: null, boot: false });
});

test("an endless timeout waits for a person", () => {
  assert.deepEqual(running({ owner: Number.POSITIVE_INFINITY }).at(1e9), { left: null, boot: false });
});

test("a key held before the menu gives it five seconds at least, and takes nothing from a longer time", () => {
  const { countdown } = running();
  countdown.hold();
  assert.equal(countdown.timeout({ owner: null, config: 0 }), 5);
  assert.equal(countdown.timeout({ owner: 30, config: 0 }), 30);
});

test("keys give time, and take it down to three seconds", () => {
  const { countdown, facts, at } = running();
  countdown.addTime(20, facts);
  assert.equal(at(0).left, 30);
  countdown.addTime(-100, facts);
  assert.equal(at(0).left, 3);
  countdown.addTime(-5, facts);
  assert.equal(at(0).left, 3, "less is not left by a key");
  assert.equal(at(2).left, 1);
  countdown.addTime(-5, facts);
  assert.equal(at(2).left, 1, "and a key that takes time gives none");
});

test("after a round in which all failed it takes ten seconds, whatever the timeout, and needs no default", () => {
  const { countdown, at } = running({ owner: 0, hasDefault: false });
  countdown.stop();
  countdown.beginRound("reboot");
  assert.equal(countdown.next, "reboot");
  assert.deepEqual(at(0), { left: 10, boot: false });
  assert.deepEqual(at(10), { left: 0, boot: true });
});
