/**
 * What each key does to what the consoles share: the position in the list (position.ts), the page that is open, what
 * is being edited. One for all consoles: a key pressed on any of them is seen on all. Knows no terminals.
 */

import type { BootEntry } from "../entry.ts";
import { listKey } from "./bindings.ts";
import { applyKey } from "./editline.ts";
import { type Edited, EditHistory, EntryEditor } from "./entryeditor.ts";
import { Guard, type Guarded } from "./guard.ts";
import type { MenuActions, MenuStore } from "./model.ts";
import { move, scroll } from "./moves.ts";
import type { PageName } from "./pages.ts";
import { nextLocked, passphrasePage } from "./passphrase.ts";
import { Position } from "./position.ts";
import { PromptPage } from "./prompt.ts";
import { SearchPage } from "./search.ts";
import { buildTree, type EntryItem, type Item, type Level } from "./tree.ts";

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

/** By how much one key changes the countdown. */
const SECONDS_A_KEY = 5;

export class Controller {
  readonly position: Position;
  readonly #store: MenuStore;
  readonly #actions: MenuActions;
  readonly #guard: Guard;
  /** What was edited and booted, by entry and field: a boot that fails keeps the work. */
  readonly #edits = new Map<string, Readonly<Record<string, string>>>();
  readonly #history = new EditHistory();
  page: Page | null = null;
  /** The encrypted device whose passphrase was asked for last. */
  #asked: string | null = null;
  /** What is going on and can't be stopped by keys: `Starting Debian`. */
  busy: string | null = null;
  /** First row of the devices shown where there is nothing to boot. */
  nothingTop = 0;

  constructor(store: MenuStore, actions: MenuActions) {
    this.#store = store;
    this.#actions = actions;
    this.#guard = new Guard(store, actions);
    this.position = new Position(store);
  }

  /** Whether the menu can be left (`baton menu` on a host). */
  get canQuit(): boolean {
    return this.#actions.quit !== undefined;
  }

  /** True where keys are typed into a line. */
  get isTyping(): boolean {
    return this.page?.kind === "edit" || this.page?.kind === "prompt" || this.page?.kind === "search";
  }

  /** A key of any console. */
  key(name: string, text: string, view: Viewport, host: ControllerHost): void {
    this.#key(name, text, view, host);
    const item = this.position.selectedItem();
    this.#actions.selected?.(item?.kind === "entry" ? item.entry : null);
  }

  #key(name: string, text: string, view: Viewport, host: ControllerHost): void {
    const { state } = this.#store;
    const { isTyping } = this;
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
    this.#guard.extend();
    if (name === "C-l") {
      host.redraw();
      return;
    }
    if (this.busy !== null || state.progress !== null) {
      if (key === "escape" || key === "C-c") this.#actions.cancel?.();
      return;
    }
    const { page } = this;
    if (page?.kind === "edit") this.#editKey(page, name, text, view, host);
    else if (page?.kind === "prompt") {
      if (page.key(name, text, view.columns)) this.page = null;
    } else if (state.message !== null && !this.#readMessage(key)) {
      // It only closed the message.
    } else if (page?.kind === "search") this.#searchKey(page, name, text, view);
    else if (page?.kind === "confirm") this.#confirmKey(page, name, host);
    else if (this.#commonKey(key, host)) return;
    else if (page?.kind === "text") this.#pageKey(page, key, view);
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

  /**
   * Closes the message. Whoever reads why a boot failed presses some key to go on; that must not boot anything.
   * @returns whether the key does what it does without a message
   */
  #readMessage(key: string): boolean {
    this.#store.update({ message: null });
    return key === "w" || move(key, 0, 0, 1) !== null;
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
    else if (name === "u") this.#askPassphrase();
    else if (this.page === null && (name === "q" || name === "C-c") && this.#actions.quit) void this.#actions.quit();
    else return false;
    return true;
  }

  #askPassphrase(): void {
    const { unlockDevice } = this.#actions;
    const { devices } = this.#store.state;
    const device = nextLocked(devices, this.#asked);
    if (device === null || unlockDevice === undefined) {
      this.#note("No encrypted device waits for a passphrase.");
      return;
    }
    this.#asked = device.name;
    const others = devices.filter(({ isLocked }) => isLocked === true).length - 1;
    this.page = passphrasePage(device, others, unlockDevice.bind(this.#actions), {
      isOpen: (page) => this.page === page,
      close: () => {
        this.page = null;
      },
      note: (message) => this.#note(message),
      redraw: () => this.#store.update({}),
    });
  }

  #askFirmware(): void {
    if (this.#actions.firmware) this.page = { kind: "confirm", action: "firmware" };
    else this.#note("This machine's firmware offers no way into its set-up from here.");
  }

  #note(message: string): void {
    this.#store.update({ message, note: message });
  }

  /** Does what the owner may have shut: at once, after the password, or never where there is none. */
  #guarded(what: Guarded, name: string, action: () => void): void {
    const answer = this.#guard.check(what, name);
    if (answer === "free") action();
    else if (answer !== "ask") this.#note(answer.refusal);
    else {
      this.page = new PromptPage({ title: `Password for ${name}`, hidden: true }, (text, page) => {
        page.clear("Looking…");
        void this.#guard.tryPassword(text).then((problem) => {
          if (this.page !== page) return;
          page.note = problem;
          if (problem === null) {
            this.page = null;
            action();
          }
          this.#store.update({});
        });
      });
    }
  }

  #searchKey(page: SearchPage, name: string, text: string, view: Viewport): void {
    const top = buildTree(this.#store.state.entries);
    const wish = page.key(name, text, top, view);
    if (wish === null) return;
    this.page = null;
    // It is only selected: what is booted is chosen where all of it is shown.
    const item = page.found(top)[page.selection(top)];
    if (wish === "select" && item !== undefined) this.position.show(item.key);
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
    const top = scroll(name, Math.min(page.top, last), last, view.pageRows);
    if (top !== null) page.top = top === last && page.name === "log" ? Number.POSITIVE_INFINITY : top;
    else if (isBack(name) || name === "q" || name === "enter") this.page = null;
  }

  #listKey(name: string, view: Viewport, host: ControllerHost): void {
    const { position } = this;
    const level = position.level();
    if (name === "n" && this.#actions.openUrl) {
      this.#askUrl();
      return;
    }
    if (level.items.length === 0) {
      const last = Math.max(0, view.pageLength("nothing") - view.listRows);
      this.nothingTop = scroll(name, Math.min(this.nothingTop, last), last, view.listRows) ?? this.nothingTop;
      return;
    }
    const at = position.selection(level);
    const target = move(name, at, level.items.length - 1, view.listRows);
    if (target !== null) {
      position.select(target, level);
      return;
    }
    const item = level.items[at];
    if (name === "enter" || name === "right") this.#openItem(level, at, item, name === "enter" ? host : null);
    else if (isBack(name)) position.back();
    else if (name === "/") this.page = new SearchPage();
    else if (/^[1-9]$/.test(name) && Number(name) <= level.items.length) position.select(Number(name) - 1, level);
    else if (name === "e" && item?.kind === "entry") this.#edit(item);
    else if (name === "d" && item?.kind === "entry" && this.#actions.makeDefault) {
      position.select(at, level);
      void this.#actions.makeDefault(item.entry);
    } else this.#hotkey(level, name);
  }

  #askUrl(): void {
    this.#guarded("editor", "booting from a URL", () => {
      const note = "An iPXE script, a pxelinux or GRUB configuration, or a kernel.";
      this.page = new PromptPage({ title: "Boot from a URL", text: "http://", note }, (text, page) => {
        const url = text.trim();
        if (!/^[a-z][a-z0-9+.-]*:\/\/[^/\s]\S*$/i.test(url)) {
          page.note = "That is no URL: http://server/path, https:// or tftp://";
          return;
        }
        this.page = null;
        void this.#run(`Fetching ${url}`, this.#actions.openUrl!(url));
      });
    });
  }

  /** @param host where Enter was pressed: an entry boots; null opens submenus alone */
  #openItem(level: Level, at: number, item: Item | undefined, host: ControllerHost | null): void {
    if (item === undefined) return;
    this.position.select(at, level);
    if (item.kind === "submenu") this.position.open();
    else if (host !== null) this.#deliberately(host, () => this.#boot(item.entry));
  }

  /** A key that the configuration gave an entry selects it, where the menu itself has no use for that key. */
  #hotkey(level: Level, name: string): void {
    const index = level.items.findIndex((item) => item.kind === "entry" && item.entry.hotkey === name);
    if (index >= 0) this.position.select(index, level);
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
    if (entry.restricted !== null && !this.#guard.isUnlocked) {
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
    if (entry.opens === undefined) void this.#run(`Starting ${entry.title}`, work);
    else void this.#run(`Reading ${entry.title}`, work).then(() => this.#showOpened(entry));
  }

  /** What has taken the place of an entry that was opened: its submenu, at the first of what is in it. */
  #showOpened({ config, submenu, title }: BootEntry): void {
    const path = [...submenu, title];
    const isInside = (other: BootEntry): boolean =>
      other.config === config && path.every((name, depth) => other.submenu[depth] === name);
    const first = this.#store.state.entries.find(isInside);
    if (first !== undefined) this.position.show(first.id);
    this.#store.update({});
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
