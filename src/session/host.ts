/** What a session (session.ts) needs of where it runs: the initramfs, or a terminal of a running system. */

import type { Discovery } from "../discovery/discovery.ts";
import type { BootEntry } from "../entry.ts";
import type { MenuActions, MenuStore } from "../menu/model.ts";
import type { BootState } from "./bootstate.ts";

/** What a session needs of a menu that is open. */
export interface OpenMenu {
  /** Lets the kernel print on the consoles what `print` writes to its log; the menu is then drawn anew. */
  aloud(print: () => void): void;
  close(): Promise<void>;
}

/** What a session needs of the place it runs in. */
export interface SessionPlace {
  readonly discovery: Discovery;
  /** True once every device present at start has been read or has passed its deadline. */
  isSettled(): boolean;
  /** True where no device that has not answered yet can make another entry the default; before `isSettled`. */
  isDecided?(): boolean;
  /** Looks at every device again. */
  rescan(): Promise<void>;
  /** One line of docs/interfaces.md for the kernel log and so the serial console. */
  milestone(text: string): void;
  /** Why the jump may take long or never come, else null. */
  jumpWarning(): string | null;
  /** Quiets hardware that would write into the next kernel's memory. */
  beforeJump?(): Promise<void>;
  /** A plain line on every console, while there is no menu. */
  announce(text: string): void;
  /** What Enter would boot may be loaded ahead: this machine is Baton's own. */
  readonly stages?: boolean;
  /** Draws the menu on every console; resolves when it is drawn. */
  openMenu(store: MenuStore, actions: MenuActions): Promise<OpenMenu>;
  /** Lets go of every filesystem, before the jump. */
  unmount(): Promise<void>;
  reboot(): Promise<void>;
  powerOff(): Promise<void>;
  /** What may be written and what is remembered; absent where neither is wanted (`baton menu` on a host). */
  keeper?(): Promise<BootState>;
  /** Restarts into one of the firmware's own boot entries; absent where there are none. */
  bootNext?(entry: BootEntry): Promise<void>;
  /** Opens an encrypted device; false where it is the wrong passphrase. Absent where Baton opens none. */
  unlockDevice?(name: string, passphrase: string): Promise<boolean>;
  /** Restarts into the firmware's set-up; absent where the firmware can't. */
  firmware?(): Promise<void>;
  /** Fetches what stands at a URL, and adds what it gives to the list. */
  openUrl?(url: string): Promise<void>;
  /** Puts what an entry leads to in its place in the list (`BootEntry.opens`). */
  openDoor?(door: string): Promise<void>;
}
