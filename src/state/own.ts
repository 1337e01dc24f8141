/**
 * What Baton itself remembers from one start to the next: the entry that was saved as the default, and how often each
 * entry was booted without anybody confirming that it works. On EFI machines in one variable; elsewhere in a file of
 * 1,024 bytes or more that the owner has made (`grub-editenv /boot/batonenv create`). Pure.
 */

import type { FileRef, StateWrite } from "../entry.ts";
import { readEnvBlock } from "./envblock.ts";
import { BATON_GUID } from "./guids.ts";

export const STATE_VARIABLE = `BatonState-${BATON_GUID}`;

/** Where the file may lie on a filesystem. */
export const STATE_FILES: readonly string[] = ["/batonenv", "/boot/batonenv", "/baton/batonenv", "/EFI/baton/batonenv"];

const SAVED = "saved";
const LAST = "last";
const TRIES = "tries.";

/** The same on a booted system, where a boot partition's root is below one of these. */
export const BOOTED_STATE_FILES: readonly string[] = STATE_FILES.flatMap((path) =>
  ["", "/boot", "/boot/efi", "/efi"].map((folder) => `${folder}${path}`),
);

/** Firmware has little room. */
const MAX_VALUE_LENGTH = 4096;
/** Of an environment block: its first line. */
const HEAD = "# GRUB Environment Block\n".length;

export class OwnState {
  readonly #values: Map<string, string>;
  readonly #place: { readonly file: FileRef } | "variable";
  /** Bytes for lines. */
  readonly #room: number;

  /** @param values as {@link parseState} or an environment block gives them */
  constructor(place: { readonly file: FileRef } | "variable", values: ReadonlyMap<string, string>, room: number) {
    this.#place = place;
    this.#values = new Map(values);
    this.#room = room;
  }

  static fromFile(file: FileRef, bytes: Uint8Array): OwnState {
    return new OwnState({ file }, readEnvBlock(bytes), bytes.length - HEAD);
  }

  /** @param text of the variable; empty where there is none yet */
  static fromVariable(text: string): OwnState {
    return new OwnState("variable", parseState(text), MAX_VALUE_LENGTH / 2);
  }

  /** Id of the entry that was saved as the default, else null. */
  get saved(): string | null {
    return this.#values.get(SAVED) ?? null;
  }

  /** Id of the entry that was booted last, while nobody has confirmed it; else null. */
  get last(): string | null {
    return this.#values.get(LAST) ?? null;
  }

  /** Boots in a row that nobody confirmed. */
  triesOf(id: string): number {
    const count = Number(this.#values.get(TRIES + id));
    return Number.isInteger(count) && count > 0 ? count : 0;
  }

  /** Entries that were booted as often as `most` allows, each with the reason. */
  passedOver(most: number): Map<string, string> {
    const found = new Map<string, string>();
    if (most <= 0) return found;
    for (const name of this.#values.keys()) {
      if (!name.startsWith(TRIES)) continue;
      const id = name.slice(TRIES.length);
      const count = this.triesOf(id);
      if (count >= most) found.set(id, `${id} was booted ${count} times without being confirmed`);
    }
    return found;
  }

  /** Counts a boot that is about to happen. */
  boot(id: string): StateWrite {
    return this.#write({ [LAST]: id, [TRIES + id]: String(this.triesOf(id) + 1) }, []);
  }

  /** What was booted last works. @returns null where nothing waits to be confirmed */
  confirm(): StateWrite | null {
    const { last } = this;
    return last === null ? null : this.#write({}, [LAST, TRIES + last]);
  }

  save(id: string): StateWrite {
    return this.#write({ [SAVED]: id }, []);
  }

  /** Names of all that is remembered. */
  get names(): string[] {
    return [...this.#values.keys()];
  }

  value(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  /** Ids of entries whose boots are counted. */
  get countedIds(): string[] {
    return this.names.filter((name) => name.startsWith(TRIES)).map((name) => name.slice(TRIES.length));
  }

  /** Names of what waits to be confirmed, of the entries that are meant. */
  countsOf(isMeant: (id: string) => boolean): string[] {
    const isLast = this.last !== null && isMeant(this.last);
    return [...(isLast ? [LAST] : []), ...this.countedIds.filter(isMeant).map((id) => TRIES + id)];
  }

  /** Remembers something else (slots.ts). */
  change(set: Record<string, string>, unset: string[]): StateWrite {
    return this.#write(set, unset);
  }

  #write(set: Record<string, string>, unset: string[]): StateWrite {
    for (const [name, value] of Object.entries(set)) {
      // Last, so that it is the last to be forgotten.
      this.#values.delete(name);
      this.#values.set(name, value);
    }
    const gone = [...unset, ...this.#forgettable(set)];
    for (const name of gone) this.#values.delete(name);
    if (this.#place !== "variable") return { file: this.#place.file, set, unset: gone };
    return { efivar: STATE_VARIABLE, value: [...this.#values].map(lineOf).join("\n") };
  }

  /** Counts of entries that are long gone make room; the first to be forgotten are those that were written first. */
  #forgettable(set: Readonly<Record<string, string>>): string[] {
    const gone: string[] = [];
    let size = [...this.#values].reduce((sum, pair) => sum + Buffer.byteLength(lineOf(pair)) + 1, 0);
    for (const [name, value] of this.#values) {
      if (size <= this.#room) break;
      if (!name.startsWith(TRIES) || Object.hasOwn(set, name)) continue;
      size -= Buffer.byteLength(lineOf([name, value])) + 1;
      gone.push(name);
    }
    return gone;
  }
}

const lineOf = ([name, value]: readonly [string, string]): string => `${name}=${value}`;

function parseState(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.slice(0, MAX_VALUE_LENGTH).split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1));
  }
  return values;
}
