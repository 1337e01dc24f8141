/**
 * What the menu shows: one state for every console. The session fills it, and each console draws it. The menu never
 * sees formats or devices themselves.
 */

import type { BootEntry, Diagnostic } from "../entry.ts";
import type { LogLine } from "../log.ts";
import type { DeviceStatus, Progress } from "../status.ts";
import type { Edited } from "./entryeditor.ts";

/** The last boot that failed, for the screen that tells all about it. */
export interface Failure {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  /** A sentence. */
  readonly reason: string;
  /** What to try next; empty where nothing is known. */
  readonly advice: readonly string[];
}

/** What the owner's configuration settles about the menu. */
export interface MenuSettings {
  /** Whether entries are edited without the password. */
  readonly editor: boolean;
  /** Whether there is a shell without the password. */
  readonly shell: boolean;
  /** Whether there is a password at all: without one, what is shut stays so. */
  readonly hasPassword: boolean;
  /** Seconds without a key after which a countdown that a key stopped goes on; 0: never. */
  readonly idle: number;
  readonly title: string | null;
  readonly message: string | null;
  /** More keys, by action (menu/bindings.ts). */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** Colours, by style (menu/theme.ts). */
  readonly theme: Readonly<Record<string, string>>;
}

export const OPEN_SETTINGS: MenuSettings = {
  editor: true,
  shell: true,
  hasPassword: false,
  idle: 0,
  title: null,
  message: null,
  keys: {},
  theme: {},
};

/** What a bootloader's own users keep shut (policy/locks.ts), without their passwords. */
export interface MenuLock {
  /** The configuration. */
  readonly source: string;
  /** Who may edit, and open a shell where it is the machine's own configuration. */
  readonly superusers: readonly string[] | null;
  /** Nobody is asked for a name. */
  readonly isNameless: boolean;
  readonly isMachines: boolean;
  /** Users whose passwords can be checked. */
  readonly users: readonly string[];
  /** Why that of another can't; null where there is no such. */
  readonly problem: string | null;
}

export interface MenuState {
  /** In the order of the list; submenus are grouped by `submenu`. */
  readonly entries: readonly BootEntry[];
  readonly devices: readonly DeviceStatus[];
  readonly diagnostics: readonly Diagnostic[];
  /** True until every device present at start has been read or has passed its deadline. */
  readonly scanning: boolean;
  /** Whole seconds until the default boots; null when no countdown runs. */
  readonly countdown: number | null;
  /** Whether a countdown that a key stopped goes on when no key is pressed for `settings.idle` seconds. */
  readonly resumes: boolean;
  /** What the countdown leads to. */
  readonly next: "boot" | "retry" | "reboot" | "poweroff";
  /** Id of the entry that the countdown boots. */
  readonly defaultId: string | null;
  /** Id of the entry that is selected, where somebody has moved to one. */
  readonly selectedId: string | null;
  /** Why that one is the default, or why none is. */
  readonly why: string;
  readonly progress: Progress | null;
  /** Shown above the list until a key is pressed: why the last boot failed. */
  readonly message: string | null;
  /** The last boot that failed, else null. */
  readonly failure: Failure | null;
  readonly settings: MenuSettings;
  /** Where it is the same text as `message`, that is no failure but merely something to say. */
  readonly note: string | null;
  readonly locks: readonly MenuLock[];
  /** False while a disk may still shut the editor and the shell. */
  readonly areLocksKnown: boolean;
  /** One line about Baton and the machine: version, kernel, memory, model. */
  readonly machine: readonly string[];
}

/** What a person can make happen. Each resolves when it has failed or is done; none rejects. */
export interface MenuActions {
  /** Loads and jumps; on failure sets `message`. `options` and `files` replace what the entry says (after `e`). */
  boot(entry: BootEntry, options?: string, files?: Edited["files"]): Promise<void>;
  /** Opens an entry that asks something first (`BootEntry.asks`). @param answers by the questions' names */
  open?(entry: BootEntry, answers: ReadonlyMap<string, string>): Promise<void>;
  /** The selection has moved, to this entry or to what is none: what Enter would boot may be made ready. */
  selected?(entry: BootEntry | null): void;
  /** Ends the loading that goes on; absent where it can't be ended. */
  cancel?(): void;
  /** The entry boots by itself from now on; says in `message` what was written, or why nothing was. */
  makeDefault?(entry: BootEntry): Promise<void>;
  /** Gives the countdown so many seconds more, or fewer. */
  addTime?(seconds: number): void;
  /** Fetches what stands at a URL and lists or boots it. */
  openUrl?(url: string): Promise<void>;
  /** Restarts into the firmware's own set-up; absent where there is no such thing. */
  firmware?(): Promise<void>;
  /**
   * Opens an encrypted device.
   * @returns null where it is open, else why not; `again` where another passphrase might do it
   */
  unlockDevice?(name: string, passphrase: string): Promise<{ readonly reason: string; readonly again: boolean } | null>;
  /** Whether that is the password; after too many wrong ones, how long none is looked at. */
  unlock?(password: string): Promise<{ readonly ok: boolean; readonly waitMs: number }>;
  /** Whether that is the password of a user of that configuration ({@link MenuState.locks}); else as `unlock`. */
  login?(
    source: string,
    users: readonly string[],
    password: string,
    orOwner: boolean,
  ): Promise<{ readonly ok: boolean; readonly waitMs: number; readonly user?: string | null }>;
  /** Looks at every device again. */
  rescan(): Promise<void>;
  /** A key was pressed: no countdown any more. */
  stopCountdown(): void;
  /** A key was pressed: a person is there. */
  attended?(): void;
  /** The keys of the last moment were noise on a line: nobody is there. */
  noise?(): void;
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
  readonly #selectors = new Set<(id: string) => void>();

  constructor(initial: Partial<MenuState> = {}) {
    this.#state = {
      entries: [],
      devices: [],
      diagnostics: [],
      scanning: true,
      countdown: null,
      resumes: false,
      next: "boot",
      defaultId: null,
      selectedId: null,
      why: "",
      progress: null,
      message: null,
      failure: null,
      note: null,
      settings: OPEN_SETTINGS,
      locks: [],
      areLocksKnown: true,
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

  /** Has every console select that entry. */
  select(id: string): void {
    for (const selector of this.#selectors) selector(id);
    this.update({ selectedId: id });
  }

  /** @param selector moves a menu to an entry; @returns a function that stops that */
  onSelect(selector: (id: string) => void): () => void {
    this.#selectors.add(selector);
    return () => this.#selectors.delete(selector);
  }

  /** @returns a function that stops the listening. */
  subscribe(listener: (state: MenuState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
