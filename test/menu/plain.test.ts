/** The menu of numbered lines, on a pseudo-terminal. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { ConsoleSpec } from "../../src/menu/consoles.ts";
import { MenuStore, OPEN_SETTINGS } from "../../src/menu/model.ts";
import type { Menu } from "../../src/menu/options.ts";
import { runPlainMenu } from "../../src/menu/plain.ts";
import { eventually } from "../eventually.ts";
import { ManualTimers } from "./manualtimers.ts";
import { Pty } from "./pty.ts";
import { sampleDevice, sampleState } from "./samples.ts";

let done: string[] = [];
let store = new MenuStore();
let menu: Menu | null = null;
let line = new Pty();
let timers = new ManualTimers();

beforeEach(async () => {
  done = [];
  store = new MenuStore({ ...sampleState(), scanning: false });
  line = new Pty();
  timers = new ManualTimers();
  const spec: ConsoleSpec = { name: "ttyS0", path: line.path, kind: "serial", term: "vt220", unicode: null };
  menu = await runPlainMenu({
    consoles: [spec],
    store,
    printk: null,
    timers,
    shell: { argv: ["/bin/echo", "this is the shell"] },
    actions: {
      boot: async (entry, options) => void done.push(options === undefined ? entry.id : `${entry.id} ${options}`),
      rescan: async () => void done.push("rescan"),
      stopCountdown: () => {
        done.push("stop");
        store.update({ countdown: null });
      },
      unlockDevice: async (name, passphrase) =>
        passphrase === "sesame" ? null : { reason: `no key of ${name} fits.`, again: true },
      unlock: async (password) => ({ ok: password === "sesame", waitMs: 0 }),
      login: async (_, [user], password) => ({ ok: user === "root" && password === "grub", waitMs: 0 }),
      reboot: async () => void done.push("reboot"),
      powerOff: async () => {},
      log: () => [{ at: 1, level: 6, text: "a line of the log" }],
    },
  });
});
afterEach(async () => {
  await menu?.close();
  line.close();
});

/** Types a line and waits until it has been answered: by a prompt, or by what takes the line. */
async function say(text: string): Promise<void> {
  const before = line.output().length;
  await timers.press(line, `${text}\r`);
  await eventually(() => assert.match(line.output().slice(before), /(?:for help: |> )$/));
}

test("every entry is a line with its number; a number and Enter boots it", async () => {
  await line.until("Number, or ? for help: ");
  const output = line.output();
  assert.match(output, /^ {2}1 Debian GNU\/Linux, on vda2 \(default\)\r?$/m);
  assert.match(
    output,
    /^ {2}2 Advanced options for Debian GNU\/Linux > Debian GNU\/Linux, with Linux 6\.1\.0-18-amd64, on vda2\r?$/m,
  );
  assert.match(output, /^ {2}7 Memory test .*can't boot: an EFI program/m);
  await say("8");
  assert.deepEqual(done, ["rescue"]);
});

test("nothing that was printed is overwritten: no cursor is moved, nothing is cleared", async () => {
  await line.until("Number");
  await say("?");
  assert.doesNotMatch(line.output().replaceAll(/\x1b\[\?2004[hl]/g, ""), /\x1b/);
});

test("what can't be booted says why, what is none says so", async () => {
  await say("7");
  await line.until("cannot be booted: an EFI program");
  await say("99");
  await line.until("There is no entry 99");
  assert.deepEqual(done, []);
});

test("e takes another command line; nothing leaves it", async () => {
  await say("e 8");
  await line.until("boot=live components quiet splash");
  await say("");
  await say("e 8");
  await say("single");
  assert.deepEqual(done, ["rescue single"]);
});

test("R asks, and only y does it", async () => {
  await say("R");
  await say("n");
  await say("R");
  await say("y");
  assert.deepEqual(done, ["reboot"]);
});

test("a countdown is said once, and any key stops it", async () => {
  store.update({ countdown: 5 });
  store.update({ countdown: 4 });
  await line.until("In 5 seconds Debian GNU/Linux boots");
  assert.doesNotMatch(line.output(), /In 4 seconds/);
  line.send("x");
  await line.until("Stopped.");
  assert.deepEqual(done, ["stop"]);
});

test("failures and progress are lines", async () => {
  const progress = { title: "Loading Debian", detail: "vmlinuz", done: 0, total: 8 << 20 };
  store.update({ progress });
  store.update({ progress: { ...progress, done: 5 << 20 } });
  store.update({ progress: null, message: "Debian: it failed" });
  await line.until("Failed: Debian: it failed");
  assert.match(line.output(), /Loading Debian\. Escape ends this\.[\s\S]*50 percent of 8\.0 MiB/);
});

test("what is typed is echoed without marks that turn a line around or that nobody sees", async () => {
  line.send("a\u202e\u2066\u3164b");
  const output = await line.until(/a.*b/);
  assert.doesNotMatch(output, /[\u202e\u2066\u3164]/);
  store.update({ message: "said again below it" });
  await line.until(/below it[\s\S]*a.*b/);
  assert.doesNotMatch(line.output(), /[\u202e\u2066\u3164]/);
});

test("text that is pasted, and lines that come at once, boot nothing", async () => {
  line.send("\x1b[200~8\r\x1b[201~");
  // What is read together with a paste is part of it.
  await eventually(() => {
    line.send("y");
    assert.match(line.output(), /y$/);
  });
  line.send("\x158\r1\r2\rx");
  await line.until(/x$/);
  timers.advance(100);
  assert.deepEqual(done, []);
});

test("a shell takes the line and gives it back", async () => {
  await say("c");
  await line.until(/this is the shell[\s\S]*Number/);
});

test("the password is not shown, and opens the shell", async () => {
  store.update({ settings: { ...OPEN_SETTINGS, shell: false, hasPassword: true } });
  await say("c");
  await line.until("Password for a shell:");
  await say("wrong");
  await line.until("not the password");
  await say("c");
  await say("sesame");
  await line.until("this is the shell");
  assert.doesNotMatch(line.output(), /wrong|sesame/);
});

test("where GRUB's superusers shut the shell, a name and its password open it", async () => {
  const source = "vda2:/boot/grub/grub.cfg";
  store.update({
    locks: [{ source, superusers: ["root"], isNameless: false, isMachines: true, users: ["root"], problem: null }],
  });
  await say("c");
  await line.until(/vda2:\/boot\/grub\/grub\.cfg asks for one of its users\.\s+User for a shell:/);
  await say("root");
  await line.until("Password of root for a shell:");
  await say("wrong");
  await line.until("not the password");
  await say("c");
  await say("root");
  await say("grub");
  await line.until("this is the shell");
});

test("u asks for the passphrase of an encrypted device, and again after a wrong one", async () => {
  await line.until("Number, or ? for help: ");
  await say("u");
  await line.until("No encrypted device waits");
  store.update({ devices: [sampleDevice({ name: "sda2", type: "crypto_LUKS", isLocked: true })] });
  line.clear();
  await say("u");
  await line.until("Passphrase for sda2:");
  await say("wrong");
  await line.until("sda2: no key of sda2 fits. u sda2 asks again.");
  await say("u sda2");
  await say("sesame");
  assert.doesNotMatch(await line.until("sda2 is open, read-only."), /sesame/);
});
