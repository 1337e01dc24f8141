/** The consoles that a menu is on: opened, looked for again where they are missing, lent to a shell, given back. */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import type { ConsoleSpec } from "./consoles.ts";
import { KeyFilter } from "./keyfilter.ts";
import type { TerminalEvent } from "./keys.ts";
import type { MenuOptions } from "./options.ts";
import { type KernelConsole, quietKernel } from "./printk.ts";
import { LAST_BYTES_MS, lendTerminal } from "./shell.ts";
import { Terminal } from "./terminal.ts";
import { TIMERS, type Timers } from "./timers.ts";

/** How often consoles are looked for, in milliseconds. */
const SEARCH_MS = 2000;

/** A console that is open. */
export interface OpenConsole {
  readonly terminal: Terminal;
  readonly filter: KeyFilter;
  /** A shell has the console. */
  shell: { kill(): void } | null;
}

/** What a menu does with its consoles. */
interface ConsoleHooks<C extends OpenConsole> {
  /** Adds what the menu keeps about a console. */
  make(opened: OpenConsole): C;
  events(console: C, events: readonly TerminalEvent[], at: number): void;
  /** Its size or its abilities are now known to be other than they were. */
  changed?(console: C): void;
  /** Everything written has gone out. */
  drained?(console: C): void;
  /** It has come after the menu was shown, or back from a shell. */
  appeared(console: C): void;
  /** It is lent, closed, or gone: nothing is written any more but what is written here. */
  left(console: C): void;
}

export class ConsoleSet<C extends OpenConsole> {
  readonly timers: Timers;
  readonly #options: MenuOptions;
  readonly #hooks: ConsoleHooks<C>;
  /** Whether serial lines are asked what they are. */
  readonly #asks: boolean;
  readonly #open = new Set<C>();
  /** Consoles whose absence was logged. */
  readonly #missed = new Set<string>();
  #kernel: KernelConsole | null = null;
  #endSearch: (() => void) | null = null;
  #isClosed = false;

  constructor(options: MenuOptions, asks: boolean, hooks: ConsoleHooks<C>) {
    this.timers = options.timers ?? TIMERS;
    this.#options = options;
    this.#asks = asks;
    this.#hooks = hooks;
  }

  [Symbol.iterator](): IterableIterator<C> {
    return this.#open.values();
  }

  get names(): readonly string[] {
    return [...this.#open].map(({ terminal }) => terminal.spec.name);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  has(console: C): boolean {
    return this.#open.has(console);
  }

  /** Opens those that are there. */
  open(): void {
    for (const spec of this.#options.consoles) this.#tryOpen(spec);
  }

  /** Keeps the kernel from printing over the menu. */
  quiet(): void {
    if (this.#options.printk !== null) this.#kernel = quietKernel(this.#options.printk);
  }

  /** Has the kernel print, with the log level as it was before the menu. */
  aloud(print: () => void): void {
    if (this.#kernel === null) print();
    else this.#kernel.aloud(print);
  }

  /** Looks from time to time for consoles that could not be opened or are new. */
  search(): void {
    const find = this.#options.findConsoles ?? (() => this.#options.consoles);
    this.#endSearch = this.timers.every(SEARCH_MS, () => {
      for (const spec of find()) {
        const isOpen = [...this.#open].some(({ terminal }) => terminal.spec.path === spec.path);
        // The window in which Baton was started doesn't come back.
        const opened = spec.kind === "own" || isOpen ? null : this.#tryOpen(spec);
        if (opened === null) continue;
        log.info(`console ${spec.name} has appeared`);
        // It may go and come again.
        this.#missed.delete(spec.path);
        this.#hooks.appeared(opened);
      }
    });
  }

  /** @returns null where it can't be opened, which is logged once */
  #tryOpen(spec: ConsoleSpec): C | null {
    const handlers = {
      events: (events: readonly TerminalEvent[], at: number) => this.#hooks.events(console, events, at),
      changed: () => this.#hooks.changed?.(console),
      drained: () => this.#hooks.drained?.(console),
      gone: (reason: string) => this.#gone(console, reason),
    };
    const asked: ConsoleSpec = this.#asks || spec.kind !== "serial" ? spec : { ...spec, kind: "vt" };
    const terminal = new Terminal(asked, handlers, this.timers);
    const console = this.#hooks.make({ terminal, filter: new KeyFilter(this.timers), shell: null });
    try {
      terminal.start();
    } catch (error) {
      if (!this.#missed.has(spec.path)) {
        log.warn(`console ${spec.name}: ${describeError(error)}: the menu is not shown there`);
      }
      this.#missed.add(spec.path);
      return null;
    }
    this.#open.add(console);
    return console;
  }

  #gone(console: C, reason: string): void {
    this.#open.delete(console);
    this.#hooks.left(console);
    log.warn(`console ${console.terminal.spec.name} is gone: ${reason}`);
    if (this.#open.size === 0 && !this.#isClosed) this.#options.onNoConsole?.();
  }

  /**
   * Gives a console to a shell until that ends, and has it appear again.
   * @returns null, or why there was no shell
   */
  async lend(console: C, greeting: string): Promise<string | null> {
    const { shell } = this.#options;
    if (shell === undefined) return "There is no shell here.";
    console.shell = { kill: () => {} };
    this.#hooks.left(console);
    const failure = await lendTerminal(console.terminal, shell, greeting, (running) => {
      console.shell = running;
      // Kernel messages are welcome in a shell, but not over another console's menu.
      if ([...this.#open].every((other) => other.shell !== null)) this.#kernel?.restore();
    });
    console.shell = null;
    if (this.#isClosed) return null;
    try {
      console.terminal.start();
    } catch (error) {
      this.#gone(console, describeError(error));
      return null;
    }
    this.#kernel?.quiet();
    this.#hooks.appeared(console);
    return failure;
  }

  /** Gives every console back as it was found, and the kernel its log level. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endSearch?.();
    const consoles = [...this.#open];
    this.#open.clear();
    for (const console of consoles) {
      console.filter.cancel();
      console.shell?.kill();
      this.#hooks.left(console);
      console.terminal.leave();
    }
    await Promise.all(consoles.map(({ terminal }) => terminal.drain(LAST_BYTES_MS)));
    for (const { terminal } of consoles) terminal.stop();
    this.#kernel?.restore();
  }
}
