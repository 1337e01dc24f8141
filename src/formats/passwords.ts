/** Passwords of configurations that know no users: each opens what it stands at. Pure. */

import type { UserPassword } from "../entry.ts";
import type { FormatResult } from "./format.ts";

/** More than anybody remembers; the entries of the others stay shut. */
const MAX_PASSWORDS = 64;
/** GRUB reads no longer one, and nobody types it. */
const MAX_LENGTH = 1024;

export class NamelessPasswords {
  readonly #passwords = new Map<string, UserPassword>();
  readonly #superusers: string[] = [];

  /**
   * @param what it is for, which stands in a user's place: `label rescue`
   * @param isHash as crypt(3) prints it, and not the password itself
   * @param opensAll it also opens what changes entries and starts a shell
   * @returns that, for `ParsedEntry.restricted`; empty where there are too many
   */
  add(what: string, text: string, isHash: boolean, opensAll = false): readonly string[] {
    if (!this.#passwords.has(what) && this.#passwords.size >= MAX_PASSWORDS) return [];
    if (text === "") this.#passwords.set(what, { problem: "it is empty" });
    else if (text.length > MAX_LENGTH) this.#passwords.set(what, { problem: "it is too long" });
    else this.#passwords.set(what, isHash ? { crypt: text } : { plain: text });
    if (opensAll && !this.#superusers.includes(what)) this.#superusers.push(what);
    return [what];
  }

  /** For the result; nothing where there is no password. */
  get fields(): Pick<FormatResult, "superusers" | "passwords" | "isNameless"> {
    if (this.#passwords.size === 0) return {};
    const superusers = this.#superusers.length > 0 ? { superusers: this.#superusers } : {};
    return { ...superusers, passwords: this.#passwords, isNameless: true };
  }
}
