/** Time as a session sees it, so that tests need not wait. */

import { setTimeout as sleep } from "node:timers/promises";

export interface Clock {
  /** Milliseconds since some beginning; never goes back. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /**
   * Calls `tick` again and again.
   * @param ms between two calls
   * @returns a function that ends it
   */
  every(ms: number, tick: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms) => sleep(ms),
  every: (ms, tick) => {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  },
};
