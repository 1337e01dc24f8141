/**
 * The menu on every console at once. All consoles share one state: the selection, the open submenu, the page that is
 * open, the line that is being edited. A key on any of them acts, and all of them show it; only a shell belongs to
 * the console on which it was asked for.
 */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import type { ConsoleSpec } from "./consoles.ts";
import { ConsoleWatch } from "./consolewatch.ts";
import { Controller, type ControllerHost, type Viewport } from "./controller.ts";
import { editColumns } from "./editframe.ts";
import { type KeyEvent, KeyFilter } from "./keyfilter.ts";
import type { TerminalEvent } from "./keys.ts";
import type { MenuActions, MenuState, MenuStore } from "./model.ts";
import { nothingRows, pageRows } from "./pages.ts";
import { type KernelConsole, quietKernel } from "./printk.ts";
import { layout, pageHeight, renderFrame, type ScreenMemory } from "./render.ts";
import { loadBlessed, TerminalScreen } from "./screen.ts";
import { LAST_BYTES_MS, lendTerminal, type ShellProgram } from "./shell.ts";
import { type Look, makeLook, type Style } from "./style.ts";
import { Terminal, type TerminalHandlers } from "./terminal.ts";
import { TIMERS, type Timers } from "./timers.ts";

export interface MenuOptions {
  readonly consoles: readonly ConsoleSpec[];
  readonly store: MenuStore;
  readonly actions: MenuActions;
  /** What `c` runs; without it there is no shell. */
  readonly shell?: ShellProgram;
  /** The consoles that there are now: asked again from time to time, since some appear late (a USB serial line). */
  readonly findConsoles?: () => readonly ConsoleSpec[];
  /** Called when the last console is gone and none is left to press keys on. */
  readonly onNoConsole?: () => void;
  /** Called when everything is made for the first frame and just before it is drawn; may have the kernel print. */
  readonly beforeFirstFrame?: () => void;
  /** Where the console log level is set; null leaves the kernel alone (`baton menu` on a host). */
  readonly printk?: string | null;
  /** In tests, another time. */
  readonly timers?: Timers;
}

export interface Menu {
  /** Names of the consoles that show the menu now. */
  readonly consoles: readonly string[];
  /**
   * Runs `print`, which has the kernel print on its consoles (a line to /dev/kmsg), with the console log level as it
   * was before the menu; then every screen is drawn whole. Synchronous.
   */
  aloud(print: () => void): void;
  /** Leaves every console as it was found: cleared, its attributes and the kernel's log level restored. */
  close(): Promise<void>;
}

interface Console {
  readonly terminal: Terminal;
  screen: TerminalScreen | null;
  look: Look;
  readonly memory: ScreenMemory;
  /** A frame was not drawn because output was waiting. */
  stale: boolean;
  /** The first key made us ask again what no terminal had answered. */
  askedAgain: boolean;
  readonly filter: KeyFilter;
  /** A shell has the console. */
  shell: { kill(): void } | null;
}

/** Reads what the menu needs from the image, where there is time to spare before it is shown. */
export async function preloadMenu(): Promise<void> {
  await loadBlessed();
}

/**
 * Shows the menu until it is closed. Resolves when the first frame has been written to every console that could be
 * opened; one that can't be is logged and left out.
 */
export async function runMenu(options: MenuOptions): Promise<Menu> {
  const menu = new RunningMenu(options);
  await menu.start();
  return menu;
}

class RunningMenu implements Menu {
  readonly #options: MenuOptions;
  readonly #controller: Controller;
  readonly #consoles = new Set<Console>();
  #kernel: KernelConsole | null = null;
  #unsubscribe: (() => void) | null = null;
  #scheduled = false;
  #closed = false;
  #theme: Partial<Readonly<Record<Style, number>>> = {};
  #themeFor: MenuState["settings"]["theme"] | null = null;
  #isQrRead = false;
  readonly #timers: Timers;
  readonly #watch: ConsoleWatch;
  readonly #onWindowChange = (): void => {
    for (const console of this.#consoles) if (console.terminal.spec.kind === "own") console.terminal.measure();
  };

  constructor(options: MenuOptions) {
    this.#options = options;
    this.#timers = options.timers ?? TIMERS;
    this.#controller = new Controller(options.store, options.actions, this.#timers);
    this.#watch = new ConsoleWatch(
      (path) => this.#consoleAt(path) !== undefined,
      (spec) => this.#open(spec),
      this.#timers,
    );
  }

  get consoles(): readonly string[] {
    return [...this.#consoles].map((console) => console.terminal.spec.name);
  }

  async start(): Promise<void> {
    for (const spec of this.#options.consoles) this.#watch.open(spec);
    // The questions to serial terminals travel while blessed is read.
    const blessed = await loadBlessed();
    if (this.#options.printk !== null) this.#kernel = quietKernel(this.#options.printk);
    await this.#readTheme();
    for (const console of this.#consoles) this.#makeScreen(console, blessed);
    this.#unsubscribe = this.#options.store.subscribe(() => {
      this.#schedule();
      void this.#readTheme();
    });
    this.#watch.start(this.#options.findConsoles ?? (() => this.#options.consoles), (spec) => {
      const opened = this.#consoleAt(spec.path);
      if (opened === undefined) return;
      this.#makeScreen(opened, blessed);
      this.#schedule();
    });
    if (this.#options.consoles.some((spec) => spec.kind === "own")) process.on("SIGWINCH", this.#onWindowChange);
    // What the kernel prints now may stand on the screens already.
    if (this.#options.beforeFirstFrame) this.#speak(this.#options.beforeFirstFrame);
    this.#drawAll();
  }

  /** What makes the code of the failure screen, when that is shown for the first time. */
  async #readQr(): Promise<void> {
    if (this.#isQrRead) return;
    this.#isQrRead = true;
    const { loadQr } = await import("./qr.ts");
    await loadQr().catch((error) => log.warn(`no QR code: ${describeError(error)}`));
    this.#schedule();
  }

  /** Colours, where the configuration has any; it may come after the first frame. */
  async #readTheme(): Promise<void> {
    const { theme } = this.#options.store.state.settings;
    if (theme === this.#themeFor) return;
    this.#themeFor = theme;
    if (Object.keys(theme).length === 0) return;
    const { parseTheme } = await import("./theme.ts");
    this.#theme = parseTheme(theme);
    for (const console of this.#consoles) this.#changed(console);
  }

  aloud(print: () => void): void {
    this.#speak(print);
    this.#schedule();
  }

  /** Screens are drawn over by what the kernel prints: they begin anew. */
  #speak(print: () => void): void {
    if (this.#kernel === null) print();
    else this.#kernel.aloud(print);
    for (const console of this.#consoles) console.screen?.forget();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe?.();
    this.#watch.stop();
    process.removeListener("SIGWINCH", this.#onWindowChange);
    const consoles = [...this.#consoles];
    this.#consoles.clear();
    for (const console of consoles) {
      console.filter.cancel();
      console.shell?.kill();
      console.screen?.leave();
      console.screen = null;
      console.terminal.leave();
    }
    await Promise.all(consoles.map((console) => console.terminal.drain(LAST_BYTES_MS)));
    for (const console of consoles) console.terminal.stop();
    this.#kernel?.restore();
  }

  /** @throws where there is no such console */
  #open(spec: ConsoleSpec): void {
    const handlers: TerminalHandlers = {
      events: (events) => this.#events(console, events),
      changed: () => this.#changed(console),
      drained: () => {
        if (console.stale) this.#draw(console);
      },
      gone: (reason) => this.#gone(console, reason),
    };
    const terminal = new Terminal(spec, handlers, this.#timers);
    const console: Console = {
      terminal,
      screen: null,
      look: makeLook(spec.term, spec.unicode === true, false),
      memory: { tops: new Map() },
      stale: false,
      askedAgain: false,
      filter: new KeyFilter(this.#timers),
      shell: null,
    };
    terminal.start();
    this.#consoles.add(console);
  }

  #consoleAt(path: string): Console | undefined {
    return [...this.#consoles].find(({ terminal }) => terminal.spec.path === path);
  }

  #makeScreen(console: Console, blessed: Awaited<ReturnType<typeof loadBlessed>>): void {
    const { terminal } = console;
    console.look = this.#lookOf(console);
    console.screen = new TerminalScreen(blessed, terminal.spec.term, terminal.size, console.look, (text) =>
      terminal.write(text),
    );
  }

  #lookOf(console: Console): Look {
    const { terminal } = console;
    return makeLook(terminal.spec.term, terminal.unicode, terminal.colour, this.#theme);
  }

  #gone(console: Console, reason: string): void {
    this.#consoles.delete(console);
    console.screen?.leave();
    console.screen = null;
    log.warn(`console ${console.terminal.spec.name} is gone: ${reason}`);
    if (this.#consoles.size === 0 && !this.#closed) this.#options.onNoConsole?.();
  }

  #changed(console: Console): void {
    if (console.screen === null) return;
    console.look = this.#lookOf(console);
    console.screen.resize(console.terminal.size, console.look);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    // After everything that is happening now: ten changes make one frame.
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#closed) this.#drawAll();
    });
  }

  #drawAll(): void {
    const { page } = this.#controller;
    if (page?.kind === "text" && page.name === "failure") void this.#readQr();
    for (const console of this.#consoles) this.#draw(console);
  }

  #draw(console: Console): void {
    if (console.screen === null) return;
    // A frame that can't go out now is dropped; when the terminal has taken the last one, it gets the newest.
    console.stale = console.terminal.blocked;
    if (console.stale) return;
    const frame = renderFrame(this.#scene(), console.terminal.size, console.look, console.memory);
    console.screen.draw(frame);
  }

  #scene() {
    return {
      state: this.#options.store.state,
      controller: this.#controller,
      log: () => this.#options.actions.log(),
      textColumns: this.#textColumns(),
    };
  }

  #textColumns(): number {
    let least = 500;
    for (const console of this.#consoles) least = Math.min(least, console.terminal.size.columns);
    return least;
  }

  #forgetAll(): void {
    for (const console of this.#consoles) console.screen?.forget();
    this.#schedule();
  }

  #events(console: Console, events: readonly TerminalEvent[]): void {
    const { pasted, keys } = console.filter.read(events, this.#controller.isTyping);
    if (console.screen === null) return;
    if (pasted !== null) this.#controller.paste(pasted, this.#viewport(console));
    this.#keys(console, keys);
    this.#schedule();
  }

  #keys(console: Console, keys: readonly KeyEvent[]): void {
    if (keys.length === 0) return;
    const host: ControllerHost = {
      shell: () => void this.#shell(console),
      redraw: () => {
        console.terminal.measure();
        this.#forgetAll();
      },
      deliberately: (action) => {
        // Keys that are left in this read, or come soon, show that this one was part of a paste or is held down.
        console.filter.whenAlone(() => {
          action();
          this.#schedule();
        });
      },
    };
    // A person may have come to a serial line only now: with the first key its terminal is asked again, once.
    if (console.terminal.unanswered && !console.askedAgain) {
      console.askedAgain = true;
      console.terminal.measure();
      console.screen?.forget();
    }
    for (const event of keys) {
      console.filter.cancel();
      this.#controller.key(event.name, event.text, this.#viewport(console), host);
    }
  }

  #viewport(console: Console): Viewport {
    const { size } = console.terminal;
    const state: MenuState = this.#options.store.state;
    return {
      columns: editColumns(size.columns),
      listRows: layout(size, this.#controller.position.level().items.length === 0).list,
      pageRows: pageHeight(size),
      pageLength: (name) => {
        const columns = this.#textColumns();
        if (name === "nothing") return nothingRows(state, columns, console.look).length;
        return pageRows(name, state, this.#options.actions.log(), columns, console.look).length;
      },
    };
  }

  async #shell(console: Console): Promise<void> {
    const { shell, store } = this.#options;
    if (shell === undefined) {
      store.update({ message: "There is no shell here." });
      return;
    }
    if (console.screen === null) return;
    const { terminal } = console;
    console.screen.leave();
    console.screen = null;
    const greeting = "\r\nA shell on this console; exit comes back to the menu.\r\n\r\n";
    const failure = await lendTerminal(terminal, shell, greeting, (running) => {
      console.shell = running;
      // Kernel messages are welcome in a shell, but not over another console's menu.
      if ([...this.#consoles].every((other) => other.screen === null)) this.#kernel?.restore();
    });
    console.shell = null;
    if (this.#closed) return;
    try {
      terminal.start();
    } catch (error) {
      this.#gone(console, describeError(error));
      return;
    }
    this.#kernel?.quiet();
    this.#makeScreen(console, await loadBlessed());
    if (failure !== null) store.update({ message: failure });
    this.#schedule();
  }
}
