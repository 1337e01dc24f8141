/** Opens the consoles that there are, and from time to time those that could not be opened or are new. */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import type { ConsoleSpec } from "./consoles.ts";
import type { Timers } from "./timers.ts";

/** How often consoles are looked for, in milliseconds. */
const SEARCH_MS = 2000;

export class ConsoleWatch {
  readonly #isOpen: (path: string) => boolean;
  readonly #open: (spec: ConsoleSpec) => void;
  /** Consoles whose absence has been told. */
  readonly #missed = new Set<string>();
  readonly #timers: Timers;
  #end: (() => void) | null = null;

  /**
   * @param isOpen whether the console with this device is shown on, or kept by a shell
   * @param open   throws where there is no such console
   */
  constructor(isOpen: (path: string) => boolean, open: (spec: ConsoleSpec) => void, timers: Timers) {
    this.#timers = timers;
    this.#isOpen = isOpen;
    this.#open = open;
  }

  /** @returns whether it is open now; that it isn't is logged once. */
  open(spec: ConsoleSpec): boolean {
    try {
      this.#open(spec);
      return true;
    } catch (error) {
      if (!this.#missed.has(spec.path)) {
        this.#missed.add(spec.path);
        log.warn(`console ${spec.name}: ${describeError(error)}: the menu is not shown there`);
      }
      return false;
    }
  }

  /**
   * @param find   the consoles that there are now
   * @param opened called with one that was not there before
   */
  start(find: () => readonly ConsoleSpec[], opened: (spec: ConsoleSpec) => void): void {
    this.#end = this.#timers.every(SEARCH_MS, () => {
      for (const spec of find()) {
        // The window in which Baton was started doesn't come back.
        if (spec.kind === "own" || this.#isOpen(spec.path) || !this.open(spec)) continue;
        log.info(`console ${spec.name} has appeared`);
        // It may go and come again.
        this.#missed.delete(spec.path);
        opened(spec);
      }
    });
  }

  stop(): void {
    this.#end?.();
    this.#end = null;
  }
}
