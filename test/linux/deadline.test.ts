import assert from "node:assert/strict";
import { test } from "node:test";
import { endsWithin } from "../../src/linux/deadline.ts";

test("work that ends in time has ended, one that doesn't has not, and neither is an error", async () => {
  assert.equal(await endsWithin(Promise.resolve(), 60_000), true);
  assert.equal(await endsWithin(new Promise(() => {}), 1), false);
});

test("work that fails in time fails with its own error; later, nobody hears of it", async () => {
  await assert.rejects(endsWithin(Promise.reject(new Error("the disk was pulled out")), 60_000), /pulled out/);
  let fail: (error: Error) => void = () => {};
  const work = new Promise<void>((_, reject) => {
    fail = reject;
  });
  assert.equal(await endsWithin(work, 1), false);
  // An unhandled rejection would end the test with a failure.
  fail(new Error("too late"));
  await new Promise((resolve) => setImmediate(resolve));
});
