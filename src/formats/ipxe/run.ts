/**
 * Runs an iPXE script as far as it goes without a person: to what it boots, or to a menu, each of whose items is then
 * followed in a copy of the script's state. What it asks for becomes entries. What each command does stands in commands/.
 */

import {
  type Diagnostic,
  type FileRef,
  formatFileRef,
  type ParsedEntry,
  parsedEntry,
  type Question,
  shownAddress,
} from "../../entry.ts";
import { Breath, type BudgetContext, ListBudget, shortMessage } from "../budget.ts";
import type { IpxeHost } from "./host.ts";
import { reasonAgainst } from "./names.ts";
import { type ArgumentCount, type Given, type OptionTable, parseOptions } from "./options.ts";
import { parseScript, type Script, type ScriptLine, type Segment } from "./script.ts";
import { expandSettings } from "./settings.ts";
import {
  copyState,
  type Item,
  returnToCaller,
  type ScriptImage,
  type ScriptState,
  selectedImage,
  startState,
} from "./state.ts";

/** On one way from a menu's item to what it boots: more than any script takes. */
const MAX_STEPS = 20_000;
/** On all ways together. A menu may have hundreds of items, each of which is short. */
const MAX_ALL_STEPS = 300_000;
/** A command of so many characters, its settings filled in, counts as one more. */
const LONG_COMMAND = 32;
const MAX_ENTRIES = 5000;
const MAX_DIAGNOSTICS = 200;
const MAX_CHAIN_DEPTH = 16;
/** Scripts that one way goes through. */
const MAX_CHAINED = 200;

/** What a run comes to. */
export interface IpxeListing {
  readonly entries: readonly ParsedEntry[];
  readonly defaultIndex: number | null;
  readonly defaultIsExplicit: boolean;
  /** Seconds, as in FormatResult. */
  readonly timeout: number | null;
}

export const NOTHING: IpxeListing = { entries: [], defaultIndex: null, defaultIsExplicit: false, timeout: null };

/** Where a run is: titles around it, the item that led here, and the menus passed on the way. */
export interface Way {
  readonly submenu: readonly string[];
  readonly item: Item | null;
  readonly passed: readonly string[];
  /** A missing file has been found on this way, by the command that stands here: nothing else is tried for the next. */
  readonly missed?: string;
  /** A person has chosen to see what is there: of the menu behind the door nothing boots by itself. */
  readonly isOpened?: boolean;
  /** What boots without a person lies on this way, or a person has chosen it: nothing on it is put off. */
  readonly isChosen: boolean;
  /** What this way has taken since its last menu. */
  readonly spent: Spent;
}

interface Spent {
  steps: number;
  chained: number;
  /** Why a file wasn't started on this way, where the script goes on elsewhere. */
  lost: string | null;
}

/** What a way has taken at its beginning. */
export const unspent = (): Spent => ({ steps: 0, chained: 0, lost: null });

/** @property isLost a file that the script would have started isn't there */
interface Failed {
  readonly fails: string;
  readonly isLost?: true;
}

/** What a command comes to: the script's next command runs, another one does, or the run ends with a listing. */
export type Step = "next" | Failed | { readonly jumpTo: ScriptState } | IpxeListing;

/** How a command was called. */
export interface Call {
  readonly state: ScriptState;
  readonly way: Way;
  /** In the script, from 1. */
  readonly line: number;
  /** The command's name and its arguments, with settings filled in. */
  readonly words: readonly string[];
  /** What a person has typed, by the questions' names; left out where nobody was asked. */
  readonly answers?: ReadonlyMap<string, string>;
}

/** A command of iPXE, by its own table. */
export interface IpxeCommand {
  readonly names: readonly string[];
  readonly options?: OptionTable;
  readonly args: ArgumentCount;
  run(run: IpxeRun, given: Given, call: Call): Step | Promise<Step>;
}

/** One script being run, with those that it calls. */
export class IpxeRun {
  readonly host: IpxeHost;
  readonly diagnostics: Diagnostic[] = [];
  readonly #list: ListBudget;
  readonly #breath = new Breath(16);
  /** What was put off, by `ParsedEntry.opens`. One at a time. */
  readonly doors = new Map<string, Door>();
  readonly #commands: ReadonlyMap<string, IpxeCommand>;
  /** Scripts that have been read, by their files: going back to one of them costs nothing. */
  readonly #read = new Map<string, { readonly text: string; readonly script: Script }>();
  readonly #title: string;
  /** What a person has typed and nobody is to see, in the forms in which scripts put it into a command. */
  readonly #secrets = new Set<string>();
  #steps = 0;
  #hasSaidAll = false;
  #entries = 0;

  /** @param title of an entry that no menu names. */
  constructor(commands: ReadonlyMap<string, IpxeCommand>, host: IpxeHost, title: string, budget: BudgetContext = {}) {
    this.#list = ListBudget.of(budget, MAX_ENTRIES);
    this.#commands = commands;
    this.host = host;
    this.#title = title;
  }

  async run(text: string, source: string, base: FileRef): Promise<IpxeListing> {
    const way: Way = { submenu: [], item: null, passed: [], isChosen: true, spent: unspent() };
    return this.go(startState(await this.script(text, source), base, null), way);
  }

  /** Runs a script from where it stands to its end, or to what it boots. */
  async go(start: ScriptState, way: Way): Promise<IpxeListing> {
    let state = start;
    for (;;) {
      const line = state.script.lines[state.line];
      const segment = line?.segments[state.segment];
      if (line === undefined || segment === undefined) {
        const failed = line !== undefined && line.segments.length > 0 && !state.ok;
        if (line !== undefined && !failed) {
          state.line++;
          state.segment = 0;
          state.ok = true;
          continue;
        }
        // The end of the script, or a line that failed: its caller goes on, with that result.
        if (state.caller === null) return this.#ended(state, way, failed);
        state = returnToCaller(state, state.caller, !failed);
        continue;
      }
      const breath = this.#breath.take();
      if (breath !== undefined) await breath;
      if (this.#isSpent(way, 1)) return this.#outOfSteps(state, way);
      const before = state.segment === 0 ? null : line.segments[state.segment - 1]!.next;
      state.segment++;
      if ((before === "&&" && !state.ok) || (before === "||" && state.ok)) continue;
      const words = segment.tokens.map((token) => this.expand(state, token));
      const length = words.reduce((sum, word) => sum + word.length, 0);
      if (length >= LONG_COMMAND && this.#isSpent(way, length / LONG_COMMAND)) return this.#outOfSteps(state, way);
      const step = this.command({ state, way, line: line.number, words });
      const came = step instanceof Promise ? await step : step;
      if (came === "next") state.ok = true;
      else if ("fails" in came) this.#noteFailure(state, way, line, segment, came);
      else if ("jumpTo" in came) state = came.jumpTo;
      else return came;
    }
  }

  /** Runs one command. */
  command(call: Call): Step | Promise<Step> {
    const [name, ...args] = call.words;
    if (name === undefined) return "next";
    const command = this.#commands.get(name);
    if (command === undefined) return { fails: `'${name}' is no command of iPXE that Baton knows` };
    const given = parseOptions(args, command.options ?? {}, command.args);
    if (typeof given === "string") return { fails: `'${shown(call.words)}': ${given}` };
    const step = command.run(this, given, call);
    // A question stands behind what was written just before it.
    if (name !== "echo") call.state.machine.said = "";
    return step;
  }

  // What commands ask for.

  /** Fills in settings. */
  expand(state: ScriptState, word: string): string {
    return word.includes("${") ? expandSettings(word, (expression) => this.setting(state, expression)) : word;
  }

  /** A setting's text, by an expression such as `net0/mac:hexhyp`. */
  setting({ machine, base }: ScriptState, expression: string): string | null {
    return machine.settings.get(expression, (name) => {
      if (name !== "cwuri" && name !== "cwduri") return this.host.setting(name);
      const uri = "device" in base ? `file:${base.path}` : formatFileRef(base);
      const path = uri.replace(/[?#].*$/s, "");
      return name === "cwuri" ? uri : path.slice(0, path.lastIndexOf("/") + 1);
    });
  }

  /** True where a script has been read already. */
  isRead(ref: FileRef): boolean {
    return this.#read.has(formatFileRef(ref));
  }

  /**
   * A script's lines; they are taken apart once.
   * @param text one file may have been answered in two ways: by a redirect, to a form, to a URL with a digest
   * @param source its file
   */
  async script(text: string, source: string): Promise<Script> {
    const read = this.#read.get(source);
    if (read?.text === text) return read.script;
    const script = await parseScript(text, source);
    if (script.endsAt !== null && this.diagnostics.length < MAX_DIAGNOSTICS) {
      const message = "the script has more lines and words than any; it is not read from here on";
      this.diagnostics.push({ severity: "error", source, line: script.endsAt, column: null, message });
    }
    this.#read.set(source, { text, script });
    return script;
  }

  /** Counts a script that another one calls. @returns false where that is too many, or too deep */
  mayChain(caller: ScriptState, { spent }: Way): boolean {
    let depth = 0;
    for (let at = caller.caller; at !== null; at = at.caller) depth++;
    return depth < MAX_CHAIN_DEPTH && spent.chained++ < MAX_CHAINED;
  }

  /** @returns what takes back the diagnostics and the count of entries to where they are now */
  mark(): () => void {
    const said = this.diagnostics.length;
    const entries = this.#entries;
    return () => {
      this.diagnostics.length = said;
      this.#entries = entries;
    };
  }

  /**
   * An entry that is opened rather than booted: the command runs when a person has chosen it.
   * @param asks what that person is asked first
   */
  door(call: Call, asks: readonly Question[] = []): IpxeListing {
    const name = String(this.doors.size + 1);
    const state = copyState(call.state);
    this.doors.set(name, async (answers) => {
      for (const { name: asked, isSecret } of asks) if (isSecret) this.#hide(answers?.get(asked) ?? "");
      this.#steps = 0;
      const here = copyState(state);
      // What was typed may change a menu on the way: it is shown once more.
      const passed = asks.length > 0 ? [] : call.way.passed;
      const inside: Way = { ...call.way, passed, isChosen: true, isOpened: true, spent: unspent() };
      const step = await this.command({ ...call, state: here, way: inside, ...(answers && { answers }) });
      const listed = await this.#afterDoor(step, here, call.line, inside);
      if (listed.entries.length === 0 && inside.spent.lost !== null) this.say(state, call.line, inside.spent.lost);
      return listed;
    });
    return this.entry(call.state, call.way, { kind: "other", opens: name, ...(asks.length > 0 && { asks }) });
  }

  #hide(secret: string): void {
    if (secret === "") return;
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]) {
      this.#secrets.add(form);
    }
  }

  /** A message without passwords. */
  #withoutSecrets(message: string): string {
    let text = message;
    for (const secret of this.#secrets) text = text.replaceAll(secret, "…");
    if (!text.includes("://")) return text;
    return text.replace(/[a-z][a-z0-9+.-]{0,20}:\/\/[^\s'"]*/gi, shownAddress);
  }

  #afterDoor(step: Step, state: ScriptState, line: number, way: Way): IpxeListing | Promise<IpxeListing> {
    if (step === "next") return this.go(Object.assign(state, { ok: true }), way);
    if ("jumpTo" in step) return this.go(step.jumpTo, way);
    if (!("fails" in step)) return step;
    if (step.isLost) way.spent.lost = step.fails;
    return this.go(Object.assign(state, { ok: false, failure: { line, why: step.fails } }), way);
  }

  unbootable(state: ScriptState, way: Way, reason: string, kind: ParsedEntry["kind"]): IpxeListing {
    return this.entry(state, way, { kind, reason });
  }

  /** The one entry that a way leads to. */
  entry(state: ScriptState, way: Way, fields: Partial<ParsedEntry>): IpxeListing {
    if (this.#entries++ >= MAX_ENTRIES) {
      const message = `more than ${MAX_ENTRIES} entries; the rest is not listed`;
      if (this.#entries === MAX_ENTRIES + 1) this.say(state, null, message, "error");
      return NOTHING;
    }
    const title = way.item === null ? this.#title : textOf(way.item);
    const { source } = state.script;
    const nativeId = way.item?.name ?? null;
    const hotkey = way.item?.key ?? null;
    const { unchecked: why } = state.machine;
    const unchecked = why === null ? {} : { unchecked: why };
    const named = { title, nativeId, submenu: way.submenu, type: "ipxe", source, hotkey } as const;
    const reason = fields.reason == null ? {} : { reason: this.#withoutSecrets(fields.reason) };
    const entry = parsedEntry({ ...named, ...unchecked, ...fields, ...reason });
    if (!this.#list.admit(entry)) {
      const end = this.#list.sayEnd();
      if (end !== null) this.say(state, null, end, "error");
      return NOTHING;
    }
    return { entries: [entry], defaultIndex: 0, defaultIsExplicit: way.item === null, timeout: null };
  }

  /** An image with what else has been fetched: initrds, and files that are put into the initramfs. */
  boots(state: ScriptState, way: Way, image: ScriptImage, fields: Partial<ParsedEntry> = {}): IpxeListing {
    const others = state.machine.images.filter(({ id }) => id !== image.id);
    const names = others.map(({ args }) => /^\S+/.exec(args)?.[0] ?? null);
    // src/core/cpio.c
    const modeOf = (args: string): string => /(?:^|\s)mode=([0-7]{1,4})(?:\s|$)/.exec(args)?.[1] ?? "644";
    return this.entry(state, way, {
      linux: image.ref,
      initrd: others.map(({ ref }) => ref),
      ...(names.some((name) => name !== null) && {
        initrdNames: names,
        initrdModes: others.map(({ args }, at) => (names[at] === null ? null : Number.parseInt(modeOf(args), 8))),
      }),
      options: image.args,
      ...fields,
    });
  }

  /** Counts another configuration's entries. @returns as many of them as there is room for */
  admit(entries: readonly ParsedEntry[]): readonly ParsedEntry[] {
    const room = Math.max(0, MAX_ENTRIES - this.#entries);
    this.#entries += entries.length;
    return entries.slice(0, room);
  }

  say(state: ScriptState, line: number | null, message: string, severity: Diagnostic["severity"] = "warning"): void {
    const source = shownAddress(state.script.source);
    message = shortMessage(this.#withoutSecrets(message));
    const isNew = this.diagnostics.every((d) => d.line !== line || d.message !== message || d.source !== source);
    if (isNew && this.diagnostics.length < MAX_DIAGNOSTICS)
      this.diagnostics.push({ severity, source, line, column: null, message });
  }

  /** What the script itself deals with (`||`) isn't said. */
  #noteFailure(state: ScriptState, way: Way, line: ScriptLine, segment: Segment, { fails, isLost }: Failed): void {
    state.ok = false;
    const why = shortMessage(this.#withoutSecrets(fails));
    state.failure = { line: line.number, why };
    if (!segment.isGuarded) this.say(state, line.number, why);
    // `chain FILE ||`: the script does without it.
    const isDispensable = segment.next === "||" && line.segments[state.segment]?.tokens.length === 0;
    if (isLost && !isDispensable) way.spent.lost = why;
  }

  /** Counts work that takes as long as so many commands. */
  spend({ spent }: Way, steps: number): void {
    spent.steps += steps;
    this.#steps += steps;
  }

  #isSpent(way: Way, steps: number): boolean {
    this.spend(way, steps);
    return way.spent.steps > MAX_STEPS || this.#steps > MAX_ALL_STEPS;
  }

  #ended(state: ScriptState, way: Way, failed: boolean): IpxeListing {
    const image = failed ? null : selectedImage(state.machine);
    if (image !== null && reasonAgainst(image, true) === null) {
      // iPXE starts what `kernel` has selected only where a script says `boot`: a person may, and nothing by itself.
      const unchecked = "its script ends without saying boot";
      return { ...this.boots(state, way, image, { unchecked }), defaultIndex: null, defaultIsExplicit: false };
    }
    const { failure } = state;
    const reason = !failed
      ? "the script ends without booting anything"
      : `the script fails in line ${state.script.lines[state.line]?.number}${failure === null ? "" : `: ${failure.why}`}`;
    return this.unbootable(state, way, reason, "other");
  }

  #outOfSteps(state: ScriptState, way: Way): IpxeListing {
    const number = state.script.lines[state.line]?.number ?? null;
    const isAll = this.#steps > MAX_ALL_STEPS;
    const most = isAll ? MAX_ALL_STEPS : MAX_STEPS;
    if (!this.#hasSaidAll)
      this.say(state, number, `more than ${most} commands were run; the script may have no end`, "error");
    this.#hasSaidAll ||= isAll;
    const { failure } = state;
    const last = failure === null ? "" : `; what failed last, in line ${failure.line}: ${failure.why}`;
    return this.unbootable(state, way, `the script was stopped: it ran too long${last}`, "other");
  }
}

/** What a person's choice leads to. @param answers to the entry's questions, by their names */
export type Door = (answers?: ReadonlyMap<string, string>) => Promise<IpxeListing>;

/** The titles around what lies behind a way's item. */
export const submenuOf = ({ submenu, item }: Way): readonly string[] =>
  item === null ? submenu : [...submenu, textOf(item)];

/** Colours and other escape sequences are no part of a title (ECMA-48, 5.4). */
export const textOf = (item: Item): string =>
  item.text.replace(/\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])/g, "").trim() || item.name || "Item";

/** A command as messages show it; not shortened yet, since a password that is cut in two isn't known any more. */
export const shown = (words: readonly string[]): string => words.join(" ");
