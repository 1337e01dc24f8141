/** The menu's countdown: since when it runs, what stops it, what it leads to. When it ends is policy's (policy/countdown.ts). */

import type { MenuState } from "../menu/model.ts";
import { type CountdownStep, chooseTimeout, countdownStep, DEFAULT_TIMEOUT } from "../policy/countdown.ts";
import type { Clock } from "./clock.ts";

/** Seconds that are left at least when a key takes time from the countdown. */
const MIN_LEFT = 3;

/** Seconds between one round of attempts and what follows it, so that a person can step in. */
export const ROUND_SECONDS = 10;

/** Seconds that a countdown has at least when it goes on by itself. */
const MIN_RESUMED = 10;

/** Milliseconds in which a key may turn out to be the first of many: noise. */
const NOISE_MS = 250;

/** What is known outside of the countdown. */
export interface CountdownFacts {
  /** The owner's timeout in seconds; null where the owner has settled none. */
  readonly owner: number | null;
  /** The timeout of the configuration whose default wins, in seconds; null where it has none. */
  readonly config: number | null;
  /** No device can make another entry the default any more. */
  readonly isSettled: boolean;
  readonly hasDefault: boolean;
  /** Seconds without a key after which one that was stopped goes on; 0: never. */
  readonly idle?: number;
  /** A person works in the menu. */
  readonly isInUse?: boolean;
}

export class Countdown {
  readonly #clock: Pick<Clock, "now">;
  #since = 0;
  #isStopped = false;
  /** When it was stopped, and when a person last pressed a key since; null: no person has. */
  #stoppedAt = 0;
  #attendedAt: number | null = null;
  /** {@link #attendedAt} before the keys of the last moment. */
  #attendedBefore: number | null = null;
  #isOver = false;
  /** Seconds that it takes at least. */
  #held = 0;
  /** Seconds that keys gave, or took. */
  #added = 0;
  #next: MenuState["next"] = "boot";

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** What it leads to. */
  get next(): MenuState["next"] {
    return this.#next;
  }

  /** The menu is shown: time runs from now on. */
  begin(): void {
    this.#since = this.#clock.now();
  }

  /** Everything has failed: it runs once more, and leads to what the owner has settled for that. */
  beginRound(next: Exclude<MenuState["next"], "boot">): void {
    this.#next = next;
    this.#isStopped = false;
    this.#isOver = false;
    this.begin();
  }

  /** A person is there: it goes on when there has been none for a while. */
  stop(): void {
    if (!this.#isStopped) {
      this.#stoppedAt = this.#clock.now();
      this.#attendedAt = this.#attendedBefore = null;
    }
    this.#isStopped = true;
    this.attend();
  }

  /** It has done its work, and doesn't go on. */
  end(): void {
    this.#isStopped = this.#isOver = true;
  }

  /** A person pressed a key, or works in the menu. */
  attend(): void {
    const now = this.#clock.now();
    if (this.#attendedAt !== null && now - this.#attendedAt > NOISE_MS) this.#attendedBefore = this.#attendedAt;
    this.#attendedAt = now;
  }

  /** What seemed to be a person's keys was noise: what it has stopped goes on as if nothing had been. */
  noise(): void {
    if (this.#attendedAt === null || this.#clock.now() - this.#attendedAt > NOISE_MS) return;
    this.#attendedAt = this.#attendedBefore;
    if (this.#attendedAt === null && !this.#isOver) this.#isStopped = false;
  }

  /** Whether it was stopped, and goes on by itself after `idle` seconds. */
  resumes(facts: CountdownFacts): boolean {
    return (
      this.#isStopped &&
      !this.#isOver &&
      (facts.idle ?? 0) > 0 &&
      Number.isFinite(this.timeout(facts)) &&
      this.#isPossible(facts)
    );
  }

  #isPossible(facts: CountdownFacts): boolean {
    return this.#next !== "boot" || facts.hasDefault;
  }

  /** A key was pressed before there was a menu, or a controller is waited for: the menu is shown for that long at least. */
  hold(seconds = DEFAULT_TIMEOUT): void {
    this.#held = Math.max(this.#held, seconds);
  }

  /** Seconds that it takes in all; 0 boots without a menu, Infinity waits for a person. */
  timeout({ owner, config }: Pick<CountdownFacts, "owner" | "config">): number {
    if (this.#next !== "boot") return ROUND_SECONDS;
    const timeout = chooseTimeout(owner, config);
    return Math.max(timeout, this.#held) + this.#added;
  }

  /**
   * Gives it so many seconds more, or fewer. A key that is held down boots nothing: it brings the end nearer, but not
   * nearer than {@link MIN_LEFT}.
   */
  addTime(seconds: number, facts: Pick<CountdownFacts, "owner" | "config">): void {
    const left = this.timeout(facts) - this.#elapsed;
    this.#added += seconds > 0 ? seconds : Math.min(0, Math.max(seconds, MIN_LEFT - left));
  }

  /** What to show now, and whether its time has come. */
  step(facts: CountdownFacts): CountdownStep {
    if (facts.isInUse) this.attend();
    if (this.resumes(facts)) {
      const now = this.#clock.now();
      if (now - (this.#attendedAt ?? this.#stoppedAt) >= facts.idle! * 1000) {
        const left = this.timeout(facts) - (this.#stoppedAt - this.#since) / 1000;
        this.#since = now - (this.timeout(facts) - Math.max(MIN_RESUMED, left)) * 1000;
        this.#isStopped = false;
      }
    }
    return countdownStep({
      elapsed: this.#elapsed,
      timeout: this.timeout(facts),
      settled: facts.isSettled,
      stopped: this.#isStopped,
      hasDefault: this.#isPossible(facts),
    });
  }

  get #elapsed(): number {
    return (this.#clock.now() - this.#since) / 1000;
  }
}
