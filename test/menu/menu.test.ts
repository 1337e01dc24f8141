/** The whole menu on pseudo-terminals, whose other ends these tests hold. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";
import { logLines } from "../../src/log.ts";
import { announce } from "../../src/menu/announce.ts";
import type { ConsoleSpec } from "../../src/menu/consoles.ts";
import { runMenu } from "../../src/menu/menu.ts";
import { MenuStore } from "../../src/menu/model.ts";
import type { Menu, MenuOptions } from "../../src/menu/options.ts";
import { eventually } from "../eventually.ts";
import { CountedTimers, drawn, ManualTimers } from "./manualtimers.ts";
import { Pty } from "./pty.ts";
import { sampleEntry, sampleState } from "./samples.ts";

let done: string[] = [];
let store = new MenuStore();
let menu: Menu | null = null;
let ptys: Pty[] = [];
let timers = new ManualTimers();

const serial = (pty: Pty): ConsoleSpec => ({
  name: pty.path.replace("/dev/", ""),
  path: pty.path,
  kind: "serial",
  term: "vt220",
  unicode: null,
});
const screen = (pty: Pty): ConsoleSpec => ({ ...serial(pty), kind: "vt", term: "linux", unicode: true });

function pty(size?: { rows: number; columns: number }): Pty {
  const made = new Pty(size);
  ptys.push(made);
  return made;
}

async function show(consoles: readonly ConsoleSpec[], options: Partial<MenuOptions> = {}): Promise<void> {
  menu = await runMenu({
    consoles,
    store,
    printk: null,
    timers,
    actions: {
      boot: async (entry, cmdline) => void done.push(cmdline === undefined ? entry.id : `${entry.id} ${cmdline}`),
      rescan: async () => void done.push("rescan"),
      stopCountdown: () => store.update({ countdown: null }),
      addTime: (seconds) => void done.push(`time ${seconds}`),
      reboot: async () => void done.push("reboot"),
      powerOff: async () => void done.push("power off"),
      log: logLines,
    },
    ...options,
  });
}

beforeEach(() => {
  done = [];
  timers = new ManualTimers();
  store = new MenuStore(sampleState());
});
afterEach(async () => {
  await menu?.close();
  menu = null;
  for (const one of ptys) one.close();
  ptys = [];
});

/** Terminals that this process has open. */
function openTerminals(): string[] {
  const names = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return names.filter((name) => ptys.some((one) => one.path === name));
}

test("two consoles show one state, and keys of either move both", async () => {
  const [line, picture] = [pty(), pty({ rows: 30, columns: 100 })];
  await show([serial(line), screen(picture)]);
  await line.until("boot/vmlinuz-6.1.0-18");
  await picture.until("boot/vmlinuz-6.1.0-18");
  line.clear();
  picture.clear();
  line.send("\x1b[B");
  await line.until("Submenu");
  await picture.until("Submenu");
  picture.send("\r");
  await line.until("recovery mode");
  await picture.until("recovery mode");
});

test("an arrow key that comes byte by byte moves, and ESC alone goes back", async () => {
  const line = pty();
  await show([serial(line)]);
  for (const byte of "\x1b[") await timers.send(line, byte);
  line.send("B");
  await line.until("Submenu");
  line.send("\r");
  await line.until("recovery mode");
  line.clear();
  await timers.press(line, "\x1b");
  await line.until("Submenu");
});

test("a serial terminal that answers is drawn in its size, with lines where it reads UTF-8", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until(/boot\/vmlinuz/);
  assert.doesNotMatch(line.output().slice(line.output().indexOf("Baton")), /─/, "ASCII until it is known better");
  assert.doesNotMatch(line.output(), /\x1b\[25;/);
  line.clear();
  line.send("\x1b[1;3R\x1b[50;132R");
  await line.until(/\x1b\[50;/);
  await line.until("──────");
});

test("the first key on a line where nobody had answered has its terminal asked again, once", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until("rescan");
  line.clear();
  line.send("j");
  await line.until("\x1b[999;999H");
  await line.until("rescan");
  line.clear();
  line.send("\x1b[1;3R\x1b[50;132Rj");
  await line.until("──────");
  assert.doesNotMatch(line.output(), /999/);
});

/** Keeps the program from reading for longer than anything is put off. */
function beBusy(): void {
  const end = performance.now() + 250;
  while (performance.now() < end);
}

test("a second key that has come while the program was busy shows that the first was not pressed alone", async () => {
  const line = pty();
  timers = new CountedTimers();
  await show([serial(line)]);
  await line.until("rescan");
  await timers.send(line, "\r");
  store.update({ countdown: 9 });
  line.send("x");
  beBusy();
  await eventually(() => assert.equal(store.state.countdown, null, "x was read"));
  assert.deepEqual(done, []);
});

test("an answer that is half read while the program is busy is no Escape key", async () => {
  const line = pty();
  timers = new CountedTimers();
  store.update({ countdown: 9 });
  await show([serial(line)]);
  await line.until("rescan");
  await timers.send(line, "\x1b");
  line.send("[24;80R");
  beBusy();
  line.send("+");
  await eventually(() => assert.deepEqual(done, ["time 5"]));
  assert.equal(store.state.countdown, 9);
});

test("one that answers as an 8-bit terminal stays in ASCII, but is drawn in its size", async () => {
  const line = pty();
  await show([serial(line)]);
  line.clear();
  line.send("\x1b[1;6R\x1b[50;132R");
  assert.doesNotMatch(await line.until(/\x1b\[50;[\s\S]*rescan/), /─/);
});

test("one that never answers is 80x24", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until("rescan");
  const rows = [...line.output().matchAll(/\x1b\[(\d+);\d+H/g)].map((match) => Number(match[1]));
  // 999 is the question itself.
  assert.equal(Math.max(...rows.filter((row) => row !== 999)), 24);
});

test("what the terminal had is restored: attributes, cursor, and no descriptor stays open", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until("rescan");
  assert.ok(openTerminals().length > 0);
  line.clear();
  await menu?.close();
  menu = null;
  const output = await line.until("\x1b[?25h");
  assert.match(output, /\x1b\[H\x1b\[(2)?J/, "cleared");
  await eventually(() => assert.deepEqual(openTerminals(), []));
});

test("the menu takes no signal and no uncaught exception from the program", async () => {
  const names = ["uncaughtException", "SIGTERM", "SIGINT", "SIGQUIT", "exit"] as const;
  const before = names.map((name) => process.listenerCount(name));
  await show([serial(pty())]);
  assert.deepEqual(
    names.map((name) => process.listenerCount(name)),
    before,
  );
});

test("a console that is pulled out is dropped and logged, and the other goes on", async () => {
  const [line, other] = [pty(), pty()];
  await show([serial(line), serial(other)]);
  await other.until("rescan");
  line.close();
  await eventually(() => assert.deepEqual(menu!.consoles, [serial(other).name]));
  assert.match(logLines().at(-1)!.text, /is gone/);
  other.clear();
  other.send("j");
  await other.until("Submenu");
});

test("the last console's going is told; one that can't be opened is left out and logged", async () => {
  let none = 0;
  const line = pty();
  const missing: ConsoleSpec = { ...serial(line), name: "ttyS9", path: "/dev/pts/not-there" };
  await show([missing, serial(line)], { onNoConsole: () => none++ });
  assert.deepEqual(menu!.consoles, [serial(line).name]);
  assert.ok(logLines().some((one) => /ttyS9.*not shown there/.test(one.text)));
  line.close();
  await eventually(() => assert.equal(none, 1));
});

test("a console whose reader stopped holds up neither the other nor the program", async () => {
  const [stopped, other] = [pty(), pty()];
  await show([serial(stopped), serial(other)]);
  await other.until("rescan");
  // Nothing reads `stopped`: a pseudo-terminal takes a few KiB, then writes would block.
  for (let round = 0; round < 60; round++) {
    store.update({ message: `${round} `.repeat(200) });
    await drawn();
    store.update({ message: null });
    await drawn();
    other.output();
  }
  other.clear();
  other.send("j");
  await other.until("Submenu");
  // What was dropped meanwhile is made up for when it reads again.
  stopped.clear();
  await stopped.until("Submenu");
});

test("100,000 random bytes neither crash it nor boot, reboot or power off anything", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until("rescan");
  let seed = 42;
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed >>> 24;
  };
  for (let sent = 0; sent < 100_000; ) {
    const bytes = Uint8Array.from({ length: 2000 }, random);
    try {
      line.send(bytes);
      sent += bytes.length;
    } catch {
      // Its input is full for the moment.
    }
    line.output();
    timers.advance(1);
    await drawn();
  }
  // Keys right behind noise count as noise; after a moment of silence they are keys again.
  line.clear();
  await eventually(() => {
    timers.advance(300);
    line.send("\x0c");
    assert.match(line.output(), /Baton 0\.1\.0/);
  });
  assert.deepEqual(done, []);
});

test("titles can't send anything to the terminal", async () => {
  const line = pty();
  store.update({ entries: [sampleEntry({ title: "evil\x1b]0;owned\x07\x1b[2J{red-fg}\u009b31m" })] });
  await show([serial(line)]);
  const output = await line.until("{red-fg}");
  assert.doesNotMatch(output, /\x1b\]|\u009b|\x07/);
});

test("Ctrl-L draws everything again and asks a serial terminal for its size", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until("rescan");
  line.clear();
  line.send("\x0c");
  const output = await line.until("rescan");
  assert.match(output, /\x1b\[999;999H/);
  assert.match(output, /Debian GNU\/Linux|Debian/);
});

test("a window that changes its size is drawn in the new one", async () => {
  const window = pty({ rows: 24, columns: 80 });
  await show([{ ...screen(window), kind: "own", term: "xterm" }]);
  await window.until("rescan");
  window.clear();
  window.resize(40, 100);
  process.emit("SIGWINCH", "SIGWINCH");
  await window.until(/\x1b\[40;/);
});

test("c runs a shell on the console, with the menu on the others; its end brings the menu back", async () => {
  const [line, other] = [pty(), pty()];
  await show([serial(line), serial(other)], { shell: { argv: ["/bin/sh"], env: { PS1: "shell> ", ENV: "" } } });
  await line.until("rescan");
  line.clear();
  await timers.press(line, "c");
  await line.until("shell> ");
  line.send("echo $((6*7)) on $(tty)\r");
  await line.until(`42 on ${line.path}`);
  other.clear();
  other.send("j");
  await other.until("Submenu");
  line.clear();
  line.send("exit\r");
  await line.until("Submenu");
  line.send("k");
  await line.until("BOOT_IMAGE");
});

test("a shell that can't be started says so in the menu", async () => {
  const line = pty();
  await show([serial(line)], { shell: { argv: ["/no/such/shell"] } });
  await timers.press(line, "c");
  await line.until("could not be started");
});

test("what is booted is the selected entry with the line as it was edited", async () => {
  const line = pty();
  await show([serial(line)]);
  line.send("G");
  line.send("e");
  await line.until("Command line");
  timers.advance(100);
  await timers.press(line, "\x15root=/dev/vda1 x\x7f1\r");
  assert.deepEqual(done, ["rescue root=/dev/vda1 1"]);
});

test("the line before the first frame is printed once, when there is no frame yet", async () => {
  const line = pty();
  let seen = "never";
  await show([serial(line)], {
    beforeFirstFrame: () => {
      seen = line.output();
    },
  });
  await line.until("rescan");
  assert.notEqual(seen, "never");
  assert.doesNotMatch(seen, /Baton/);
});

test("aloud draws everything again after the kernel has spoken", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until("rescan");
  line.clear();
  menu!.aloud(() => announce([serial(line)], "baton: jump"));
  const output = await line.until("rescan");
  assert.ok(output.indexOf("baton: jump") < output.lastIndexOf("Baton 0.1.0"));
});

test("announce writes one plain line and neither waits nor fails", () => {
  const line = pty();
  announce([{ ...serial(line), path: "/dev/not-there" }, serial(line)], "Baton: looking for disks…\x1b[2J");
  assert.equal(line.output(), "Baton: looking for disks...?[2J\r\r\n".replace("\r\r\n", line.output().slice(-3)));
  assert.match(line.output(), /^Baton: looking for disks\.\.\.\?\[2J\r+\n$/);
});

test("blessed is named in no other room and no other file", () => {
  const files = readdirSync("src/menu").filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
  const users = files.filter((name) => /from "blessed|import\("blessed/.test(readFileSync(`src/menu/${name}`, "utf8")));
  assert.deepEqual(users, ["screen.ts"]);
});

test("Enter that is held down, or pasted with other text, boots nothing; pressed once it boots", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until("rescan");
  for (let i = 0; i < 12; i++) {
    await timers.send(line, "\r");
    timers.advance(40);
  }
  line.send("\rls -l\r\ncd /; rm -f *\r\n");
  line.clear();
  line.send("\x0c");
  await line.until(/Baton 0\.1\.0/);
  timers.advance(100);
  // Looking at the disks again hurts nobody.
  assert.deepEqual(
    done.filter((what) => what !== "rescan"),
    [],
  );
  done = [];
  for (let i = 0; i < 3; i++) await timers.press(line, "\x1b");
  await timers.press(line, "\r");
  timers.advance(1000);
  assert.deepEqual(done, ["debian"]);
});

test("Enter that comes too soon after another is told, and pressed again it boots", async () => {
  const line = pty();
  await show([serial(line)]);
  await line.until("rescan");
  await timers.send(line, "\r");
  timers.advance(40);
  await timers.send(line, "\r");
  timers.advance(1000);
  await line.until(/too close behind another one to be a person's: press it again/);
  assert.deepEqual(done, []);
  await timers.press(line, "\r");
  timers.advance(1000);
  assert.deepEqual(done, ["debian"]);
});

test("text between the marks of a paste is no key, also where its end comes in another read", async () => {
  const line = pty();
  await show([serial(line)]);
  assert.match(line.output(), /\x1b\[\?2004h/);
  line.send("\x1b[200~R");
  line.send("y\r\r");
  line.send("\x1b[201~");
  line.clear();
  // What is read together with a paste is part of it.
  await eventually(() => {
    line.send("\x0c");
    assert.match(line.output(), /Baton 0\.1\.0/);
  });
  line.send("e");
  await line.until("Ctrl-W");
  timers.advance(100);
  assert.deepEqual(done, []);
  line.send("\x1b[200~ pasted=1\r\x1b[201~");
  await line.until("pasted=1");
  await menu?.close();
  assert.match(line.output(), /\x1b\[\?2004l/);
});

test("a console that appears late joins, and shows what the others show", async () => {
  const line = pty();
  let consoles: ConsoleSpec[] = [];
  await show([], { findConsoles: () => consoles });
  consoles = [screen(line)];
  timers.advance(2000);
  await line.until("rescan");
  line.send("\x1b[B");
  await line.until("Submenu");
});
