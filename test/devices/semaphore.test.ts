import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Semaphore } from "../../src/devices/semaphore.ts";

test("so many run at once, the others in their order", async () => {
  const semaphore = new Semaphore(2, 10_000);
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  const work = async (number: number): Promise<number> => {
    order.push(number);
    most = Math.max(most, ++inside);
    await turn();
    inside--;
    if (number === 3) throw new Error("three");
    return number;
  };
  const all = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((number) => semaphore.run(() => work(number))));
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(
    all.map(({ status }) => status),
    ["fulfilled", "fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"],
  );
});

test("one that never ends keeps nobody out", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const semaphore = new Semaphore(1, 5);
  void semaphore.run(() => new Promise(() => {}));
  const next = semaphore.run(async () => "in");
  context.mock.timers.tick(5);
  assert.equal(await next, "in");
  // Its place was given away once, not twice.
  const inside = new Set<string>();
  const stay = (name: string) =>
    semaphore.run(async () => {
      inside.add(name);
      assert.equal(inside.size, 1);
      await turn();
      inside.delete(name);
    });
  await Promise.all([stay("a"), stay("b"), stay("c")]);
});
