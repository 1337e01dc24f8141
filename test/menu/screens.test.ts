/**
 * Every screen of the menu as real terminals show it, at three sizes, compared with the captures in fixtures/.
 * UPDATE_FIXTURES=1 writes them anew; look at the difference.
 */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConsoleSpec } from "../../src/menu/consoles.ts";
import { runMenu } from "../../src/menu/menu.ts";
import { MenuStore } from "../../src/menu/model.ts";
import type { Menu } from "../../src/menu/options.ts";
import { eventually } from "../eventually.ts";
import { sampleEntry, sampleState } from "./samples.ts";
import { Tmux, tmuxMissing } from "./tmux.ts";

const FIXTURES = join(import.meta.dirname ?? "test/menu", "fixtures");
const update = process.env.UPDATE_FIXTURES !== undefined;
const skip = tmuxMissing() ?? false;
const tmux = new Tmux();
const menus: Menu[] = [];
after(async () => {
  for (const menu of menus) await menu.close();
  await tmux.close();
});

/** Terminals side by side, each known by its terminfo name. `linux` and `xterm` read UTF-8; the others aren't asked. */
const TERMS = ["xterm-256color", "linux", "vt220", "vt100"] as const;

function spec(path: string, term: string, overrides: Partial<ConsoleSpec> = {}): ConsoleSpec {
  const unicode = term === "linux" || term.startsWith("xterm");
  return { name: term, path, kind: "vt", term, unicode, ...overrides };
}

async function open(consoles: readonly ConsoleSpec[], store: MenuStore): Promise<void> {
  const menu = await runMenu({
    consoles,
    store,
    printk: null,
    actions: {
      boot: async () => {},
      rescan: async () => {},
      stopCountdown: () => store.update({ countdown: null }),
      reboot: async () => {},
      powerOff: async () => {},
      openUrl: async () => {},
      log: () => [
        { at: 1204, level: 6, text: "vda2:/boot/grub/grub.cfg: 4 entries" },
        { at: 1310, level: 4, text: "sda1:/boot/grub/grub.cfg:41:7: unknown command 'play'" },
      ],
    },
  });
  menus.push(menu);
}

/** Waits until the windows show what they should. */
async function show(names: readonly string[], wanted: readonly string[]): Promise<void> {
  await eventually(async () => {
    const shown = await tmux.captureAll(names);
    for (const [index, name] of names.entries()) assert.equal(shown[index], wanted[index], name);
  });
}

/** Waits until the windows show something else than before, and whole: tmux takes a frame in pieces, so twice the same. */
async function changed(names: readonly string[], before: readonly string[]): Promise<string[]> {
  let last: readonly string[] = before;
  return eventually(async () => {
    await sleep(50);
    const shown = await tmux.captureAll(names);
    const isWhole = shown.every((text, index) => text === last[index] && text !== before[index]);
    last = shown;
    assert.ok(isWhole, shown[0]);
    return shown;
  });
}

/** One capture of a fixture. */
function section(fixture: string, heading: string): string {
  const start = fixture.indexOf(heading) + heading.length;
  const end = fixture.indexOf("\n==== ", start);
  return fixture.slice(start, end < 0 ? -1 : end);
}

interface Step {
  readonly name: string;
  /** Pressed in the first window; all show what follows. */
  readonly keys?: readonly string[];
  readonly change?: (store: MenuStore) => void;
}

const STEPS: readonly Step[] = [
  { name: "countdown" },
  { name: "not bootable", keys: ["Down", "Down", "j"] },
  { name: "help", keys: ["?"] },
  { name: "devices", keys: ["i"] },
  { name: "log", keys: ["l"] },
  { name: "power off", keys: ["Escape", "P"] },
  { name: "submenu", keys: ["n", "Home", "Down", "Right"] },
  { name: "editor", keys: ["End", "e"] },
  { name: "editor, another field", keys: ["x", "y", "Tab"] },
  { name: "search", keys: ["C-g", "/", "r", "e", "c"] },
  { name: "url", keys: ["Escape", "Left", "n"] },
  {
    name: "failed",
    keys: ["C-g"],
    change: (store) =>
      store.update({
        message: 'vda2:/boot/vmlinuz-6.1.0-17-amd64 is not a kernel: it begins with "<!DOCTYPE html>".',
        failure: {
          id: "3f6c1d0e:grub:gnulinux-simple",
          title: "Debian GNU/Linux",
          source: "vda2:/boot/grub/grub.cfg",
          reason: 'vda2:/boot/vmlinuz-6.1.0-17-amd64 is not a kernel: it begins with "<!DOCTYPE html>".',
          advice: ["The file is damaged or another one: boot an older kernel, and install this one anew from there."],
        },
      }),
  },
  { name: "why it failed", keys: ["w"] },
  {
    name: "progress",
    keys: ["q"],
    change: (store) =>
      store.update({
        progress: {
          title: "Loading Debian",
          detail: "vda2:/boot/initrd.img",
          done: 13 * 2 ** 20,
          total: 38 * 2 ** 20,
          rate: 5 * 2 ** 20,
          canCancel: true,
        },
      }),
  },
  {
    name: "wide characters",
    change: (store) =>
      store.update({
        progress: null,
        defaultId: null,
        entries: [
          sampleEntry({ title: "日本語のシステム (レスキュー)" }),
          sampleEntry({ title: "Système de secours – très utile…" }),
          sampleEntry({ title: "한국어 e\u0301te\u0301 {bold}\x1b[31m" }),
        ],
      }),
  },
  { name: "nothing found", change: (store) => store.update({ entries: [] }) },
];

describe("every screen", { skip, concurrency: true }, () => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [132, 43],
  ] as const) {
    test(`at ${columns}x${rows} on ${TERMS.join(", ")}`, async () => {
      const store = new MenuStore({ ...sampleState(), countdown: 5 });
      const window = (term: string): string => `${term}-${columns}x${rows}`;
      await open(
        await Promise.all(TERMS.map(async (term) => spec(await tmux.open(window(term), columns, rows), term))),
        store,
      );
      const names = TERMS.map(window);
      const captured = new Map<string, string>(TERMS.map((term) => [term, ""]));
      let shown = names.map(() => "");
      for (const step of STEPS) {
        if (step.keys !== undefined) await tmux.keys(names[0]!, ...step.keys);
        // The keys of a step come before its change.
        if (step.keys !== undefined && step.change !== undefined) shown = await changed(names, shown);
        step.change?.(store);
        const heading = `==== ${step.name} ====\n`;
        if (update) {
          shown = await changed(names, shown);
          TERMS.forEach((term, index) => {
            captured.set(term, `${captured.get(term)}${heading}${shown[index]}\n`);
          });
        } else {
          const wanted = names.map((name) => section(readFileSync(join(FIXTURES, `${name}.txt`), "utf8"), heading));
          await show(names, wanted);
          shown = wanted;
        }
      }
      if (update) {
        mkdirSync(FIXTURES, { recursive: true });
        for (const [term, text] of captured) writeFileSync(join(FIXTURES, `${window(term)}.txt`), text);
      }
    });
  }
});

test("a serial terminal of any size that answers is drawn like a screen of that size", { skip }, async () => {
  const store = new MenuStore(sampleState());
  const path = await tmux.open("serial", 100, 30);
  const screen = await tmux.open("screen", 100, 30);
  await open([spec(path, "vt220", { kind: "serial", unicode: null }), spec(screen, "xterm")], store);
  await eventually(async () => assert.match(await tmux.capture("screen"), /P power off/));
  await show(["serial"], [await tmux.capture("screen")]);
});

test("a window that is made smaller and larger shows the menu in each size", { skip }, async () => {
  const store = new MenuStore(sampleState());
  await open([spec(await tmux.open("window", 80, 24), "xterm", { kind: "own" })], store);
  const ends = async (columns: number, rows: number): Promise<void> => {
    await tmux.resize("window", columns, rows);
    await eventually(async () => {
      // This process isn't in the window's foreground, where the kernel would send the signal itself.
      process.emit("SIGWINCH", "SIGWINCH");
      const lines = (await tmux.capture("window")).split("\n");
      assert.equal(lines.length, rows);
      assert.match(lines.at(-1)!, /^ Enter boot/);
      assert.equal(lines[0], " Baton 0.1.0");
    });
  };
  await ends(50, 12);
  await ends(120, 40);
  await ends(80, 24);
});

test("what the kernel prints over the menu is gone after Ctrl-L", { skip }, async () => {
  const store = new MenuStore(sampleState());
  const path = await tmux.open("over", 80, 24);
  await open([spec(path, "vt220")], store);
  await eventually(async () => assert.match(await tmux.capture("over"), /rescan/));
  const [before] = await changed(["over"], [""]);
  writeFileSync(path, "\n\n[  12.345678] usb 1-1: new high-speed USB device\n\n");
  await eventually(async () => assert.match(await tmux.capture("over"), /new high-speed/));
  await tmux.keys("over", "C-l");
  await show(["over"], [before!]);
});
