import assert from "node:assert/strict";
import { test } from "node:test";
import { Throttle } from "../../src/discovery/throttle.ts";
import { eventually } from "../eventually.ts";

/** @param workMs how long the listener takes each time */
function counted(workMs: number) {
  let calls = 0;
  const throttle = new Throttle(() => {
    calls++;
    const end = performance.now() + workMs;
    while (performance.now() < end);
  });
  /** Waits until the listener has rested: a change then reaches it at once. */
  const rested = (): Promise<void> =>
    eventually(() => {
      const before = calls;
      throttle.notify();
      assert.equal(calls, before + 1);
    });
  return { throttle, rested, calls: () => calls };
}

test("the listener hears of a change at once, and of many that follow while it rests together", async () => {
  const { throttle, calls } = counted(5);
  for (let change = 0; change < 100; change++) throttle.notify();
  assert.equal(calls(), 1);
  await eventually(() => assert.equal(calls(), 2));
});

test("the next change after a rest is heard of at once again", async () => {
  const { throttle, rested } = counted(0);
  throttle.notify();
  await rested();
});
