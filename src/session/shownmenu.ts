/** The menu that is on the consoles now, if there is one, and the clock that ticks while it is. */

import type { Clock } from "./clock.ts";
import type { OpenMenu } from "./host.ts";

/** Between two looks at the countdown, in milliseconds. */
const TICK_MS = 200;

export class ShownMenu {
  readonly #clock: Clock;
  #menu: OpenMenu | null = null;
  #stopTicking: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#menu !== null;
  }

  /** A person works in it: in a shell, an editor, a prompt, or before a question. */
  get isInUse(): boolean {
    return this.#menu?.isInUse ?? false;
  }

  async open(open: () => Promise<OpenMenu>, tick: () => void): Promise<void> {
    this.#menu = await open();
    this.#stopTicking = this.#clock.every(TICK_MS, tick);
  }

  async close(): Promise<void> {
    this.#stopTicking?.();
    this.#stopTicking = null;
    const menu = this.#menu;
    this.#menu = null;
    await menu?.close();
  }

  /** Does `print`, which writes to the kernel log, so that consoles show it: menu or not. */
  aloud(print: () => void): void {
    if (this.#menu === null) print();
    else this.#menu.aloud(print);
  }
}
