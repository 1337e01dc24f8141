/** Time as the menu sees it; tests give their own. */

export interface Timers {
  /** Milliseconds on a clock that never jumps. */
  now(): number;
  /**
   * Calls `action` after that many milliseconds, unless it is cancelled before. Where the program was busy for longer,
   * what terminals have sent meanwhile is read first, and may cancel it.
   * @returns what cancels it
   */
  after(milliseconds: number, action: () => void): () => void;
  /**
   * Calls `action` again and again; doesn't keep the program running.
   * @returns what ends that
   */
  every(milliseconds: number, action: () => void): () => void;
}

export const TIMERS: Timers = {
  now: () => performance.now(),
  after(milliseconds, action) {
    let isCancelled = false;
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (!isCancelled) action();
      });
    }, milliseconds);
    return () => {
      isCancelled = true;
      clearTimeout(timer);
    };
  },
  every(milliseconds, action) {
    const timer = setInterval(action, milliseconds);
    timer.unref();
    return () => clearInterval(timer);
  },
};
