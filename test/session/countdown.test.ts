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

test("a stopped countdown goes on after `idle` seconds without a key, with ten seconds at least", () => {
  const { countdown, at } = running({ idle: 300 });
  at(2);
  countdown.stop();
  at(200);
  countdown.attend();
  assert.deepEqual(at(499), { left: null, boot: false });
  assert.deepEqual(at(500), { left: 10, boot: false });
  assert.deepEqual(at(510), { left: 0, boot: true });
});

test("it doesn't go on with idle: 0, with timeout: never, at the end of all, or while somebody works in the menu", () => {
  for (const facts of [{ idle: 0 }, { idle: 300, owner: Number.POSITIVE_INFINITY }, { idle: 300, isInUse: true }]) {
    const { countdown, at } = running(facts);
    countdown.stop();
    for (let seconds = 0; seconds < 4000; seconds += 100) assert.equal(at(seconds).left, null);
  }
  const { countdown, at } = running({ idle: 300 });
  countdown.end();
  assert.deepEqual(at(4000), { left: null, boot: false });
});

test("noise stops nothing: the countdown ends when it would have, also with idle: 0, and after a person's key later", () => {
  const { countdown, at } = running({ idle: 0 });
  at(1);
  countdown.stop();
  countdown.noise();
  assert.deepEqual(at(3), { left: 7, boot: false });
  countdown.stop();
  at(4);
  countdown.noise();
  assert.equal(at(5).left, null, "a key that stood alone for so long was a person's");
  const other = running({ idle: 100 });
  other.countdown.stop();
  for (let seconds = 1; seconds < 99; seconds++) {
    other.at(seconds);
    other.countdown.attend();
    other.countdown.noise();
  }
  assert.deepEqual(other.at(100), { left: 10, boot: false }, "noise keeps nobody waiting for a person who has gone");
});
