/**
 * Runs an iPXE script as far as it goes without a person: to what it boots, or to a menu, each of whose items is then
 * followed in a copy of the script's state. What it asks for becomes entries. What each command does stands in commands/.
 */

import type { Diagnostic, FileRef, ParsedEntry } from "../../entry.ts";
import { formatFileRef, parsedEntry } from "../../entry.ts";
import { Breath, ListBudget, listLimits, shortMessage } from "../budget.ts";
import type { IpxeHost } from "./host.ts";
import { looksLikeKernel } from "./names.ts";
import { expandSettings, parseScript } from "./script.ts";
import {
  bootImage,
  copyState,
  type Item,
  returnToCaller,
  type ScriptImage,
  type ScriptState,
  startState,
} from "./state.ts";

const MAX_STEPS = 20_000;
const MAX_ENTRIES = 5000;
const MAX_DIAGNOSTICS = 200;
const MAX_CHAIN_DEPTH = 16;
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
  /** A missing file has been found on this way: another one fails its command, and nothing else is tried for it. */
  readonly strict?: boolean;
  /** A person has chosen to see what is there: of the menu behind the door nothing boots by itself. */
  readonly isOpened?: boolean;
  /** What boots without a person lies on this way, or a person has chosen it: nothing on it is put off. */
  readonly isChosen: boolean;
}

/** What a command comes to: the script's next command runs, another one does, or the run ends with a listing. */
export type Step = "next" | "failed" | { readonly jumpTo: ScriptState } | IpxeListing;

/** How a command was called. */
export interface Call {
  readonly state: ScriptState;
  readonly way: Way;
  /** In the script, from 1. */
  readonly line: number;
  /** The command's name and its arguments, with settings filled in. */
  readonly words: readonly string[];
}

export type IpxeCommand = (run: IpxeRun, args: readonly string[], call: Call) => Step | Promise<Step>;

/** A command's name, and what it does. */
export type CommandRow = readonly [name: string, command: IpxeCommand];

/** One script being run, with those that it calls. */
export class IpxeRun {
  readonly host: IpxeHost;
  readonly diagnostics: Diagnostic[] = [];
  readonly #list: ListBudget;
  readonly #breath = new Breath(16);
  /** What was put off, by `ParsedEntry.opens`. One at a time. */
  readonly doors = new Map<string, () => Promise<IpxeListing>>();
  readonly #commands: ReadonlyMap<string, IpxeCommand>;
  /** Scripts that have been read: going back to one of them costs nothing. */
  readonly #read = new Set<string>();
  readonly #title: string;
  #steps = 0;
  #entries = 0;
  #chained = 0;

  /** @param title of an entry that no menu names. */
  constructor(commands: ReadonlyMap<string, IpxeCommand>, host: IpxeHost, title: string, memory?: number) {
    this.#list = new ListBudget({ ...listLimits(memory), entries: MAX_ENTRIES });
    this.#commands = commands;
    this.host = host;
    this.#title = title;
  }

  run(text: string, source: string, base: FileRef): Promise<IpxeListing> {
    const way: Way = { submenu: [], item: null, passed: [], isChosen: true };
    this.#read.add(source);
    return this.go(startState(parseScript(text, source), base, null), way);
  }

  /** Runs a script from where it stands to its end, or to what it boots. */
  async go(start: ScriptState, way: Way): Promise<IpxeListing> {
    let state = start;
    for (;;) {
      const line = state.script.lines[state.line];
      const segment = line?.segments[state.segment];
      if (segment === undefined) {
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
      if (this.#steps++ > MAX_STEPS) return this.#outOfSteps(state, way);
      const before = state.segment === 0 ? null : line!.segments[state.segment - 1]!.next;
      state.segment++;
      if ((before === "&&" && !state.ok) || (before === "||" && state.ok)) continue;
      const words = segment.tokens.map((token) => expandSettings(token, (name) => this.setting(state, name)));
      const step = await this.command({ state, way, line: line!.number, words });
      if (typeof step === "string") state.ok = step === "next";
      else if ("jumpTo" in step) state = step.jumpTo;
      else return step;
    }
  }

  /** Runs one command. */
  command(call: Call): Step | Promise<Step> {
    const [name, ...args] = call.words;
    if (name === undefined) return "next";
    const command = this.#commands.get(name);
    if (command !== undefined) return command(this, args, call);
    this.say(call.state, call.line, `'${name}' is no command of iPXE that Baton knows; it counts as failed`);
    return "failed";
  }

  // What commands ask for.

  setting(state: ScriptState, name: string): string | null {
    return state.settings.get(name) ?? this.host.setting(name);
  }

  /** True where a script has been read already. */
  isRead(ref: FileRef): boolean {
    return this.#read.has(formatFileRef(ref));
  }

  noteRead(ref: FileRef): void {
    this.#read.add(formatFileRef(ref));
  }

  /** Counts a script that another one calls. @returns false where that is too many, or too deep */
  mayChain(caller: ScriptState): boolean {
    let depth = 0;
    for (let at = caller.caller; at !== null; at = at.caller) depth++;
    return depth < MAX_CHAIN_DEPTH && this.#chained++ < MAX_CHAINED;
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

  /** An entry that is opened rather than booted: the command runs when a person has chosen it. */
  door(call: Call): IpxeListing {
    const name = String(this.doors.size + 1);
    const state = copyState(call.state);
    this.doors.set(name, async () => {
      this.#steps = 0;
      this.#chained = 0;
      const here = copyState(state);
      const inside = { ...call.way, isChosen: true, isOpened: true };
      const step = await this.command({ ...call, state: here, way: inside });
      if (typeof step === "string") here.ok = step === "next";
      else if (!("jumpTo" in step)) return step;
      return this.go(typeof step === "string" ? here : step.jumpTo, inside);
    });
    return this.entry(call.state, call.way, { kind: "other", opens: name });
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
    const title = way.item === null ? this.#title : itemTitle(way.item);
    const { source } = state.script;
    const nativeId = way.item?.name ?? null;
    const hotkey = way.item?.key ?? null;
    const unchecked = state.unchecked === null ? {} : { unchecked: state.unchecked };
    const named = { title, nativeId, submenu: way.submenu, type: "ipxe", source, hotkey } as const;
    const entry = parsedEntry({ ...named, ...unchecked, ...fields });
    if (!this.#list.admit(entry)) {
      const end = this.#list.sayEnd();
      if (end !== null) this.say(state, null, end, "error");
      return NOTHING;
    }
    return { entries: [entry], defaultIndex: 0, defaultIsExplicit: way.item === null, timeout: null };
  }

  /** Counts another configuration's entries. @returns as many of them as there is room for */
  admit(entries: readonly ParsedEntry[]): readonly ParsedEntry[] {
    const room = Math.max(0, MAX_ENTRIES - this.#entries);
    this.#entries += entries.length;
    return entries.slice(0, room);
  }

  say(state: ScriptState, line: number | null, message: string, severity: Diagnostic["severity"] = "warning"): void {
    const { source } = state.script;
    message = shortMessage(message);
    const isNew = this.diagnostics.every((d) => d.line !== line || d.message !== message || d.source !== source);
    if (isNew && this.diagnostics.length < MAX_DIAGNOSTICS)
      this.diagnostics.push({ severity, source, line, column: null, message });
  }

  #ended(state: ScriptState, way: Way, failed: boolean): IpxeListing {
    const number = state.script.lines[state.line]?.number;
    const selected = failed ? null : bootImage(state);
    if (selected !== null && looksLikeKernel(selected.name)) return this.#neverStarted(state, way, selected);
    const reason = failed ? `the script fails in line ${number}` : "the script ends without booting anything";
    return this.unbootable(state, way, reason, "other");
  }

  /** iPXE starts what `kernel` has selected only where a script says `boot`: a person may, and nothing does by itself. */
  #neverStarted(state: ScriptState, way: Way, image: ScriptImage): IpxeListing {
    const initrd = state.images.filter((other) => other !== image).map(({ ref }) => ref);
    const unchecked = "its script ends without saying boot";
    const listed = this.entry(state, way, { linux: image.ref, initrd, options: image.args, unchecked });
    return { ...listed, defaultIndex: null, defaultIsExplicit: false };
  }

  #outOfSteps(state: ScriptState, way: Way): IpxeListing {
    const number = state.script.lines[state.line]?.number ?? null;
    if (this.#steps === MAX_STEPS + 2) {
      this.say(state, number, `more than ${MAX_STEPS} commands were run; the script may have no end`, "error");
    }
    return this.unbootable(state, way, "the script was stopped: it ran too long", "other");
  }
}

/** The titles around what lies behind a way's item. */
export const submenuOf = ({ submenu, item }: Way): readonly string[] =>
  item === null ? submenu : [...submenu, itemTitle(item)];

const itemTitle = (item: Item): string => item.text.trim() || item.name || "Item";
