import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { BatonError } from "../../src/errors.ts";
import { jumpToLoaded, leaveDisks } from "../../src/kexec/handover.ts";
import { logLines } from "../../src/log.ts";

const never = (): Promise<never> => new Promise(() => {});
/** Stands for the machine being gone: what a jump that works never comes back from. */
class Jumped extends Error {}
const jumps = (): Promise<void> => Promise.reject(new Jumped());
const warned = (text: RegExp): boolean => logLines().some((line) => line.level === 4 && text.test(line.text));

test("disks are synced, then no longer read, then unmounted", async () => {
  const steps: string[] = [];
  let end = (): void => {};
  const idle = new Promise<void>((resolve) => {
    end = resolve;
  });
  const unmount = async () => void steps.push("unmount");
  const left = leaveDisks({ idle, unmount }, async () => {
    steps.push("sync");
    // Whatever reads the disk ends only now.
    setImmediate(() => {
      steps.push("idle");
      end();
    });
    return true;
  });
  await left;
  assert.deepEqual(steps, ["sync", "idle", "unmount"]);
});

test("a sync that fails, or does not end within five seconds, is logged and passed over", async () => {
  for (const [sync, text] of [
    [() => Promise.reject(new Error("broken")), /^sync failed: broken/],
    [async ({ timeoutMs }: { timeoutMs: number }) => timeoutMs > 5000, /^sync did not finish within 5000 ms/],
  ] as const) {
    let unmounted = false;
    const unmount = async () => {
      unmounted = true;
    };
    await leaveDisks({ idle: Promise.resolve(), unmount }, sync);
    assert.ok(unmounted);
    assert.ok(warned(text));
  }
});

test("an unmount that fails is logged and passed over", async () => {
  const unmount = () => Promise.reject(new BatonError("timeout", "umount2: no answer"));
  await leaveDisks({ idle: Promise.resolve(), unmount }, async () => true);
  assert.ok(warned(/^unmounting failed: umount2: no answer/));
});

test("neither a disk that is read for ever nor an unmount that hangs keeps the machine longer than six seconds", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    let left = false;
    let asked = false;
    const unmount = () => {
      asked = true;
      return never();
    };
    const leaving = leaveDisks({ idle: never(), unmount }, async () => true).then(() => {
      left = true;
    });
    const settle = () => new Promise(setImmediate).then(() => new Promise(setImmediate));
    await settle();
    mock.timers.tick(999);
    await settle();
    assert.equal(asked, false, "reading has a second to end");
    mock.timers.tick(1);
    await settle();
    assert.equal(asked, true);
    mock.timers.tick(4999);
    await settle();
    assert.equal(left, false, "unmounting has five");
    mock.timers.tick(1);
    await leaving;
  } finally {
    mock.timers.reset();
  }
});

test("the last words come before the jump, and a jump that is refused ends it with the reason", async () => {
  const steps: string[] = [];
  const refused = new BatonError("refused", "No kernel is loaded to jump into.");
  await assert.rejects(
    jumpToLoaded(
      async () => void steps.push("words"),
      async () => {
        steps.push("jump");
        throw refused;
      },
    ),
    refused,
  );
  assert.deepEqual(steps, ["words", "jump"]);
});

test("last words that fail don't stop the jump", async () => {
  await assert.rejects(
    jumpToLoaded(() => Promise.reject(new Error("terminal gone")), jumps),
    Jumped,
  );
  assert.ok(warned(/^the last step before the jump failed: terminal gone/));
});

test("last words that hang are given fifteen seconds", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const jumped = assert.rejects(jumpToLoaded(never, jumps), Jumped);
    mock.timers.tick(15_000);
    await jumped;
  } finally {
    mock.timers.reset();
  }
});

test("a jump that comes back without an error is a failure too", async () => {
  await assert.rejects(
    jumpToLoaded(
      async () => {},
      async () => {},
    ),
    { code: "refused", message: /did not happen/ },
  );
});
