/** From menus to entries: every body is run as it would be at its selection, and submenus are opened. */

import { type ParsedEntry, parsedEntry, type StateWrite } from "../../entry.ts";
import { BudgetExceeded } from "./budget.ts";
import { signatureCheck } from "./commands/checks.ts";
import { splitUsers } from "./commands/menu.ts";
import { mergeWrites } from "./commands/variables.ts";
import type { Environment } from "./environment.ts";
import type { Interpreter } from "./interpreter.ts";
import { BootPlan, Menu, type MenuItem, type ShownMenu } from "./menu.ts";
import { findFallbacks, findItem, isIndex, splitDefault } from "./selection.ts";

/** A menu whose items were run. */
export interface ListedMenu {
  readonly env: Environment;
  readonly items: readonly ListedItem[];
}

/** One item: an entry of the list, or a submenu. */
interface ListedItem {
  readonly item: MenuItem;
  /** Index in the list; null for a submenu. */
  readonly index: number | null;
  readonly submenu: ListedMenu | null;
}

/** What the menus around an entry add to it. */
interface Surroundings {
  readonly submenu: readonly string[];
  /** `$chosen` of the submenu, null at the top. */
  readonly chosen: string | null;
  readonly writes: readonly StateWrite[];
  /** Who may open the submenus around it; null where anybody may. */
  readonly users: readonly string[] | null;
  /** Items that were chosen to come here. */
  readonly choices: readonly MenuItem[];
  /** Menus of whole configurations that are open here. */
  readonly menus: readonly OpenMenu[];
}

/** A configuration's menu while it is open, and the variables with which it is shown. */
interface OpenMenu {
  readonly ref: string;
  readonly state: string;
}

export const openMenu = ({ ref, env }: Pick<ShownMenu, "ref" | "env">): OpenMenu => ({ ref, state: env.state(false) });

/**
 * One configuration's menu inside itself: a language menu opens the main menu anew with another value, and so does a
 * keyboard menu. Both ways inside each other would be every language with every keyboard.
 */
const MAX_REOPENED = 2;

export const TOP: Surroundings = { submenu: [], chosen: null, writes: [], users: null, choices: [], menus: [] };

/** Collects the entries of a configuration in the order in which GRUB shows them. */
export class Listing {
  readonly entries: ParsedEntry[] = [];
  readonly #run: Interpreter;
  #isFull = false;
  #submenus = 0;

  constructor(run: Interpreter) {
    this.#run = run;
  }

  async list(menu: Menu, env: Environment, around: Surroundings): Promise<ListedMenu> {
    const items: ListedItem[] = [];
    for (const item of menu.items) {
      if (this.#isFull) break;
      if (this.#run.budget.isSpent) {
        this.#isFull = true;
        this.#run.say(
          "error",
          item.at,
          `entries from here on are not read: those before them took too much time or memory`,
          item.source,
        );
        break;
      }
      const breath = this.#run.budget.breathe();
      if (breath !== undefined) await breath;
      const listed = this.#item(item, env, around);
      items.push(listed instanceof Promise ? await listed : listed);
      const end = this.#run.budget.list.sayEnd();
      if (end !== null) {
        this.#isFull = true;
        this.#run.say("error", item.at, end, item.source);
      }
    }
    return { env, items };
  }

  #item(item: MenuItem, env: Environment, around: Surroundings): ListedItem | Promise<ListedItem> {
    const run = this.#run;
    const saved = { env: run.env, menu: run.menu, plan: run.plan, shown: run.shown };
    run.env = item.isSubmenu ? env.context() : env.overlay();
    run.menu = new Menu();
    run.plan = new BootPlan();
    run.shown = [];
    const id = (item.id ?? item.title).replaceAll(">", ">>");
    const chosen = around.chosen === null ? id : `${around.chosen}>${id}`;
    run.env.set("chosen", chosen);
    if (item.isSubmenu) run.env.export("chosen");
    run.budget.beginEntry();
    const restore = (): Opened => {
      const opened = { env: run.env, menu: run.menu, plan: run.plan, shown: run.shown };
      run.budget.endEntry();
      Object.assign(run, saved);
      return opened;
    };
    const failed = (error: unknown): Opened => {
      const opened = restore();
      if (!(error instanceof BudgetExceeded)) throw error;
      run.say(
        "error",
        item.at,
        `${item.isSubmenu ? "submenu" : "menuentry"} "${item.title}": ${error.message}`,
        item.source,
      );
      opened.plan.reason = error.message;
      return opened;
    };
    try {
      const status = run.nested(() => run.runBlock(item.block, item.args));
      if (typeof status !== "number") {
        return status.then(restore, failed).then((opened) => this.#finish(item, opened, around, chosen));
      }
    } catch (error) {
      return this.#finish(item, failed(error), around, chosen);
    }
    return this.#finish(item, restore(), around, chosen);
  }

  #finish(item: MenuItem, opened: Opened, around: Surroundings, chosen: string): ListedItem | Promise<ListedItem> {
    const shown = opened.plan.kind === null ? opened.shown : [];
    const again = shown.find((each) => isOpen(openMenu(each), around.menus));
    if (again !== undefined) opened.plan.reason = `the menu that it opens, ${again.ref}, is this one`;
    else if (item.isSubmenu || shown.length > 0) return this.#open(item, opened, shown, around, chosen);
    // A blank line between entries, or what a key does: $default counts it, the menu doesn't show it.
    const isSeparator = opened.plan.kind === null && (item.title.trim() === "" || item.isHidden === true);
    if (isSeparator) return { item, index: null, submenu: null };
    const entry = this.#entry(item, opened, around);
    if (!this.#run.budget.list.admit(entry)) return { item, index: null, submenu: null };
    this.entries.push(entry);
    return { item, index: this.entries.length - 1, submenu: null };
  }

  async #open(
    item: MenuItem,
    opened: Opened,
    shown: readonly ShownMenu[],
    around: Surroundings,
    chosen: string,
  ): Promise<ListedItem> {
    const { limits } = this.#run.budget;
    if (around.submenu.length >= limits.menuDepth) {
      this.#run.say(
        "error",
        item.at,
        `submenus more than ${limits.menuDepth} deep; "${item.title}" is left out`,
        item.source,
      );
      return { item, index: null, submenu: null };
    }
    if (++this.#submenus > limits.submenus) {
      this.#run.say("error", null, `more than ${limits.submenus} submenus; the others are left out`, item.source);
      return { item, index: null, submenu: null };
    }
    // A choice that leads back to itself has nothing new behind it.
    const isSame = ({ source, at, title }: MenuItem): boolean =>
      source.name === item.source.name && at === item.at && title === item.title;
    if (shown.length > 0 && around.choices.some(isSame)) return { item, index: null, submenu: null };
    // GRUB asks before it opens a submenu (grub-core/normal/menu.c, grub_menu_execute_entry): all in it is behind that.
    const users = restriction(item, this.#run.env.get("superusers"));
    const inside: Surroundings = {
      users: whoPasses(around.users, users),
      submenu: [...around.submenu, item.title],
      chosen,
      writes: [...around.writes, ...opened.plan.writes],
      choices: [...around.choices, item],
      menus: around.menus,
    };
    const menus: ListedMenu[] = [];
    for (const each of shown) {
      if (around.menus.filter(({ ref }) => ref === each.ref).length >= MAX_REOPENED) continue;
      const open = { ...inside, menus: [...around.menus, openMenu(each)] };
      menus.push(await this.list(each.menu, each.env, open));
    }
    if (item.isSubmenu && opened.menu.items.length > 0) menus.push(await this.list(opened.menu, opened.env, inside));
    const [first] = menus;
    if (first === undefined) return { item, index: null, submenu: null };
    return { item, index: null, submenu: { env: first.env, items: menus.flatMap(({ items }) => items) } };
  }

  #entry(item: MenuItem, { plan, env }: Opened, around: Surroundings): ParsedEntry {
    const { kind, linux, options, initrd, devicetree, modules } = plan;
    const unchecked = item.unchecked ?? plan.unchecked ?? signatureCheck(env);
    const isMultiboot = kind === "multiboot" || kind === "multiboot2";
    return parsedEntry({
      type: "grub",
      nativeId: item.id,
      title: item.title,
      submenu: around.submenu,
      source: item.source.name,
      kind: kind ?? "other",
      linux,
      initrd,
      devicetree,
      modules,
      options: kind === "linux" || isMultiboot ? options : "",
      reason: plan.reason ?? (kind === null ? (plan.unchecked ?? "it loads nothing that could be started") : null),
      writes: around.writes.length === 0 ? mergeWrites(plan.writes) : mergeWrites([...around.writes, ...plan.writes]),
      restricted: whoPasses(around.users, restriction(item, env.get("superusers"))),
      hotkey: item.hotkey,
      ...(unchecked === null ? {} : { unchecked }),
      ...(plan.program === null ? {} : { program: plan.program }),
      ...(item.tool === undefined ? {} : { tool: item.tool }),
      ...(plan.initrdNames.some((name) => name !== null) ? { initrdNames: plan.initrdNames } : {}),
    });
  }
}

const isOpen = (menu: OpenMenu, among: readonly OpenMenu[]): boolean =>
  among.some(({ ref, state }) => ref === menu.ref && state === menu.state);

interface Opened {
  readonly env: Environment;
  readonly menu: Menu;
  readonly plan: BootPlan;
  readonly shown: readonly ShownMenu[];
}

/** Without superusers GRUB asks nobody for a password. */
function restriction(item: MenuItem, superusers: string | undefined): string[] | null {
  if (superusers === undefined || item.users === null) return null;
  return [...new Set([...splitUsers(superusers), ...item.users])];
}

/** Who gets past both questions; null where nobody is asked. */
function whoPasses(outer: readonly string[] | null, inner: readonly string[] | null): readonly string[] | null {
  if (outer === null || inner === null) return outer ?? inner;
  return inner.filter((user) => outer.includes(user));
}

/** What `$default` and `$fallback` count and name: openSUSE's hidden entries are not among it. */
function countedItems({ items }: ListedMenu): readonly ListedItem[] {
  return items.filter(({ item }) => item.isHidden !== true);
}

const asNamed = (items: readonly ListedItem[]): MenuItem[] => items.map(({ item }) => item);

/**
 * openSUSE puts a note before the menu of a snapshot that was chosen to start from; a default that is a number, or none
 * at all, doesn't count it.
 */
function hasSnapshotNote(items: readonly ListedItem[]): boolean {
  const first = items[0]?.item;
  return items.length > 1 && first?.isSubmenu === true && first.title.startsWith("Bootable snapshot");
}

/** The entries that `$fallback` names, as indexes in the list. */
export function fallbackEntries(menu: ListedMenu, value: string): number[] {
  const items = countedItems(menu);
  return findFallbacks(asNamed(items), value)
    .map((at) => defaultEntry({ env: menu.env, items: [items[at]!] }, "0").index)
    .filter((index) => index !== null);
}

/**
 * The entry that GRUB starts for a `$default`: where it names a submenu, that menu's own default.
 * @returns null where the menu has no entry at all.
 */
export function defaultEntry(menu: ListedMenu, value: string): { index: number | null; isNamed: boolean } {
  let isNamed = true;
  let rest = value;
  let level: ListedMenu = menu;
  for (;;) {
    const { first, rest: inside } = splitDefault(rest);
    const items = countedItems(level);
    let at = first === "" ? -1 : findItem(asNamed(items), first);
    // What isn't there is the first one, in GRUB.
    if (at === -1 && (first !== "" || level === menu)) isNamed = false;
    const isShifted = hasSnapshotNote(items) && (at === -1 || (at < items.length - 1 && isIndex(first)));
    at = Math.max(at, 0) + (isShifted ? 1 : 0);
    const listed = items[at];
    if (listed === undefined) return { index: null, isNamed: false };
    if (listed.index !== null) return { index: listed.index, isNamed };
    if (listed.submenu === null) return { index: null, isNamed: false };
    level = listed.submenu;
    rest = inside !== "" ? inside : (level.env.get("default") ?? "");
  }
}
