/** What GRUB's users keep shut in the menu: from the text of a grub.cfg to the keys that a person presses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Format } from "../../src/formats/format.ts";
import { grubLegacy } from "../../src/formats/grub-legacy/grub-legacy.ts";
import { lilo } from "../../src/formats/lilo/lilo.ts";
import { syslinux } from "../../src/formats/syslinux/syslinux.ts";
import { logLines } from "../../src/log.ts";
import { Controller } from "../../src/menu/controller.ts";
import { hashPassword } from "../../src/policy/password.ts";
import type { ReadConfig } from "../../src/policy/readconfig.ts";
import type { Settings } from "../../src/policy/settings.ts";
import { eventually } from "../eventually.ts";
import { read } from "../formats/grub/support.ts";
import { contextOf, treeVolume } from "../formats/tree.ts";
import { bench, booted, config } from "../session/bench.ts";
import { ManualTimers } from "./manualtimers.ts";

/** Of `sesame`, as grub-mkpasswd-pbkdf2 prints it. */
const HASH =
  "grub.pbkdf2.sha512.1000.274B6A56A89392810121E1E23D5453E235440D7EBC979C1FB49A199EAB5312F4D36B61D612FDC9D110E776E49D2AB8AE3138DD46E41DBD1100BB1AABCE009FF7.8718CD158F97F0A0A9EBFC2889ED13E7FFC1550C9EBC21986247D1501D5734608E51F75408A4304F2FC18DF40803CFA0038AFF16E96ADA2BB0CB2314039C69C9";

/** Of the same, as `openssl passwd -1` prints it. */
const MD5 = "$1$abcdefgh$5XhrJpGu.bBXAZh4lT8oY/";

const NEVER: Partial<Settings> = { timeout: { seconds: Number.POSITIVE_INFINITY, keys: false } };
const ENTRIES = `menuentry Open --unrestricted { linux /open root=LABEL=a }
menuentry Crew --users "mate" { linux /crew root=LABEL=a }
menuentry Closed { linux /closed root=LABEL=a }
`;
const USERS = `set superusers="root"
password_pbkdf2 root ${HASH}
password mate open
`;

async function grub(device: string, text: string, more: Partial<ReadConfig> = {}): Promise<ReadConfig> {
  const { entries, superusers, passwords } = await read(text);
  const source = `${device}:/boot/grub/grub.cfg`;
  return {
    ...config(device, []),
    ...{ source, entries: entries.map((entry) => ({ ...entry, source })), defaultIndex: 0 },
    ...(superusers && { superusers, passwords: passwords! }),
    ...more,
  };
}

/** A configuration of a bootloader whose passwords belong to no users. */
async function nameless(format: Format, path: string, text: string, device: string, more: Partial<ReadConfig> = {}) {
  const volume = { ...treeVolume({ [path]: text, "/k": "" }), name: device };
  const { entries, superusers, passwords, isNameless } = await format.parse(path, contextOf(volume));
  return {
    ...{ ...config(device, []), source: `${device}:${path}`, entries, defaultIndex: 0 },
    ...(superusers && { superusers }),
    ...(passwords && { passwords }),
    ...(isNameless && { isNameless }),
    ...more,
  } satisfies ReadConfig;
}

async function menuOf(configs: readonly ReadConfig[], settings: Partial<Settings> = {}) {
  const made = bench(configs, { ...NEVER, ...settings });
  await made.session.openMenu();
  const { store } = made.session;
  const controller = new Controller(store, { ...made.keys(), makeDefault: note("default") }, new ManualTimers());
  const done: string[] = [];
  function note(what: string) {
    return async (): Promise<void> => void done.push(what);
  }
  const console = (name: string) => {
    const host = { console: {}, name, shell: () => void done.push(`shell on ${name}`), redraw: () => {} };
    const view = { columns: 80, listRows: 12, pageRows: 22, pageLength: () => 100 };
    const press = (...keys: string[]): void => {
      for (const key of keys) controller.key(key, key.length === 1 ? key : "", view, host);
    };
    /** Answers the prompt that is open, and waits for what comes of it. */
    const answer = async (text: string): Promise<void> => {
      const before = controller.page;
      press(...text, "enter");
      await eventually(() => {
        const { page } = controller;
        assert.ok(
          page !== before || (page?.kind === "prompt" && page.note !== "Looking…" && page.line.text.length === 0),
        );
      });
      await turn();
    };
    /** Gives a name and a password. */
    const login = async (user: string, password: string): Promise<void> => {
      await answer(user);
      await answer(password);
    };
    return { press, answer, login };
  };
  return {
    ...made,
    controller,
    done,
    console,
    title: () => (controller.page?.kind === "prompt" ? controller.page.title : null),
    note: () => (controller.page?.kind === "prompt" ? controller.page.note : null),
    message: () => store.state.message ?? "",
    booted: () => booted(made.events),
  };
}

test("superusers of the machine's own configuration shut editor, shell, URLs and another default until one logs in", async () => {
  for (const [key, what] of [
    ["e", "editing Open"],
    ["c", "a shell"],
    ["d", "another default"],
  ] as const) {
    const menu = await menuOf([await grub("vda1", USERS + ENTRIES)]);
    const { press, answer } = menu.console("tty0");
    press("home", key);
    assert.equal(menu.title(), `User for ${what}`);
    assert.match(menu.note() ?? "", /^vda1:\/boot\/grub\/grub\.cfg asks for one of its users\.$/);
    await answer("root");
    assert.equal(menu.title(), `Password of root for ${what}`);
    await answer("wrong");
    assert.equal(menu.title(), `User for ${what}`);
    assert.match(menu.note() ?? "", /not the password/);
    assert.deepEqual(menu.done, []);
    await answer("root");
    await answer("sesame");
    assert.deepEqual(
      [menu.controller.page?.kind, menu.done],
      {
        e: ["edit", []],
        c: [undefined, ["shell on tty0"]],
        d: [undefined, ["default"]],
      }[key],
    );
  }
});

test("a user who is no superuser starts the entry that is left to that user, and edits nothing", async () => {
  const menu = await menuOf([await grub("vda1", USERS + ENTRIES)]);
  const { press, login } = menu.console("tty0");
  press("home", "down", "enter");
  assert.equal(menu.title(), "User for Crew");
  await login("mate", "open");
  assert.deepEqual(menu.booted(), ["Crew"]);
  press("x", "e");
  await login("mate", "open");
  assert.match(menu.note() ?? "", /of another user/);
  press("escape", "home", "end", "enter");
  await login("mate", "open");
  assert.match(menu.note() ?? "", /of another user/);
  await login("root", "sesame");
  assert.deepEqual(menu.booted(), ["Crew", "Closed"]);
});

test("an entry that is unrestricted needs nobody", async () => {
  const menu = await menuOf([await grub("vda1", USERS + ENTRIES)]);
  menu.console("tty0").press("home", "enter");
  assert.deepEqual(menu.booted(), ["Open"]);
});

test("a password counts on the console on which it was typed, and on no other", async () => {
  const menu = await menuOf([await grub("vda1", USERS + ENTRIES)]);
  const [here, there] = [menu.console("tty0"), menu.console("ttyS0")];
  here.press("c");
  there.press("r", "o", "o", "t", "enter");
  assert.equal(menu.title(), "User for a shell", "what is typed elsewhere doesn't reach it");
  await here.login("root", "sesame");
  there.press("c");
  assert.equal(menu.title(), "User for a shell");
  there.press("escape");
  here.press("c");
  assert.deepEqual(menu.done, ["shell on tty0", "shell on tty0"]);
});

test("another configuration's superusers guard its own entries alone, and their passwords open nothing else", async () => {
  const other = await grub("sdb1", `set superusers=visitor\npassword visitor mine\n${ENTRIES}`, { removable: true });
  const menu = await menuOf([await grub("vda1", USERS + ENTRIES), other]);
  const { press, login } = menu.console("tty0");
  press("end", "enter");
  assert.match(menu.note() ?? "", /^sdb1:/);
  await login("visitor", "mine");
  assert.deepEqual(menu.booted(), ["Closed"]);
  press("x", "c");
  assert.match(menu.note() ?? "", /^vda1:/);
  await login("visitor", "mine");
  assert.match(menu.note() ?? "", /not the password/);
  press("escape", "end", "e");
  assert.match(menu.note() ?? "", /^vda1:/, "the machine's own superusers guard the editor for every entry");

  const free = await menuOf([await grub("vda1", ENTRIES), other]);
  free.console("tty0").press("home", "c");
  assert.deepEqual(free.done, ["shell on tty0"], "a stick's superusers shut nothing of the machine's");
  free.console("tty0").press("end", "e");
  assert.match(free.note() ?? "", /^sdb1:/);
});

test("a stick that the owner has made the default doesn't open what the machine's own configuration shuts", async () => {
  const stick = await grub("sdb1", `set superusers=visitor\npassword visitor mine\n${ENTRIES}`, { removable: true });
  const settings: Partial<Settings> = { removable: true, default: "sdb1>Open" };
  const menu = await menuOf([await grub("vda1", USERS + ENTRIES), stick], settings);
  menu.console("tty0").press("c");
  assert.match(menu.note() ?? "", /^vda1:/);
});

test("an entry that opens another bootloader's menu leads around nothing that this one shuts", async () => {
  const other = await grub("vda2", USERS + ENTRIES, { defaultIndex: 2 });
  const first = config("vda1", ["The other GRUB"]);
  const entries = first.entries.map((entry) => ({ ...entry, kind: "efi" as const, linux: null, menu: other.source }));
  const menu = await menuOf([{ ...first, entries }, other]);
  menu.console("tty0").press("home", "enter", "enter");
  assert.equal(menu.title(), "User for Closed");
  await menu.keys().boot(menu.session.store.state.entries[0]!);
  assert.deepEqual(menu.booted(), []);
  assert.match(menu.message(), /leads to Closed \(vda2:.*\), whose own bootloader asks for a password/);
});

const MASTER = "MENU MASTER PASSWD master\n";
const LABELS = `LABEL open
KERNEL /k
LABEL own
MENU PASSWD ${MD5}
KERNEL /k
LABEL all
MENU PASSWD
KERNEL /k
`;

test("SYSLINUX's passwords open their labels, the master password each of them and the editor; nobody is asked for a name", async () => {
  const menu = await menuOf([await nameless(syslinux, "/syslinux/syslinux.cfg", MASTER + LABELS, "vda1")]);
  const { press, answer } = menu.console("tty0");
  press("home", "down", "enter");
  assert.equal(menu.title(), "Password for own");
  await answer("wrong");
  assert.match(menu.note() ?? "", /not the password/);
  await answer("sesame");
  assert.deepEqual(menu.booted(), ["own"]);
  press("x", "end", "enter");
  await answer("sesame");
  assert.match(menu.note() ?? "", /not the password/, "another label's password");
  await answer("master");
  assert.deepEqual(menu.booted(), ["own", "all"]);
  const other = menu.console("ttyS0");
  other.press("x", "home", "e");
  assert.equal(menu.title(), "Password for editing open");
  await other.answer("sesame");
  assert.match(menu.note() ?? "", /not the password/);
  await other.answer("master");
  assert.equal(menu.controller.page?.kind, "edit");
});

test("a label's password alone shuts nothing else, and a stick's master password opens nothing of the machine's", async () => {
  const free = await menuOf([await nameless(syslinux, "/syslinux/syslinux.cfg", LABELS, "vda1")]);
  free.console("tty0").press("home", "c");
  assert.deepEqual(free.done, ["shell on tty0"]);
  free.console("tty0").press("x", "end", "enter");
  assert.match(
    free.message(),
    /vda1:\/syslinux\/syslinux.cfg asks for one for all, and has none that Baton could read/,
  );

  const stick = await nameless(syslinux, "/syslinux/syslinux.cfg", MASTER + LABELS, "sdb1", { removable: true });
  const menu = await menuOf([await grub("vda1", USERS + ENTRIES), stick], { shell: false, editor: false });
  const { press, answer } = menu.console("tty0");
  press("end", "enter");
  await answer("master");
  assert.deepEqual(menu.booted(), ["all"]);
  press("x", "c");
  assert.deepEqual(menu.done, []);
  press("escape", "end", "e");
  assert.notEqual(menu.controller.page?.kind, "edit");
});

test("GRUB legacy's and LILO's passwords open what they stand at, and Baton's own opens it as well", async () => {
  const legacy = `password --md5 ${MD5}\ntitle Locked\nlock\nkernel /k\ntitle Own\npassword mine\nkernel /k\n`;
  const configs = [
    await nameless(grubLegacy, "/boot/grub/menu.lst", legacy, "vda1"),
    await nameless(lilo, "/etc/lilo.conf", "image=/k\nlabel=Lilo\npassword=plain\n", "vda2"),
  ];
  const menu = await menuOf(configs, { password: await hashPassword("owner", 12) });
  const { press, answer } = menu.console("tty0");
  press("home", "enter");
  await answer("sesame");
  press("x", "down", "enter");
  await answer("sesame");
  assert.match(menu.note() ?? "", /not the password/);
  await answer("mine");
  press("x", "end", "enter");
  await answer("plain");
  assert.deepEqual(menu.booted(), ["Locked", "Own", "Lilo"]);
  const other = menu.console("ttyS0");
  other.press("x", "home", "enter");
  await other.answer("owner");
  assert.equal(menu.booted().at(-1), "Locked");
  assert.ok(!JSON.stringify(menu.session.store.state).includes(MD5));
});

test("a hash that Baton can't compute keeps its label shut, and says so without it", async () => {
  const menu = await menuOf([
    await nameless(syslinux, "/syslinux/syslinux.cfg", "LABEL x\nMENU PASSWD $2b$10$abcdefgh\nKERNEL /k\n", "vda1"),
  ]);
  menu.console("tty0").press("home", "enter");
  assert.match(menu.message(), /its hash is none of the forms \$1\$, \$4\$, \$5\$ and \$6\$/);
  assert.doesNotMatch(menu.message(), /abcdefgh/);
});

test("where no password of a superuser can be known it stays shut, with the reason", async () => {
  for (const [text, why] of [
    [`set superusers=root\n${ENTRIES}`, /vda1:.* leaves a shell to root, and has no password/],
    [
      `set superusers=root\npassword_pbkdf2 root grub.pbkdf2.sha512.1.00\n${ENTRIES}`,
      /of root can't be checked: it is not of/,
    ],
    [`set superusers=""\n${ENTRIES}`, /leaves a shell to nobody/],
    [`set superusers=root\npassword mate open\n${ENTRIES}`, /has no password of theirs/],
  ] as const) {
    const menu = await menuOf([await grub("vda1", text)]);
    menu.console("tty0").press("c");
    assert.match(menu.message(), why);
    assert.equal(menu.controller.page, null);
    assert.deepEqual(menu.done, []);
  }
});

test("the password of Baton's own configuration opens it as well, and alone opens what that configuration shuts", async () => {
  const password = await hashPassword("owner", 4);
  const menu = await menuOf([await grub("vda1", USERS + ENTRIES)], { password });
  const { press, answer } = menu.console("tty0");
  press("c");
  assert.match(menu.note() ?? "", /Without a name/);
  await answer("");
  assert.equal(menu.title(), "Password for a shell");
  await answer("owner");
  press("end", "enter");
  assert.deepEqual([menu.done, menu.booted()], [["shell on tty0"], ["Closed"]]);

  const shut = await menuOf([await grub("vda1", USERS + ENTRIES)], { password, shell: false });
  const here = shut.console("tty0");
  here.press("c");
  assert.equal(shut.title(), "Password for a shell", "root's password isn't the owner's");
  await here.answer("sesame");
  assert.match(shut.note() ?? "", /not the password/);
});

test("while a disk that may shut it is being read, there is no shell and no editor", async () => {
  const made = bench([config("sdb1", ["stick"], { removable: true })], NEVER, {
    areDisksRead: () => isRead,
    isDecided: () => false,
  });
  let isRead = false;
  await made.session.openMenu();
  const done: string[] = [];
  const menu = new Controller(made.session.store, made.keys(), new ManualTimers());
  const host = { shell: () => void done.push("shell"), redraw: () => {} };
  const view = { columns: 80, listRows: 12, pageRows: 22, pageLength: () => 100 };
  menu.key("c", "c", view, host);
  assert.match(made.session.store.state.message ?? "", /still being read/);
  assert.deepEqual(done, []);
  isRead = true;
  made.session.update();
  menu.key("x", "x", view, host);
  menu.key("c", "c", view, host);
  assert.deepEqual(done, ["shell"]);
});

test("three wrong passwords of any kind make the next one wait", async () => {
  const menu = await menuOf([await grub("vda1", USERS + ENTRIES)]);
  const { press, login } = menu.console("tty0");
  press("c");
  await login("root", "a");
  await login("mate", "b");
  await login("nobody", "c");
  assert.match(menu.note() ?? "", /None is looked at for 2 s/);
  await login("root", "sesame");
  assert.match(menu.note() ?? "", /None is looked at/);
  await menu.clock.advance(3);
  await login("root", "sesame");
  assert.deepEqual(menu.done, ["shell on tty0"]);
});

test("neither hashes nor passwords reach the menu's state or the log", async () => {
  const menu = await menuOf([await grub("vda1", `${USERS}${ENTRIES}`)]);
  const { press, login } = menu.console("tty0");
  press("c");
  await login("root", "wr0ng-one");
  await login("root", "sesame");
  const seen = JSON.stringify([menu.session.store.state, logLines()]);
  for (const secret of ["sesame", "wr0ng-one", HASH.slice(-40), "grub.pbkdf2", `"open"`])
    assert.ok(!seen.includes(secret), secret);
});

test("a default that GRUB would ask a password for doesn't boot, and nothing else takes its place", async () => {
  const text = `set superusers=root\nset fallback=1\npassword root x\nmenuentry A { linux /k root=LABEL=a }
menuentry B --unrestricted { linux /older root=LABEL=a }\n`;
  const made = bench([await grub("vda1", text, { fallback: [1] })], NEVER);
  await made.session.bootDefault();
  assert.deepEqual(booted(made.events), []);
  assert.match(made.session.store.state.message ?? "", /^Nothing booted: A: its bootloader asks for a user's password/);
});
