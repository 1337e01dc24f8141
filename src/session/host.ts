/** What a session (session.ts) needs of where it runs: the initramfs, or a terminal of a running system. */

import type { BootEntry } from "../entry.ts";
import type { LoadResult } from "../kexec/loadfiles.ts";
import type { BootHooks } from "../loader/boot.ts";
import type { LoadCall } from "../loader/methods.ts";
import type { MenuActions, MenuStore } from "../menu/model.ts";
import type { BootState } from "./bootstate.ts";
import type { EntrySource } from "./entrysource.ts";

/** What a session needs of a menu that is open. */
export interface OpenMenu {
  /** Lets the kernel print on the consoles what `print` writes to its log; the menu is then drawn anew. */
  aloud(print: () => void): void;
  /** A shell, an editor, a prompt or a question is open. */
  readonly isInUse?: boolean;
  close(): Promise<void>;
}

/** How an entry is loaded before anybody has asked for it. */
interface LoadAheadOptions {
  readonly ahead: "packed" | "unpacked";
  /** False once nobody wants it any more: the load then ends with BatonError `cancelled`. */
  readonly isWanted: () => boolean;
  readonly call: LoadCall;
}

/** What a session needs of the place that it runs in. */
export interface SessionHost {
  readonly discovery: EntrySource;
  /** True once every device present at start has been read or has passed its deadline. */
  isSettled(): boolean;
  /** True where no device that has not answered yet can make another entry the default; before `isSettled`. */
  isDecided?(): boolean;
  /** Every disk present at start has been read or has passed its deadline; left out where all are. */
  areDisksRead?(): boolean;
  /** Looks at every device again. */
  rescan(): Promise<void>;
  /** Loads and jumps; returns only by an error. */
  boot(entry: BootEntry, options: string, hooks: BootHooks): Promise<never>;
  /** Loads what Enter would boot; absent where the machine isn't Baton's own. */
  loadAhead?(entry: BootEntry, options: LoadAheadOptions): Promise<LoadResult>;
  /** One line of docs/interfaces.md for the kernel log and so the serial console. */
  milestone(text: string): void;
  /** Why the jump may take long or never come, else null. */
  jumpWarning(): string | null;
  /** Quiets hardware that would write into the next kernel's memory. */
  beforeJump?(): Promise<void>;
  /** A plain line on every console, while there is no menu. */
  announce(text: string): void;
  /** Draws the menu on every console; resolves when it is drawn. */
  openMenu(store: MenuStore, actions: MenuActions): Promise<OpenMenu>;
  /** Lets go of every filesystem, before the jump. */
  unmount(): Promise<void>;
  reboot(): Promise<void>;
  powerOff(): Promise<void>;
  /** What may be written and what is remembered; absent where neither is wanted (`baton menu` on a host). */
  bootState?(): Promise<BootState>;
  /** Restarts into one of the firmware's own boot entries; absent where there are none. */
  bootNext?(entry: BootEntry): Promise<void>;
  /** Opens an encrypted device; false where it is the wrong passphrase. Absent where Baton opens none. */
  unlockDevice?(name: string, passphrase: string): Promise<boolean>;
  /** Restarts into the firmware's set-up; absent where the firmware can't. */
  firmware?(): Promise<void>;
  /** Fetches what stands at a URL, and adds what it gives to the list. */
  openUrl?(url: string): Promise<void>;
  /** Puts what an entry leads to in its place in the list (`BootEntry.opens`). */
  openDoor?(door: string, answers?: ReadonlyMap<string, string>): Promise<void>;
}
