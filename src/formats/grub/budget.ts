/** What running one configuration may use up: a hostile one must not hang or fill the machine that boots. */

import { Breath, LIST_LIMITS, ListBudget, MAX_REMOVABLE_ENTRIES, type SharedBudget } from "../budget.ts";

/** Thrown when a limit is reached; ends what was running, not what was read before. */
export class BudgetExceeded {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export interface Limits {
  /** Commands run by the configuration itself, and as many by all of its entries. */
  readonly steps: number;
  /** Commands run by the body of one entry or submenu. */
  readonly entrySteps: number;
  /** Functions, `source` and `eval` inside one another. */
  readonly depth: number;
  /** Characters of one value or argument list. */
  readonly valueLength: number;
  /** Characters of all arguments and values: of the configuration itself, and as many of all of its entries. */
  readonly totalLength: number;
  readonly entries: number;
  /** Bytes that the entries take together, roughly. */
  readonly listBytes: number;
  /** Submenus in all. */
  readonly submenus: number;
  /** Submenus inside one another. */
  readonly menuDepth: number;
  /** Configuration files read. */
  readonly files: number;
  /** Bytes of them. */
  readonly bytes: number;
  /** Paths looked for on disks: by the configuration itself, and as many by all of its entries. */
  readonly looks: number;
  /** For the configuration itself, and as much for all of its entries. */
  readonly milliseconds: number;
}

export const LIMITS: Limits = {
  steps: 1_000_000,
  entrySteps: 20_000,
  depth: 50,
  valueLength: 1 << 20,
  totalLength: 1 << 24,
  entries: LIST_LIMITS.entries,
  listBytes: LIST_LIMITS.bytes,
  submenus: 5000,
  menuDepth: 16,
  files: 1000,
  bytes: 64 << 20,
  looks: 100_000,
  milliseconds: 10_000,
};

/** Of a configuration on a stick. */
export const REMOVABLE_LIMITS: Limits = { ...LIMITS, looks: 20_000, entries: MAX_REMOVABLE_ENTRIES };

/** Counts down. */
export class Budget {
  readonly limits: Limits;
  /** What the entries take. */
  readonly list: ListBudget;
  readonly #share: SharedBudget | undefined;
  readonly #breath = new Breath(32);
  readonly #textBreath = new Breath();
  #steps = 0;
  #entryEnd: number;
  #length = 0;
  #files = 0;
  #bytes = 0;
  #looks = 0;
  #deadline: number;
  #isShareSpent = false;
  /** The deadline had passed when the clock was last looked at. */
  #isLate = false;

  /** @param share what other configurations of the device use, too */
  constructor(limits: Limits = LIMITS, share?: SharedBudget) {
    this.limits = limits;
    this.#share = share;
    this.list = new ListBudget({ bytes: limits.listBytes, entries: limits.entries }, share);
    this.#entryEnd = limits.steps;
    this.#deadline = performance.now() + limits.milliseconds;
  }

  /** One command is run. */
  step(): void {
    this.#steps++;
    if (this.#steps >= this.#entryEnd) {
      if (this.#steps >= this.limits.steps)
        throw new BudgetExceeded(`more than ${this.limits.steps} commands were run`);
      throw new BudgetExceeded(
        `more than ${this.limits.entrySteps} commands were run for one entry, which looks like an endless loop`,
      );
    }
    if ((this.#steps & 0x3ff) !== 0) return;
    this.checkTime();
    const why = this.#share?.run(0x400) ?? null;
    if (why === null) return;
    this.#isShareSpent = true;
    throw new BudgetExceeded(why);
  }

  checkTime(): void {
    if (performance.now() > this.#deadline) {
      throw new BudgetExceeded(`reading it took longer than ${this.limits.milliseconds / 1000} s`);
    }
  }

  /** True where no entry can be run any more. */
  get isSpent(): boolean {
    const { steps, totalLength, looks } = this.limits;
    const isOver = this.#steps >= steps || this.#length > totalLength || this.#looks > looks;
    return isOver || this.#isLate || this.#isShareSpent;
  }

  /** The configuration itself was run; now come its entries, which may use as much again. */
  beginListing(): void {
    this.#steps = 0;
    this.#length = 0;
    this.#looks = 0;
    this.#isLate = false;
    this.#entryEnd = this.limits.steps;
    this.#deadline = performance.now() + this.limits.milliseconds;
  }

  /** Lets others run from time to time; undefined where it isn't time yet. */
  breathe(): Promise<void> | undefined {
    const breath = this.#breath.take();
    if (breath !== undefined) this.#isLate = performance.now() > this.#deadline;
    return breath;
  }

  /** The same where what follows, or what was, is more than a command: a text, a fault's search for an end. */
  breatheNow(): Promise<void> | undefined {
    return this.#textBreath.take();
  }

  /** The body of an entry begins: it may use so many commands and no more. */
  beginEntry(): void {
    this.#entryEnd = Math.min(this.limits.steps, this.#steps + this.limits.entrySteps);
  }

  endEntry(): void {
    this.#entryEnd = this.limits.steps;
  }

  /** An argument list or value of so many characters was made. */
  text(length: number): void {
    if (length > this.limits.valueLength) {
      throw new BudgetExceeded(`a value grew longer than ${this.limits.valueLength} characters`);
    }
    this.#length += length;
    if (this.#length > this.limits.totalLength) {
      throw new BudgetExceeded(`variables were expanded into more than ${this.limits.totalLength} characters in all`);
    }
  }

  file(bytes: number): void {
    this.#files++;
    this.#bytes += bytes;
    if (this.#files > this.limits.files) throw new BudgetExceeded(`more than ${this.limits.files} files were read`);
    if (this.#bytes > this.limits.bytes) throw new BudgetExceeded(`more than ${this.limits.bytes} bytes were read`);
    const why = this.#share?.read(bytes) ?? null;
    if (why !== null) throw new BudgetExceeded(why);
  }

  /** A path of a disk is looked for that wasn't before: each waits for that disk. */
  look(): void {
    if (++this.#looks > this.limits.looks) {
      throw new BudgetExceeded(`more than ${this.limits.looks} paths were looked for`);
    }
  }
}
