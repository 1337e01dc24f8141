/** What an action's guard asks for (actions.ts), and the password that opens what the owner has shut. */

import type { BootEntry } from "../entry.ts";
import type { ActionGuard, Confirmation } from "./actions.ts";
import type { MenuActions, MenuStore } from "./model.ts";
import type { Timers } from "./timers.ts";

/** How long a password opens what is shut, after the last key; in milliseconds. */
const UNLOCKED_MS = 300_000;

/** How a menu asks what a guard wants to know. */
export interface GuardFront {
  /** The console that asks, which a password given there opens; left out where there is only one. */
  readonly console?: object | undefined;
  note(message: string): void;
  confirm(confirmation: Confirmation, then: () => void): void;
  /** Calls `then` when no other key has followed at once. */
  deliberately(then: () => void): void;
  /** Calls `then` when {@link Guard.tryPassword} has found the password right. @param what `a shell` */
  askPassword(what: string, then: () => void): void;
}

export class Guard {
  readonly #store: MenuStore;
  readonly #actions: MenuActions;
  readonly #timers: Pick<Timers, "now">;
  /** Until when a password that was given counts, by the console on which it was typed. */
  readonly #openUntil = new Map<object | undefined, number>();

  constructor(store: MenuStore, actions: MenuActions, timers: Pick<Timers, "now">) {
    this.#store = store;
    this.#actions = actions;
    this.#timers = timers;
  }

  /** True while the password that was given on that console counts. */
  #isUnlocked(console?: object): boolean {
    return this.#timers.now() < (this.#openUntil.get(console) ?? 0);
  }

  /** Whether the action would need the password, were it not given already. */
  isShut({ shut }: ActionGuard, entry: BootEntry | null): boolean {
    if (shut === undefined) return false;
    return shut === "restricted" ? entry?.restricted != null : !this.#store.state.settings[shut];
  }

  /** A key was pressed: the person who gave the password is still there. */
  extend(console?: object): void {
    if (this.#isUnlocked(console)) this.#openUntil.set(console, this.#timers.now() + UNLOCKED_MS);
  }

  /**
   * Does what the guard allows, once everything that it asks for is given.
   * @returns false where it means nothing here
   */
  pass(guard: ActionGuard, entry: BootEntry | null, front: GuardFront, action: () => void): boolean {
    const { needs, otherwise, confirm, deliberate } = guard;
    if (needs !== undefined && this.#actions[needs] === undefined) {
      if (otherwise !== undefined) front.note(otherwise);
      return otherwise !== undefined;
    }
    const afterPassword = (): void => this.#open(guard, entry, front, action);
    if (confirm !== undefined) front.confirm(confirm, afterPassword);
    else if (deliberate) front.deliberately(afterPassword);
    else afterPassword();
    return true;
  }

  /** At once, after the password, or never where there is none. */
  #open(guard: ActionGuard, entry: BootEntry | null, front: GuardFront, action: () => void): void {
    const { shut, what } = guard;
    const { settings } = this.#store.state;
    if (!this.isShut(guard, entry) || this.#isUnlocked(front.console)) {
      action();
      return;
    }
    const name = what?.(entry) ?? "this";
    if (settings.hasPassword && this.#actions.unlock !== undefined) {
      front.askPassword(name, action);
      return;
    }
    const why = shut === "restricted" ? "its bootloader restricts it" : `the configuration says ${shut}: no`;
    front.note(`Not without a password, and the configuration has none: ${name} (${why}).`);
  }

  /**
   * @param console what it opens
   * @returns null where that is the password, else what to say
   */
  async tryPassword(text: string, console?: object): Promise<string | null> {
    const { ok, waitMs } = await this.#actions.unlock!(text);
    if (!ok) {
      const wait = waitMs > 0 ? ` None is looked at for ${Math.ceil(waitMs / 1000)} s.` : "";
      return `That is not the password.${wait}`;
    }
    this.#openUntil.set(console, this.#timers.now() + UNLOCKED_MS);
    return null;
  }
}
