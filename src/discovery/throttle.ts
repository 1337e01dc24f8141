/** Telling of changes that come fast, at a bearable rate. */

import { setTimeout as sleep } from "node:timers/promises";

/**
 * Tells of a change: at once, and of what follows soon together. Whoever is told must not take all the time there is,
 * however many changes come.
 */
export class Throttle {
  readonly #tell: () => void;
  #isPausing = false;
  #hasMore = false;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  change(): void {
    if (this.#isPausing) {
      this.#hasMore = true;
      return;
    }
    this.#isPausing = true;
    const started = performance.now();
    this.#tell();
    const pause = 4 * (performance.now() - started);
    void sleep(pause, undefined, { ref: false }).then(() => {
      this.#isPausing = false;
      if (!this.#hasMore) return;
      this.#hasMore = false;
      this.change();
    });
  }
}
