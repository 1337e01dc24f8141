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
    'BOOT_IMAGE=/x baton.timeout=3 "baton.default=My entry" baton.console=tty0,ttyS1 baton.debug baton.url=http://h/x baton.config=UUID=ab-cd:/baton.yaml',
  );
  assert.deepEqual(words.settings, {
    timeout: { seconds: 3, keys: false },
    default: "My entry",
    console: ["tty0", "ttyS1"],
    debug: true,
    url: "http://h/x",
  });
  assert.equal(words.config, "UUID=ab-cd:/baton.yaml");
  assert.deepEqual(words.problems, []);
});

const settled = (cmdline: string) => parseBootWords(cmdline).settings;

test("a timeout of -1 waits for a person, a number is final, and nonsense is told and changes nothing", () => {
  assert.deepEqual(settled("baton.timeout=-1").timeout, { seconds: Infinity, keys: false });
  assert.deepEqual(settled("baton.timeout=0").timeout, { seconds: 0, keys: false });
  assert.deepEqual(settled("baton.timeout=menu-hidden").timeout, { seconds: 0, keys: true });
  const words = parseBootWords("baton.timeout=5 baton.timeout=soon baton.tiemout=3");
  assert.equal(words.settings.timeout?.seconds, 5);
  assert.deepEqual(words.problems, [
    "baton.timeout must be a number of seconds, never, menu-force, menu-hidden or menu-disabled " +
      "(0 boots at once, -1 waits for a person), not 'soon'; ignored",
    "baton.tiemout=3: Baton has no such word",
  ]);
});

test("the last of a repeated word wins, and a name without a value says nothing", () => {
  assert.equal(settled("baton.default=a baton.default=b").default, "b");
  const empty = parseBootWords("baton.default= baton.url= baton.config= baton.console=");
  assert.deepEqual(empty, { settings: {}, config: null, problems: [] });
  assert.equal(settled("baton.debug=0").debug, false);
});

test("rootdelay waits for a time, or for a device with or without a limit", () => {
  assert.deepEqual(settled("baton.rootdelay=12").rootdelay, { device: null, seconds: 12 });
  assert.deepEqual(settled("baton.rootdelay=UUID=ab-cd").rootdelay, { device: "UUID=ab-cd", seconds: 30 });
  assert.deepEqual(settled("baton.rootdelay=/dev/sdb1,5").rootdelay, { device: "sdb1", seconds: 5 });
  assert.equal(parseBootWords("baton.rootdelay=").problems.length, 1);
});

test("every key is a word of the kernel command line, but for theme and keys, which are maps", () => {
  const words = parseBootWords("baton.ui=plain baton.writes=bootloader-state baton.removable baton.final=fire");
  assert.deepEqual(words.settings, { ui: "plain", writes: "bootloader-state", removable: true });
  assert.deepEqual(words.problems, ["baton.final must be menu, retry, reboot or poweroff, not 'fire'; ignored"]);
  assert.equal(parseBootWords("baton.theme=blue").problems.length, 1);
});

test("no command line makes reading its words throw, and none reaches a prototype", () => {
  for (const word of ["baton.", "baton.=", "baton.__proto__=1", "baton.constructor=1", "baton.toString"]) {
    const { settings, problems } = parseBootWords(word);
    assert.deepEqual([Object.keys(settings), problems.length], [[], 1], word);
  }
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
