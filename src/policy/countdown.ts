/**
 * When the default boots by itself. The rule (docs/manual.md, "What boots by itself"): the time is the kernel
 * command line's, else that of the configuration whose default wins, else five seconds; it runs from the moment
 * the menu is shown; and nothing boots before every device present at start has been read or has passed its
 * deadline. Pure: the clock is the caller's.
 */

/** Seconds, where neither the command line nor a configuration says anything. */
export const DEFAULT_TIMEOUT = 5;

/**
 * @param word    `baton.timeout`, null where not given
 * @param config  the winning configuration's timeout, null where it has none
 */
export function chooseTimeout(word: number | null, config: number | null): number {
  return word ?? config ?? DEFAULT_TIMEOUT;
}

/** How long the device or server of the file that `baton.config=` names may take, in milliseconds. */
export const NAMED_CONFIG_MS = 30_000;

interface CountdownState {
  /** Seconds since the menu was shown. */
  readonly elapsed: number;
  readonly timeout: number;
  /** Every device present at start has been read or has passed its deadline. */
  readonly settled: boolean;
  /** A key was pressed, or the boots that could be tried have failed. */
  readonly stopped: boolean;
  readonly hasDefault: boolean;
}

/** What to show, and whether to boot now. */
export interface CountdownStep {
  /** Whole seconds left; null where no countdown is shown. */
  readonly left: number | null;
  readonly boot: boolean;
}

export function countdownStep(state: CountdownState): CountdownStep {
  if (state.stopped || !state.hasDefault || !Number.isFinite(state.timeout)) return { left: null, boot: false };
  const left = Math.max(0, state.timeout - state.elapsed);
  return { left: Math.ceil(left), boot: left === 0 && state.settled };
}
