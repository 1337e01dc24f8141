/**
 * What reading one ISO image's directories may cost. An image that is made to be read without end costs its own
 * entries and no more: what was read before the budget ended stays, and the event loop runs meanwhile.
 */

import { setImmediate } from "node:timers/promises";
import { BatonError } from "../errors.ts";

/**
 * Units of one image, each about a microsecond of work on a PC. Looking for the menu of a Debian DVD takes a hundredth
 * of it.
 */
export const MAX_UNITS = 500_000;
/** Units between two turns of the event loop: far below 50 ms, in an emulator, too. */
const UNITS_A_TURN = 4096;

/** What each thing costs, in units. */
export const COSTS = {
  /** 32 KiB of the image, read. */
  piece: 200,
  /** A directory record, its name and where it lies. */
  record: 4,
  /** One entry of a system use field. */
  systemUse: 1,
  /** A place elsewhere in the image that a record leads to: a continuation area, a relocated directory. */
  elsewhere: 4,
  /** A name of a path, looked up in a directory that is known. */
  name: 1,
} as const;

export class IsoBudget {
  /** For the message: `vda1:/iso/debian.iso`. */
  readonly #file: string;
  #spent = 0;
  #turn = 0;
  #wasCut = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** Units spent since the beginning, or since {@link refill}. */
  get spent(): number {
    return this.#spent;
  }

  get isSpent(): boolean {
    return this.#spent > MAX_UNITS;
  }

  /** What people are told of an image that was not read to its end; null of one that was, so far. */
  get shortfall(): string | null {
    return this.isSpent || this.#wasCut
      ? "its directories are larger than those of any real image: not all of it was read"
      : null;
  }

  /** A directory is read no further, although there is budget left: it has too many names. */
  cut(): void {
    this.#wasCut = true;
  }

  /** @returns true where it is time for {@link turn} */
  spend(units: number): boolean {
    this.#spent += units;
    this.#turn += units;
    return this.#turn >= UNITS_A_TURN;
  }

  /** Lets the event loop run. */
  async turn(): Promise<void> {
    this.#turn = 0;
    await setImmediate();
  }

  /** For what can't be answered once the budget is spent. @throws BatonError `too-large` */
  check(): void {
    if (this.isSpent) throw new BatonError("too-large", `${this.#file}: ${this.shortfall}.`);
  }

  /** What was read has been let go of, and may be read again. */
  refill(): void {
    this.#spent = 0;
    this.#wasCut = false;
  }
}
