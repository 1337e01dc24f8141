/**
 * Keys pressed while there is no menu yet: where a configuration says that its default boots at once, a person who
 * holds a key down during the start wants the menu all the same.
 */

import { closeSync, constants, openSync, readSync } from "node:fs";
import { restore, setRaw, type TerminalAttributes } from "../linux/tty.ts";
import type { ConsoleSpec } from "./consoles.ts";
import { KeyDecoder } from "./keys.ts";

interface Listening {
  readonly fd: number;
  readonly before: TerminalAttributes;
}

/** Line noise and a terminal's answers to somebody else's questions are no keys. */
function holdsKey(bytes: Uint8Array): boolean {
  const decoder = new KeyDecoder();
  decoder.cursorExpected = true;
  const events = [...decoder.push(bytes), ...decoder.flush()];
  return events.some(({ type }) => type === "key") && events.every(({ type }) => type !== "noise");
}

export class EarlyKeys {
  readonly #consoles: Listening[] = [];

  /** Takes keys singly and without echo from now on; a console that can't be opened gives none. */
  constructor(consoles: readonly ConsoleSpec[]) {
    for (const { path } of consoles) {
      try {
        const fd = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
        try {
          this.#consoles.push({ fd, before: setRaw(fd) });
        } catch (error) {
          closeSync(fd);
          throw error;
        }
      } catch {
        // No such console, or no terminal: the menu says so when it opens it.
      }
    }
  }

  /** True where a key was pressed since the beginning; gives the consoles back. */
  end(): boolean {
    let pressed = false;
    for (const { fd, before } of this.#consoles.splice(0)) {
      try {
        const bytes = new Uint8Array(256);
        pressed = holdsKey(bytes.subarray(0, readSync(fd, bytes))) || pressed;
      } catch {
        // EAGAIN: nothing came.
      }
      try {
        restore(fd, before);
      } catch {
        // It has gone.
      }
      closeSync(fd);
    }
    return pressed;
  }
}
