/** Another machine's boot log on the menu's line: it stops nothing for good, and boots nothing. What a person does counts. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ConsoleSpec } from "../../src/menu/consoles.ts";
import { Controller } from "../../src/menu/controller.ts";
import { ControllerKeys } from "../../src/menu/controllerkeys.ts";
import { lineText } from "../../src/menu/editline.ts";
import { KeyFilter } from "../../src/menu/keyfilter.ts";
import { KeyDecoder } from "../../src/menu/keys.ts";
import { runMenu } from "../../src/menu/menu.ts";
import { type MenuActions, MenuStore, OPEN_SETTINGS } from "../../src/menu/model.ts";
import type { Menu } from "../../src/menu/options.ts";
import { runPlainMenu } from "../../src/menu/plain.ts";
import { Countdown } from "../../src/session/countdown.ts";
import { ManualTimers } from "./manualtimers.ts";
import { Pty } from "./pty.ts";
import { sampleDevice, sampleState } from "./samples.ts";

const FIXTURES = join(import.meta.dirname ?? "test/menu", "fixtures");

/** As a serial line carries it: firmware, GRUB, kernel, systemd with its colours, and a login prompt. */
const BOOT_LOG = readFileSync(join(FIXTURES, "bootlog.txt"), "utf8").replaceAll("\n", "\r\n");

/** How a line delivers it: bytes a read, and milliseconds from one read to the next. */
const DELIVERIES: readonly (readonly [name: string, bytes: number, gapMs: number])[] = [
  ["byte by byte at 115200", 1, 0.087],
  ["byte by byte at 9600", 1, 1.04],
  ["as a 16550's FIFO at 115200", 14, 1.2],
  ["as a 16550's FIFO at 9600", 14, 14.6],
  ["as a network's packets", 700, 40],
  ["at once", 1 << 20, 1],
];

/** A line at a time with seconds between them, each byte by byte. */
const LINE_PAUSE_MS = 1500;

function machine() {
  const timers = new ManualTimers();
  const done: string[] = [];
  const store = new MenuStore({
    ...sampleState(),
    scanning: false,
    countdown: 30,
    devices: [sampleDevice({ name: "sda2", type: "crypto_LUKS", isLocked: true })],
  });
  const countdown = new Countdown(timers);
  const facts = { owner: 30, config: null, isSettled: true, hasDefault: true, idle: 0 };
  countdown.begin();
  const note = (what: string) => async (): Promise<void> => void done.push(what);
  const actions: MenuActions = {
    boot: note("boot"),
    rescan: async () => {},
    makeDefault: note("default"),
    openUrl: note("url"),
    firmware: note("firmware"),
    unlock: async (password) => {
      done.push(`password ${password}`);
      return { ok: false, waitMs: 0 };
    },
    unlockDevice: async (_, passphrase) => {
      done.push(`passphrase ${passphrase}`);
      return { reason: "no", again: true };
    },
    attended: () => countdown.attend(),
    stopCountdown: () => {
      countdown.stop();
      store.update({ countdown: null });
    },
    noise: () => {
      countdown.noise();
      store.update({ countdown: countdown.step(facts).left });
    },
    reboot: note("reboot"),
    powerOff: note("power off"),
    quit: note("quit"),
    log: () => [],
  };
  return { timers, done, store, actions, isRunning: () => countdown.step(facts).left !== null };
}

/** The menu of a screen with one console. */
function screen() {
  const made = machine();
  const { timers, done, store, actions } = made;
  const filter = new KeyFilter(timers);
  const decoder = new KeyDecoder();
  const controller = new Controller(store, actions, timers);
  const view = { columns: 80, listRows: 12, pageRows: 22, pageLength: () => 100 };
  const host = {
    shell: () => void done.push("shell"),
    redraw: () => {},
    deliberately: (action: () => void, refused: () => void) => filter.whenAlone(action, refused),
  };
  const keys = new ControllerKeys(
    controller,
    () => host,
    () => view,
    () => actions.noise!(),
  );
  const read = (text: string): void => filter.read(decoder.push(Buffer.from(text)), keys);
  /** Keys that a person presses one after the other. */
  const press = (...pressed: string[]): void => {
    for (const key of pressed) {
      read(key);
      timers.advance(200);
    }
  };
  const print = (text: string, bytes: number, gapMs: number): void => {
    const all = Buffer.from(text);
    for (let at = 0; at < all.length; at += bytes) {
      filter.read(decoder.push(all.subarray(at, at + bytes)), keys);
      timers.advance(gapMs);
    }
  };
  return { ...made, controller, read, press, print };
}

type Screen = ReturnType<typeof screen>;

/** What may be open when the log comes. */
const SITUATIONS: Readonly<Record<string, (menu: Screen) => void>> = {
  "the list with its countdown": () => {},
  "a submenu": ({ press }) => press("\x1b[B", "\r"),
  "a message": ({ store }) => store.update({ message: "Debian: it failed" }),
  "the log": ({ press }) => press("l"),
  "the search": ({ press }) => press("/"),
  "the editor": ({ press }) => press("e"),
  "the prompt for a URL": ({ press }) => press("n"),
  "the prompt for a passphrase": ({ press }) => press("u"),
  "the prompt for the password": ({ store, press }) => {
    store.update({ settings: { ...OPEN_SETTINGS, shell: false, hasPassword: true } });
    press("c");
  },
  "the question before a reboot": ({ press }) => press("R"),
  "the question before the power is turned off": ({ press }) => press("P"),
  "the question before the firmware": ({ press }) => press("f"),
};

for (const [situation, arrange] of Object.entries(SITUATIONS)) {
  test(`a boot log over ${situation} boots nothing and answers nothing`, () => {
    for (const [name, bytes, gapMs] of DELIVERIES) {
      const menu = screen();
      arrange(menu);
      menu.timers.advance(1000);
      menu.print(BOOT_LOG, bytes, gapMs);
      menu.timers.advance(2000);
      assert.deepEqual(menu.done, [], name);
    }
  });
}

test("a log that comes a line at a time boots nothing either", () => {
  for (const [situation, arrange] of Object.entries(SITUATIONS)) {
    const menu = screen();
    arrange(menu);
    menu.timers.advance(1000);
    for (const line of BOOT_LOG.split(/(?<=\n)/)) {
      menu.print(line, 1, 1.04);
      menu.timers.advance(LINE_PAUSE_MS);
    }
    assert.deepEqual(menu.done, [], situation);
  }
});

test("the countdown goes on after a log, and no page is left over the list", () => {
  for (const [name, bytes, gapMs] of DELIVERIES) {
    const menu = screen();
    menu.print(BOOT_LOG, bytes, gapMs);
    assert.ok(menu.isRunning(), name);
    assert.equal(menu.controller.page, null, name);
  }
});

test("what a person does after the log counts", () => {
  for (const [name, bytes, gapMs] of DELIVERIES) {
    const menu = screen();
    menu.print(BOOT_LOG, bytes, gapMs);
    menu.timers.advance(3000);
    menu.press("\r");
    assert.deepEqual(menu.done, ["boot"], name);
    assert.ok(!menu.isRunning(), name);
  }
});

test("a key alone, one escape sequence and CR LF are a person's, and stop the countdown", () => {
  for (const key of ["x", "\x1b[A", "\r\n", "\r"]) {
    const menu = screen();
    menu.press(key);
    assert.ok(!menu.isRunning(), JSON.stringify(key));
    assert.deepEqual(menu.done, key.includes("\r") ? ["boot"] : []);
  }
});

test("two keys at once that two fingers can't press stop nothing and do nothing that can't be undone", () => {
  for (const keys of ["x\r", "xy", "\rx", "Ry", "xc", "dd", "cc", "\r\r", "\n\n", "j\r\n"]) {
    const menu = screen();
    menu.read(keys);
    menu.timers.advance(2000);
    assert.deepEqual(menu.done, [], JSON.stringify(keys));
  }
  const menu = screen();
  menu.read("xy");
  assert.ok(menu.isRunning());
});

test("Enter right behind cursor keys, as a slow connection delivers them, is a person's", () => {
  const menu = screen();
  menu.read("\x1b[B\x1b[A\r");
  menu.timers.advance(60);
  assert.deepEqual(menu.done, ["boot"]);
});

test("Enter that is held down is one press: what repeats is ignored, and so is the last of it", () => {
  const menu = screen();
  menu.read("\r");
  menu.timers.advance(500);
  for (let i = 0; i < 30; i++) {
    menu.read("\r");
    menu.timers.advance(33);
  }
  menu.timers.advance(1000);
  assert.deepEqual(menu.done, ["boot"]);
});

test("an arrow that is held down moves, and the countdown stays stopped", () => {
  const menu = screen();
  menu.read("\x1b[B");
  menu.timers.advance(250);
  for (let i = 0; i < 3; i++) {
    menu.read("\x1b[B");
    menu.timers.advance(33);
  }
  assert.ok(menu.controller.position.selection() > 1);
  assert.ok(!menu.isRunning());
});

test("what is typed fast into a line ends with an Enter that counts", () => {
  const menu = screen();
  menu.press("e");
  menu.read(" ro");
  menu.timers.advance(30);
  menu.read("\r");
  menu.timers.advance(100);
  assert.deepEqual(menu.done, ["boot"]);
});

test("a paste without its marks is typed, but its end doesn't boot; Enter once more does", () => {
  const menu = screen();
  menu.press("e");
  menu.read(" console=ttyS0,115200n8 systemd.unit=multi-user.target\r");
  menu.timers.advance(100);
  const { page } = menu.controller;
  assert.ok(page?.kind === "edit");
  assert.match(lineText(page.line), /multi-user\.target$/);
  assert.match(page.problem ?? "", /Once more/);
  assert.deepEqual(menu.done, []);
  menu.press("\r");
  assert.deepEqual(menu.done, ["boot"]);
});

test("an Escape that is known only after its wait counts from when it came", () => {
  const timers = new ManualTimers();
  const filter = new KeyFilter(timers);
  const done: string[] = [];
  const user = {
    typing: null,
    key: ({ name }: { name: string }) => filter.whenAlone(() => done.push(name)),
    paste: () => {},
    noise: () => {},
  };
  const pressed = timers.now();
  timers.advance(120);
  filter.read([{ type: "key", name: "escape", text: "" }], user, pressed);
  timers.advance(30);
  filter.read([{ type: "key", name: "enter", text: "" }], user);
  timers.advance(100);
  assert.deepEqual(done, ["enter"]);
});

/** Knows when a terminal has been read. */
class ReadTimers extends ManualTimers {
  reads = 0;
  override now(): number {
    this.reads++;
    return super.now();
  }
}

for (const [kind, run] of [
  ["screen", runMenu],
  ["plain menu", runPlainMenu],
] as const) {
  test(`on a real line the ${kind} boots nothing by a log, starts no shell, and goes on counting`, async () => {
    for (const [name, bytes, gapMs] of DELIVERIES) {
      const line = new Pty();
      const timers = new ReadTimers();
      const { done, store, actions, isRunning } = machine();
      const spec: ConsoleSpec = { name: "ttyS0", path: line.path, kind: "serial", term: "vt220", unicode: null };
      let menu: Menu | null = null;
      try {
        menu = await run({
          ...{ consoles: [spec], store, printk: null, timers, actions },
          shell: { argv: ["/bin/echo", "this is the shell"] },
        });
        const log = Buffer.from(bytes === 1 ? BOOT_LOG.slice(-700) : BOOT_LOG);
        for (let at = 0; at < log.length; at += Math.min(bytes, 2000)) {
          const before = timers.reads;
          line.send(log.subarray(at, at + Math.min(bytes, 2000)));
          while (timers.reads === before) await turn();
          timers.advance(gapMs);
          line.output();
        }
        timers.advance(2000);
        await turn();
        assert.deepEqual(done, [], name);
        assert.doesNotMatch(line.output(), /this is the shell/);
        assert.ok(isRunning(), name);
        assert.notEqual(menu.isInUse, true, name);
      } finally {
        await menu?.close();
        line.close();
      }
    }
  });
}

test("in the plain menu a command that a script sends whole counts, and a line that a program prints is no answer", async () => {
  for (const [what, expected] of [
    ["8\r", ["boot"]],
    ["8\r\n", ["boot"]],
    ["[ 1.5] e1000: 8\r\n", []],
    ["1\r\n8\r\n", []],
  ] as const) {
    const line = new Pty();
    const timers = new ManualTimers();
    const { done, store, actions } = machine();
    const spec: ConsoleSpec = { name: "ttyS0", path: line.path, kind: "serial", term: "vt220", unicode: null };
    const menu = await runPlainMenu({ consoles: [spec], store, printk: null, timers, actions });
    try {
      await line.until("for help");
      await timers.press(line, what);
      await turn();
      assert.deepEqual(done, expected, JSON.stringify(what));
      if (expected.length > 0) continue;
      timers.advance(1000);
      await timers.press(line, "e 8\r");
      await line.until("takes it as it is");
      timers.advance(1000);
      await timers.press(line, "login: root\r\n");
      await line.until("Not taken");
      assert.deepEqual(done, []);
    } finally {
      await menu.close();
      line.close();
    }
  }
});
