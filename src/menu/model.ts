/**
 * What the menu shows: one state for every console. main.ts fills it; screens render it. The menu never sees
 * formats or devices themselves.
 */

import type { BootEntry, Diagnostic } from "../entry.ts";
import type { LogLine } from "../log.ts";

/** A device as the `i` screen and the nothing-found screen show it. */
export interface DeviceRow {
  readonly name: string;
  /** Bytes; null where unknown. */
  readonly size: number | null;
  readonly type: string | null;
  readonly uuid: string | null;
  readonly label: string | null;
  readonly model: string | null;
  readonly transport: string | null;
  /** Configurations found on it. */
  readonly sources: readonly string[];
  /** Why it yielded nothing, else null. */
  readonly reason: string | null;
}

/** Work that is going on: `Loading Debian GNU/Linux`. */
export interface Progress {
  readonly title: string;
  /** What is being read now. */
  readonly detail: string;
  readonly done: number;
  /** Bytes in all; null where unknown. */
  readonly total: number | null;
}

export interface MenuState {
  /** In the order of the list; submenus are grouped by `submenu`. */
  readonly entries: readonly BootEntry[];
  readonly devices: readonly DeviceRow[];
  readonly diagnostics: readonly Diagnostic[];
  /** True until every device present at start has been read or has passed its deadline. */
  readonly scanning: boolean;
  /** Whole seconds until the default boots; null when no countdown runs. */
  readonly countdown: number | null;
  /** What the countdown leads to. */
  readonly next: "boot" | "retry" | "reboot" | "poweroff";
  /** Id of the entry that the countdown boots. */
  readonly defaultId: string | null;
  /** Why that one is the default, or why none is. */
  readonly why: string;
  readonly progress: Progress | null;
  /** Shown above the list until a key is pressed: why the last boot failed. */
  readonly message: string | null;
  /** One line about Baton and the machine: version, kernel, memory, model. */
  readonly machine: readonly string[];
}

/** What a person can make happen. Each resolves when it has failed or is done; none rejects. */
export interface MenuActions {
  /** Loads and jumps; on failure sets `message`. `options` replaces the cmdline (after `e`). */
  boot(entry: BootEntry, options?: string): Promise<void>;
  /** Looks at every device again. */
  rescan(): Promise<void>;
  /** A key was pressed: no countdown any more. */
  stopCountdown(): void;
  reboot(): Promise<void>;
  powerOff(): Promise<void>;
  /** Leaves the menu without booting; absent where there is nothing to go back to (the initramfs). */
  quit?(): Promise<void>;
  log(): readonly LogLine[];
}

/** Holds the state; every console draws it again when it changes. */
export class MenuStore {
  #state: MenuState;
  readonly #listeners = new Set<(state: MenuState) => void>();

  constructor(initial: Partial<MenuState> = {}) {
    this.#state = {
      entries: [],
      devices: [],
      diagnostics: [],
      scanning: true,
      countdown: null,
      next: "boot",
      defaultId: null,
      why: "",
      progress: null,
      message: null,
      machine: [],
      ...initial,
    };
  }

  get state(): MenuState {
    return this.#state;
  }

  update(change: Partial<MenuState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener(this.#state);
  }

  /** @returns a function that stops the listening. */
  subscribe(listener: (state: MenuState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
