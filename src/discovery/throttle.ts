/** Notifies a listener of changes that come fast, at a rate that it can bear. */

import { setTimeout as sleep } from "node:timers/promises";

/** The listener gets at most a fifth of the time, however many changes come: it rests four times as long as it worked. */
const REST = 4;

export class Throttle {
  readonly #listener: () => void;
  #isResting = false;
  #isPending = false;

  constructor(listener: () => void) {
    this.#listener = listener;
  }

  /** Calls the listener at once; while it rests, once afterwards for all changes of that time. */
  notify(): void {
    if (this.#isResting) {
      this.#isPending = true;
      return;
    }
    this.#isResting = true;
    const started = performance.now();
    this.#listener();
    const rest = REST * (performance.now() - started);
    void sleep(rest, undefined, { ref: false }).then(() => {
      this.#isResting = false;
      if (!this.#isPending) return;
      this.#isPending = false;
      this.notify();
    });
  }
}
