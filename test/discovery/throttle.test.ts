import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Throttle } from "../../src/discovery/throttle.ts";

test("a change is told at once, and many that follow while the first is being taken in are told together", async () => {
  let told = 0;
  const throttle = new Throttle(() => {
    told++;
    const end = performance.now() + 5;
    while (performance.now() < end);
  });
  for (let change = 0; change < 100; change++) throttle.change();
  assert.equal(told, 1);
  while (told < 2) await sleep(5);
  await sleep(100);
  assert.equal(told, 2);
});

test("the next change after a rest is told at once again", async () => {
  let told = 0;
  const throttle = new Throttle(() => void told++);
  throttle.change();
  await sleep(50);
  throttle.change();
  assert.equal(told, 2);
});
