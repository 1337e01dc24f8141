/** The one way to a loaded kernel: what loads files asks for a passage, and only here one is made. Pure. */

import { BatonError } from "../errors.ts";
import { log } from "../log.ts";
import type { TrustPolicy } from "./policy.ts";

/** Whether an entry is what the owner has signed. */
export interface Verdict {
  /** unsigned: nothing was signed for it. bad: something was, and it isn't this. */
  readonly state: "verified" | "unsigned" | "bad";
  /** The names of the keys that signed it; null where it isn't verified. */
  readonly by: string | null;
  /** Why it isn't verified, else null. */
  readonly reason: string | null;
}

export class Passage {
  readonly verdict: Verdict | null;

  private constructor(verdict: Verdict | null) {
    this.verdict = verdict;
  }

  /**
   * @param name of what is to boot, for the log
   * @param verdict null where the policy is off and nobody has looked
   * @throws BatonError `refused` where the policy doesn't let it boot
   */
  static through(policy: TrustPolicy, name: string, verdict: Verdict | null): Passage {
    if (policy.mode === "off") return new Passage(null);
    if (verdict?.state === "verified") {
      log.info(`${name}: verified by ${verdict.by}`);
      return new Passage(verdict);
    }
    const reason = policy.problem ?? verdict?.reason ?? "nobody can have signed it";
    if (policy.mode === "require") {
      throw new BatonError("refused", `trust: require lets it not boot: ${reason}`);
    }
    log.warn(`${name} is not verified: ${reason}`);
    return new Passage(verdict);
  }
}
