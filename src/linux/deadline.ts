/** Deadlines for what Node or the kernel does on another thread and can't take back. */

import { BatonError } from "../errors.ts";

/**
 * Waits for `work` at most so long.
 * @param late what was tried (`open("/dev/vda1")`), or makes the error for a caller that has more to say
 * @param onLate gets the result if it comes after all, to close what nobody waits for any more
 * @throws what `work` rejects with; BatonError `timeout`, or what `late` makes
 */
export function withDeadline<T>(
  work: Promise<T>,
  timeoutMs: number,
  late: string | (() => Error),
  onLate: (result: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    let isLate = false;
    const timer = setTimeout(() => {
      // Where the processor was busy the answer may be there already: it is handed over before this.
      setImmediate(() => {
        if (isAnswered) return;
        isLate = true;
        reject(typeof late === "string" ? noAnswer(late, timeoutMs) : late());
      });
    }, timeoutMs);
    work.then(
      (result) => {
        isAnswered = true;
        clearTimeout(timer);
        if (isLate) onLate(result);
        else resolve(result);
      },
      (error: unknown) => {
        isAnswered = true;
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** @param what was tried */
export function noAnswer(what: string, timeoutMs: number, reason = "the device does not answer"): BatonError {
  return new BatonError("timeout", `${what}: no answer within ${seconds(timeoutMs)}: ${reason}`);
}

/** `10 s`, `0.25 s`. */
function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(2))} s`;
}

/**
 * Waits for `work` at most `timeoutMs`, where going on without it is no error.
 * @returns whether it has ended by then
 * @throws what `work` rejects with in that time; a later rejection is dropped
 */
export async function endsWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    // As above: an answer that is there already is handed over first.
    timer = setTimeout(() => setImmediate(resolve, false), timeoutMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
