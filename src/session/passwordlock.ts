/** The password of the configuration, with a wait after wrong ones. */

import { log } from "../log.ts";
import { type Clock, systemClock } from "./clock.ts";

export class PasswordLock {
  readonly #clock: Pick<Clock, "now">;
  #wrong = 0;
  #shutUntil = 0;
  #isLooking = false;

  constructor(clock: Pick<Clock, "now"> = systemClock) {
    this.#clock = clock;
  }

  /** @param hash as `baton password` prints it */
  async tryPassword(password: string, hash: string): Promise<{ ok: boolean; waitMs: number }> {
    const now = this.#clock.now();
    // One at a time: else many tries at once would each be looked at before the first has failed.
    if (this.#isLooking || now < this.#shutUntil) return { ok: false, waitMs: Math.max(1000, this.#shutUntil - now) };
    this.#isLooking = true;
    try {
      const { lockoutMs, verifyPassword } = await import("../policy/password.ts");
      if (await verifyPassword(password, hash)) {
        this.#wrong = 0;
        log.info("the password was given");
        return { ok: true, waitMs: 0 };
      }
      this.#wrong++;
      const waitMs = lockoutMs(this.#wrong);
      this.#shutUntil = this.#clock.now() + waitMs;
      log.warn(
        `a wrong password, ${this.#wrong} in a row${waitMs > 0 ? `; none is looked at for ${waitMs / 1000} s` : ""}`,
      );
      return { ok: false, waitMs };
    } finally {
      this.#isLooking = false;
    }
  }
}
