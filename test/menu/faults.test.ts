/** What terminals and people do to a menu that runs for months: noise, storms, lists of 10,000, consoles that hang. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { ConsoleSpec } from "../../src/menu/consoles.ts";
import { runMenu } from "../../src/menu/menu.ts";
import { MenuStore } from "../../src/menu/model.ts";
import type { Menu } from "../../src/menu/options.ts";
import { drawn, ManualTimers } from "./manualtimers.ts";
import { Pty } from "./pty.ts";
import { sampleEntry, sampleState } from "./samples.ts";

let done: string[] = [];
let store = new MenuStore();
let menu: Menu | null = null;
let ptys: Pty[] = [];
let timers = new ManualTimers();

function pty(size?: { rows: number; columns: number }): Pty {
  const made = new Pty(size);
  ptys.push(made);
  return made;
}
const serial = (line: Pty): ConsoleSpec => ({
  name: line.path,
  path: line.path,
  kind: "serial",
  term: "vt220",
  unicode: null,
});
const own = (line: Pty): ConsoleSpec => ({ ...serial(line), kind: "own", term: "xterm", unicode: true });

async function show(...consoles: readonly ConsoleSpec[]): Promise<void> {
  menu = await runMenu({
    consoles,
    store,
    printk: null,
    timers,
    actions: {
      boot: async () => void done.push("boot"),
      rescan: async () => {},
      stopCountdown: () => store.update({ countdown: null }),
      reboot: async () => void done.push("reboot"),
      powerOff: async () => void done.push("power off"),
      firmware: async () => void done.push("firmware"),
      openUrl: async () => void done.push("url"),
      log: () => [],
    },
  });
}

beforeEach(() => {
  done = [];
  timers = new ManualTimers();
  ptys = [];
  store = new MenuStore({ ...sampleState(), scanning: false });
});
afterEach(async () => {
  await menu?.close();
  for (const one of ptys) one.close();
});

/** xorshift32: the same noise every time. */
function* noise(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state & 0xff;
  }
}

test("100,000 bytes of noise boot nothing, restart nothing, and leave a menu that works", async () => {
  const line = pty();
  await show(serial(line));
  await line.until("rescan");
  const bytes = noise(0x5eed);
  // As a line with a wrong speed delivers them: in pieces of all sizes.
  for (let sent = 0; sent < 100_000; ) {
    const size = 1 + (bytes.next().value % 200) * 4;
    try {
      line.send(Buffer.from(Array.from({ length: size }, () => bytes.next().value)));
      sent += size;
    } catch {
      // Its input is full for the moment.
    }
    timers.advance(1);
    await drawn();
    line.output();
  }
  // Whatever has not been read by now comes here.
  for (let i = 0; i < 50; i++) {
    await drawn();
    timers.advance(10);
  }
  assert.deepEqual(done, []);
  for (let i = 0; i < 4; i++) await timers.press(line, "\x1b");
  store.update({ message: null });
  line.clear();
  line.send("\x0c");
  await line.until("Debian GNU/Linux");
});

test("a storm of resizes ends with a frame of the last size", async () => {
  const line = pty({ rows: 24, columns: 80 });
  await show(own(line));
  const sizes = noise(7);
  for (let i = 0; i < 300; i++) {
    line.resize(1 + (sizes.next().value % 60), 1 + (sizes.next().value % 200));
    process.emit("SIGWINCH", "SIGWINCH");
    if (i % 10 === 0) await drawn();
    line.output();
  }
  line.clear();
  line.resize(30, 100);
  process.emit("SIGWINCH", "SIGWINCH");
  await line.until(/\x1b\[30;/);
  await line.until("rescan");
});

test("a console whose reader has stopped holds up neither the other nor the keys", async () => {
  const [stuck, good] = [pty(), pty()];
  await show(serial(stuck), serial(good));
  await good.until("rescan");
  // Nobody reads the first one from here on; frames pile up until its buffer is full.
  for (let i = 0; i < 400; i++) {
    store.update({ countdown: i });
    await drawn();
    good.output();
  }
  good.clear();
  good.send("\x1b[B");
  await good.until("Submenu");
});

test("10,000 entries are listed and searched", async () => {
  const line = pty();
  const entries = Array.from({ length: 10_000 }, (_, n) => sampleEntry({ id: `e${n}`, title: `Entry number ${n}` }));
  store.update({ entries, defaultId: "e9999" });
  await show(serial(line));
  await line.until("10000 of 10000");
  line.send("/");
  await line.until("found");
  for (const key of "4321") {
    line.send(key);
    await drawn();
  }
  await line.until(/\x1b\[1m1\x1b\[m found/);
});

test("an entry list that changes all the time is drawn all the same", async () => {
  const line = pty();
  await show(serial(line));
  for (let i = 0; i < 300; i++) {
    const entries = Array.from({ length: i % 7 }, (_, n) => sampleEntry({ id: `e${n}`, title: `Stick ${i} ${n}` }));
    store.update({ entries, defaultId: i % 2 ? "e0" : null });
    if (i % 20 === 0) line.send("\x1b[B\r\x1b");
    await drawn();
  }
  store.update({ entries: [sampleEntry({ id: "last", title: "The last one" })] });
  await line.until("The last one");
});
