/** Tells keys that a person pressed from pastes, noise, and keys that are held down. */

import type { TerminalEvent } from "./keys.ts";
import type { Timers } from "./timers.ts";

/** Milliseconds without another key: one that is held down repeats within 40, pasted text comes within a few. */
const ALONE_MS = 60;

/** A read with more keys than this, where no text is typed, is no person's: a paste, or noise. */
const MAX_KEYS_AT_ONCE = 32;

/** Milliseconds after noise in which what looks like a key is taken for more of it. */
const NOISE_MS = 250;

export type KeyEvent = Extract<TerminalEvent, { type: "key" }>;

export class KeyFilter {
  readonly #timers: Timers;
  #noiseUntil = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * What one read of a terminal brought. It cancels what was put off: another key has come.
   * @param isTyping whether keys go into a line, where a person's terminal program may paste without marks
   * @returns text that was pasted, else null; keys that a person pressed
   */
  read(events: readonly TerminalEvent[], isTyping: boolean): { pasted: string | null; keys: readonly KeyEvent[] } {
    this.cancel();
    const pasted = events.find((event) => event.type === "paste");
    // Keys that came with a paste are part of it.
    if (pasted !== undefined) return { pasted: pasted.text, keys: [] };
    const keys = events.filter((event) => event.type === "key");
    // Noise holds bytes that no key sends; nobody pressed the keys that came with it or right behind it.
    const now = this.#timers.now();
    if (keys.length < events.length) this.#noiseUntil = now + NOISE_MS;
    const isNoise = now < this.#noiseUntil || (!isTyping && keys.length > MAX_KEYS_AT_ONCE);
    return { pasted: null, keys: isNoise ? [] : keys };
  }

  /** Puts an action off until it is known that its key came alone; one that was put off before is dropped. */
  whenAlone(action: () => void): void {
    this.cancel();
    this.#cancel = this.#timers.after(ALONE_MS, () => {
      this.#cancel = null;
      action();
    });
  }

  /** Drops what was put off: another key came, or the menu ends. */
  cancel(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
