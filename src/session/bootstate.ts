/** Joins discovery with what may be written: Baton's own state, and what entries' bootloaders would write. */

import type { BootEntry, StateWrite } from "../entry.ts";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import { findEntries } from "../policy/find.ts";
import type { BootRules } from "../policy/readconfig.ts";
import type { Settings } from "../policy/settings.ts";
import { canBootByItself } from "../policy/unattended.ts";
import { isForThisStart, readVariable, textOfVariable } from "../state/efivars.ts";
import { interfaceWrites } from "../state/loaderinterface.ts";
import { loaderTimes } from "../state/loadertimes.ts";
import { OwnState, STATE_FILES, STATE_VARIABLE } from "../state/own.ts";
import { describeWrite, type LookAt, performWrites } from "../state/perform.ts";
import { badSlots } from "../state/slots.ts";
import { VERSION } from "../version.ts";
import type { EntrySource } from "./entrysource.ts";

/** A grubenv is 1,024 bytes; a larger file has another purpose. */
const MAX_STATE_SIZE = 64 * 1024;

export class BootState {
  readonly #discovery: Pick<EntrySource, "volumes" | "list">;
  readonly #lookAt: LookAt;
  readonly #isEfi: boolean;
  #own: OwnState | null = null;

  /** @param isEfi whether the machine's own EFI variables are to be read; never for `--disk` directories */
  constructor(discovery: Pick<EntrySource, "volumes" | "list">, lookAt: LookAt, isEfi: boolean) {
    this.#discovery = discovery;
    this.#lookAt = lookAt;
    this.#isEfi = isEfi;
  }

  /** Reads Baton's own state, where there is any. Never rejects. */
  async load(): Promise<void> {
    if (this.#isEfi) {
      const value = readVariable(STATE_VARIABLE);
      this.#own = OwnState.fromVariable(value === null ? "" : textOfVariable(value));
      return;
    }
    for (const volume of this.#discovery.volumes) {
      // A stick that a stranger plugs in must not choose what boots.
      if (volume.removable && (volume.disk ?? volume.name) !== this.#discovery.list.loneDisk) continue;
      for (const path of STATE_FILES) {
        try {
          const bytes = await volume.reader.read(path, MAX_STATE_SIZE);
          this.#own = OwnState.fromFile({ device: volume.name, path }, bytes);
          log.info(`${volume.name}:${path}: Baton's own state`);
          return;
        } catch (error) {
          log.debug(`${volume.name}:${path}: ${describeError(error)}`);
        }
      }
    }
  }

  /** What the state adds to the rules for the default. */
  rules(settings: Settings): Pick<BootRules, "saved" | "passedOver"> {
    if (this.#own === null && (settings.tries > 0 || settings.default === "@saved")) {
      const what = settings.tries > 0 ? `tries: ${settings.tries}` : 'default: "@saved"';
      log.warn(`${what} has no effect: Baton has no place to remember; grub-editenv /boot/batonenv create makes one`);
    }
    const passedOver = this.#own?.passedOver(settings.tries) ?? new Map<string, string>();
    for (const name of this.#own === null ? [] : badSlots(this.#own)) {
      for (const { id } of findEntries(this.#discovery.list.entries, name)) {
        passedOver.set(id, `${id} is the slot ${name}, which is marked as bad`);
      }
    }
    for (const reason of passedOver.values()) log.warn(`passed over: ${reason}`);
    return { saved: this.#own?.saved ?? null, passedOver };
  }

  /** What booting this entry writes: its own bootloader's state, and Baton's count. */
  writesFor(entry: BootEntry, settings: Settings): StateWrite[] {
    const counts = settings.tries > 0 && this.#own !== null;
    return [...entry.writes, ...(counts ? [this.#own!.boot(entry.id)] : []), ...this.#interfaceWrites(entry, settings)];
  }

  /** What Baton says of itself as a boot loader; what started Baton has said the same for this start, where it is one. */
  #interfaceWrites({ id }: BootEntry, { writes }: Settings): StateWrite[] {
    if (!this.#isEfi || writes !== "boot-loader-interface") return [];
    const { entries, order } = this.#discovery.list;
    const first = new Set(order);
    const ids = entries.filter(canBootByItself).map((entry) => entry.id);
    const sorted = [...order.filter((one) => ids.includes(one)), ...ids.filter((one) => !first.has(one))];
    return interfaceWrites(VERSION, sorted, id, loaderTimes()).filter(
      (write) => !("efivar" in write) || !isForThisStart(write.efivar),
    );
  }

  /** What makes the entry the default; null where there is no place to remember it. */
  writesToSave(entry: BootEntry): StateWrite[] | null {
    return this.#own === null ? null : [this.#own.save(entry.id)];
  }

  /**
   * Does it where the settings allow writing, else says what would have been written.
   * @returns a sentence for each write that was not done
   */
  async perform(writes: readonly StateWrite[], settings: Settings): Promise<string[]> {
    if (writes.length === 0) return [];
    if (settings.writes === "none") {
      const texts = writes.map(describeWrite);
      for (const text of texts) log.info(`not written, since writes is none: ${text}`);
      return texts.map((text) => `${text} is not written: the configuration says writes: none`);
    }
    const problems = await performWrites(writes, this.#lookAt);
    for (const problem of problems) log.error(problem);
    return problems;
  }
}
