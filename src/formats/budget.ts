/**
 * What the list of one configuration may use up: a stranger's file costs its own entries, and nothing else. Counted in
 * units that don't depend on the machine's speed. What was read before a budget ended stays listed. Pure.
 */

import type { Diagnostic, ParsedEntry } from "../entry.ts";

interface ListLimits {
  /** Bytes of memory, roughly, that a configuration's entries take together. */
  readonly bytes: number;
  readonly entries: number;
}

/** Enough for more than 40,000 ordinary entries. */
export const LIST_LIMITS: ListLimits = { bytes: 32 << 20, entries: 50_000 };
/** Of the memory that a machine has, a configuration's entries may take one part in so many. */
const MEMORY_PARTS = 32;
const MIN_LIST_BYTES = 2 << 20;

/** The limits of one configuration on a machine with so many bytes of memory; undefined where that isn't known. */
export function listLimits(memory: number | undefined): ListLimits {
  if (memory === undefined) return LIST_LIMITS;
  const bytes = Math.max(MIN_LIST_BYTES, Math.min(LIST_LIMITS.bytes, Math.floor(memory / MEMORY_PARTS)));
  return { ...LIST_LIMITS, bytes };
}

/** A configuration's budget, as its reader sees it. */
export interface BudgetContext {
  /** Bytes of memory that the machine has, to which the budgets of strangers' files are in proportion. */
  readonly memory?: number | undefined;
  /** What it shares with the other configurations of its device. */
  readonly share?: SharedBudget | undefined;
}

interface SharedLimits extends ListLimits {
  /** Configurations that are read. */
  readonly configurations: number;
  /** Commands that scripts run. */
  readonly steps: number;
  /** Bytes of configurations that are read. */
  readonly text: number;
}

/** What several configurations may use up together: those of a volume, of a device, of all devices. */
export class SharedBudget {
  readonly #limits: SharedLimits;
  /** `this device`, for the message. */
  readonly #whose: string;
  #within: SharedBudget | null;
  #configurations = 0;
  #bytes = 0;
  #entries = 0;
  #steps = 0;
  #text = 0;

  /** @param within what this is a part of */
  constructor(limits: SharedLimits, whose: string, within: SharedBudget | null = null) {
    this.#limits = limits;
    this.#whose = whose;
    this.#within = within;
  }

  /** One more configuration is to be read. @returns why it may not be, and then it doesn't count; else null */
  open(): string | null {
    const { configurations } = this.#limits;
    if (this.#configurations >= configurations) {
      return `there are more than ${configurations} configurations on ${this.#whose}`;
    }
    const why = this.#within?.open() ?? null;
    if (why === null) this.#configurations++;
    return why;
  }

  /** Takes an entry's bytes. @returns why there is no room for it, and then takes nothing; else null */
  take(bytes: number): string | null {
    const { bytes: most, entries } = this.#limits;
    if (this.#entries >= entries) return `there are more than ${entries} entries on ${this.#whose}`;
    if (this.#bytes + bytes > most) return `the entries of ${this.#whose} take more than ${mebibytes(most)} of memory`;
    const why = this.#within?.take(bytes) ?? null;
    if (why !== null) return why;
    this.#entries++;
    this.#bytes += bytes;
    return null;
  }

  /** So many commands were run. @returns why no more may be; else null */
  run(steps: number): string | null {
    this.#steps += steps;
    if (this.#steps <= this.#limits.steps) return this.#within?.run(steps) ?? null;
    return `the configurations of ${this.#whose} run more than ${this.#limits.steps} commands together`;
  }

  /** So many bytes of a configuration were read. @returns why they may not be parsed, and then they don't count; else null */
  read(bytes: number): string | null {
    const { text } = this.#limits;
    if (this.#text + bytes > text) {
      return `the configurations of ${this.#whose} are longer than ${mebibytes(text)} together`;
    }
    const why = this.#within?.read(bytes) ?? null;
    if (why === null) this.#text += bytes;
    return why;
  }

  /** Gives back all that was used, since its results are forgotten; what still uses it counts for nothing else. */
  release(): void {
    this.#within?.giveBack(this);
    this.#within = null;
  }

  private giveBack(part: SharedBudget): void {
    this.#configurations -= part.#configurations;
    this.#bytes -= part.#bytes;
    this.#entries -= part.#entries;
    this.#steps -= part.#steps;
    this.#text -= part.#text;
    this.#within?.giveBack(part);
  }
}

/** Of all that lies on a stick. */
export const MAX_REMOVABLE_ENTRIES = 2000;
/** Of a stick and of a disk that is built in: what one configuration may take, and how much more. */
const REMOVABLE: SharedLimits = {
  ...{ configurations: 100, bytes: 1, entries: MAX_REMOVABLE_ENTRIES, steps: 2_000_000, text: 8 << 20 },
};
const BUILT_IN: SharedLimits = {
  ...{ configurations: 2000, bytes: 2, entries: 100_000, steps: 20_000_000, text: 128 << 20 },
};
/** Devices' worth that all sticks may take together; built-in disks have as much beside them. */
const DEVICES = 2;
const WITHOUT_LIMIT: SharedLimits = {
  ...{ configurations: Infinity, bytes: Infinity, entries: Infinity, steps: Infinity, text: Infinity },
};

/** The shares of devices: a stick's configurations take nothing from those of the built-in disks. */
export class DeviceBudgets {
  readonly #bytes: number;
  readonly #removable: SharedBudget;
  readonly #builtIn: SharedBudget;
  readonly #devices = new Map<string, SharedBudget>();
  readonly #parts = new Map<string, SharedBudget>();

  /** @param memory bytes that the machine has */
  constructor(memory: number) {
    this.#bytes = listLimits(memory).bytes;
    this.#removable = new SharedBudget(this.#limits(REMOVABLE, DEVICES), "all removable devices");
    this.#builtIn = new SharedBudget(this.#limits(BUILT_IN, DEVICES), "all built-in disks");
  }

  /**
   * The share for reading a volume anew: what it used before is given back.
   * @param device its disk's name
   */
  begin(volume: string, device: string, isRemovable: boolean): SharedBudget {
    this.end(volume);
    const key = `${device} ${isRemovable}`;
    let shared = this.#devices.get(key);
    if (shared === undefined) {
      const limits = this.#limits(isRemovable ? REMOVABLE : BUILT_IN, 1);
      shared = new SharedBudget(limits, "this device", isRemovable ? this.#removable : this.#builtIn);
      this.#devices.set(key, shared);
    }
    const part = new SharedBudget(WITHOUT_LIMIT, "this volume", shared);
    this.#parts.set(volume, part);
    return part;
  }

  /** A volume has gone. */
  end(volume: string): void {
    this.#parts.get(volume)?.release();
    this.#parts.delete(volume);
  }

  #limits({ configurations, bytes, entries, steps, text }: SharedLimits, times: number): SharedLimits {
    return {
      ...{ configurations: configurations * times, bytes: this.#bytes * bytes * times, entries: entries * times },
      ...{ steps: steps * times, text: text * times },
    };
  }
}

/** An entry's objects without its texts, in bytes. */
const ENTRY_BYTES = 300;
const FILE_BYTES = 100;
/** Longer than what an entry of any system says of itself. */
const LONG_TEXT = 2000;

/**
 * Roughly what an entry takes, in bytes. A character counts for one; in a long text for four, since it may take two, and
 * as many again where the list is printed.
 */
export function entryBytes(entry: ParsedEntry): number {
  const { nativeId, title, submenu, linux, initrd, modules, options, restricted } = entry;
  let files = linux === null ? 0 : 1;
  let text = title.length + options.length + (nativeId?.length ?? 0);
  if (linux !== null) text += nameLength(linux);
  for (const part of submenu) text += part.length;
  for (const file of initrd) text += nameLength(file);
  for (const { file, args } of modules) text += nameLength(file) + args.length;
  for (const user of restricted ?? []) text += user.length;
  files += initrd.length + modules.length;
  return ENTRY_BYTES + FILE_BYTES * files + (text > LONG_TEXT ? 4 : 1) * text;
}

const nameLength = (file: { readonly path: string } | { readonly url: string }): number =>
  "path" in file ? file.path.length : file.url.length;

/** Counts a configuration's entries, those of the configurations it leads to among them. */
export class ListBudget {
  readonly #limits: ListLimits;
  readonly #share: SharedBudget | undefined;
  #bytes = 0;
  #entries = 0;
  #ended: string | null = null;
  #isSaid = false;

  constructor(limits: ListLimits = LIST_LIMITS, share?: SharedBudget) {
    this.#limits = limits;
    this.#share = share;
  }

  /** For a configuration in its surroundings. @param entries a limit of its own */
  static of({ memory, share }: BudgetContext, entries = LIST_LIMITS.entries): ListBudget {
    return new ListBudget({ ...listLimits(memory), entries }, share);
  }

  /** Takes what an entry needs. False from the first one on for which there is no room. */
  admit(entry: ParsedEntry): boolean {
    return this.take(entryBytes(entry));
  }

  /** The same for an entry of so many bytes, which isn't made yet. */
  take(bytes: number): boolean {
    if (this.#ended !== null) return false;
    const { entries, bytes: most } = this.#limits;
    if (this.#entries >= entries) this.#ended = `there are more than ${entries} entries`;
    else if (this.#bytes + bytes > most) this.#ended = `its entries take more than ${mebibytes(most)} of memory`;
    else this.#ended = this.#share?.take(bytes) ?? null;
    if (this.#ended !== null) return false;
    this.#entries++;
    this.#bytes += bytes;
    return true;
  }

  /** True where nothing more is listed. */
  get isSpent(): boolean {
    return this.#ended !== null;
  }

  /** Why the list ends here, for its one diagnostic: null while there is room, and where it was said already. */
  sayEnd(): string | null {
    if (this.#ended === null || this.#isSaid) return null;
    this.#isSaid = true;
    return `${this.#ended}; those before this one are listed, the others are left out`;
  }
}

const mebibytes = (bytes: number): string => `${Math.round((bytes / (1 << 20)) * 10) / 10} MiB`;

/** More than anybody reads. */
export const MAX_DIAGNOSTICS = 200;
const MAX_MESSAGE_LENGTH = 500;

/** Where what is wrong is said: {@link DiagnosticList}, or an array where there can't be much. */
export interface DiagnosticSink {
  push(diagnostic: Diagnostic): unknown;
}

/** What a person should know about a configuration, in bounds: so many, none of them endless. */
export class DiagnosticList implements DiagnosticSink {
  readonly all: Diagnostic[] = [];

  push(diagnostic: Diagnostic): void {
    if (this.all.length > MAX_DIAGNOSTICS) return;
    const message = this.isFull ? "there is more to say, which is left out" : shortMessage(diagnostic.message);
    this.all.push(message === diagnostic.message ? diagnostic : { ...diagnostic, message });
  }

  /** True where nothing more is taken but that there is more. */
  get isFull(): boolean {
    return this.all.length >= MAX_DIAGNOSTICS;
  }
}

/** A message with a stranger's text in it, in bounds. */
export function shortMessage(message: string): string {
  if (message.length <= MAX_MESSAGE_LENGTH) return message;
  const half = MAX_MESSAGE_LENGTH / 2;
  return `${message.slice(0, half)}…${message.slice(-half + 1)}`;
}

/** How long others wait at most while configurations are read: keys and screens among them. */
const MAX_MILLISECONDS_AT_ONCE = 10;

/** Those that wait to go on, one in each turn of the event loop: however many are read together, others wait as long. */
const waiting: (() => void)[] = [];
let turnBegan = 0;

function nextTurn(): void {
  turnBegan = performance.now();
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(nextTurn);
}

/** Lets others run from time to time. */
export class Breath {
  readonly #every: number;
  #asked = 0;

  /** @param every a power of two: asking for the time costs as much as a small piece of work. */
  constructor(every = 1) {
    this.#every = every;
  }

  /** Undefined where it isn't time yet. */
  take(): Promise<void> | undefined {
    if ((++this.#asked & (this.#every - 1)) !== 0) return undefined;
    if (performance.now() - turnBegan < MAX_MILLISECONDS_AT_ONCE) return undefined;
    return new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) setImmediate(nextTurn);
    });
  }
}
