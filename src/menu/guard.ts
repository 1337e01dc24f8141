/** What an action's guard asks for (actions.ts), and the passwords that open what the owner or a bootloader has shut. */

import type { BootEntry } from "../entry.ts";
import type { ActionGuard, Confirmation } from "./actions.ts";
import type { MenuActions, MenuLock, MenuStore } from "./model.ts";
import type { Timers } from "./timers.ts";

/** How long a password opens what is shut, after the last key; in milliseconds. */
const UNLOCKED_MS = 300_000;

/** One of the things that keep an action shut. */
type Bar =
  /** The owner's password opens it. */
  | { readonly kind: "owner"; readonly why: string }
  /** So does that of one of these users of a configuration. */
  | { readonly kind: "users"; readonly lock: MenuLock; readonly users: readonly string[] };

/** How a menu asks what a guard wants to know. */
export interface GuardFront {
  /** The console that asks, which a password given there opens; left out where there is only one. */
  readonly console?: object | undefined;
  note(message: string): void;
  confirm(confirmation: Confirmation, then: () => void): void;
  /** Calls `then` when no other key has followed at once. */
  deliberately(then: () => void): void;
  /** Asks until an attempt succeeds, then calls `then`. */
  askPassword(asked: AskedPassword, then: () => void): void;
}

/** What a menu asks for before something that is shut. */
export interface AskedPassword {
  /** `a shell` */
  readonly what: string;
  /** Which configuration asks for one of its users, whose name is asked for first; null: for the owner's password alone. */
  readonly users: string | null;
  /** @returns null where that is the password, else what to say */
  attempt(password: string, user: string): Promise<string | null>;
}

/** The owner's password, among what is given by configuration. */
const OWNER = "";

interface Given {
  readonly user: string;
  /** Until when it counts. */
  until: number;
}

export class Guard {
  readonly #store: MenuStore;
  readonly #actions: MenuActions;
  readonly #timers: Pick<Timers, "now">;
  /** Who has given a password, by the console on which it was typed and the configuration for which it counts. */
  readonly #given = new Map<object | undefined, Map<string, Given>>();

  constructor(store: MenuStore, actions: MenuActions, timers: Pick<Timers, "now">) {
    this.#store = store;
    this.#actions = actions;
    this.#timers = timers;
  }

  #givenOn(console: object | undefined, source: string): string | null {
    const given = this.#given.get(console)?.get(source);
    return given !== undefined && this.#timers.now() < given.until ? given.user : null;
  }

  #give(console: object | undefined, source: string, user: string): void {
    const all = this.#given.get(console) ?? new Map<string, Given>();
    this.#given.set(console, all.set(source, { user, until: this.#timers.now() + UNLOCKED_MS }));
  }

  /** What keeps the action shut, were no password given already. */
  #bars({ shut }: ActionGuard, entry: BootEntry | null): Bar[] {
    const { settings, locks } = this.#store.state;
    const its = entry === null ? undefined : locks.find(({ source }) => source === (entry.config ?? entry.source));
    if (shut === undefined) return [];
    if (shut === "restricted") {
      if (entry?.restricted == null) return [];
      if (its === undefined) return [{ kind: "owner", why: "its bootloader restricts it" }];
      return [{ kind: "users", lock: its, users: entry.restricted }];
    }
    const machines = locks.find(({ isMachines }) => isMachines);
    // Another configuration's superusers guard its own entries alone.
    const shutting = [machines, shut === "editor" ? its : undefined].flatMap((lock) => {
      const users = lock?.superusers ?? null;
      return lock === undefined || users === null ? [] : [{ kind: "users", lock, users } as const];
    });
    return [
      ...(settings[shut] ? [] : [{ kind: "owner", why: `the configuration says ${shut}: no` } as const]),
      ...shutting.filter(({ lock }, at) => shutting.findIndex((one) => one.lock === lock) === at),
    ];
  }

  #isOpen(bar: Bar, console: object | undefined): boolean {
    if (this.#givenOn(console, OWNER) !== null) return true;
    if (bar.kind === "owner") return false;
    const user = this.#givenOn(console, bar.lock.source);
    return user !== null && bar.users.includes(user);
  }

  /** Whether the action would need a password, were it not given already. */
  isShut(guard: ActionGuard, entry: BootEntry | null): boolean {
    return this.#bars(guard, entry).length > 0;
  }

  /** A key was pressed: the person who gave a password is still there. */
  extend(console?: object): void {
    for (const [source, { user }] of this.#given.get(console) ?? [])
      if (this.#givenOn(console, source) !== null) this.#give(console, source, user);
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

  /** At once, after the passwords, or never where there are none. */
  #open(guard: ActionGuard, entry: BootEntry | null, front: GuardFront, action: () => void): void {
    const { settings, areLocksKnown } = this.#store.state;
    const name = guard.what?.(entry) ?? "this";
    const asksUsers = guard.shut === "editor" || guard.shut === "shell";
    if (asksUsers && !areLocksKnown && this.#givenOn(front.console, OWNER) === null) {
      front.note(`Not yet: a disk that is still being read may keep ${name} shut. Once more in a moment.`);
      return;
    }
    const bar = this.#bars(guard, entry).find((one) => !this.#isOpen(one, front.console));
    if (bar === undefined) {
      action();
      return;
    }
    const { console } = front;
    const again = (): void => this.#open(guard, entry, front, action);
    const hasOwner = settings.hasPassword && this.#actions.unlock !== undefined;
    const { login } = this.#actions;
    if (bar.kind === "users" && login !== undefined && bar.users.some((user) => bar.lock.users.includes(user))) {
      const { source, isNameless } = bar.lock;
      const attempt = async (password: string, typed: string): Promise<string | null> => {
        if (!isNameless && typed === "" && hasOwner) return this.tryPassword(password, console);
        const verdict = await login(source, isNameless ? bar.users : [typed], password, isNameless && hasOwner);
        const { user = typed } = verdict;
        const problem = this.#tried(verdict, () =>
          user === null ? this.#give(console, OWNER, OWNER) : this.#give(console, source, user),
        );
        const isOther = problem === null && user !== null && !bar.users.includes(user);
        return isOther ? "That is the password, but of another user." : problem;
      };
      const own = hasOwner ? " Without a name: the password of Baton's configuration." : "";
      const users = isNameless ? null : `${source} asks for one of its users.${own}`;
      front.askPassword({ what: name, users, attempt }, again);
    } else if (hasOwner)
      front.askPassword({ what: name, users: null, attempt: (text) => this.tryPassword(text, console) }, again);
    else front.note(whyShut(name, bar));
  }

  /**
   * The owner's password.
   * @param console what it opens
   * @returns null where that is the password, else what to say
   */
  async tryPassword(text: string, console?: object): Promise<string | null> {
    return this.#tried(await this.#actions.unlock!(text), () => this.#give(console, OWNER, OWNER));
  }

  #tried({ ok, waitMs }: { ok: boolean; waitMs: number }, give: () => void): string | null {
    if (ok) {
      give();
      return null;
    }
    const wait = waitMs > 0 ? ` None is looked at for ${Math.ceil(waitMs / 1000)} s.` : "";
    return `That is not the password.${wait}`;
  }
}

/** Why something stays shut where nobody's password opens it. */
function whyShut(name: string, bar: Bar): string {
  if (bar.kind === "owner") return `Not without a password, and the configuration has none: ${name} (${bar.why}).`;
  const { source, problem, isNameless } = bar.lock;
  if (isNameless)
    return `Not without a password: ${source} asks for one for ${name}, and ${problem ?? "has none that Baton could read"}.`;
  const who = bar.users.length === 0 ? "nobody" : bar.users.join(", ");
  return `Not without a password: ${source} leaves ${name} to ${who}, and ${problem ?? "has no password of theirs that Baton could read"}.`;
}
