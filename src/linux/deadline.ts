/** Deadlines for what Node itself does on its thread pool and can't take back. */

import { BatonError } from "../errors.ts";
import { seconds } from "./libc.ts";

/**
 * Waits for `work` for so long and no longer.
 * @param what was tried: `open("/dev/vda1")`
 * @param onLate gets the result if it comes after all, to close what nobody waits for any more
 * @throws what `work` rejects with; BatonError `timeout`
 */
export function withDeadline<T>(
  work: Promise<T>,
  timeoutMs: number,
  what: string,
  onLate: (result: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      // Where the processor was busy the answer may be there already: it is handed over before this.
      setImmediate(() => {
        late = true;
        const message = `${what}: no answer within ${seconds(timeoutMs)}: the device does not answer`;
        reject(new BatonError("timeout", message));
      });
    }, timeoutMs);
    work.then(
      (result) => {
        clearTimeout(timer);
        if (late) onLate(result);
        else resolve(result);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/**
 * Waits for `work` at most so long, where going on without it is no error.
 * @returns whether it has ended by then
 * @throws what `work` rejects with in that time; a later rejection is nobody's any more
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
