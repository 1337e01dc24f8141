import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";
import { getAttributes, getWindowSize, restore, setRaw, setWindowSize } from "../../src/linux/tty.ts";

// The master's side of a pseudo-terminal gives and takes the settings of the terminal itself.
let terminal = -1;
beforeEach(() => {
  terminal = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY);
});
afterEach(() => closeSync(terminal));

/** What stty says about the terminal. */
function stty(...options: string[]): string {
  return execFileSync("stty", options, { encoding: "utf8", stdio: [terminal, "pipe", "inherit"] });
}

test("a new terminal edits lines, echoes and makes signals from keys", () => {
  const { localFlags, controlCharacters } = getAttributes(terminal);
  assert.equal(localFlags & 0b1011, 0b1011);
  assert.equal(controlCharacters.length, 19);
  assert.equal(controlCharacters[0], 3, "Ctrl-C");
});

test("raw is what stty calls raw, but newlines still come out as CR LF", () => {
  setRaw(terminal);
  const words = stty("-a").split(/[\s;]+/);
  for (const word of ["-icanon", "-echo", "-isig", "-iexten", "-icrnl", "-ixon", "-brkint", "cs8", "opost", "onlcr"]) {
    assert.ok(words.includes(word), word);
  }
  assert.match(stty("-a"), /min = 1; time = 0/);
});

test("restore brings back every setting", () => {
  stty("-echoctl", "intr", "^X", "ixoff", "115200");
  const before = stty("-g");
  const attributes = setRaw(terminal);
  assert.notEqual(stty("-g"), before);
  restore(terminal, attributes);
  assert.equal(stty("-g"), before);
});

test("the window size is read and set", () => {
  assert.deepEqual(getWindowSize(terminal), { rows: 0, columns: 0 });
  setWindowSize(terminal, 24, 80);
  assert.deepEqual(getWindowSize(terminal), { rows: 24, columns: 80 });
  assert.equal(stty("size"), "24 80\n");
});

test("what is no terminal says ENOTTY", () => {
  const file = openSync("/dev/null", "r");
  try {
    assert.throws(() => getAttributes(file), { errnoName: "ENOTTY" });
    assert.throws(() => setRaw(file), { errnoName: "ENOTTY" });
    assert.throws(() => setWindowSize(file, 1, 1), { errnoName: "ENOTTY" });
  } finally {
    closeSync(file);
  }
});
