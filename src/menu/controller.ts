/**
 * What each key does to what the consoles share: the position in the list (position.ts), the page that is open, what
 * is being edited. One for all consoles: a key pressed on any of them is seen on all. Knows no terminals.
 */

import { type BootEntry, type Question, shownAddress } from "../entry.ts";
import { type ActionGuard, type ActionRow, actionOfKey, BOOT_GUARD, type MenuFront, type PageName } from "./actions.ts";
import { applyKey } from "./editline.ts";
import { type Edited, EditHistory, EntryEditor } from "./entryeditor.ts";
import { Guard, type GuardFront } from "./guard.ts";
import { guardPages, type PageHolder } from "./guardpages.ts";
import type { MenuActions, MenuStore } from "./model.ts";
import { move } from "./moves.ts";
import type { ConfirmPage, ControllerHost, Page, TextPage, Viewport } from "./page.ts";
import { nextLocked, passphrasePage } from "./passphrase.ts";
import { Position } from "./position.ts";
import { askInTurn, type PromptPage, urlPage } from "./prompt.ts";
import { SearchPage } from "./search.ts";
import { TIMERS, type Timers } from "./timers.ts";
import { buildTree, type Level } from "./tree.ts";

const TOO_FAST = "That Enter came with text that nobody types so fast. Once more goes on.";

export class Controller implements PageHolder {
  readonly position: Position;
  readonly #store: MenuStore;
  readonly #actions: MenuActions;
  readonly #guard: Guard;
  /** What was edited and booted, by entry and field: a boot that fails keeps the work. */
  readonly #edits = new Map<string, Readonly<Record<string, string>>>();
  readonly #history = new EditHistory();
  page: Page | null = null;
  /**
   * A question, or a page that a password opens or has opened, and its console: what is typed on another doesn't reach
   * it, but for Escape, which closes it.
   */
  #private: { readonly page: Page; readonly host: ControllerHost } | null = null;
  /** The encrypted device whose passphrase was asked for last. */
  #asked: string | null = null;
  /** What is going on and can't be stopped by keys: `Starting Debian`. */
  busy: string | null = null;
  /** The last key was taken for nobody's: it came too close behind another one. */
  isTooFast = false;
  /** First row of the devices shown where there is nothing to boot. */
  nothingTop = 0;

  constructor(store: MenuStore, actions: MenuActions, timers: Timers = TIMERS) {
    this.#store = store;
    this.#actions = actions;
    this.#guard = new Guard(store, actions, timers);
    this.position = new Position(store);
  }

  /** Whether the session has what an action needs. */
  can(guard: ActionGuard = {}): boolean {
    return guard.needs === undefined || this.#actions[guard.needs] !== undefined;
  }

  /** True where keys are typed into a line. */
  get isTyping(): boolean {
    return this.page?.kind === "edit" || this.page?.kind === "prompt" || this.page?.kind === "search";
  }

  /** A key of any console. */
  key(name: string, text: string, view: Viewport, host: ControllerHost): void {
    this.isTooFast = false;
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
    const row = actionOfKey(name, isTyping ? {} : state.settings.keys);
    if (!isTyping && row?.keepsCountdown && this.#act(row, host)) return;
    if (state.countdown !== null) this.#actions.stopCountdown();
    this.#actions.attended?.();
    this.#guard.extend(host.console);
    if (row?.anytime && this.#act(row, host)) return;
    if (this.busy !== null || state.progress !== null) {
      if (name === "escape" || name === "C-c" || state.settings.keys.back?.includes(name)) this.#actions.cancel?.();
      return;
    }
    const { page } = this;
    if (!this.#isFor(host.console)) {
      if (name === "escape" || name === "C-c") this.page = null;
      return;
    }
    if (page?.kind === "edit") this.#editKey(page, name, text, view, host);
    else if (page?.kind === "prompt") this.#promptKey(page, name, text, view, host);
    else if (state.message !== null && !this.#closeMessage(row)) {
      // It only closed the message.
    } else if (page?.kind === "search") this.#searchKey(page, name, text, view);
    else if (page?.kind === "confirm") this.#confirmKey(page, name, host);
    else if (row !== undefined && row.step === undefined && this.#act(row, host)) return;
    else if (page?.kind === "text") this.#pageKey(page, name, row, view);
    else this.#listKey(name, row, view);
  }

  /** @returns false where the action means nothing here */
  #act(row: ActionRow, host: ControllerHost): boolean {
    const { guard = {}, run } = row;
    const { page } = this;
    const item = this.position.selectedItem();
    const entry = page === null && item?.kind === "entry" ? item.entry : null;
    const isHere = {
      list: page === null,
      item: page === null && item !== undefined,
      entry: entry !== null,
      countdown: this.#store.state.countdown !== null,
    };
    if (guard.on !== undefined && !isHere[guard.on]) return false;
    return this.#pass(guard, entry, host, () => run?.(this.#front(host), "", entry));
  }

  #pass(guard: ActionGuard, entry: BootEntry | null, host: ControllerHost, action: () => void): boolean {
    return this.#guard.pass(guard, entry, guardPages(this, host), action);
  }

  /** Whether the page that is open, if any, takes what is typed on that console. */
  #isFor(console: object | undefined): boolean {
    return this.page === null || this.#private?.page !== this.page || this.#private.host.console === console;
  }

  /** The name of the console that alone answers the page that is open, where that is another; else null. */
  elsewhere(console: object | undefined): string | null {
    return this.#isFor(console) ? null : (this.#private?.host.name ?? "another console");
  }

  /** Opens a page that the host's console alone answers. */
  openFor(host: ControllerHost, page: Page): void {
    this.page = page;
    this.#private = { page, host };
  }

  /** Opens a page that a password may have opened. */
  #openShut(page: Page, entry: BootEntry | null, host: ControllerHost): void {
    this.page = page;
    if (this.#guard.isShut({ shut: "editor" }, entry)) this.openFor(host, page);
  }

  #front(host: ControllerHost): MenuFront {
    const { position } = this;
    return {
      actions: this.#actions,
      open: () => position.open(),
      back: () => position.back(),
      boot: (entry) => {
        position.select(position.selection());
        this.#boot(entry, undefined, host);
      },
      edit: (entry) => {
        this.#openShut(new EntryEditor(entry, this.#history, this.#edits.get(entry.id)), entry, host);
      },
      search: () => {
        this.page = new SearchPage();
      },
      openUrl: () => {
        const fetch = (url: string): void => {
          this.page = null;
          void this.#run(`Fetching ${shownAddress(url)}`, this.#actions.openUrl!(url));
        };
        this.#openShut(urlPage(fetch), null, host);
      },
      unlock: () => this.#askPassphrase(host),
      show: (name) => this.#show(name),
      shell: () => host.shell(),
      redraw: () => host.redraw(),
      work: (doing, work) => void this.#run(doing, work),
    };
  }

  /** Text that was pasted: typed where a line is edited, and nothing anywhere else. */
  paste(text: string, view: Viewport, console?: object): void {
    const { page } = this;
    if (this.#store.state.countdown !== null) this.#actions.stopCountdown();
    if (this.busy !== null || this.#store.state.progress !== null || !this.#isFor(console)) return;
    if (page?.kind !== "edit" && page?.kind !== "prompt" && page?.kind !== "search") return;
    page.line = applyKey(page.line, "", text.trim(), view.columns) ?? page.line;
  }

  /**
   * Closes the message. A person who reads why a boot failed presses some key to go on; that must not boot anything.
   * @returns whether the key does what it does without a message
   */
  #closeMessage(row: ActionRow | undefined): boolean {
    this.#store.update({ message: null });
    return row?.step !== undefined || row?.action === "failure";
  }

  /** Opens a page of text, or closes it where it is open. */
  #show(name: PageName): void {
    if (name === "failure" && this.#store.state.failure === null) return;
    const isOpen = this.page?.kind === "text" && this.page.name === name;
    this.page = isOpen ? null : { kind: "text", name, top: name === "log" ? Number.POSITIVE_INFINITY : 0 };
  }

  #askPassphrase(host: ControllerHost): void {
    const { unlockDevice } = this.#actions;
    const { devices } = this.#store.state;
    const device = nextLocked(devices, this.#asked);
    if (device === null || unlockDevice === undefined) {
      this.note("No encrypted device waits for a passphrase.");
      return;
    }
    this.#asked = device.name;
    const others = devices.filter(({ isLocked }) => isLocked === true).length - 1;
    const page = passphrasePage(device, others, unlockDevice.bind(this.#actions), {
      isOpen: (page) => this.page === page,
      close: () => {
        this.page = null;
      },
      note: (message) => this.note(message),
      redraw: () => this.#store.update({}),
    });
    this.openFor(host, page);
  }

  note(message: string): void {
    this.#store.update({ message, note: message });
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

  #promptKey(page: PromptPage, name: string, text: string, view: Viewport, host: ControllerHost): void {
    const wish = page.key(name, text, view.columns);
    if (wish === "leave") this.page = null;
    else if (wish === "enter") {
      this.deliberately(host, () => {
        if (this.page === page) page.enter();
      });
    }
  }

  #confirmKey(page: ConfirmPage, name: string, host: ControllerHost): void {
    if (name === "y" || name === "Y") {
      this.deliberately(host, () => {
        if (this.page !== page) return;
        this.page = null;
        page.yes();
      });
    } else if (name === "n" || name === "N" || name === "escape" || name === "q" || name === "C-c") {
      this.page = null;
    }
  }

  redraw(): void {
    this.#store.update({});
  }

  /** Where the key is refused, the page or the list says so. */
  deliberately(host: ControllerHost, action: () => void): void {
    const { page } = this;
    const refused = (): void => {
      if (page?.kind === "edit") page.problem = TOO_FAST;
      else if (page?.kind === "prompt") page.note = TOO_FAST;
      else this.isTooFast = true;
    };
    if (host.deliberately) host.deliberately(action, refused);
    else action();
  }

  #pageKey(page: TextPage, name: string, row: ActionRow | undefined, view: Viewport): void {
    const last = Math.max(0, view.pageLength(page.name) - view.pageRows);
    // As less does.
    const step = row?.step ?? (name === " " ? { pages: 1 } : name === "b" ? { pages: -1 } : undefined);
    if (step !== undefined) {
      const top = move(step, Math.min(page.top, last), last, view.pageRows);
      page.top = top === last && page.name === "log" ? Number.POSITIVE_INFINITY : top;
    } else if (row?.action === "back" || row?.action === "boot" || row?.action === "quit") this.page = null;
  }

  #listKey(name: string, row: ActionRow | undefined, view: Viewport): void {
    const { position } = this;
    const level = position.level();
    const { items } = level;
    if (items.length === 0) {
      const last = Math.max(0, view.pageLength("nothing") - view.listRows);
      const top = Math.min(this.nothingTop, last);
      this.nothingTop = row?.step === undefined ? top : move(row.step, top, last, view.listRows);
    } else if (row?.step !== undefined) {
      position.select(move(row.step, position.selection(level), items.length - 1, view.listRows), level);
    } else if (/^[1-9]$/.test(name) && Number(name) <= items.length) position.select(Number(name) - 1, level);
    else this.#hotkey(level, name);
  }

  /** A key that the configuration gave an entry selects it, where the menu itself has no use for that key. */
  #hotkey(level: Level, name: string): void {
    const index = level.items.findIndex((item) => item.kind === "entry" && item.entry.hotkey === name);
    if (index >= 0) this.position.select(index, level);
  }

  #editKey(page: EntryEditor, name: string, text: string, view: Viewport, host: ControllerHost): void {
    const wish = page.key(name, text, view.columns);
    if (wish === null) return;
    this.#history.add(page.texts.Options!);
    if (wish === "leave") this.page = null;
    else {
      const edited = page.edited();
      if (edited !== null) this.#boot(page.entry, edited, host, page);
    }
  }

  /** @param page where the entry was edited: it stays open until a person has pressed Enter alone */
  #boot(entry: BootEntry, edited: Edited | undefined, host: ControllerHost, page: EntryEditor | null = null): void {
    const isHere = (): boolean => this.page === page;
    const asking = guardPages(this, host);
    const leaving: GuardFront = {
      ...asking,
      deliberately: (then) =>
        asking.deliberately(() => {
          if (!isHere()) return;
          this.page = null;
          if (page !== null) this.#edits.set(entry.id, page.texts);
          then();
        }),
    };
    this.#guard.pass(BOOT_GUARD, entry, leaving, () => this.#start(entry, edited, host));
  }

  #start(entry: BootEntry, edited: Edited | undefined, host: ControllerHost): void {
    if (!entry.bootable && edited?.files == null) {
      const reason = entry.reason ?? "the reason is not known";
      this.#store.update({ message: `${entry.title} cannot be booted: ${reason}` });
      return;
    }
    if (entry.leadsTo !== undefined) {
      this.#select(entry.leadsTo.id);
      return;
    }
    const { boot } = this.#actions;
    if (entry.asks !== undefined && this.#actions.open !== undefined) {
      this.#askFirst(entry, entry.asks, host);
      return;
    }
    const work =
      edited === undefined
        ? boot.call(this.#actions, entry)
        : edited.files === null
          ? boot.call(this.#actions, entry, edited.options)
          : boot.call(this.#actions, entry, edited.options, edited.files);
    if (entry.opens === undefined) void this.#run(`Starting ${entry.title}`, work);
    else void this.#run(`Reading ${entry.title}`, work).then(() => this.#showOpened(entry));
  }

  /** What is typed, a password among it, belongs to the console that asked. */
  #askFirst(entry: BootEntry, questions: readonly Question[], host: ControllerHost): void {
    askInTurn(
      questions,
      (page) => this.openFor(host, page),
      (answers) => {
        this.page = null;
        void this.#run(`Reading ${entry.title}`, this.#actions.open!(entry, answers)).then(() =>
          this.#showOpened(entry),
        );
      },
    );
  }

  /** What has taken the place of an entry that was opened: its submenu, at the first of what is in it. */
  #showOpened({ config, submenu, title }: BootEntry): void {
    const path = [...submenu, title];
    const isInside = (other: BootEntry): boolean =>
      other.config === config && path.every((name, depth) => other.submenu[depth] === name);
    const first = this.#store.state.entries.find(isInside);
    // A menu that is in it is for a person to open.
    this.#select(first?.id ?? null, path.length);
  }

  #select(id: string | null, levels?: number): void {
    if (id !== null) this.position.show(id, levels);
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
