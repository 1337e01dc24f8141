/** What must be put back when a script has run, be it at once or after a disk has answered. */

/** Does `after` when `body` is done, be that now or later, well or badly. */
export function finallyDo<T>(body: () => T, after: () => void): T {
  let result: T;
  try {
    result = body();
  } catch (error) {
    after();
    throw error;
  }
  if (result instanceof Promise) return result.finally(after) as T;
  after();
  return result;
}
