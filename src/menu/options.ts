/** What a menu is started with, and what its caller holds while it runs. */

import type { ConsoleSpec } from "./consoles.ts";
import type { MenuActions, MenuStore } from "./model.ts";
import type { ShellProgram } from "./shell.ts";
import type { Timers } from "./timers.ts";

export interface MenuOptions {
  readonly consoles: readonly ConsoleSpec[];
  readonly store: MenuStore;
  readonly actions: MenuActions;
  /** What `c` runs; without it there is no shell. */
  readonly shell?: ShellProgram;
  /** The consoles that there are now: asked again from time to time, since some appear late (a USB serial line). */
  readonly findConsoles?: () => readonly ConsoleSpec[];
  /** Called when the last console is gone and none is left to press keys on. */
  readonly onNoConsole?: () => void;
  /** Called when everything is made for the first frame and just before it is drawn; may have the kernel print. */
  readonly beforeFirstFrame?: () => void;
  /** Where the console log level is set; null leaves the kernel alone (`baton menu` on a host). */
  readonly printk?: string | null;
  /** In tests, another time. */
  readonly timers?: Timers;
}

export interface Menu {
  /** Names of the consoles that show the menu now. */
  readonly consoles: readonly string[];
  /**
   * Runs `print`, which has the kernel print on its consoles (a line to /dev/kmsg), with the console log level as it
   * was before the menu; then every screen is drawn whole. Synchronous.
   */
  aloud(print: () => void): void;
  /** A shell, an editor, a prompt or a question is open on a console. */
  readonly isInUse: boolean;
  /** Leaves every console as it was found: cleared, its attributes and the kernel's log level restored. */
  close(): Promise<void>;
}
