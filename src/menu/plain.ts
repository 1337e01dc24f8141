/**
 * The menu without a screen (`ui: plain`): numbered lines, and a number that is typed. For screen readers, braille
 * displays, terminals that can't move their cursor, and expect scripts: nothing that was printed changes, and every
 * line stands for itself.
 */

import type { BootEntry, Question } from "../entry.ts";
import { formatSize, printable } from "../text.ts";
import { actionOfWord, BOOT_GUARD, type MenuFront, type PageName } from "./actions.ts";
import { toAscii } from "./ascii.ts";
import { ConsoleSet, type OpenConsole } from "./consoleset.ts";
import { Guard, type GuardFront } from "./guard.ts";
import type { KeyEvent } from "./keyfilter.ts";
import type { TerminalEvent } from "./keys.ts";
import type { MenuState } from "./model.ts";
import type { Menu, MenuOptions } from "./options.ts";
import { countdownLine, deviceLines, failureLines, helpLines, listLines } from "./plaintext.ts";
import { urlProblem } from "./prompt.ts";

const MAX_LINE_LENGTH = 4096;
const LOG_LINES = 40;
const UNKNOWN = "? says what can be typed here.";

interface Line extends OpenConsole {
  typed: string;
  /** What a line that is asked for is for; null: a command. */
  asks: { readonly hidden: boolean; answer(text: string): void } | null;
}

export async function runPlainMenu(options: MenuOptions): Promise<Menu> {
  const menu = new PlainMenu(options);
  menu.start();
  return menu;
}

class PlainMenu implements Menu {
  readonly #options: MenuOptions;
  readonly #guard: Guard;
  readonly #lines: ConsoleSet<Line>;
  #shown: MenuState;
  #unsubscribe: (() => void) | null = null;
  #quarter = -1;

  constructor(options: MenuOptions) {
    this.#options = options;
    // Nobody is asked for a size: lines need none, and the questions would stand among them.
    this.#lines = new ConsoleSet<Line>(options, false, {
      make: (opened) => ({ ...opened, typed: "", asks: null }),
      events: (line, events, at) => this.#events(line, events, at),
      appeared: (line) => this.#greet(line),
      left: ({ terminal }) => terminal.write("\r\n"),
    });
    this.#guard = new Guard(options.store, options.actions, this.#lines.timers);
    this.#shown = options.store.state;
  }

  get consoles(): readonly string[] {
    return this.#lines.names;
  }

  start(): void {
    this.#lines.quiet();
    this.#lines.open();
    this.#lines.search();
    if (this.#options.beforeFirstFrame) this.aloud(this.#options.beforeFirstFrame);
    for (const line of this.#lines) this.#greet(line);
    this.#unsubscribe = this.#options.store.subscribe((state) => this.#changed(state));
  }

  aloud(print: () => void): void {
    this.#lines.aloud(print);
  }

  get isInUse(): boolean {
    return [...this.#lines].some(({ asks, shell }) => asks !== null || shell !== null);
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    await this.#lines.close();
  }

  #print(line: Line, ...texts: readonly string[]): void {
    const unicode = line.terminal.unicode;
    for (const text of texts) {
      const safe = printable(text).trimEnd();
      line.terminal.write(`${unicode ? safe : toAscii(safe)}\r\n`);
    }
  }

  /** On every console, each with its prompt anew. */
  #printAll(...texts: readonly string[]): void {
    for (const line of this.#lines) {
      line.terminal.write("\r\n");
      this.#print(line, ...texts);
      this.#prompt(line);
    }
  }

  #prompt(line: Line): void {
    const question = line.asks === null ? "Number, or ? for help: " : "> ";
    line.terminal.write(question + (line.asks?.hidden ? "" : printable(line.typed)));
  }

  #greet(line: Line): void {
    const { title, message } = this.#shown.settings;
    this.#print(line, "", `Baton${title === null ? "" : `, ${title}`}`, ...(message === null ? [] : [message]));
    this.#print(line, ...listLines(this.#shown));
    this.#prompt(line);
  }

  /** Says what is new; a line that is being typed stands again below it. */
  #changed(state: MenuState): void {
    const before = this.#shown;
    this.#shown = state;
    if (state.message !== null && state.message !== before.message) {
      this.#quarter = -1;
      this.#printAll(`${state.message === state.note ? "Note" : "Failed"}: ${state.message}`);
    }
    if (state.countdown !== null && before.countdown === null) this.#printAll(countdownLine(state));
    const { progress } = state;
    if (progress !== null) {
      const quarter = progress.total ? Math.floor((4 * progress.done) / progress.total) : 0;
      if (progress.title !== before.progress?.title) this.#printAll(`${progress.title}. Escape ends this.`);
      if (quarter !== this.#quarter && quarter > 0)
        this.#printAll(`${quarter * 25} percent of ${formatSize(progress.total!)}`);
      this.#quarter = quarter;
    }
    const isNew = state.entries.length !== before.entries.length;
    if ((isNew && !state.scanning) || (before.scanning && !state.scanning)) {
      this.#printAll(`${state.entries.length} entries. Enter shows them.`);
    }
  }

  #events(line: Line, events: readonly TerminalEvent[], at: number): void {
    line.filter.read(
      events,
      {
        get typing() {
          return line.asks === null ? "command" : "answer";
        },
        key: (event) => this.#key(line, event),
        // What is pasted is nobody's answer.
        paste: () => {},
        noise: () => this.#options.actions.noise?.(),
      },
      at,
    );
  }

  /** What came was no person's: it is dropped where it is more than a few letters, and the countdown goes on. */
  #noise(line: Line): void {
    this.#options.actions.noise?.();
    if (!line.filter.isMuch || line.typed === "") return;
    line.typed = "";
    line.terminal.write("\r\n");
    this.#prompt(line);
  }

  #key(line: Line, { name, text }: KeyEvent): void {
    const { actions, store } = this.#options;
    this.#guard.extend(line);
    actions.attended?.();
    if (this.#shown.countdown !== null) {
      actions.stopCountdown();
      this.#printAll("Stopped.");
    }
    if (this.#shown.progress !== null) {
      if (name === "escape" || name === "C-c") actions.cancel?.();
      return;
    }
    if (this.#shown.message !== null) store.update({ message: null });
    if (text !== "" && line.typed.length < MAX_LINE_LENGTH) {
      line.typed += text;
      line.terminal.write(line.asks?.hidden ? "*" : printable(text));
      if (line.asks === null && line.filter.isTogether) line.filter.whenOver(() => this.#noise(line));
    } else if (name === "backspace" && line.typed !== "") {
      line.typed = [...line.typed].slice(0, -1).join("");
      line.terminal.write("\b \b");
    } else if (name === "C-u" || name === "escape" || name === "C-c") {
      line.typed = "";
      line.asks = null;
      line.terminal.write("\r\n");
      this.#prompt(line);
    } else if (name === "enter") {
      const typed = line.typed;
      line.typed = "";
      line.terminal.write("\r\n");
      // A line that more follows at once was pasted.
      line.filter.whenAlone(
        () => {
          if (line.asks === null) this.#command(line, typed.trim());
          else {
            const { asks } = line;
            line.asks = null;
            asks.answer(typed);
          }
          if (line.shell === null && this.#lines.has(line)) this.#prompt(line);
        },
        () => {
          this.#noise(line);
          this.#print(line, "Not taken: a program has printed that line, or Enter is held down.");
          this.#prompt(line);
        },
      );
    }
  }

  #ask(line: Line, hidden: boolean, answer: (text: string) => void): void {
    line.asks = { hidden, answer };
  }

  #command(line: Line, typed: string): void {
    const [word = "", ...rest] = typed.split(/\s+/);
    const row = actionOfWord(word);
    const { guard = {}, run } = row ?? {};
    const isNumber = /^\d+$/.test(typed);
    const number = isNumber ? typed : guard.on === "entry" ? rest.join(" ") : null;
    const entry = number === null ? null : this.#entry(line, number);
    if (typed === "") this.#print(line, ...listLines(this.#shown));
    else if (number !== null && entry === null) return;
    else if (isNumber) this.#boot(line, entry!);
    else if (!this.#guard.pass(guard, entry, this.#asking(line), () => run?.(this.#front(line), rest.join(" "), entry)))
      this.#print(line, UNKNOWN);
    else if (row === undefined) {
      this.#print(line, UNKNOWN);
      if (line.filter.isTogether) this.#noise(line);
    }
  }

  /** The entry of that number; that there is none is said. */
  #entry(line: Line, number: string): BootEntry | null {
    const found = /^\d{1,6}$/.test(number) ? this.#shown.entries[Number(number) - 1] : undefined;
    if (found === undefined) this.#print(line, `There is no entry ${number || "without a number"}.`);
    return found ?? null;
  }

  /** How a guard asks here: by lines. */
  #asking(line: Line): GuardFront {
    return {
      console: line,
      note: (message) => this.#print(line, message),
      // The line's own Enter came alone.
      deliberately: (then) => then(),
      confirm: ({ question }, then) => {
        this.#print(line, `${question} y or n`);
        this.#ask(line, false, (text) => {
          if (/^y(es)?$/i.test(text.trim())) then();
          else this.#print(line, "No.");
        });
      },
      askPassword: ({ what, users, attempt }, then) => {
        const askWord = (user: string): void => {
          this.#print(line, user === "" ? `Password for ${what}:` : `Password of ${user} for ${what}:`);
          this.#ask(line, true, (text) => {
            void attempt(text, user).then((problem) => {
              if (problem === null) then();
              else this.#print(line, problem);
              if (line.shell === null && this.#lines.has(line)) this.#prompt(line);
            });
          });
        };
        if (users === null) return askWord("");
        this.#print(line, users, `User for ${what}:`);
        this.#ask(line, false, (user) => askWord(user.trim()));
      },
    };
  }

  #front(line: Line): MenuFront {
    const { actions } = this.#options;
    return {
      actions,
      open: () => {},
      back: () => {},
      redraw: () => {},
      boot: (entry) => this.#boot(line, entry),
      edit: (entry) => this.#edit(line, entry),
      search: (words) => {
        const text = words.toLowerCase();
        const { entries } = this.#shown;
        const found = entries.filter((one) => [...one.submenu, one.title].join(" ").toLowerCase().includes(text));
        this.#print(line, ...listLines(this.#shown, found));
      },
      openUrl: (url) => {
        const problem = urlProblem(url);
        if (problem === null) void actions.openUrl!(url);
        else this.#print(line, problem);
      },
      unlock: (device) => this.#unlockDevice(line, device),
      show: (page) => this.#print(line, ...this.#page(page)),
      shell: () => void this.#shell(line),
      work: (_, work) => void work,
    };
  }

  #page(name: PageName): readonly string[] {
    if (name === "help") return helpLines();
    if (name === "devices") return deviceLines(this.#shown);
    if (name === "failure") return failureLines(this.#shown.failure);
    const lines = this.#options.actions.log().slice(-LOG_LINES);
    return lines.map(({ text }) => text);
  }

  #boot(line: Line, entry: BootEntry, options?: string): void {
    if (!entry.bootable) {
      this.#print(line, `${entry.title} cannot be booted: ${entry.reason ?? "the reason is not known"}`);
      return;
    }
    const { actions } = this.#options;
    this.#guard.pass(BOOT_GUARD, entry, this.#asking(line), () => {
      if (entry.asks !== undefined && actions.open !== undefined) this.#askFirst(line, entry, entry.asks, new Map());
      else void (options === undefined ? actions.boot(entry) : actions.boot(entry, options));
    });
  }

  /** Asks one question after the other; an empty line is an answer. */
  #askFirst(line: Line, entry: BootEntry, [next, ...rest]: readonly Question[], answers: Map<string, string>): void {
    if (next === undefined) return void this.#options.actions.open!(entry, answers);
    this.#print(line, `${printable(next.text)}:`);
    this.#ask(line, next.isSecret, (text) => {
      this.#askFirst(line, entry, rest, answers.set(next.name, text));
    });
  }

  #edit(line: Line, entry: BootEntry): void {
    this.#print(
      line,
      `Command line of ${entry.title}:`,
      entry.options,
      "Another one (nothing leaves it, . takes it as it is):",
    );
    this.#ask(line, false, (text) => {
      if (text.trim() === "") this.#print(line, "Nothing was changed.");
      else this.#boot(line, entry, text.trim() === "." ? entry.options : printable(text));
    });
  }

  /** @param wanted the device's name; empty for the first that is locked */
  #unlockDevice(line: Line, wanted: string): void {
    const locked = this.#shown.devices.filter((device) => device.isLocked === true);
    const device = wanted === "" ? locked[0] : locked.find(({ name }) => name === wanted);
    if (device === undefined) {
      this.#print(line, wanted === "" ? "No encrypted device waits for a passphrase." : `${wanted} is not locked.`);
      return;
    }
    const { name } = device;
    this.#print(line, `Passphrase for ${name}:`);
    this.#ask(line, true, (text) => {
      this.#print(line, "Opening; key derivation takes its time.");
      void this.#options.actions.unlockDevice!(name, text).then((problem) => {
        if (!this.#lines.has(line) || line.shell !== null) return;
        const again = problem?.again ? ` u ${name} asks again.` : "";
        this.#print(line, problem === null ? `${name} is open, read-only.` : `${name}: ${problem.reason}${again}`);
        this.#prompt(line);
      });
    });
  }

  async #shell(line: Line): Promise<void> {
    const failure = await this.#lines.lend(line, "A shell; exit comes back to the menu.\r\n");
    if (failure === null || !this.#lines.has(line)) return;
    line.terminal.write("\r\n");
    this.#print(line, failure);
    this.#prompt(line);
  }
}
