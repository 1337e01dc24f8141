/** Tells keys that a person pressed from pastes, noise, and keys that are held down. */

import type { TerminalEvent } from "./keys.ts";
import type { Timers } from "./timers.ts";

/** Milliseconds around a key in which no other is pressed: what is pasted or printed on a line comes within a few. */
const ALONE_MS = 60;

/** Milliseconds within which a key that is held down comes again: keyboards send 25 or 30 a second. */
const REPEAT_MS = 50;

/** No person presses two different keys within so many milliseconds, but a slow connection may deliver them together. */
const TOGETHER_MS = 25;

/** So many different keys, each within {@link TOGETHER_MS} of the one before, are no person's. */
const MAX_TOGETHER = 24;

/** Milliseconds after noise in which what looks like a key is taken for more of it. */
const NOISE_MS = 250;

/**
 * Milliseconds after noise, also of a few letters, in which nothing is done that can't be undone: an empty line of a log
 * looks like Enter. Another key that came alone shows that a person is there.
 */
const QUIET_MS = 3000;
const FEW_TOGETHER = 3;

/** Keys that lead nowhere but through a list or a text: they may come right before the key that counts. */
const CURSOR_KEYS = new Set(["up", "down", "left", "right", "home", "end", "pageup", "pagedown"]);

export type KeyEvent = Extract<TerminalEvent, { type: "key" }>;

/** What is typed, where keys go into a line. */
const TYPED = {
  /** What a person opened on the screen. */
  line: { most: MAX_TOGETHER, isEndedByLineFeed: false },
  /** What the plain menu has asked for: scripts send it whole. */
  answer: { most: Number.POSITIVE_INFINITY, isEndedByLineFeed: false },
  /** A command of the plain menu: what is none does nothing. */
  command: { most: Number.POSITIVE_INFINITY, isEndedByLineFeed: true },
};
export type Typing = keyof typeof TYPED;

/** What a terminal's keys do. */
export interface KeyUser {
  /** What keys are typed into; null: each is a command. */
  readonly typing: Typing | null;
  /** A key that a person may have pressed; {@link KeyFilter.whenAlone} tells whether it may do what can't be undone. */
  key(event: KeyEvent): void;
  paste(text: string): void;
  /** The keys of this moment are nobody's: a log that something prints on the line. */
  noise(): void;
  /** The first key after a pause is to come. */
  begin?(): void;
  /** Keys have come that were nobody's for certain: what was opened since {@link begin} is closed again. */
  undo?(): void;
}

/** Keys that came within {@link TOGETHER_MS} of one another. */
interface Burst {
  /** Into what the first of them was typed. */
  readonly typing: Typing | null;
  /** Keys that are another than the one before. */
  different: number;
  /** Lines that have ended in it. */
  lines: number;
}

export class KeyFilter {
  readonly #timers: Timers;
  #noiseAt = Number.NEGATIVE_INFINITY;
  #loudAt = Number.NEGATIVE_INFINITY;
  #last: { readonly name: string; readonly at: number } | null = null;
  #burst: Burst = { typing: null, different: 0, lines: 0 };
  /** The keys of the last {@link ALONE_MS} are such that a person may press the next one right behind. */
  #isFree = true;
  #mayAct = true;
  /** The last key came alone and was another than Enter, as far as is known. */
  #isLoneKey = false;
  /** What was put off: what takes it back, and what to do where it is found to be nobody's. */
  #pending: { readonly cancel: () => void; readonly refused: () => void } | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Keys have come together with the last one that a person doesn't press so fast. */
  get isTogether(): boolean {
    return this.#burst.different > 0;
  }

  /** They are so many that nobody has typed them. */
  get isMuch(): boolean {
    return this.#burst.different > MAX_TOGETHER;
  }

  /**
   * Hands on what one read of a terminal brought.
   * @param at when it came, on the clock of the timers; an ESC that stands alone is known as a key only later
   */
  read(events: readonly TerminalEvent[], user: KeyUser, at = this.#timers.now()): void {
    const pasted = events.find((event) => event.type === "paste");
    if (pasted !== undefined) {
      this.cancel();
      // Keys that came with a paste are part of it.
      this.#last = { name: "paste", at };
      this.#isFree = false;
      user.paste(pasted.text);
      user.noise();
      return;
    }
    const isFirst = !this.#isWithin(ALONE_MS, at);
    if (this.#isNoise(events, user.typing, at)) {
      this.cancel();
      if (isFirst) user.begin?.();
      user.noise();
      user.undo?.();
      // Ctrl-L is what a person presses after noise, and hurts nobody.
      for (const event of events) if (event.type === "key" && event.name === "C-l") user.key(event);
      return;
    }
    for (const event of events) {
      if (event.type === "linefeed") this.#endLine();
      else if (event.type === "key") this.#key(event, user, at);
    }
  }

  /** Whether these are nobody's keys, all of them; what is behind noise is more of it for a moment. */
  #isNoise(events: readonly TerminalEvent[], into: Typing | null, at: number): boolean {
    const isBehind = this.#isWithin(TOGETHER_MS, at);
    let name = isBehind ? this.#last!.name : null;
    const typing = isBehind ? this.#burst.typing : into;
    let different = isBehind ? this.#burst.different : 0;
    for (const event of events) {
      // Bytes that no key sends.
      if (event.type === "noise") different = Number.POSITIVE_INFINITY;
      if (event.type !== "key") continue;
      if (name !== null && isDifferent(event.name, name)) different++;
      name = event.name;
    }
    const isMuch = different > MAX_TOGETHER && (typing === null || different === Number.POSITIVE_INFINITY);
    if (!isMuch && at - this.#noiseAt >= NOISE_MS) return false;
    if (isMuch) this.#noiseAt = this.#loudAt = at;
    this.#last = { name: name ?? "", at };
    this.#burst = { typing, different, lines: 0 };
    this.#isFree = this.#isLoneKey = false;
    return true;
  }

  #key(event: KeyEvent, user: KeyUser, at: number): void {
    this.cancel();
    const { name } = event;
    const isBehind = this.#isWithin(TOGETHER_MS, at);
    const isRepeat = name === this.#last?.name && this.#isWithin(REPEAT_MS, at);
    if (!isBehind) this.#burst = { typing: user.typing, different: 0, lines: 0 };
    if (!this.#isWithin(ALONE_MS, at)) {
      if (this.#isLoneKey) this.#loudAt = Number.NEGATIVE_INFINITY;
      this.#isFree = true;
      user.begin?.();
    }
    this.#isLoneKey = !this.#isWithin(ALONE_MS, at) && name !== "enter";
    const burst = this.#burst;
    if (isDifferent(name, isBehind ? this.#last!.name : name)) burst.different++;
    const mayEnd = burst.typing !== null && burst.lines === 0 && burst.different <= TYPED[burst.typing].most;
    if (burst.typing === null && burst.different >= FEW_TOGETHER) this.#loudAt = at;
    const isQuiet = at - this.#loudAt >= QUIET_MS;
    this.#mayAct = isQuiet && !isRepeat && (burst.typing === null ? this.#isFree : mayEnd);
    if (name === "enter") burst.lines++;
    this.#isFree &&= CURSOR_KEYS.has(name);
    this.#last = { name, at };
    user.key(event);
    if (burst.different > 0 && burst.typing === null) user.noise();
  }

  /** A line that a program prints ends with CR LF; Enter alone may send both. */
  #endLine(): void {
    const { typing, different } = this.#burst;
    if (typing === null || TYPED[typing].isEndedByLineFeed || different === 0) return;
    if (typing === "line" && different >= FEW_TOGETHER) this.#loudAt = this.#last!.at;
    if (this.#pending === null) return;
    const { refused } = this.#pending;
    this.#putOff(refused, refused);
  }

  #isWithin(milliseconds: number, at: number): boolean {
    return this.#last !== null && at - this.#last.at < milliseconds;
  }

  /**
   * Puts an action off until it is known that a person pressed the key that is being handed on: no other came right
   * before it, but for cursor keys and text in a line, none comes right behind it, and the line has been quiet before. What
   * was put off before is dropped.
   * @param refused called instead where nobody did and no other key follows
   */
  whenAlone(action: () => void, refused: () => void = () => {}): void {
    this.#putOff(this.#mayAct ? action : refused, refused);
  }

  /** Puts an action off until no other key has followed for a moment. What was put off before is dropped. */
  whenOver(action: () => void): void {
    this.#putOff(action, action);
  }

  #putOff(action: () => void, refused: () => void): void {
    this.cancel();
    const cancel = this.#timers.after(ALONE_MS, () => {
      this.#pending = null;
      action();
    });
    this.#pending = { cancel, refused };
  }

  /** Drops what was put off: another key came, or the menu ends. */
  cancel(): void {
    this.#pending?.cancel();
    this.#pending = null;
  }
}

/** Whether a person's two fingers are needed for the one key right behind the other. */
const isDifferent = (name: string, before: string): boolean =>
  name !== before && !CURSOR_KEYS.has(name) && !CURSOR_KEYS.has(before);
