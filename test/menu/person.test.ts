/** Keys that choose, search, edit and ask, beyond moving and booting (controller.test.ts). */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { BootEntry } from "../../src/entry.ts";
import { Controller } from "../../src/menu/controller.ts";
import { lineText } from "../../src/menu/editline.ts";
import type { EntryEditor } from "../../src/menu/entryeditor.ts";
import { type MenuActions, MenuStore, OPEN_SETTINGS } from "../../src/menu/model.ts";
import type { ControllerHost } from "../../src/menu/page.ts";
import { SearchPage } from "../../src/menu/search.ts";
import { buildTree } from "../../src/menu/tree.ts";
import { sampleEntry, sampleState } from "./samples.ts";

let done: string[] = [];
let store = new MenuStore();
let menu = new Controller(store, {} as MenuActions);

const host: ControllerHost = { shell: () => void done.push("shell"), redraw: () => void done.push("redraw") };
const view = { columns: 80, listRows: 12, pageRows: 22, pageLength: () => 100 };

function press(...keys: string[]): void {
  for (const name of keys) menu.key(name, [...name].length === 1 ? name : "", view, host);
}
const line = (): string => (menu.page?.kind === "edit" ? lineText(menu.page.line) : "");
const asked = (): string | null => (menu.page?.kind === "confirm" ? menu.page.question : null);
const type = (text: string): void => press(...text);
const selected = (): string | undefined => menu.position.selectedItem()?.key;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const actions: MenuActions = {
  boot: async (entry, options, files) =>
    void done.push(
      ["boot", entry.id, options, files && JSON.stringify(files)].filter((part) => part != null).join(" "),
    ),
  rescan: async () => {},
  stopCountdown: () => {
    done.push("stop");
    store.update({ countdown: null });
  },
  addTime: (seconds) => void done.push(`time ${seconds}`),
  makeDefault: async (entry) => void done.push(`default ${entry.id}`),
  openUrl: async (url) => void done.push(`url ${url}`),
  firmware: async () => void done.push("firmware"),
  cancel: () => void done.push("cancel"),
  unlock: async (password) => ({ ok: password === "sesame", waitMs: password === "wait" ? 4000 : 0 }),
  reboot: async () => void done.push("reboot"),
  powerOff: async () => {},
  log: () => [],
};

beforeEach(() => {
  done = [];
  store = new MenuStore(sampleState());
  menu = new Controller(store, actions);
});

test("1 to 9 select by number, and boot nothing", () => {
  press("3");
  assert.equal(selected(), "old");
  press("9");
  assert.equal(selected(), "old", "there is no ninth");
  assert.deepEqual(done, []);
});

test("+ and - give the countdown time and don't stop it, as do systemd-boot's t and T", () => {
  store.update({ countdown: 5 });
  press("+", "-", "t", "T");
  assert.deepEqual(done, ["time 5", "time -5", "time 5", "time -5"]);
  press("x");
  assert.equal(done.at(-1), "stop");
});

test("d makes the selected entry the default", () => {
  press("end", "d");
  assert.deepEqual(done, ["default rescue"]);
});

test("n asks for a URL, refuses what is none, and fetches it", async () => {
  press("n", "enter");
  assert.deepEqual(done, []);
  type("boot.example/menu.ipxe");
  press("enter");
  await settle();
  assert.deepEqual(done, ["url http://boot.example/menu.ipxe"]);
  assert.equal(menu.page, null);
});

test("f asks before it restarts into the firmware, and says so where there is no way", async () => {
  press("f", "y");
  await settle();
  assert.deepEqual(done, ["firmware"]);
  const { firmware: _, ...without } = actions;
  menu = new Controller(store, without);
  press("f");
  assert.equal(menu.page, null);
  assert.match(store.state.message ?? "", /firmware/);
});

test("systemd-boot's and GRUB's keys do what they do there", () => {
  press("B");
  assert.equal(asked(), "Reboot this machine?");
  press("n", "O");
  assert.equal(asked(), "Power this machine off?");
  press("n", "C-x");
  assert.deepEqual(done, ["boot debian"]);
});

test("the owner's keys do what the configuration says, besides Baton's own", () => {
  store.update({ settings: { ...OPEN_SETTINGS, keys: { boot: ["f5"], last: ["z"], redraw: ["x"] } } });
  press("x", "z", "f5");
  assert.deepEqual(done, ["redraw", "boot rescue"]);
});

test("/ searches through all submenus as one types; Enter only selects, in its submenu", () => {
  press("/");
  type("linux 17");
  assert.ok(menu.page instanceof SearchPage);
  assert.deepEqual(
    menu.page.found(buildTree(store.state.entries)).map(({ key }) => key),
    ["adv-17"],
  );
  press("enter");
  assert.equal(menu.page, null);
  assert.equal(selected(), "adv-17");
  assert.equal(menu.position.level().path.length, 1);
  assert.deepEqual(done, []);
  press("enter");
  assert.deepEqual(done, ["boot adv-17"]);
});

test("a search that finds nothing selects nothing, and Esc leaves it", () => {
  press("/");
  type("no such entry");
  press("down", "up", "enter");
  assert.equal(selected(), "debian");
  press("/", "x", "escape");
  assert.equal(menu.page, null);
});

test("Tab leads to kernel and initrds; what is written there is booted instead", () => {
  press("end", "e", "tab", "C-u");
  type("/live/other");
  press("tab", "C-u");
  type("/a.img sda1:/b.img http://h/c.img");
  press("enter");
  const files = {
    linux: { device: "sdb1", path: "/live/other" },
    initrd: [{ device: "sdb1", path: "/a.img" }, { device: "sda1", path: "/b.img" }, { url: "http://h/c.img" }],
  };
  assert.deepEqual(done, [`boot rescue boot=live components quiet splash ${JSON.stringify(files)}`]);
});

test("a file that is no file's name is told, and nothing boots", () => {
  press("end", "e", "tab");
  type(" second");
  press("enter");
  assert.deepEqual(done, []);
  assert.match(menu.page?.kind === "edit" ? (menu.page.problem ?? "") : "", /second is no file/);
});

test("an entry whose file is missing can be booted with another file", () => {
  press("4", "e", "tab", "tab", "C-u");
  type("/other.img");
  press("enter");
  assert.match(done[0] ?? "", /^boot fedora .*other\.img/);
});

test("earlier command lines come back, and the one that was being written after them", async () => {
  press("end", "e", "C-u");
  type("first");
  press("enter");
  await settle();
  press("home", "e", "C-u");
  type("draft");
  press("pageup");
  assert.equal(line(), "first");
  press("pagedown");
  assert.equal(line(), "draft");
  press("M-r");
  assert.match(line(), /^BOOT_IMAGE=/);
});

test("pasted text is typed where a line is edited, and does nothing elsewhere", () => {
  menu.paste("R\ry\r", view);
  assert.equal(menu.page, null);
  press("end", "e");
  menu.paste(" single\r\nR\x1b[31m", view);
  assert.deepEqual(done, []);
  assert.match(line(), /splash ?single {1,2}R\ufffd\[31m$/u);
});

test("what boots waits for the host's word that a person pressed the key", () => {
  const waiting: (() => void)[] = [];
  const slow: ControllerHost = { ...host, deliberately: (action) => void waiting.push(action) };
  menu.key("enter", "", view, slow);
  assert.deepEqual(done, []);
  waiting[0]!();
  assert.deepEqual(done, ["boot debian"]);
});

test("Esc ends what is being loaded", () => {
  store.update({ progress: { title: "Loading", detail: "", done: 0, total: null } });
  press("enter", "escape");
  assert.deepEqual(done, ["cancel"]);
});

const kind = (): string | undefined => menu.page?.kind;
const note = (): string => (menu.page?.kind === "prompt" ? (menu.page.note ?? "") : "");
const typed = (): string | null => (menu.page?.kind === "prompt" ? lineText(menu.page.line) : null);

const shut = { ...OPEN_SETTINGS, editor: false, shell: false, hasPassword: true };

test("with editor: no the editor and the shell ask for the password, and a wrong one opens neither", async () => {
  store.update({ settings: shut });
  press("e");
  assert.equal(kind(), "prompt");
  type("open");
  press("enter");
  await settle();
  assert.match(note(), /not the password/);
  assert.equal(typed(), "", "it isn't kept");
  type("wait");
  press("enter");
  await settle();
  assert.match(note(), /for 4 s/);
  type("sesame");
  press("enter");
  await settle();
  assert.equal(kind(), "edit");
  press("escape", "c");
  assert.deepEqual(done, ["shell"], "for a while it opens everything");
});

test("d and f lead around the shell: with shell: no they need the password, too", async () => {
  for (const [key, then] of [
    ["d", "default debian"],
    ["f", "firmware"],
  ] as const) {
    store.update({ settings: { ...shut, hasPassword: false } });
    press(...(key === "f" ? ["f", "y"] : ["d"]));
    assert.match(store.state.message ?? "", /shell: no/);
    press("x");
    store.update({ settings: shut });
    press(...(key === "f" ? ["f", "y"] : ["d"]));
    assert.deepEqual(done, []);
    type("sesame");
    press("enter");
    await settle();
    assert.deepEqual(done, [then]);
    done.length = 0;
    menu = new Controller(store, actions);
  }
});

test("a password opens the console on which it was typed, and no other", async () => {
  const [here, there] = [
    { ...host, console: {}, shell: () => void done.push("shell here") },
    { ...host, console: {}, shell: () => void done.push("shell there") },
  ];
  const on = (which: ControllerHost, ...keys: string[]): void => {
    for (const name of keys) menu.key(name, name.length === 1 ? name : "", view, which);
  };
  store.update({ settings: shut });
  on(here, "c", ..."sesa");
  on(there, "x", "enter");
  menu.paste("yyy", view, there.console);
  on(here, ..."me", "enter");
  await settle();
  assert.deepEqual(done, ["shell here"], "what is typed elsewhere doesn't reach the prompt");
  on(there, "c");
  assert.equal(kind(), "prompt", "the other console asks for itself");
  on(here, "enter");
  assert.deepEqual(done, ["shell here"]);
  on(here, "escape", "e");
  assert.equal(kind(), "edit");
  const before = lineText((menu.page as EntryEditor).line);
  on(there, "x", "C-k", "enter");
  menu.paste(" init=/bin/sh", view, there.console);
  assert.equal(lineText((menu.page as EntryEditor).line), before);
  assert.deepEqual(done, ["shell here"]);
  on(there, "escape");
  assert.equal(kind(), undefined, "nobody keeps the others from the menu");
  on(there, "e");
  assert.equal(kind(), "prompt");
});

test("a question is answered on the console that asked it; on another Escape closes it, and the screen says where", () => {
  const [here, there] = [
    { ...host, console: {}, name: "tty0" },
    { ...host, console: {}, name: "ttyS0" },
  ];
  menu.key("R", "R", view, here);
  assert.equal(asked(), "Reboot this machine?");
  assert.equal(menu.elsewhere(here.console), null);
  assert.equal(menu.elsewhere(there.console), "tty0");
  menu.key("y", "y", view, there);
  assert.deepEqual(done, []);
  assert.equal(asked(), "Reboot this machine?");
  menu.key("escape", "", view, there);
  assert.equal(asked(), null);
  menu.key("R", "R", view, here);
  menu.key("y", "y", view, here);
  assert.deepEqual(done, ["reboot"]);
});

test("without a password in the configuration what is shut stays shut, with the reason", () => {
  store.update({ settings: { ...shut, hasPassword: false } });
  press("c");
  assert.match(store.state.message ?? "", /a shell \(the configuration says shell: no\)/);
  press("x", "n");
  assert.match(store.state.message ?? "", /URL/);
  assert.deepEqual(done, []);
});

test("an entry that its bootloader restricts boots after the password alone", async () => {
  store.update({ settings: { ...OPEN_SETTINGS, hasPassword: true } });
  store.update({ entries: [sampleEntry({ id: "secret", title: "Secret", restricted: ["root"] })] });
  press("enter");
  assert.deepEqual(done, []);
  type("sesame");
  press("enter");
  await settle();
  assert.deepEqual(done, ["boot secret"]);
});

test("GRUB's, emacs' and vi's keys move; none of them boots", () => {
  press("down");
  const second = selected();
  press("home", "v");
  assert.equal(selected(), second);
  press("^");
  assert.equal(menu.position.selection(), 0);
  press("C-n", "C-n", "C-p");
  assert.equal(selected(), second);
  press("C-e");
  const last = selected();
  press("g", "G");
  assert.equal(selected(), last);
  press("C-g");
  assert.equal(menu.position.selection(), 0, "a page up");
  press("C-f", "C-a", "j", "k");
  assert.equal(menu.position.selection(), 0);
  assert.deepEqual(done, []);
});

test("what is selected stays so where the list is read again in another order and with other ids: another disk came", () => {
  const found = (config: string, ids: string): BootEntry[] => {
    const title = "Boot /boot/vmlinuz from SYSTEM";
    const entry = { source: "sda2:/boot/refind_linux.conf", config };
    return [
      sampleEntry({ ...entry, id: `${ids}-1`, title }),
      sampleEntry({ ...entry, id: `${ids}-2`, title: "Boot to single-user mode", submenu: [title] }),
      sampleEntry({ ...entry, id: `${ids}-3`, title: "Boot with minimal options", submenu: [title], options: "ro" }),
    ];
  };
  const own = sampleEntry({
    id: "own",
    title: "One of our own",
    source: "sda1:/EFI/refind/refind.conf",
    isDefault: true,
  });
  const before = [own, ...found("sda2:/boot/refind_linux.conf", "a")];
  const after = [...found("sda1:/EFI/refind/refind.conf", "b"), own];

  store.update({ entries: before, defaultId: "own" });
  press("down");
  store.update({ entries: after });
  assert.equal(selected(), "b-1");

  press("down", "enter", "down");
  assert.equal(selected(), "b-3");
  store.update({ entries: before });
  assert.equal(selected(), "a-3", "in its submenu, which is open");
  press("left");
  store.update({ entries: after });
  assert.equal(menu.position.selectedItem()?.title, "Boot /boot/vmlinuz from SYSTEM", "a submenu as well");

  press("/");
  type("boot");
  press("down");
  store.update({ entries: [own, ...before.slice(1)] });
  press("enter");
  assert.equal(selected(), "a-2", "what was selected in the search");
});

test("what is gone leaves the selection where it was", () => {
  press("down", "down");
  const { entries } = store.state;
  store.update({ entries: entries.filter(({ id }) => id !== selected()) });
  assert.notEqual(selected(), "debian");
});
