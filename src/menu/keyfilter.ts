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
  #lastKeyAt = Number.NEGATIVE_INFINITY;
  #isCrowded = false;
  /** Keys that came within {@link ALONE_MS} of one another: where they began. */
  #burst = { isTyped: false };
  #cancel: (() => void) | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * What one read of a terminal brought. It cancels what was put off: another key has come.
   * @param isTyping whether keys go into a line, where a person's terminal program may paste without marks
   * @returns text that was pasted, else null; keys that a person may have pressed, and whether they came so soon after
   *   one another that they may be noise: a log that something prints on the line
   */
  read(
    events: readonly TerminalEvent[],
    isTyping: boolean,
  ): { pasted: string | null; keys: readonly KeyEvent[]; isCrowded: boolean } {
    this.cancel();
    const pasted = events.find((event) => event.type === "paste");
    // Keys that came with a paste are part of it.
    if (pasted !== undefined) return { pasted: pasted.text, keys: [], isCrowded: true };
    const keys = events.filter((event) => event.type === "key");
    // Noise holds bytes that no key sends; nobody pressed the keys that came with it or right behind it.
    const now = this.#timers.now();
    if (keys.length < events.length) this.#noiseUntil = now + NOISE_MS;
    // Two reads are never at the very same time.
    const isBehind = now > this.#lastKeyAt && now - this.#lastKeyAt < ALONE_MS;
    if (events.length > 0) this.#lastKeyAt = now;
    if (!isBehind) this.#burst = { isTyped: isTyping };
    const burst = this.#burst;
    const isNoise = now < this.#noiseUntil || (!isTyping && keys.length > MAX_KEYS_AT_ONCE);
    this.#isCrowded = !burst.isTyped && (isNoise || keys.length > 1 || isBehind);
    return {
      pasted: null, // Ctrl-L is what a person presses after noise, and hurts nobody.
      keys: isNoise ? keys.filter(({ name }) => name === "C-l") : keys,
      isCrowded: this.#isCrowded,
    };
  }

  /**
   * Puts an action off until it is known that its key came alone; one that was
   * put off before is dropped.
   */
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
