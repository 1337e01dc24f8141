/** Who may ask: the token, compared in constant time, and a limit on wrong ones. */

import { createHash, timingSafeEqual } from "node:crypto";

/** Wrong tokens that an address may send until it has to wait. */
const MAX_WRONG = 5;
/** How long it waits then. Milliseconds. */
const WAIT_MS = 60_000;
/** Addresses that are remembered; the oldest goes first. */
const MAX_ADDRESSES = 256;

export type Access = "yes" | "no" | "wait";

export class TokenCheck {
  readonly #digest: Buffer;
  readonly #now: () => number;
  readonly #wrong = new Map<string, { count: number; until: number }>();

  /** @param token as the configuration has it (policy/remotesettings.ts) */
  constructor(token: string, now: () => number = () => performance.now()) {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(token)?.[1];
    this.#digest = hex === undefined ? createHash("sha256").update(token).digest() : Buffer.from(hex, "hex");
    this.#now = now;
  }

  /** @param header of `Authorization`, RFC 6750, 2.1 */
  check(header: string | undefined, address: string): Access {
    const known = this.#wrong.get(address);
    const now = this.#now();
    if (known !== undefined && now >= known.until && known.until > 0) this.#wrong.delete(address);
    else if (known !== undefined && known.until > now) return "wait";
    const [, given] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? "") ?? [];
    // Who has sent none has guessed none: a browser's first look is no attack.
    if (given === undefined) return "no";
    if (timingSafeEqual(createHash("sha256").update(given).digest(), this.#digest)) {
      this.#wrong.delete(address);
      return "yes";
    }
    this.#count(address, now);
    return "no";
  }

  #count(address: string, now: number): void {
    const count = (this.#wrong.get(address)?.count ?? 0) + 1;
    this.#wrong.delete(address);
    this.#wrong.set(address, { count, until: count >= MAX_WRONG ? now + WAIT_MS : 0 });
    const [oldest] = this.#wrong.keys();
    if (this.#wrong.size > MAX_ADDRESSES && oldest !== undefined) this.#wrong.delete(oldest);
  }
}
