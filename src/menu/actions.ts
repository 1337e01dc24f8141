/**
 * What a person can do in the menu: one table. The screen (controller.ts), its bar of keys, the plain menu (plain.ts),
 * both help pages, and the names under `keys:` in the configuration (policy/settingkeys.ts) are read from it: a new
 * key is one row here.
 */

import type { BootEntry } from "../entry.ts";
import type { MenuActions, MenuState } from "./model.ts";
import type { Item } from "./tree.ts";

/** The pages of text. */
export type PageName = "help" | "log" | "devices" | "failure";

/** What a key moves by: rows, pages, or all the way. */
export type Step = { readonly rows: number } | { readonly pages: number } | "first" | "last";

/** What is asked before it is done: the title of a box, and a question that y or n answers. */
export interface Confirmation {
  readonly title: string;
  readonly question: string;
}

/** Under which conditions an action is done. They are looked at in this order. */
export interface ActionGuard {
  /**
   * Where the key means it; left out: on the list and on pages of text. `item`: on the list where something is
   * selected; `entry`: where that is no submenu (the plain menu takes the entry's number); `countdown`: while one runs.
   */
  readonly on?: "list" | "item" | "entry" | "countdown";
  /** Not where the session can't do this; the key then means nothing… */
  readonly needs?: keyof MenuActions;
  /** …or this is said. */
  readonly otherwise?: string;
  readonly confirm?: Confirmation;
  /** Not where the key is held down or was pasted: only when no other key follows at once. */
  readonly deliberate?: boolean;
  /** Done after the password alone, where the owner's configuration or the entry's own bootloader says so. */
  readonly shut?: "editor" | "shell" | "restricted";
  /** What the password is asked for: `a shell`. */
  readonly what?: (entry: BootEntry | null) => string;
}

/** The menu in which a key was pressed or a command was typed: the screen's or the plain one. */
export interface MenuFront {
  readonly actions: MenuActions;
  /** Opens the submenu that is selected. */
  open(): void;
  back(): void;
  boot(entry: BootEntry): void;
  edit(entry: BootEntry): void;
  /** @param words empty: they are asked for */
  search(words: string): void;
  /** @param url empty: it is asked for */
  openUrl(url: string): void;
  /** @param device the name of an encrypted one; empty: the next that is locked */
  unlock(device: string): void;
  show(page: PageName): void;
  shell(): void;
  redraw(): void;
  /** Keys wait until the work is done. @param doing `Rebooting` */
  work(doing: string, work: Promise<void>): void;
}

export interface ActionRow {
  /** Its name in the configuration. */
  readonly action: string;
  /**
   * Names as keys.ts gives them. The bar shows the first; the last ones are those that GRUB's, systemd-boot's, vi's
   * and emacs' users have in their fingers.
   */
  readonly keys: readonly string[];
  /** The keys as the help page shows them; left out: all of them. */
  readonly shown?: string;
  /** Empty where another row's help says it. */
  readonly help: string;
  /** As it is typed in the plain menu, `e N`; left out: not there. */
  readonly plain?: string;
  /** Left out: the same as `help`. */
  readonly plainHelp?: string;
  /** Its place in the bar of keys, and the word there; null: not now. */
  readonly bar?: readonly [place: number, word: string | ((item: Item | undefined, state: MenuState) => string | null)];
  readonly guard?: ActionGuard;
  /** Moves through the list or the page of text. */
  readonly step?: Step;
  /** The countdown goes on. */
  readonly keepsCountdown?: boolean;
  /** Also while something is loaded or a line is typed. */
  readonly anytime?: boolean;
  /**
   * @param text what was typed behind the letter in the plain menu, else empty
   * @param entry the one that is meant; null where none is
   */
  readonly run?: (menu: MenuFront, text: string, entry: BootEntry | null) => void;
}

/** What stands before every boot, also of an entry that was edited. */
export const BOOT_GUARD: ActionGuard = { deliberate: true, shut: "restricted", what: (entry) => entry!.title };

/** By how many seconds one key changes the countdown. */
const SECONDS_A_KEY = 5;

export const ACTIONS: readonly ActionRow[] = [
  {
    action: "up",
    keys: ["up", "k", "C-p", "^"],
    shown: "Up Down k j",
    help: "move (Ctrl-P and Ctrl-N, ^ and v too); 1 to 9 by number",
    step: { rows: -1 },
  },
  { action: "down", keys: ["down", "j", "C-n", "v"], help: "", step: { rows: 1 } },
  {
    action: "pageup",
    keys: ["pageup", "C-b", "C-g"],
    shown: "PgUp PgDn",
    help: "a page up, a page down (Ctrl-B and Ctrl-F too)",
    step: { pages: -1 },
  },
  { action: "pagedown", keys: ["pagedown", "C-f"], help: "", step: { pages: 1 } },
  {
    action: "first",
    keys: ["home", "g", "C-a"],
    shown: "Home End g G",
    help: "to the first, to the last (Ctrl-A and Ctrl-E too)",
    step: "first",
  },
  { action: "last", keys: ["end", "G", "C-e"], help: "", step: "last" },
  {
    action: "boot",
    keys: ["enter", "C-x", "f10"],
    shown: "Enter",
    help: "boot the selected entry (Ctrl-X and F10 too), or open the submenu (Right too)",
    bar: [1, (item) => (item === undefined ? null : item.kind === "submenu" ? "open" : "boot")],
    guard: { on: "item" },
    run: (menu, _, entry) => (entry === null ? menu.open() : menu.boot(entry)),
  },
  { action: "open", keys: ["right"], help: "", guard: { on: "item" }, run: (menu, _, entry) => entry ?? menu.open() },
  {
    action: "back",
    keys: ["escape", "left", "backspace"],
    shown: "Esc Left",
    help: "back: out of a submenu, off a page; ends what is being loaded",
    guard: { on: "item" },
    run: (menu) => menu.back(),
  },
  {
    action: "search",
    keys: ["/"],
    help: "search as you type, through all submenus; Enter selects",
    plain: "s TEXT",
    plainHelp: "the entries that have TEXT in them",
    bar: [6, (item) => (item === undefined ? null : "search")],
    guard: { on: "item" },
    run: (menu, text) => menu.search(text),
  },
  {
    action: "edit",
    keys: ["e"],
    help: "edit the entry for this boot alone: command line, kernel, initrds",
    plain: "e N",
    plainHelp: "boot entry N with another command line",
    bar: [2, (item) => (item?.kind === "entry" ? "edit" : null)],
    guard: { on: "entry", shut: "editor", what: (entry) => `editing ${entry!.title}` },
    run: (menu, _, entry) => menu.edit(entry!),
  },
  {
    action: "default",
    keys: ["d"],
    help: "make the selected entry the default",
    plain: "d N",
    plainHelp: "make entry N the default",
    // What boots by itself from now on, and the firmware's set-up, lead around what is shut as a shell does.
    guard: { on: "entry", needs: "makeDefault", deliberate: true, shut: "shell", what: () => "another default" },
    run: ({ actions }, _, entry) => void actions.makeDefault!(entry!),
  },
  {
    action: "more-time",
    keys: ["+", "t", "="],
    shown: "+ - t T",
    help: "more or less time until the default boots; any other key stops it",
    guard: { on: "countdown", needs: "addTime" },
    keepsCountdown: true,
    run: ({ actions }) => actions.addTime!(SECONDS_A_KEY),
  },
  {
    action: "less-time",
    keys: ["-", "T", "_"],
    help: "",
    guard: { on: "countdown", needs: "addTime" },
    keepsCountdown: true,
    run: ({ actions }) => actions.addTime!(-SECONDS_A_KEY),
  },
  {
    action: "url",
    keys: ["n"],
    help: "boot from a URL",
    plain: "n URL",
    bar: [2, (item) => (item === undefined ? "URL" : null)],
    guard: { on: "list", needs: "openUrl", shut: "editor", what: () => "booting from a URL" },
    run: (menu, text) => menu.openUrl(text),
  },
  {
    action: "shell",
    keys: ["c"],
    help: "a shell on this console; `exit` comes back here",
    plain: "c",
    bar: [9, "shell"],
    // Pasted text must not end up in a shell that its own first letter opened.
    guard: { deliberate: true, shut: "shell", what: () => "a shell" },
    run: (menu) => menu.shell(),
  },
  {
    action: "rescan",
    keys: ["r"],
    help: "look at every disk again",
    plain: "r",
    bar: [10, "rescan"],
    run: ({ actions }) => void actions.rescan(),
  },
  {
    action: "devices",
    keys: ["i"],
    help: "what this machine has, and why a disk yielded nothing",
    plain: "i",
    bar: [7, "devices"],
    run: (menu) => menu.show("devices"),
  },
  {
    action: "unlock",
    keys: ["u"],
    help: "the passphrase of an encrypted device",
    plain: "u NAME",
    bar: [4, (_, { devices }) => (devices.some(({ isLocked }) => isLocked) ? "unlock" : null)],
    guard: { needs: "unlockDevice", otherwise: "No encrypted device waits for a passphrase." },
    run: (menu, text) => menu.unlock(text),
  },
  {
    action: "log",
    keys: ["l"],
    help: "the log of what was done",
    plain: "l",
    bar: [8, "log"],
    run: (menu) => menu.show("log"),
  },
  {
    action: "failure",
    keys: ["w"],
    help: "why the last boot failed, with a code for a phone's camera",
    plain: "w",
    plainHelp: "why the last boot failed",
    run: (menu) => menu.show("failure"),
  },
  {
    action: "help",
    keys: ["?", "h", "f1"],
    shown: "h ? F1",
    help: "this page",
    plain: "?",
    bar: [5, "help"],
    run: (menu) => menu.show("help"),
  },
  { action: "redraw", keys: ["C-l"], help: "draw everything again", anytime: true, run: (menu) => menu.redraw() },
  {
    action: "reboot",
    keys: ["R", "B"],
    help: "reboot (asks first)",
    plain: "R",
    bar: [11, "reboot"],
    guard: { confirm: { title: "Reboot", question: "Reboot this machine?" } },
    run: (menu) => menu.work("Rebooting", menu.actions.reboot()),
  },
  {
    action: "poweroff",
    keys: ["P", "O"],
    help: "power off (asks first)",
    plain: "P",
    bar: [12, "power off"],
    guard: { confirm: { title: "Power off", question: "Power this machine off?" } },
    run: (menu) => menu.work("Powering off", menu.actions.powerOff()),
  },
  {
    action: "firmware",
    keys: ["f"],
    help: "restart into the firmware's set-up, where that can be done (asks first)",
    plain: "f",
    guard: {
      on: "list",
      needs: "firmware",
      otherwise: "This machine's firmware offers no way into its set-up from here.",
      confirm: { title: "Firmware", question: "Restart into the firmware's set-up?" },
      shut: "shell",
      what: () => "the firmware's set-up",
    },
    run: (menu) => menu.work("Restarting into the firmware", menu.actions.firmware!()),
  },
  {
    action: "quit",
    keys: ["q", "C-c", "Q"],
    shown: "q Ctrl-C",
    help: "leave, where Baton was started by hand on a running system",
    plain: "q",
    bar: [3, "quit"],
    guard: { on: "list", needs: "quit", deliberate: true },
    run: ({ actions }) => void actions.quit!(),
  },
];

/** The action of a key. @param own more keys by action, from the configuration: they come first */
export function actionOfKey(
  name: string,
  own: Readonly<Record<string, readonly string[]>> = {},
  table: readonly ActionRow[] = ACTIONS,
): ActionRow | undefined {
  return (
    table.find(({ action }) => Object.hasOwn(own, action) && own[action]!.includes(name)) ??
    table.find(({ keys }) => keys.includes(name))
  );
}

/** The action of a word in the plain menu: its own letter there, or the screen's. */
export function actionOfWord(word: string, table: readonly ActionRow[] = ACTIONS): ActionRow | undefined {
  return table.find(
    ({ plain, keys }) =>
      plain !== undefined && (plain.split(" ")[0] === word || (word.length === 1 && keys.includes(word))),
  );
}

/** `Ctrl-L` of `C-l`, `PgUp` of `pageup`. */
export function keyLabel(name: string): string {
  const short: Readonly<Record<string, string>> = { escape: "Esc", pageup: "PgUp", pagedown: "PgDn" };
  if (name.startsWith("C-")) return `Ctrl-${name.slice(2).toUpperCase()}`;
  if (name.startsWith("M-")) return `Alt-${name.slice(2).toUpperCase()}`;
  return name.length === 1 ? name : (short[name] ?? name[0]!.toUpperCase() + name.slice(1));
}
