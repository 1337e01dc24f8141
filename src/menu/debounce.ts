/** Telling a key that was pressed by itself from one that was pasted or is held down: what comes after it shows. */

/** Milliseconds without another key: one that is held down repeats within 40, pasted text comes within a few. */
const ALONE = 60;

/** An action that a key asked for, put off until it is known to have come alone. */
export class Debounce {
  #timer: NodeJS.Timeout | null = null;

  /** Puts an action off; one that waits already is dropped. */
  begin(action: () => void): void {
    this.cancel();
    const timer = setTimeout(() => {
      // Where the program was busy for longer than that, keys that came are there already and will be read before this.
      setImmediate(() => {
        if (this.#timer !== timer) return;
        this.#timer = null;
        action();
      });
    }, ALONE);
    this.#timer = timer;
  }

  /** Another key came, or the menu ends. */
  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
