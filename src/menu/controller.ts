/**
 * What the consoles share: where in the list one is, which page is open, what is being edited; and what each key does
 * to it. One for all consoles: a key pressed on any of them is seen on all. Knows no terminals.
 */

import type { BootEntry } from "../entry.ts";
import { applyKey, type EditLine, editLine, lineText } from "./editline.ts";
import type { MenuActions, MenuState, MenuStore } from "./model.ts";
import type { PageName } from "./pages.ts";
import { buildTree, type EntryItem, type Item, type Level, pathTo } from "./tree.ts";

/** A page of text; `top` is its first visible row, Infinity for the end. */
export interface TextPage {
  readonly kind: "text";
  readonly name: PageName;
  top: number;
}

export interface EditPage {
  readonly kind: "edit";
  readonly entry: BootEntry;
  line: EditLine;
}

export interface ConfirmPage {
  readonly kind: "confirm";
  readonly action: "reboot" | "power-off";
}

export type Page = TextPage | EditPage | ConfirmPage;

/** The screen on which a key was pressed. */
export interface Viewport {
  readonly columns: number;
  /** Rows of the list, or of a page's text. */
  readonly listRows: number;
  readonly pageRows: number;
  /** How many rows a page has in all. */
  pageLength(name: PageName | "nothing"): number;
}

/** What a key can't do inside: on consoles, not in the state. */
export interface ControllerHost {
  shell(): void;
  redraw(): void;
}

const PAGE_KEYS: Readonly<Record<string, PageName>> = { h: "help", "?": "help", f1: "help", l: "log", i: "devices" };

export class Controller {
  readonly #store: MenuStore;
  readonly #actions: MenuActions;
  /** Keys of the submenus that are open, outermost first. */
  #open: string[] = [];
  /** The selected item's key in each level that was seen. */
  readonly #selected = new Map<string, { key: string; index: number }>();
  /** False until a person has moved: the selection follows the default. */
  #touched = false;
  /** Command lines that were edited and booted, by entry: a boot that fails keeps the work. */
  readonly #edits = new Map<string, string>();
  page: Page | null = null;
  /** What is going on and can't be stopped by keys: `Starting Debian`. */
  busy: string | null = null;
  /** First row of the devices shown where there is nothing to boot. */
  nothingTop = 0;

  constructor(store: MenuStore, actions: MenuActions) {
    this.#store = store;
    this.#actions = actions;
  }

  /** Whether the menu can be left (`baton menu` on a host). */
  get canQuit(): boolean {
    return this.#actions.quit !== undefined;
  }

  /** The level that is open now; submenus that are gone are left. */
  level(): Level {
    let level = buildTree(this.#store.state.entries);
    for (let depth = 0; depth < this.#open.length; depth++) {
      const below = level.items.find((item) => item.key === this.#open[depth]);
      if (below?.kind !== "submenu") {
        this.#open = this.#open.slice(0, depth);
        break;
      }
      level = below.level;
    }
    return level;
  }

  /** Index of the selected item in the open level; 0 where it is empty. */
  selection(level: Level = this.level()): number {
    const { state } = this.#store;
    const known = this.#selected.get(level.key);
    if (known === undefined || !this.#touched) {
      // Before anybody moves, the default is selected; and so it is where a submenu is opened for the first time.
      const preferred = this.defaultKeys(state)[level.path.length];
      const index = preferred === undefined ? -1 : level.items.findIndex((item) => item.key === preferred);
      return Math.max(0, index);
    }
    if (level.items[known.index]?.key === known.key) return known.index;
    const index = level.items.findIndex((item) => item.key === known.key);
    known.index = index >= 0 ? index : Math.max(0, Math.min(known.index, level.items.length - 1));
    return known.index;
  }

  #defaultFor: MenuState["entries"] | null = null;
  #defaultId: string | null = null;
  #defaultKeys: readonly string[] = [];

  /** Keys of the default entry and of the submenus around it, outermost first; empty where there is none. */
  defaultKeys(state: MenuState): readonly string[] {
    if (this.#defaultFor !== state.entries || this.#defaultId !== state.defaultId) {
      const id = state.defaultId ?? state.entries.find((entry) => entry.isDefault)?.id ?? null;
      this.#defaultKeys = id === null ? [] : (pathTo(buildTree(state.entries), id) ?? []);
      this.#defaultFor = state.entries;
      this.#defaultId = state.defaultId;
    }
    return this.#defaultKeys;
  }

  selectedItem(): Item | undefined {
    const level = this.level();
    return level.items[this.selection(level)];
  }

  #select(level: Level, index: number): void {
    const at = Math.max(0, Math.min(level.items.length - 1, index));
    const item = level.items[at];
    if (!this.#touched) {
      // From here on every level keeps its own selection; the ones above are where the default led.
      this.#touched = true;
      this.#selected.clear();
    }
    if (item !== undefined) this.#selected.set(level.key, { key: item.key, index: at });
  }

  /** A key of any console. */
  key(name: string, text: string, view: Viewport, host: ControllerHost): void {
    // Escape and the next key in one read look like Alt and that key, which means something in the editor alone.
    if (this.page?.kind !== "edit" && /^M-.$/u.test(name)) {
      this.key("escape", "", view, host);
      this.key(name.slice(2), name.slice(2), view, host);
      return;
    }
    const { state } = this.#store;
    if (state.countdown !== null) this.#actions.stopCountdown();
    if (name === "C-l") {
      host.redraw();
      return;
    }
    if (this.busy !== null || state.progress !== null) return;
    if (this.page?.kind === "edit") {
      this.#editKey(this.page, name, text, view);
      return;
    }
    if (state.message !== null) {
      this.#store.update({ message: null });
      // Whoever reads a failure presses some key to go on; that must not boot anything.
      if (!isMovement(name)) return;
    }
    if (this.page?.kind === "confirm") {
      this.#confirmKey(this.page, name);
      return;
    }
    if (this.#commonKey(name, host)) return;
    if (this.page?.kind === "text") this.#pageKey(this.page, name, view);
    else this.#listKey(name, view);
  }

  /** Keys that mean the same on the list and on every page of text. */
  #commonKey(name: string, host: ControllerHost): boolean {
    const page = PAGE_KEYS[name];
    if (page !== undefined) {
      const same = this.page?.kind === "text" && this.page.name === page;
      this.page = same ? null : { kind: "text", name: page, top: page === "log" ? Number.POSITIVE_INFINITY : 0 };
      return true;
    }
    if (name === "R") this.page = { kind: "confirm", action: "reboot" };
    else if (name === "P") this.page = { kind: "confirm", action: "power-off" };
    else if (name === "c") host.shell();
    else if (name === "r") void this.#actions.rescan();
    else if (this.page === null && (name === "q" || name === "C-c") && this.#actions.quit) void this.#actions.quit();
    else return false;
    return true;
  }

  #confirmKey(page: ConfirmPage, name: string): void {
    if (name === "y" || name === "Y") {
      this.page = null;
      if (page.action === "reboot") void this.#run("Rebooting", this.#actions.reboot());
      else void this.#run("Powering off", this.#actions.powerOff());
    } else if (name === "n" || name === "N" || name === "escape" || name === "q" || name === "C-c") {
      this.page = null;
    }
  }

  #pageKey(page: TextPage, name: string, view: Viewport): void {
    const last = Math.max(0, view.pageLength(page.name) - view.pageRows);
    const top = scrollKey(name, Math.min(page.top, last), last, view.pageRows);
    if (top !== null) page.top = top === last && page.name === "log" ? Number.POSITIVE_INFINITY : top;
    else if (isBack(name) || name === "q" || name === "enter") this.page = null;
  }

  #listKey(name: string, view: Viewport): void {
    const level = this.level();
    const at = this.selection(level);
    const step = Math.max(1, view.listRows - 1);
    const moves: Readonly<Record<string, number>> = {
      up: at - 1,
      k: at - 1,
      "C-p": at - 1,
      down: at + 1,
      j: at + 1,
      "C-n": at + 1,
      pageup: at - step,
      "C-b": at - step,
      pagedown: at + step,
      "C-f": at + step,
      home: 0,
      g: 0,
      end: level.items.length - 1,
      G: level.items.length - 1,
    };
    if (level.items.length === 0) {
      const last = Math.max(0, view.pageLength("nothing") - view.listRows);
      this.nothingTop = scrollKey(name, Math.min(this.nothingTop, last), last, view.listRows) ?? this.nothingTop;
      return;
    }
    const target = Object.hasOwn(moves, name) ? moves[name] : undefined;
    if (target !== undefined) {
      this.#select(level, target);
      return;
    }
    const item = level.items[at];
    if (name === "enter" || name === "right") this.#openItem(level, at, item, name === "enter");
    else if (isBack(name)) this.#back(level, at);
    else if (name === "e" && item?.kind === "entry") this.#edit(item);
    else this.#hotkey(level, name);
  }

  #openItem(level: Level, at: number, item: Item | undefined, boot: boolean): void {
    if (item === undefined) return;
    this.#select(level, at);
    if (item.kind === "submenu") {
      this.#open.push(item.key);
      const inner = item.level;
      // The default's place if it is in there, else the top.
      const preferred = this.defaultKeys(this.#store.state)[inner.path.length];
      const index = inner.items.findIndex((candidate) => candidate.key === preferred);
      if (!this.#selected.has(inner.key)) this.#select(inner, index);
    } else if (boot) {
      this.#boot(item.entry);
    }
  }

  #back(level: Level, at: number): void {
    if (this.#open.length === 0) return;
    this.#select(level, at);
    const left = this.#open.pop()!;
    const outer = this.level();
    const index = outer.items.findIndex((item) => item.key === left);
    if (index >= 0) this.#select(outer, index);
  }

  /** A key that the configuration gave an entry selects it, where the menu itself has no use for that key. */
  #hotkey(level: Level, name: string): void {
    const index = level.items.findIndex((item) => item.kind === "entry" && item.entry.hotkey === name);
    if (index >= 0) this.#select(level, index);
  }

  #edit(item: EntryItem): void {
    this.page = {
      kind: "edit",
      entry: item.entry,
      line: editLine(this.#edits.get(item.key) ?? item.entry.options),
    };
  }

  #editKey(page: EditPage, name: string, text: string, view: Viewport): void {
    if (name === "escape" || name === "C-c" || name === "C-g") {
      this.page = null;
    } else if (name === "enter" || name === "C-x") {
      this.page = null;
      const options = lineText(page.line);
      this.#edits.set(page.entry.id, options);
      this.#boot(page.entry, options);
    } else {
      page.line = applyKey(page.line, name, text, view.columns) ?? page.line;
    }
  }

  #boot(entry: BootEntry, options?: string): void {
    if (!entry.bootable) {
      const reason = entry.reason ?? "the reason is not known";
      this.#store.update({ message: `${entry.title} cannot be booted: ${reason}` });
      return;
    }
    const boot = options === undefined ? this.#actions.boot(entry) : this.#actions.boot(entry, options);
    void this.#run(`Starting ${entry.title}`, boot);
  }

  /** Keys wait while it runs. */
  async #run(what: string, work: Promise<void>): Promise<void> {
    this.busy = what;
    try {
      await work;
    } catch (error) {
      // MenuActions promise not to reject; a menu that would be stuck here is worse than a message too many.
      this.#store.update({ message: error instanceof Error ? error.message : String(error) });
    } finally {
      this.busy = null;
      this.#store.update({});
    }
  }
}

function isBack(name: string): boolean {
  return name === "escape" || name === "left" || name === "backspace";
}

function isMovement(name: string): boolean {
  return /^(up|down|pageup|pagedown|home|end|[jkgG])$/.test(name);
}

/** @returns the new first row, or null where the key doesn't scroll. */
function scrollKey(name: string, top: number, last: number, page: number): number | null {
  const step = Math.max(1, page - 1);
  const targets: Readonly<Record<string, number>> = {
    up: top - 1,
    k: top - 1,
    "C-p": top - 1,
    down: top + 1,
    j: top + 1,
    "C-n": top + 1,
    pageup: top - step,
    "C-b": top - step,
    b: top - step,
    pagedown: top + step,
    "C-f": top + step,
    " ": top + step,
    home: 0,
    g: 0,
    end: last,
    G: last,
  };
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
  return target === undefined ? null : Math.max(0, Math.min(last, target));
}
