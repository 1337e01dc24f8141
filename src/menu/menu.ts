/**
 * The menu on every console at once. All consoles share one state: the selection, the open submenu, the page that is
 * open, the line that is being edited. A key on any of them acts, and all of them show it; only a shell belongs to
 * the console on which it was asked for.
 */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import { ConsoleSet, type OpenConsole } from "./consoleset.ts";
import { Controller } from "./controller.ts";
import { ControllerKeys } from "./controllerkeys.ts";
import { editColumns } from "./editframe.ts";
import type { TerminalEvent } from "./keys.ts";
import type { MenuState } from "./model.ts";
import type { Menu, MenuOptions } from "./options.ts";
import type { ControllerHost, Viewport } from "./page.ts";
import { nothingRows, pageRows } from "./pages.ts";
import { pageHeight, panes, renderFrame, type ScreenMemory } from "./render.ts";
import { type Blessed, loadBlessed, TerminalScreen } from "./screen.ts";
import { type Look, makeLook, type Style } from "./style.ts";

interface Console extends OpenConsole {
  screen: TerminalScreen | null;
  look: Look;
  readonly memory: ScreenMemory;
  /** A frame was not drawn because output was waiting. */
  stale: boolean;
  /** The first key made us ask again what no terminal had answered. */
  askedAgain: boolean;
  readonly keys: ControllerKeys;
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
  readonly #consoles: ConsoleSet<Console>;
  #blessed: Blessed | null = null;
  #unsubscribe: (() => void) | null = null;
  #unselect: (() => void) | null = null;
  #scheduled = false;
  #theme: Partial<Readonly<Record<Style, number>>> = {};
  #themeFor: MenuState["settings"]["theme"] | null = null;
  #isQrRead = false;
  /** The last keys came so soon after one another that what they opened may be nobody's. */
  #isNoise = false;
  readonly #onWindowChange = (): void => {
    for (const { terminal } of this.#consoles) if (terminal.spec.kind === "own") terminal.measure();
  };

  constructor(options: MenuOptions) {
    this.#options = options;
    this.#consoles = new ConsoleSet<Console>(options, true, {
      make: (opened) => {
        const { term, unicode } = opened.terminal.spec;
        const look = makeLook(term, unicode === true, false);
        const fresh = { screen: null, memory: { tops: new Map() }, stale: false, askedAgain: false };
        const console: Console = { ...opened, ...fresh, look, keys: this.#keysOf(() => console) };
        return console;
      },
      events: (console, events, at) => this.#events(console, events, at),
      changed: (console) => this.#changed(console),
      drained: (console) => {
        if (console.stale) this.#draw(console);
      },
      appeared: (console) => {
        this.#makeScreen(console);
        this.#schedule();
      },
      left: (console) => {
        console.screen?.leave();
        console.screen = null;
      },
    });
    this.#controller = new Controller(options.store, options.actions, this.#consoles.timers);
  }

  get consoles(): readonly string[] {
    return this.#consoles.names;
  }

  async start(): Promise<void> {
    this.#consoles.open();
    // The questions to serial terminals travel while blessed is read.
    this.#blessed = await loadBlessed();
    this.#consoles.quiet();
    await this.#readTheme();
    for (const console of this.#consoles) this.#makeScreen(console);
    this.#unsubscribe = this.#options.store.subscribe(() => {
      this.#schedule();
      void this.#readTheme();
    });
    this.#unselect = this.#options.store.onSelect((id) => this.#controller.position.show(id));
    this.#consoles.search();
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
    this.#consoles.aloud(print);
    for (const console of this.#consoles) console.screen?.forget();
  }

  get isInUse(): boolean {
    const { page } = this.#controller;
    if (page !== null && page.kind !== "text" && !this.#isNoise) return true;
    return [...this.#consoles].some(({ shell }) => shell !== null);
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    this.#unselect?.();
    process.removeListener("SIGWINCH", this.#onWindowChange);
    await this.#consoles.close();
  }

  #makeScreen(console: Console): void {
    const { terminal } = console;
    console.look = this.#lookOf(console);
    console.screen = new TerminalScreen(this.#blessed!, terminal.spec.term, terminal.size, console.look, (text) =>
      terminal.write(text),
    );
  }

  #lookOf(console: Console): Look {
    const { terminal } = console;
    return makeLook(terminal.spec.term, terminal.unicode, terminal.colour, this.#theme);
  }

  #changed(console: Console): void {
    if (console.screen === null) return;
    console.look = this.#lookOf(console);
    console.screen.resize(console.terminal.size, console.look);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#consoles.isClosed) return;
    this.#scheduled = true;
    // After everything that is happening now: ten changes make one frame.
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#consoles.isClosed) this.#drawAll();
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
    const frame = renderFrame(this.#scene(console), console.terminal.size, console.look, console.memory);
    console.screen.draw(frame);
  }

  #scene(console: Console) {
    return {
      elsewhere: this.#controller.elsewhere(console),
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

  #events(console: Console, events: readonly TerminalEvent[], at: number): void {
    if (console.screen === null) return;
    this.#isNoise = false;
    if (events.some(({ type }) => type === "key")) this.#askAgain(console);
    console.filter.read(events, console.keys, at);
    this.#schedule();
  }

  #keysOf(console: () => Console): ControllerKeys {
    return new ControllerKeys(
      this.#controller,
      () => this.#hostOf(console()),
      () => this.#viewport(console()),
      () => {
        this.#isNoise = true;
        this.#options.actions.noise?.();
      },
    );
  }

  #hostOf(console: Console): ControllerHost {
    return {
      console,
      name: console.terminal.spec.name,
      shell: () => void this.#shell(console),
      redraw: () => {
        console.terminal.measure();
        this.#forgetAll();
      },
      deliberately: (action, refused) => {
        const drawn =
          (step: () => void): (() => void) =>
          () => {
            step();
            this.#schedule();
          };
        console.filter.whenAlone(drawn(action), drawn(refused));
      },
    };
  }

  /** A person may have come to a serial line only now: with the first key its terminal is asked again, once. */
  #askAgain(console: Console): void {
    if (!console.terminal.unanswered || console.askedAgain) return;
    console.askedAgain = true;
    console.terminal.measure();
    console.screen?.forget();
  }

  #viewport(console: Console): Viewport {
    const { size } = console.terminal;
    const state: MenuState = this.#options.store.state;
    return {
      columns: editColumns(size.columns),
      listRows: panes(size, this.#controller.position.level().items.length === 0).list,
      pageRows: pageHeight(size),
      pageLength: (name) => {
        const columns = this.#textColumns();
        if (name === "nothing") return nothingRows(state, columns, console.look).length;
        return pageRows(name, state, this.#options.actions.log(), columns, console.look).length;
      },
    };
  }

  async #shell(console: Console): Promise<void> {
    if (console.screen === null) return;
    const greeting = "\r\nA shell on this console; exit comes back to the menu.\r\n\r\n";
    const failure = await this.#consoles.lend(console, greeting);
    if (failure !== null) this.#options.store.update({ message: failure });
  }
}
