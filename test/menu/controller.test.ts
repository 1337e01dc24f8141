import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import fc from "fast-check";
import { Controller } from "../../src/menu/controller.ts";
import { lineText } from "../../src/menu/editline.ts";
import { type MenuActions, MenuStore } from "../../src/menu/model.ts";
import { sampleEntry, sampleState } from "./samples.ts";

let done: string[] = [];
let store = new MenuStore();
let menu = new Controller(store, {} as MenuActions);

const host = { shell: () => void done.push("shell"), redraw: () => void done.push("redraw") };
const view = { columns: 80, listRows: 12, pageRows: 22, pageLength: () => 100 };

function press(...keys: string[]): void {
  for (const name of keys) menu.key(name, [...name].length === 1 ? name : "", view, host);
}

const selected = (): string | undefined => menu.position.selectedItem()?.key;

/** Lets promises of actions settle. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  done = [];
  store = new MenuStore(sampleState());
  menu = new Controller(store, {
    async boot(entry, options) {
      done.push(options === undefined ? `boot ${entry.id}` : `boot ${entry.id} with ${options}`);
    },
    async rescan() {
      done.push("rescan");
    },
    stopCountdown() {
      done.push("stop");
      store.update({ countdown: null });
    },
    async reboot() {
      done.push("reboot");
    },
    async powerOff() {
      done.push("power off");
    },
    log: () => [],
  });
});

test("the default is selected until somebody moves, also when it appears late", () => {
  assert.equal(selected(), "debian");
  store.update({ defaultId: "rescue" });
  assert.equal(selected(), "rescue");
  press("up");
  store.update({ defaultId: "debian" });
  assert.equal(selected(), "memtest");
});

test("movement stops at both ends", () => {
  press("k", "up", "home");
  assert.equal(selected(), "debian");
  press("end", "down", "j", "pagedown");
  assert.equal(selected(), "rescue");
  press("pageup");
  assert.equal(selected(), "debian");
});

test("Enter boots the selected entry and opens a submenu; Esc and Left come back to where one was", async () => {
  press("down", "enter", "down");
  assert.equal(selected(), "adv-18-r");
  press("escape");
  assert.equal(menu.position.selectedItem()?.kind, "submenu");
  press("right");
  assert.equal(selected(), "adv-18-r", "a submenu remembers");
  press("left", "escape", "escape", "up", "enter");
  assert.deepEqual(done, ["boot debian"]);
  await settle();
});

test("an entry that is opened gives way to its submenu, and the first of what is in it is selected", async () => {
  const door = { ...sampleEntry({ id: "door", title: "More" }), opens: "x#1", config: "http://h/menu.ipxe" };
  store.update({ entries: [door, ...store.state.entries] });
  press("home", "enter");
  assert.deepEqual(done, ["boot door"]);
  const inside = { ...sampleEntry({ id: "inside", title: "Inside", submenu: ["More"] }), config: "http://h/menu.ipxe" };
  store.update({ entries: [inside, ...store.state.entries.slice(1)] });
  await settle();
  assert.equal(selected(), "inside");
});

test("of a menu that was opened the first row is selected, and a menu in it stays shut", async () => {
  const door = { ...sampleEntry({ id: "door", title: "Debian" }), opens: "x#1", config: "http://h/menu.ipxe" };
  store.update({ entries: [door] });
  press("enter");
  const below = { ...sampleEntry({ title: "Text", submenu: ["Debian", "Debian 13"] }), config: "http://h/menu.ipxe" };
  store.update({ entries: [below] });
  await settle();
  assert.deepEqual(menu.position.level().path, ["Debian"]);
  assert.equal(menu.position.selectedItem()?.title, "Debian 13");
});

test("an entry that asks something is opened with the answers, of which secrets aren't shown", async () => {
  const asks = [
    { name: "user", text: "User\u001b[31m name", isSecret: false, value: "ann" },
    { name: "password", text: "Password", isSecret: true, value: "" },
  ];
  const opened: unknown[] = [];
  menu = new Controller(store, {
    ...({} as MenuActions),
    stopCountdown: () => {},
    open: async (entry, answers) => void opened.push(entry.id, [...answers]),
  });
  store.update({ entries: [{ ...sampleEntry({ id: "door", title: "Log in" }), opens: "x#1", asks }] });
  press("home", "enter");
  const page = () => (menu.page?.kind === "prompt" ? menu.page : assert.fail("no question is shown"));
  assert.doesNotMatch(page().title, /\u001b/);
  assert.deepEqual([lineText(page().line), page().hidden], ["ann", false]);
  press("a", "enter");
  assert.equal(page().hidden, true);
  press("x", "y", "enter");
  await settle();
  assert.deepEqual(opened, [
    "door",
    [
      ["user", "anna"],
      ["password", "xy"],
    ],
  ]);
  press("home", "enter", "escape");
  assert.deepEqual([menu.page, opened.length], [null, 2], "Esc leaves without an answer");
});

test("what a script asks is answered on the console that chose its entry, and on no other", async () => {
  const asks = [
    { name: "user", text: "User", isSecret: false, value: "" },
    { name: "password", text: "Password", isSecret: true, value: "" },
  ];
  const answered: unknown[] = [];
  menu = new Controller(store, {
    ...({} as MenuActions),
    stopCountdown: () => {},
    open: async (_, answers) => void answered.push([...answers.values()]),
  });
  store.update({ entries: [{ ...sampleEntry({ id: "door", title: "Log in" }), opens: "x#1", asks }] });
  const [here, there] = ["tty0", "ttyS0"].map((name) => ({ ...host, console: {}, name }));
  const on = (which: typeof here, ...keys: string[]): void => {
    for (const key of keys) menu.key(key, key.length === 1 ? key : "", view, which!);
  };
  const question = () => (menu.page?.kind === "prompt" ? menu.page : assert.fail("no question is shown"));
  on(here, "home", "enter");
  for (const typed of ["me", "secret"]) {
    on(there, "x", "enter");
    assert.equal(lineText(question().line), "");
    assert.equal(menu.elsewhere(there!.console), "tty0");
    on(here, ...typed, "enter");
  }
  await settle();
  assert.deepEqual(answered, [["me", "secret"]]);
  on(here, "home", "enter");
  on(there, "escape");
  assert.equal(menu.page, null);
});

test("an entry that starts another bootloader selects what that one's menu would boot, and boots nothing by itself", () => {
  const link = { ...sampleEntry({ id: "link", title: "Other" }), leadsTo: { id: "adv-17", by: "name" } as const };
  store.update({ entries: [link, ...store.state.entries] });
  press("home", "enter");
  assert.deepEqual(done, []);
  assert.equal(selected(), "adv-17");
  press("enter");
  assert.deepEqual(done, ["boot adv-17"]);
});

test("a default within a submenu selects the submenu, and in it the default", () => {
  store.update({ defaultId: "adv-17" });
  assert.equal(menu.position.selectedItem()?.kind, "submenu");
  press("enter");
  assert.equal(selected(), "adv-17");
});

test("any key stops the countdown, and does what it does besides", () => {
  store.update({ countdown: 5 });
  press("down");
  assert.deepEqual(done, ["stop"]);
  assert.equal(menu.position.selectedItem()?.kind, "submenu");
  store.update({ countdown: 5 });
  press("f9");
  assert.deepEqual(done, ["stop", "stop"]);
});

test("an entry that can't be booted isn't, and says why", () => {
  press("end", "up", "enter");
  assert.deepEqual(done, []);
  assert.match(store.state.message ?? "", /Memory test .* cannot be booted: an EFI program/);
});

test("the key that closes a message boots nothing; one that moves also moves", () => {
  store.update({ message: "it failed" });
  press("enter");
  assert.equal(store.state.message, null);
  assert.deepEqual(done, []);
  store.update({ message: "it failed" });
  press("end");
  assert.equal(selected(), "rescue");
});

test("e edits: Enter and Ctrl-X boot with the line, Esc leaves it, a failed boot keeps it", async () => {
  press("end", "e", "C-u", "x", "y", "enter");
  assert.deepEqual(done, ["boot rescue with xy"]);
  await settle();
  press("e");
  assert.equal(menu.page?.kind === "edit" && lineText(menu.page.line), "xy");
  press("z", "escape");
  assert.equal(menu.page, null);
  press("e", "C-x");
  assert.deepEqual(done.slice(1), ["boot rescue with xy"]);
});

test("letters that are keys elsewhere are text in the editor", () => {
  press("e", "R", "P", "c", "q");
  assert.equal(menu.page?.kind === "edit" && lineText(menu.page.line).endsWith("RPcq"), true);
  assert.deepEqual(done, []);
});

test("R and P ask: y does it, n and Esc don't, nor does any other key", async () => {
  press("R", "enter", " ", "j", "n");
  press("P", "escape");
  assert.deepEqual(done, []);
  press("P", "y");
  await settle();
  press("R", "Y");
  assert.deepEqual(done, ["power off", "reboot"]);
});

/** The open page of text and its first row. */
const page = (): unknown => (menu.page?.kind === "text" ? [menu.page.name, menu.page.top] : menu.page);

test("pages open and close, from one to the other, and scroll within their length", () => {
  press("h");
  assert.deepEqual(page(), ["help", 0]);
  press("i");
  assert.deepEqual(page(), ["devices", 0]);
  press("end");
  assert.deepEqual(page(), ["devices", 78]);
  press("down", "pageup");
  assert.deepEqual(page(), ["devices", 57]);
  press("escape");
  assert.equal(page(), null);
  press("l", "l");
  assert.equal(page(), null);
});

test("the log stays at its end until it is scrolled", () => {
  press("l");
  assert.deepEqual(page(), ["log", Number.POSITIVE_INFINITY]);
  press("up");
  assert.deepEqual(page(), ["log", 77]);
});

test("while something is being loaded keys do nothing but redraw", () => {
  store.update({ progress: { title: "Loading", detail: "", done: 0, total: null } });
  press("enter", "R", "e", "c", "C-l");
  assert.deepEqual(done, ["redraw"]);
  assert.equal(menu.page, null);
});

test("a boot keeps keys away until it has failed, also where the action rejects", async () => {
  menu = new Controller(store, {
    ...({} as MenuActions),
    boot: async () => {
      throw new Error("it broke");
    },
  });
  press("enter");
  assert.equal(menu.busy, "Starting Debian GNU/Linux");
  await settle();
  assert.equal(menu.busy, null);
  assert.equal(store.state.message, "it broke");
});

test("Escape and a letter that came together are both done", () => {
  press("down", "enter", "M-i");
  assert.deepEqual(page(), ["devices", 0]);
  press("escape");
  assert.equal(menu.position.level().path.length, 0);
});

test("entries that go keep the selection where it was, and a submenu that goes is left", () => {
  press("down", "enter", "down");
  store.update({ entries: store.state.entries.filter((entry) => entry.id !== "adv-18-r") });
  assert.equal(selected(), "adv-17");
  store.update({ entries: store.state.entries.filter((entry) => entry.submenu.length === 0) });
  assert.equal(menu.position.level().path.length, 0);
  store.update({ entries: [] });
  assert.equal(selected(), undefined);
  press("down", "enter", "e", "escape");
});

test("two disks with the same submenu have one each", () => {
  const submenu = ["Advanced"];
  store.update({
    entries: [
      sampleEntry({ title: "a", submenu, source: "sda1:/boot/grub/grub.cfg" }),
      sampleEntry({ title: "b", submenu, source: "sdb1:/boot/grub/grub.cfg" }),
    ],
  });
  assert.deepEqual(
    menu.position.level().items.map((item) => [item.title, item.hint]),
    [
      ["Advanced", "sda1"],
      ["Advanced", "sdb1"],
    ],
  );
});

test("a key that the configuration gives an entry selects it and boots nothing", () => {
  store.update({ entries: [...store.state.entries, sampleEntry({ id: "hot", title: "Hot", hotkey: "x" })] });
  press("x");
  assert.equal(selected(), "hot");
  assert.deepEqual(done, []);
});

test("no sequence of keys throws", () => {
  const keys = fc.constantFrom(
    ...["up", "down", "left", "right", "enter", "escape", "home", "end", "pageup", "pagedown", "backspace", "tab"],
    ...["e", "c", "r", "l", "i", "h", "?", "R", "P", "y", "n", "q", "x", "C-l", "C-x", "M-b", "é", "constructor"],
  );
  fc.assert(
    fc.property(fc.array(keys, { maxLength: 60 }), fc.boolean(), (pressed, empty) => {
      if (empty) store.update({ entries: [] });
      press(...pressed);
      const level = menu.position.level();
      const at = menu.position.selection(level);
      assert.ok(at === 0 || at < level.items.length);
    }),
  );
});
