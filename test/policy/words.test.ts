import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseTimeout, countdownStep } from "../../src/policy/countdown.ts";
import { parseBootWords, splitCmdline } from "../../src/policy/words.ts";

test("words are split as the kernel does, double quotes around spaces", () => {
  assert.deepEqual(splitCmdline('quiet  baton.default="Debian GNU/Linux" x="a b"c\n'), [
    "quiet",
    "baton.default=Debian GNU/Linux",
    "x=a bc",
  ]);
});

test("each word of the command line is understood", () => {
  const words = parseBootWords(
    'BOOT_IMAGE=/x baton.timeout=3 "baton.default=My entry" baton.console=tty0,ttyS1 baton.debug baton.url=http://h/x',
  );
  assert.equal(words.timeout, 3);
  assert.equal(words.default, "My entry");
  assert.deepEqual(words.console, ["tty0", "ttyS1"]);
  assert.equal(words.debug, true);
  assert.equal(words.url, "http://h/x");
  assert.deepEqual(words.problems, []);
});

test("a timeout of -1 waits for a person, and nonsense is told and changes nothing", () => {
  assert.equal(parseBootWords("baton.timeout=-1").timeout, Infinity);
  const words = parseBootWords("baton.timeout=5 baton.timeout=soon baton.tiemout=3");
  assert.equal(words.timeout, 5);
  assert.equal(words.problems.length, 2);
});

test("rootdelay waits for a time, or for a device with or without a limit", () => {
  assert.deepEqual(parseBootWords("baton.rootdelay=12").rootdelay, { device: null, seconds: 12 });
  assert.deepEqual(parseBootWords("baton.rootdelay=UUID=ab-cd").rootdelay, { device: "UUID=ab-cd", seconds: 30 });
  assert.deepEqual(parseBootWords("baton.rootdelay=/dev/sdb1,5").rootdelay, { device: "sdb1", seconds: 5 });
  assert.equal(parseBootWords("baton.rootdelay=").problems.length, 1);
});

test("the command line's timeout comes before the configuration's, and five seconds where neither says", () => {
  assert.equal(chooseTimeout(0, 10), 0);
  assert.equal(chooseTimeout(null, 10), 10);
  assert.equal(chooseTimeout(null, null), 5);
});

test("the countdown boots when its time is over and every device has been read, never sooner", () => {
  const state = { elapsed: 2.5, timeout: 5, settled: true, stopped: false, hasDefault: true };
  assert.deepEqual(countdownStep(state), { left: 3, boot: false });
  assert.deepEqual(countdownStep({ ...state, elapsed: 6 }), { left: 0, boot: true });
  assert.deepEqual(countdownStep({ ...state, elapsed: 6, settled: false }), { left: 0, boot: false });
});

test("no countdown runs after a key, without a default, or where the configuration waits for a person", () => {
  const state = { elapsed: 9, timeout: 5, settled: true, stopped: false, hasDefault: true };
  for (const change of [{ stopped: true }, { hasDefault: false }, { timeout: Infinity }]) {
    assert.deepEqual(countdownStep({ ...state, ...change }), { left: null, boot: false });
  }
});
