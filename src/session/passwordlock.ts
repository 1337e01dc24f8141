/** Passwords: the owner's, and those of bootloaders' users, with one wait after wrong ones. */

import { log } from "../log.ts";
import type { Lock } from "../policy/locks.ts";
import { type Clock, systemClock } from "./clock.ts";

interface Verdict {
  readonly ok: boolean;
  /** Whose password it was; null for the owner's, and where it was wrong. */
  readonly user?: string | null;
  /** How long none is looked at from now on. */
  readonly waitMs: number;
}

export class PasswordLock {
  readonly #clock: Pick<Clock, "now">;
  #wrong = 0;
  #shutUntil = 0;
  #isLooking = false;

  constructor(clock: Pick<Clock, "now"> = systemClock) {
    this.#clock = clock;
  }

  /** @param hash as `baton password` prints it */
  tryPassword(password: string, hash: string): Promise<Verdict> {
    return this.#try("the password", async () => {
      const { verifyPassword } = await import("../policy/password.ts");
      return verifyPassword(password, hash);
    });
  }

  /**
   * @param lock the configuration whose users these are; undefined where it isn't listed any more
   * @param users any of them
   * @param hash of the owner's password, where that counts, too; else null
   */
  async tryLogin(
    lock: Lock | undefined,
    users: readonly string[],
    password: string,
    hash: string | null,
  ): Promise<Verdict> {
    let user: string | null = null;
    const verdict = await this.#try(`a password for ${lock?.source ?? "a configuration"}`, async () => {
      const { isPasswordOf } = await import("../policy/locks.ts");
      for (const one of users) {
        const known = lock?.passwords.get(one);
        if (known === undefined || !(await isPasswordOf(known, password))) continue;
        user = one;
        return true;
      }
      if (hash === null) return false;
      const { verifyPassword } = await import("../policy/password.ts");
      return verifyPassword(password, hash);
    });
    return { ...verdict, user };
  }

  /** @param what for the log, which has nothing of what was typed */
  async #try(what: string, isRight: () => Promise<boolean>): Promise<Verdict> {
    const now = this.#clock.now();
    // One at a time: else many tries at once would each be looked at before the first has failed.
    if (this.#isLooking || now < this.#shutUntil) return { ok: false, waitMs: Math.max(1000, this.#shutUntil - now) };
    this.#isLooking = true;
    try {
      const { lockoutMs } = await import("../policy/password.ts");
      if (await isRight()) {
        this.#wrong = 0;
        log.info(`${what} was given`);
        return { ok: true, waitMs: 0 };
      }
      this.#wrong++;
      const waitMs = lockoutMs(this.#wrong);
      this.#shutUntil = this.#clock.now() + waitMs;
      log.warn(
        `${what} was wrong, ${this.#wrong} in a row${waitMs > 0 ? `; none is looked at for ${waitMs / 1000} s` : ""}`,
      );
      return { ok: false, waitMs };
    } finally {
      this.#isLooking = false;
    }
  }
}
