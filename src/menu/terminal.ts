/**
 * One terminal that the menu is on: opened, raw, read without blocking, written without waiting. What goes wrong
 * with it (unplugged, hung up, its reader stopped) is its own affair and no other console's.
 */

import { closeSync, constants, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { describeError } from "../errors.ts";
import {
  getAttributes,
  getWindowSize,
  restore,
  setAttributes,
  setRaw,
  setWindowSize,
  type TerminalAttributes,
} from "../linux/tty.ts";
import type { ConsoleSpec } from "./consoles.ts";
import type { Size } from "./frame.ts";
import { KeyDecoder, PASTE_OFF, PASTE_ON, type TerminalEvent } from "./keys.ts";
import { LineQuestions } from "./questions.ts";
import type { Timers } from "./timers.ts";

interface TerminalHandlers {
  /** Keys and noise that came together in one read. @param at when, on the clock of the timers */
  events(events: readonly TerminalEvent[], at: number): void;
  /** The size or the abilities are now known to be other than they were. */
  changed(): void;
  /** Everything written has gone out. */
  drained(): void;
  /** It can't be used any more. */
  gone(reason: string): void;
}

/** What a serial line has unless its terminal says otherwise. */
const ASSUMED: Size = { columns: 80, rows: 24 };

/** How long after an ESC byte the rest of a key's sequence may come, in milliseconds. */
const ESCAPE_MS = 120;

// include/uapi/asm-generic/termbits.h: receive, and don't wait for a modem's carrier.
const CREAD = 0x80;
const CLOCAL = 0x800;

export class Terminal {
  readonly spec: ConsoleSpec;
  readonly #handlers: TerminalHandlers;
  readonly #decoder = new KeyDecoder();
  readonly #questions = new LineQuestions();
  #stream: ReadStream | null = null;
  #fd = -1;
  #before: TerminalAttributes | null = null;
  #unsent = 0;
  readonly #timers: Timers;
  #cancelEscape: (() => void) | null = null;
  #size: Size = ASSUMED;

  constructor(spec: ConsoleSpec, handlers: TerminalHandlers, timers: Timers) {
    this.spec = spec;
    this.#handlers = handlers;
    this.#timers = timers;
  }

  get size(): Size {
    return this.#size;
  }

  /** True where it reads UTF-8, as far as is known. */
  get unicode(): boolean {
    return this.spec.unicode ?? this.#questions.unicode;
  }

  /** True where it shows colours: screens and windows do, and whatever answers questions on a serial line. */
  get colour(): boolean {
    if (this.spec.kind === "serial") return this.#questions.answered;
    return !/^(vt|dumb|ansi-m|.*-m$)/.test(this.spec.term);
  }

  /** True while something that was written has not gone out: a frame more would only queue. */
  get blocked(): boolean {
    return this.#unsent > 0;
  }

  /**
   * Opens the device, sets it raw and asks a serial terminal for its size.
   * @throws where there is no such device, or it is no terminal
   */
  start(): void {
    const fd = openSync(this.spec.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    try {
      this.#before = setRaw(fd);
      // Before libuv opens the device once more for itself: that would wait for a carrier.
      const raw = getAttributes(fd);
      setAttributes(fd, { ...raw, controlFlags: raw.controlFlags | CREAD | CLOCAL });
      this.#fd = fd;
      this.#readSize();
      const stream = new ReadStream(fd);
      this.#stream = stream;
      stream.on("data", (bytes: Buffer) => this.#read(bytes));
      stream.on("error", (error) => this.#lost(describeError(error)));
      stream.on("end", () => this.#lost("it was hung up"));
    } catch (error) {
      this.#stream = null;
      closeSync(fd);
      throw error;
    }
    this.write(PASTE_ON);
    if (this.spec.kind === "serial") this.write(this.#questions.ask());
  }

  /** True where questions were asked and none was answered: nobody may have been there yet. */
  get unanswered(): boolean {
    return this.spec.kind === "serial" && !this.#questions.answered;
  }

  /** Looks again at how large the terminal is; a serial one is asked. */
  measure(): void {
    if (this.#stream === null) return;
    if (this.#readSize()) this.#handlers.changed();
    if (this.spec.kind === "serial") this.write(this.#questions.ask());
  }

  /** Queues text; nothing waits for it. */
  write(text: string): void {
    const stream = this.#stream;
    if (stream === null || text === "") return;
    this.#unsent++;
    stream.write(text, () => {
      this.#unsent--;
      if (this.#unsent === 0 && this.#stream === stream) this.#handlers.drained();
    });
  }

  /** Gives the terminal back as it was found; {@link leave} before it, where what is written can still go out. */
  stop(): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.#stream = null;
    this.#unsent = 0;
    this.#cancelEscape?.();
    try {
      if (this.#before !== null) restore(this.#fd, this.#before);
    } catch {
      // It is gone, and its attributes with it.
    }
    stream.removeAllListeners();
    stream.on("error", () => {});
    // libuv opens a terminal anew for itself and closes that; where it couldn't, it closes ours.
    const inner = (stream as unknown as { _handle?: { fd?: number } })._handle?.fd;
    stream.destroy();
    if (inner !== this.#fd) {
      try {
        closeSync(this.#fd);
      } catch {
        // Closed already.
      }
    }
    this.#fd = -1;
  }

  /** Undoes what the terminal itself was told. */
  leave(): void {
    this.write(PASTE_OFF);
  }

  /** Resolves when everything written has gone out, or after `milliseconds`. */
  async drain(milliseconds: number): Promise<void> {
    const stream = this.#stream;
    if (stream === null || this.#unsent === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      stream.write("", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #lost(reason: string): void {
    if (this.#stream === null) return;
    this.stop();
    this.#handlers.gone(reason);
  }

  /** @returns whether the kernel's idea of the size is another than what was known. */
  #readSize(): boolean {
    const known = getWindowSize(this.#fd);
    if (known.rows === 0 || known.columns === 0) return false;
    if (known.rows === this.#size.rows && known.columns === this.#size.columns) return false;
    this.#size = { rows: known.rows, columns: known.columns };
    return true;
  }

  #read(bytes: Uint8Array): void {
    this.#cancelEscape?.();
    this.#decoder.cursorExpected = this.#questions.waiting;
    const at = this.#timers.now();
    this.#deliver(this.#decoder.push(bytes), at);
    if (!this.#decoder.pending || this.#stream === null) return;
    // A lone ESC becomes the Escape key when nothing follows it.
    this.#cancelEscape = this.#timers.after(ESCAPE_MS, () => this.#deliver(this.#decoder.flush(), at));
  }

  #deliver(events: readonly TerminalEvent[], at: number): void {
    const keys: TerminalEvent[] = [];
    for (const event of events) {
      if (event.type !== "cursor" && event.type !== "size") {
        keys.push(event);
        continue;
      }
      const size = this.#questions.answer(event);
      if (size === null) continue;
      if (size !== "abilities") {
        this.#size = size;
        this.#tellKernel(size);
      }
      this.#handlers.changed();
    }
    if (keys.length > 0) this.#handlers.events(keys, at);
  }

  /** So that a shell on this line knows its size, too. */
  #tellKernel(size: Size): void {
    try {
      setWindowSize(this.#fd, size.rows, size.columns);
    } catch {
      // The shell then takes 80x24.
    }
  }
}
