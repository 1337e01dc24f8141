import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withLock } from "../../initramfs/lock.ts";

const directory = mkdtempSync(join(tmpdir(), "baton-lock-"));
after(() => rmSync(directory, { recursive: true, force: true }));

test("one piece of work at a time runs under a lock", async () => {
  const path = join(directory, "one");
  let running = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++running);
    await sleep(20);
    running--;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, "the test", work)));
  assert.equal(most, 1);
  assert.ok(!existsSync(path));
});

test("a lock whose process is gone is taken over", async () => {
  const path = join(directory, "two");
  writeFileSync(path, String(spawnSync("true").pid));
  assert.equal(await withLock(path, "nobody", async () => "done"), "done");
});

test("work that fails leaves no lock", async () => {
  const path = join(directory, "three");
  const fail = () => withLock(path, "the test", () => Promise.reject(new Error("broken")));
  await assert.rejects(fail, /broken/);
  assert.ok(!existsSync(path));
});
