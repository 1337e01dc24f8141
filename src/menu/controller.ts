/**
 * What the consoles share: where in the list one is, which page is open, what is being edited; and what each key does
 * to it. One for all consoles: a key pressed on any of them is seen on all. Knows no terminals.
 */

import type { BootEntry } from "../entry.ts";
import { listKey } from "./bindings.ts";
import { applyKey, type EditLine, editLine, lineText } from "./editline.ts";
import { type Edited, EditHistory, EntryEditor } from "./entryeditor.ts";
import type { MenuActions, MenuState, MenuStore } from "./model.ts";
import type { PageName } from "./pages.ts";
import { SearchPage } from "./search.ts";
import { buildTree, type EntryItem, type Item, type Level, pathTo } from "./tree.ts";

/** A page of text; `top` is its first visible row, Infinity for the end. */
export interface TextPage {
  readonly kind: "text";
  readonly name: PageName;
  top: number;
}

export interface ConfirmPage {
  readonly kind: "confirm";
  readonly action: "reboot" | "power-off" | "firmware";
}

/** One line that is asked for. */
export interface PromptPage {
  readonly kind: "prompt";
  readonly title: string;
  /** A password shows as stars. */
  readonly hidden: boolean;
  line: EditLine;
  /** Said below the line: that the last one was wrong. */
  note: string | null;
  readonly enter: (text: string) => void;
}

export type Page = TextPage | EntryEditor | ConfirmPage | PromptPage | SearchPage;

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
  /**
   * Does what can't be taken back, once it is clear that a person pressed the key: not where it is held down, and not
   * where more follows at once, as in a paste or noise. At once where there is no such host.
   */
  deliberately?(action: () => void): void;
}

const PAGE_KEYS: Readonly<Record<string, PageName>> = {
  ...{ h: "help", "?": "help", f1: "help", l: "log", i: "devices", w: "failure" },
};

/** How long a password opens what is shut, after the last key; in milliseconds. */
const UNLOCKED_MS = 300_000;

/** By how much one key changes the countdown. */
const SECONDS_A_KEY = 5;

export class Controller {
  readonly #store: MenuStore;
  readonly #actions: MenuActions;
  /** Keys of the submenus that are open, outermost first. */
  #open: string[] = [];
  /** The selected item's key in each level that was seen. */
  readonly #selected = new Map<string, { key: string; index: number }>();
  /** False until a person has moved: the selection follows the default. */
  #touched = false;
  /** What was edited and booted, by entry and field: a boot that fails keeps the work. */
  readonly #edits = new Map<string, Readonly<Record<string, string>>>();
  readonly #history = new EditHistory();
  #unlockedUntil = 0;
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
    this.#key(name, text, view, host);
    const item = this.selectedItem();
    this.#actions.selected?.(item?.kind === "entry" ? item.entry : null);
  }

  #key(name: string, text: string, view: Viewport, host: ControllerHost): void {
    const { state } = this.#store;
    const isTyping = this.page?.kind === "edit" || this.page?.kind === "prompt" || this.page?.kind === "search";
    // Escape and the next key in one read look like Alt and that key, which means something in the editor alone.
    if (!isTyping && /^M-.$/u.test(name)) {
      this.#key("escape", "", view, host);
      this.#key(name.slice(2), name.slice(2), view, host);
      return;
    }
    const key = isTyping ? name : listKey(name, state.settings.keys);
    if (!isTyping && state.countdown !== null && (key === "+" || key === "-") && this.#actions.addTime) {
      this.#actions.addTime(key === "+" ? SECONDS_A_KEY : -SECONDS_A_KEY);
      return;
    }
    if (state.countdown !== null) this.#actions.stopCountdown();
    if (this.#unlockedUntil > 0 && this.#isUnlocked) this.#unlockedUntil = performance.now() + UNLOCKED_MS;
    if (name === "C-l") {
      host.redraw();
      return;
    }
    if (this.busy !== null || state.progress !== null) {
      if (key === "escape" || key === "C-c") this.#actions.cancel?.();
      return;
    }
    const { page } = this;
    if (page?.kind === "edit") {
      this.#editKey(page, name, text, view, host);
      return;
    }
    if (page?.kind === "prompt") {
      this.#promptKey(page, name, text, view);
      return;
    }
    if (state.message !== null) {
      this.#store.update({ message: null });
      // Whoever reads a failure presses some key to go on; that must not boot anything.
      if (!isMovement(key) && key !== "w") return;
    }
    if (page?.kind === "search") {
      this.#searchKey(page, name, text, view);
      return;
    }
    if (page?.kind === "confirm") {
      this.#confirmKey(page, name, host);
      return;
    }
    if (this.#commonKey(key, host)) return;
    if (page?.kind === "text") this.#pageKey(page, key, view);
    else this.#listKey(key, view, host);
  }

  /** Text that was pasted: typed where a line is edited, and nothing anywhere else. */
  paste(text: string, view: Viewport): void {
    const { page } = this;
    if (this.#store.state.countdown !== null) this.#actions.stopCountdown();
    if (this.busy !== null || this.#store.state.progress !== null) return;
    if (page?.kind !== "edit" && page?.kind !== "prompt" && page?.kind !== "search") return;
    page.line = applyKey(page.line, "", text.trim(), view.columns) ?? page.line;
  }

  /** Keys that mean the same on the list and on every page of text. */
  #commonKey(name: string, host: ControllerHost): boolean {
    const page = PAGE_KEYS[name];
    if (page === "failure" && this.#store.state.failure === null) return true;
    if (page !== undefined) {
      const same = this.page?.kind === "text" && this.page.name === page;
      this.page = same ? null : { kind: "text", name: page, top: page === "log" ? Number.POSITIVE_INFINITY : 0 };
      return true;
    }
    if (name === "R") this.page = { kind: "confirm", action: "reboot" };
    else if (name === "P") this.page = { kind: "confirm", action: "power-off" };
    else if (name === "f" && this.page === null) this.#askFirmware();
    // Pasted text must not end up in a shell that its own first letter opened.
    else if (name === "c") this.#deliberately(host, () => this.#guarded("shell", "a shell", () => host.shell()));
    else if (name === "r") void this.#actions.rescan();
    else if (this.page === null && (name === "q" || name === "C-c") && this.#actions.quit) void this.#actions.quit();
    else return false;
    return true;
  }

  #askFirmware(): void {
    if (this.#actions.firmware) this.page = { kind: "confirm", action: "firmware" };
    else this.#note("This machine's firmware offers no way into its set-up from here.");
  }

  #note(message: string): void {
    this.#store.update({ message, note: message });
  }

  get #isUnlocked(): boolean {
    return performance.now() < this.#unlockedUntil;
  }

  /** Does what the owner may have shut: at once, after the password, or never where there is none. */
  #guarded(what: "editor" | "shell" | "restricted", name: string, action: () => void): void {
    const { settings } = this.#store.state;
    if ((what !== "restricted" && settings[what]) || this.#isUnlocked) {
      action();
      return;
    }
    const { unlock } = this.#actions;
    if (!settings.hasPassword || unlock === undefined) {
      const why = what === "restricted" ? "its bootloader restricts it" : `the configuration says ${what}: no`;
      this.#note(`Not without a password, and the configuration has none: ${name} (${why}).`);
      return;
    }
    const page: PromptPage = {
      kind: "prompt",
      title: `Password for ${name}`,
      hidden: true,
      line: editLine(""),
      note: null,
      enter: (text) => {
        page.line = editLine("");
        page.note = "Looking…";
        void unlock.call(this.#actions, text).then(({ ok, waitMs }) => {
          if (this.page !== page) return;
          if (ok) {
            this.#unlockedUntil = performance.now() + UNLOCKED_MS;
            this.page = null;
            action();
          } else {
            const wait = waitMs > 0 ? ` None is looked at for ${Math.ceil(waitMs / 1000)} s.` : "";
            page.note = `That is not the password.${wait}`;
          }
          this.#store.update({});
        });
      },
    };
    this.page = page;
  }

  #promptKey(page: PromptPage, name: string, text: string, view: Viewport): void {
    if (name === "escape" || name === "C-c" || name === "C-g") this.page = null;
    else if (name === "enter") page.enter(lineText(page.line));
    else page.line = applyKey(page.line, name, text, view.columns) ?? page.line;
  }

  #searchKey(page: SearchPage, name: string, text: string, view: Viewport): void {
    const top = buildTree(this.#store.state.entries);
    const found = page.found(top);
    const step = Math.max(1, view.listRows - 1);
    const moves: Readonly<Record<string, number>> = {
      up: -1,
      down: 1,
      "C-p": -1,
      "C-n": 1,
      pageup: -step,
      pagedown: step,
    };
    if (name === "escape" || name === "C-c" || name === "C-g") this.page = null;
    else if (Object.hasOwn(moves, name)) {
      page.at = Math.max(0, Math.min(found.length - 1, page.selection(top) + moves[name]!));
    } else if (name === "enter" || name === "tab") {
      // It is only selected: what is booted is chosen where all of it is shown.
      const item = found[page.selection(top)];
      this.page = null;
      if (item !== undefined) this.show(item.key);
    } else {
      page.line = applyKey(page.line, name, text, view.columns) ?? page.line;
      page.at = 0;
    }
  }

  /** Opens the submenus around an entry and selects it. */
  show(id: string): void {
    const path = pathTo(buildTree(this.#store.state.entries), id);
    if (path === null) return;
    this.#open = [];
    for (const [depth, key] of path.entries()) {
      const level = this.level();
      this.#select(
        level,
        level.items.findIndex((item) => item.key === key),
      );
      if (depth < path.length - 1) this.#open.push(key);
    }
  }

  #confirmKey(page: ConfirmPage, name: string, host: ControllerHost): void {
    if (name === "y" || name === "Y") {
      this.#deliberately(host, () => {
        if (this.page !== page) return;
        this.page = null;
        if (page.action === "reboot") void this.#run("Rebooting", this.#actions.reboot());
        else if (page.action === "power-off") void this.#run("Powering off", this.#actions.powerOff());
        else if (this.#actions.firmware) void this.#run("Restarting into the firmware", this.#actions.firmware());
      });
    } else if (name === "n" || name === "N" || name === "escape" || name === "q" || name === "C-c") {
      this.page = null;
    }
  }

  #deliberately(host: ControllerHost, action: () => void): void {
    if (host.deliberately) host.deliberately(action);
    else action();
  }

  #pageKey(page: TextPage, name: string, view: Viewport): void {
    const last = Math.max(0, view.pageLength(page.name) - view.pageRows);
    const top = scrollKey(name, Math.min(page.top, last), last, view.pageRows);
    if (top !== null) page.top = top === last && page.name === "log" ? Number.POSITIVE_INFINITY : top;
    else if (isBack(name) || name === "q" || name === "enter") this.page = null;
  }

  #listKey(name: string, view: Viewport, host: ControllerHost): void {
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
    if (name === "n" && this.#actions.openUrl) {
      this.#askUrl();
      return;
    }
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
    if (name === "enter" || name === "right") this.#openItem(level, at, item, name === "enter" ? host : null);
    else if (isBack(name)) this.#back(level, at);
    else if (name === "/") this.page = new SearchPage();
    else if (/^[1-9]$/.test(name) && Number(name) <= level.items.length) this.#select(level, Number(name) - 1);
    else if (name === "e" && item?.kind === "entry") this.#edit(item);
    else if (name === "d" && item?.kind === "entry" && this.#actions.makeDefault) {
      this.#select(level, at);
      void this.#actions.makeDefault(item.entry);
    } else this.#hotkey(level, name);
  }

  #askUrl(): void {
    this.#guarded("editor", "booting from a URL", () => {
      const page: PromptPage = {
        kind: "prompt",
        title: "Boot from a URL",
        hidden: false,
        line: editLine("http://"),
        note: "An iPXE script, a pxelinux or GRUB configuration, or a kernel.",
        enter: (text) => {
          if (!/^[a-z][a-z0-9+.-]*:\/\/[^/\s]\S*$/i.test(text.trim())) {
            page.note = "That is no URL: http://server/path, https:// or tftp://";
            return;
          }
          this.page = null;
          void this.#run(`Fetching ${text.trim()}`, this.#actions.openUrl!(text.trim()));
        },
      };
      this.page = page;
    });
  }

  /** @param host where Enter was pressed: an entry boots; null opens submenus alone */
  #openItem(level: Level, at: number, item: Item | undefined, host: ControllerHost | null): void {
    if (item === undefined) return;
    this.#select(level, at);
    if (item.kind === "submenu") {
      this.#open.push(item.key);
      const inner = item.level;
      // The default's place if it is in there, else the top.
      const preferred = this.defaultKeys(this.#store.state)[inner.path.length];
      const index = inner.items.findIndex((candidate) => candidate.key === preferred);
      if (!this.#selected.has(inner.key)) this.#select(inner, index);
    } else if (host !== null) {
      this.#deliberately(host, () => this.#boot(item.entry));
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
    this.#guarded("editor", `editing ${item.entry.title}`, () => {
      this.page = new EntryEditor(item.entry, this.#history, this.#edits.get(item.key));
    });
  }

  #editKey(page: EntryEditor, name: string, text: string, view: Viewport, host: ControllerHost): void {
    const wish = page.key(name, text, view.columns);
    if (wish === null) return;
    this.#history.add(page.texts.Options!);
    if (wish === "leave") {
      this.page = null;
      return;
    }
    this.#deliberately(host, () => {
      if (this.page !== page) return;
      const edited = page.edited();
      if (edited === null) {
        this.#store.update({});
        return;
      }
      this.page = null;
      this.#edits.set(page.entry.id, page.texts);
      this.#boot(page.entry, edited);
    });
  }

  #boot(entry: BootEntry, edited?: Edited): void {
    if (entry.restricted !== null && !this.#isUnlocked) {
      this.#guarded("restricted", entry.title, () => this.#boot(entry, edited));
      return;
    }
    if (!entry.bootable && edited?.files == null) {
      const reason = entry.reason ?? "the reason is not known";
      this.#store.update({ message: `${entry.title} cannot be booted: ${reason}` });
      return;
    }
    const { boot } = this.#actions;
    const work =
      edited === undefined
        ? boot.call(this.#actions, entry)
        : edited.files === null
          ? boot.call(this.#actions, entry, edited.options)
          : boot.call(this.#actions, entry, edited.options, edited.files);
    void this.#run(`Starting ${entry.title}`, work);
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
