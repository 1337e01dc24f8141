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
