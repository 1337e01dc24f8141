/** What the owner may have shut (`editor: no`, `shell: no`, entries that are restricted), and the password that opens it. */

import type { MenuActions, MenuStore } from "./model.ts";

export type Guarded = "editor" | "shell" | "restricted";

/** How long a password opens what is shut, after the last key; in milliseconds. */
const UNLOCKED_MS = 300_000;

export class Guard {
  readonly #store: MenuStore;
  readonly #actions: MenuActions;
  #openUntil = 0;

  constructor(store: MenuStore, actions: MenuActions) {
    this.#store = store;
    this.#actions = actions;
  }

  /** True while the password that was given counts. */
  get isUnlocked(): boolean {
    return performance.now() < this.#openUntil;
  }

  /** A key was pressed: whoever gave the password is still there. */
  extend(): void {
    if (this.isUnlocked) this.#openUntil = performance.now() + UNLOCKED_MS;
  }

  /**
   * @param name what a person wanted: `a shell`
   * @returns whether it is free, is to be asked for, or why it can't be had
   */
  check(what: Guarded, name: string): "free" | "ask" | { readonly refusal: string } {
    const { settings } = this.#store.state;
    if ((what !== "restricted" && settings[what]) || this.isUnlocked) return "free";
    if (settings.hasPassword && this.#actions.unlock !== undefined) return "ask";
    const why = what === "restricted" ? "its bootloader restricts it" : `the configuration says ${what}: no`;
    return { refusal: `Not without a password, and the configuration has none: ${name} (${why}).` };
  }

  /** @returns null where that is the password, else what to say */
  async tryPassword(text: string): Promise<string | null> {
    const { ok, waitMs } = await this.#actions.unlock!(text);
    if (!ok) {
      const wait = waitMs > 0 ? ` None is looked at for ${Math.ceil(waitMs / 1000)} s.` : "";
      return `That is not the password.${wait}`;
    }
    this.#openUntil = performance.now() + UNLOCKED_MS;
    return null;
  }
}
