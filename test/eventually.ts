/** Waiting for what a test expects, instead of for a time. */

import { setTimeout as sleep } from "node:timers/promises";

/** Generous: only a failure takes so long, and a busy machine may need it. */
const DEADLINE_MS = 30_000;
const PAUSE_MS = 5;

/**
 * Tries an assertion again and again until it passes.
 * @returns what it returns
 * @throws what it threw last, after the deadline
 */
export async function eventually<T>(assertion: () => T | Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
