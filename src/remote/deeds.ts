/**
 * What somebody over the network can make happen: the menu's own actions, behind the menu's own guards (menu/guard.ts).
 * What a guard asks for must be in the request, since nobody can be asked back.
 */

import type { BootEntry } from "../entry.ts";
import { log } from "../log.ts";
import { ACTIONS, type ActionGuard, BOOT_GUARD } from "../menu/actions.ts";
import { Guard, type GuardFront } from "../menu/guard.ts";
import type { MenuActions, MenuStore } from "../menu/model.ts";

/** What became of a request: an HTTP status, and for all but 2xx a sentence. */
export interface Outcome {
  readonly status: number;
  readonly message: string;
}

/** Given with a request, for what is shut. */
export interface Given {
  readonly password?: string;
  readonly user?: string;
}

export interface DeedsContext {
  readonly store: MenuStore;
  readonly actions: MenuActions;
}

/** Questions that one request may answer: the owner's password opens all, a user's those of one configuration. */
const MAX_QUESTIONS = 4;

const DONE: Outcome = { status: 202, message: "" };
const refused = (status: number, message: string): Outcome => ({ status, message });

export class Deeds {
  readonly #store: MenuStore;
  readonly #actions: MenuActions;

  constructor({ store, actions }: DeedsContext) {
    this.#store = store;
    this.#actions = actions;
  }

  /** @param by who has chosen it, for the log: `API from 10.0.2.2` */
  async boot(id: string, options: string | undefined, given: Given, by: string): Promise<Outcome> {
    const entry = this.#entry(id);
    if (entry === undefined) return refused(404, `No entry has the id ${id}.`);
    const busy = this.#whyBusy();
    if (busy !== null) return refused(409, busy);
    if (!entry.bootable)
      return refused(409, `${entry.title} can't be booted: ${entry.reason ?? "the reason is not known"}`);
    if (entry.leadsTo !== undefined)
      return refused(409, `${entry.title} leads to another entry: choose that one, ${entry.leadsTo.id}.`);
    if (entry.asks !== undefined) return refused(409, `${entry.title} asks questions first: choose it on a console.`);
    const guard = this.#guard();
    const front = this.#front(guard, given);
    if (options !== undefined && options !== entry.options) {
      const edit = ACTIONS.find(({ action }) => action === "edit")!.guard!;
      const edited = await front.pass(edit, entry);
      if (edited !== DONE) return edited;
    }
    const outcome = await front.pass(BOOT_GUARD, entry);
    if (outcome !== DONE) return outcome;
    // A password takes a moment to check.
    const late = this.#whyBusy();
    if (late !== null) return refused(409, late);
    log.warn(`${entry.id}: chosen by ${by}`);
    this.#store.update({ message: null });
    this.#actions.attended?.();
    void this.#actions.boot(entry, options).catch((error) => log.error(String(error)));
    return DONE;
  }

  select(id: string): Outcome {
    const entry = this.#entry(id);
    if (entry === undefined) return refused(404, `No entry has the id ${id}.`);
    this.hold();
    this.#store.select(id);
    this.#actions.selected?.(entry);
    return DONE;
  }

  /** @param seconds more that the countdown gets; undefined: it stops, as by a key */
  hold(seconds?: number): Outcome {
    if (seconds !== undefined) {
      if (this.#store.state.countdown === null) return refused(409, "No countdown runs.");
      this.#actions.addTime?.(seconds);
      return DONE;
    }
    if (this.#store.state.countdown !== null) this.#actions.stopCountdown();
    this.#actions.attended?.();
    return DONE;
  }

  async rescan(): Promise<Outcome> {
    const busy = this.#whyBusy();
    if (busy !== null) return refused(409, busy);
    void this.#actions.rescan().catch((error) => log.error(String(error)));
    return DONE;
  }

  /** Lists what stands at a URL, where the menu may. @param by for the log */
  async openUrl(url: string, by: string): Promise<Outcome> {
    const row = ACTIONS.find(({ action }) => action === "url")!;
    const outcome = await this.#front(this.#guard(), {}).pass(row.guard ?? {}, null);
    if (outcome !== DONE) return outcome;
    log.warn(`${url}: chosen by ${by}`);
    await this.#actions.openUrl!(url);
    return DONE;
  }

  /** The request itself says that it is meant: nobody is asked again. @param by for the log */
  async leave(action: "reboot" | "poweroff", given: Given, by: string): Promise<Outcome> {
    const row = ACTIONS.find((one) => one.action === action)!;
    const outcome = await this.#front(this.#guard(), given).pass(row.guard ?? {}, null);
    if (outcome !== DONE) return outcome;
    log.warn(`${action}: chosen by ${by}`);
    const done = action === "reboot" ? this.#actions.reboot() : this.#actions.powerOff();
    void done.catch((error) => log.error(String(error)));
    return DONE;
  }

  #entry(id: string): BootEntry | undefined {
    return this.#store.state.entries.find((entry) => entry.id === id);
  }

  #whyBusy(): string | null {
    const { progress } = this.#store.state;
    return progress === null ? null : `Busy: ${progress.title}.`;
  }

  /** A new one for each request: a password opens what is asked with it, and nothing afterwards. */
  #guard(): Guard {
    return new Guard(this.#store, this.#actions, { now: () => performance.now() });
  }

  #front(
    guard: Guard,
    { password, user = "" }: Given,
  ): { pass(what: ActionGuard, entry: BootEntry | null): Promise<Outcome> } {
    let questions = 0;
    const pass = (what: ActionGuard, entry: BootEntry | null): Promise<Outcome> =>
      new Promise((resolve) => {
        const front: GuardFront = {
          console: undefined,
          note: (message) => resolve(refused(403, message)),
          confirm: (_, then) => then(),
          deliberately: (then) => then(),
          askPassword: (asked, then) => {
            if (password === undefined || ++questions > MAX_QUESTIONS)
              return resolve(
                refused(403, `${asked.what} needs a password${asked.users === null ? "" : `: ${asked.users}`}.`),
              );
            asked.attempt(password, user).then(
              (problem) => (problem === null ? then() : resolve(refused(403, problem))),
              (error) => resolve(refused(500, String(error))),
            );
          },
        };
        if (!guard.pass(what, entry, front, () => resolve(DONE))) resolve(refused(409, "This machine can't do that."));
      });
    return { pass };
  }
}
