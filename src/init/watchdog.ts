/** The watchdog: armed where the configuration says so, and before the jump at the latest. */

import { endsWithin } from "../linux/deadline.ts";
import type { Watchdog } from "../state/watchdog.ts";
import type { Configuration } from "./configuration.ts";

/** How long the jump waits for a watchdog that is being armed. Milliseconds. */
const ARMING_MS = 4000;

export class WatchdogOnDemand {
  readonly #configuration: Configuration;
  #armed: Promise<Watchdog | null> | null = null;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
  }

  /** Arms it, once, where the configuration that has been read so far says so. */
  arm(): void {
    const { watchdog: seconds } = this.#configuration.settings;
    if (seconds === null) return;
    this.#armed ??= Promise.all([import("../state/watchdog.ts"), import("./latedrivers.ts")]).then(
      ([{ armWatchdog }, { loadDrivers }]) => armWatchdog(seconds, loadDrivers),
    );
  }

  /** Before the jump: it is to be armed by then. */
  async beforeJump(): Promise<void> {
    if (this.#armed !== null) await endsWithin(this.#armed, ARMING_MS);
  }

  /** Before the machine is switched off: it is not to be switched on again. */
  async disarm(): Promise<void> {
    (await this.#armed)?.close();
  }
}
