/** What stands behind the menu's questions and boxes: passwords, speed, advice. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hashPassword } from "../../src/policy/password.ts";
import { adviceOn } from "../../src/session/advice.ts";
import { PasswordLock } from "../../src/session/passwordlock.ts";
import { Throughput } from "../../src/session/throughput.ts";

test("after three wrong passwords none is looked at for a while, not even the right one", async () => {
  const hash = await hashPassword("right", 4);
  const lock = new PasswordLock();
  assert.deepEqual(await lock.tryPassword("a", hash), { ok: false, waitMs: 0 });
  assert.deepEqual(await lock.tryPassword("b", hash), { ok: false, waitMs: 0 });
  assert.deepEqual(await lock.tryPassword("c", hash), { ok: false, waitMs: 2000 });
  const { ok, waitMs } = await lock.tryPassword("right", hash);
  assert.equal(ok, false);
  assert.ok(waitMs > 0);
});

test("the right password forgives the wrong ones before it, and two at once count as one", async () => {
  const hash = await hashPassword("right", 4);
  const lock = new PasswordLock();
  await lock.tryPassword("a", hash);
  assert.equal((await lock.tryPassword("right", hash)).ok, true);
  const both = await Promise.all([lock.tryPassword("right", hash), lock.tryPassword("right", hash)]);
  assert.deepEqual(
    both.map(({ ok }) => ok),
    [true, false],
  );
});

test("speed is that of the last seconds, of one file at a time", () => {
  const pace = new Throughput();
  assert.equal(pace.rate("a", 0, 0), null);
  assert.equal(pace.rate("a", 100, 100), null, "too early to tell");
  assert.equal(pace.rate("a", 1000, 1000), 1000);
  // It stood still for long, and now it goes.
  for (let at = 20_000; at <= 24_000; at += 500) pace.rate("a", 1000 + (at - 20_000) * 5, at);
  assert.equal(pace.rate("a", 1000 + 4500 * 5, 24_500), 5000);
  assert.equal(pace.rate("b", 10, 24_600), null);
});

test("every failure has advice, and the usual ones their own", () => {
  assert.match(adviceOn("vda1:/vmlinuz: the file is missing")[0]!, /look again/);
  assert.match(adviceOn("it is not a kernel")[0]!, /older kernel/);
  assert.equal(adviceOn("something else").length, 1);
});
