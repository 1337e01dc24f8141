/** One serial line of a machine: what came over it, when, and waiting for more. */

import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import { Terminal } from "./terminal.ts";

export interface WaitOptions {
  /** Milliseconds; 180,000 unless given: emulated machines are slow, and two may run at once. */
  readonly timeoutMs?: number;
}

/** A match, and when its last character came: milliseconds since the machine started. */
export interface SerialMatch {
  readonly match: RegExpExecArray;
  readonly at: number;
}

const DEFAULT_TIMEOUT_MS = 180_000;

const ESCAPES = /\x1b(?:\[[?>!=]?[0-9;:]*[ "$']?[@-~]|[()].|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[^[()\]PX^_])/gs;
const UNFINISHED = /\x1b(?:\[[?>!=]?[0-9;:]*[ "$']?|[()]|[\]PX^_][^\x07\x1b]*\x1b?)?$/;

export class SerialLine {
  /** Everything that came, without escape sequences and carriage returns. */
  text = "";
  /** Everything that came, as it came. */
  raw = "";
  /** The terminal on the other end. */
  readonly terminal: Terminal;
  /** Sees every byte as it comes. */
  onData: ((bytes: Uint8Array) => void) | null = null;
  readonly #input: Writable;
  readonly #started: number;
  readonly #arrivals: { length: number; at: number }[] = [];
  readonly #listeners = new Set<() => void>();
  #unfinished = "";
  #cursor = 0;
  #ended: string | null = null;

  /**
   * @param started        performance.now() when the machine started
   * @param answersQueries whether `terminal` answers what it is asked, as a real one does; where one is connected
   *                       there must not be two
   */
  constructor(output: Readable, input: Writable, started: number, answersQueries: boolean) {
    this.#input = input;
    this.#started = started;
    this.terminal = new Terminal(24, 80, (reply) => {
      if (answersQueries) this.write(reply);
    });
    const decoder = new StringDecoder("utf8");
    output.on("data", (bytes: Buffer) => {
      this.onData?.(bytes);
      this.#receive(decoder.write(bytes));
    });
    input.on("error", () => {}); // The machine is gone; waiting says so.
  }

  /** Sends text or bytes as they are. */
  write(text: string | Uint8Array): void {
    if (!this.#input.destroyed) this.#input.write(text);
  }

  /**
   * Sends keys one by one with a pause between, as fingers do: names in angle brackets (`<up>`, `<enter>`,
   * `<esc>`) and plain characters.
   */
  async type(keys: string, pauseMs = 60): Promise<void> {
    for (const key of keys.match(/<[a-z-]+[0-9]?>|./gsu) ?? []) {
      this.write(KEYS[key] ?? key);
      await sleep(pauseMs);
    }
  }

  /** Waits for text that comes after what the last `waitFor` matched. */
  async waitFor(pattern: RegExp, options: WaitOptions = {}): Promise<SerialMatch> {
    const regexp = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
    let found: RegExpExecArray | null = null;
    await this.#until(
      () => {
        found = regexp.exec(this.text.slice(this.#cursor));
        return found !== null;
      },
      `${pattern} on the serial line`,
      options,
      () => this.tail(),
    );
    const match = found as unknown as RegExpExecArray;
    const end = this.#cursor + match.index + match[0].length;
    this.#cursor = end;
    return { match, at: this.#timeOf(end) };
  }

  /** Waits until the terminal's screen, lines joined by newlines, matches. */
  async waitForScreen(pattern: RegExp, options: WaitOptions = {}): Promise<string> {
    const wanted = (): boolean => pattern.test(this.terminal.text());
    await this.#until(wanted, `${pattern} on the terminal's screen`, options, () => this.picture());
    return this.terminal.text();
  }

  /** All matches so far, from the beginning; `pattern` needs the flag g. */
  all(pattern: RegExp): SerialMatch[] {
    return [...this.text.matchAll(pattern)].map((match) => ({
      match: match as RegExpExecArray,
      at: this.#timeOf(match.index! + match[0].length),
    }));
  }

  /** The last lines, for a failure's message. */
  tail(lines = 60): string {
    return this.text.split("\n").slice(-lines).join("\n");
  }

  /** The screen in a frame, for a failure's message. */
  picture(): string {
    const edge = `+${"-".repeat(this.terminal.columns)}+`;
    const lines = this.terminal.lines().map((line) => `|${line.padEnd(this.terminal.columns)}|`);
    return [edge, ...lines, edge].join("\n");
  }

  /** The machine ended: whoever waits hears why. */
  end(reason: string): void {
    this.#ended = reason;
    for (const listener of this.#listeners) listener();
  }

  async #until(ready: () => boolean, what: string, options: WaitOptions, show: () => string): Promise<void> {
    if (ready()) return;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${why} while waiting for ${what}.\n${show()}`));
      const timer = setTimeout(() => done(() => fail(`nothing for ${timeoutMs / 1000} s`)), timeoutMs);
      const check = () => {
        if (ready()) done(resolve);
        else if (this.#ended !== null) done(() => fail(this.#ended!));
      };
      const done = (finish: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        finish();
      };
      this.#listeners.add(check);
      check();
    });
  }

  #receive(text: string): void {
    this.raw += text;
    const input = this.#unfinished + text;
    const cut = UNFINISHED.exec(input)?.index ?? input.length;
    this.#unfinished = input.slice(cut);
    this.text += input.slice(0, cut).replace(ESCAPES, "").replace(/\r/g, "");
    this.#arrivals.push({ length: this.text.length, at: performance.now() - this.#started });
    this.terminal.feed(text);
    if (this.text.includes("---[ end Kernel panic", this.text.length - text.length - 100))
      this.end("the kernel panicked");
    for (const listener of [...this.#listeners]) listener();
  }

  #timeOf(end: number): number {
    return this.#arrivals.find((arrival) => arrival.length >= end)?.at ?? Number.NaN;
  }
}

const KEYS: Readonly<Record<string, string>> = {
  "<up>": "\x1b[A",
  "<down>": "\x1b[B",
  "<right>": "\x1b[C",
  "<left>": "\x1b[D",
  "<home>": "\x1b[H",
  "<end>": "\x1b[F",
  "<pgup>": "\x1b[5~",
  "<pgdn>": "\x1b[6~",
  "<enter>": "\r",
  "<esc>": "\x1b",
  "<backspace>": "\x7f",
  "<ctrl-a>": "\x01",
  "<ctrl-c>": "\x03",
  "<ctrl-d>": "\x04",
  "<ctrl-e>": "\x05",
  "<ctrl-k>": "\x0b",
  "<ctrl-u>": "\x15",
  "<ctrl-x>": "\x18",
};
