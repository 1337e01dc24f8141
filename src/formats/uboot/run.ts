/** Runs a U-Boot script as far as it goes without a board: variables, files in memory, and what is started in the end. */

import type { FileRef } from "../../entry.ts";
import type { Breath } from "../budget.ts";
import { clip, type EntryList } from "../entrylist.ts";
import { type Command, type List, parseScript, ScriptError, type Word } from "./parser.ts";

/** A real script takes some hundred steps. */
const MAX_STEPS = 20_000;
const MAX_DEPTH = 30;
/** Characters of a variable, and of all that a script has set. */
const MAX_VALUE = 64 << 10;
const MAX_VALUES = 4 << 20;
/** Characters that it reads and that its variables are filled in with, again and again. */
const MAX_WORK = 4 << 20;
/** What the copy of a variable counts for. */
const COPY_WORK = 32;

/** What has been loaded to an address. */
export interface Loaded {
  readonly file: FileRef;
  /** Bytes. */
  readonly size: number;
}

/** What a boot command would start. */
export interface Started {
  /** `booti`, `bootz`, `bootm`… */
  readonly command: string;
  readonly kernel: Loaded;
  /** Which of a FIT image's configurations was asked for; null for its own choice. */
  readonly configuration: string | null;
  readonly initrd: FileRef | null;
  readonly devicetree: FileRef | null;
  readonly overlays: readonly FileRef[];
  readonly options: string;
}

/** What U-Boot's `bootmenu` shows. */
export interface BootMenu {
  /** Each with what choosing it would start; null where that is nothing that can be followed. */
  readonly items: readonly { readonly title: string; readonly started: Started | null }[];
  /** Of the item that is started after the delay. */
  readonly selected: number;
  /** Seconds; null where it isn't said, Infinity to wait. */
  readonly delay: number | null;
}

/** True where it succeeds. @param line of the script, for what is said of it */
export type CommandFunction = (run: ScriptRun, args: readonly string[], line: number) => boolean | Promise<boolean>;

/** Ends the script: something was started, or it gave up. */
export class ScriptEnd extends Error {}

export class ScriptRun {
  readonly list: EntryList;
  readonly #commands: ReadonlyMap<string, CommandFunction>;
  readonly variables = new Map<string, string>();
  /** By address. */
  readonly memory = new Map<number, Loaded>();
  /** Overlays that were applied to the devicetree at an address. */
  readonly overlays = new Map<number, FileRef[]>();
  /** The devicetree that `fdt` works on. */
  workingTree: number | null = null;
  started: Started | null = null;
  menu: BootMenu | null = null;
  /** It is what a choice of a menu leads to. */
  isChoice = false;
  status = 0;
  readonly #breath: Breath;
  readonly #said = new Set<string>();
  #depth = 0;
  /** Of all branches together. */
  #spent = { steps: 0, characters: 0, work: 0 };

  constructor(list: EntryList, commands: ReadonlyMap<string, CommandFunction>) {
    this.list = list;
    this.#commands = commands;
    this.#breath = list.breath;
  }

  /** The same as it is now, to try what a choice leads to. @throws ScriptEnd where there is too much to copy */
  branch(): ScriptRun {
    this.spend(COPY_WORK * this.variables.size);
    const other = new ScriptRun(this.list, this.#commands);
    other.isChoice = true;
    for (const [name, value] of this.variables) other.variables.set(name, value);
    for (const [at, loaded] of this.memory) other.memory.set(at, loaded);
    for (const [at, files] of this.overlays) other.overlays.set(at, files);
    other.workingTree = this.workingTree;
    other.#depth = this.#depth;
    other.#spent = this.#spent;
    return other;
  }

  get(name: string): string {
    return name === "?" ? String(this.status) : (this.variables.get(name) ?? "");
  }

  set(name: string, value: string): void {
    this.#spent.characters += value.length;
    if (value.length > MAX_VALUE || this.#spent.characters > MAX_VALUES) {
      throw new ScriptEnd("its variables take more memory than any board's would");
    }
    if (value === "") this.variables.delete(name);
    else this.variables.set(name, value);
  }

  /** Counts work by the characters that it is about. @throws ScriptEnd where it is too much */
  spend(characters: number): void {
    this.#spent.work += characters;
    if (this.#spent.work > MAX_WORK) throw new ScriptEnd("it works on more text than any board's script");
  }

  /** Once for each text. */
  say(line: number | null, message: string): void {
    if (this.#said.has(message) || this.#said.size > 100) return;
    this.#said.add(message);
    this.list.say("warning", line, message);
  }

  /** Runs a text. @throws ScriptEnd where the script ends with it */
  async script(text: string): Promise<void> {
    this.spend(text.length);
    if (++this.#depth > MAX_DEPTH) throw new ScriptEnd("its scripts call each other without end");
    try {
      await this.#list(parseScript(text));
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      this.say(this.#depth === 1 ? error.line : null, `${error.message}: U-Boot doesn't run this`);
      this.status = 1;
    } finally {
      this.#depth--;
    }
  }

  async #list(list: List): Promise<void> {
    for (const { join, command } of list) {
      if (join === "and" && this.status !== 0) continue;
      if (join === "or" && this.status === 0) continue;
      await this.#command(command);
    }
  }

  async #command(command: Command): Promise<void> {
    if (++this.#spent.steps > MAX_STEPS) throw new ScriptEnd(`it runs for more than ${MAX_STEPS} steps`);
    await this.#breath.take();
    switch (command.kind) {
      case "simple":
        return this.#simple(command.words, command.line);
      case "if":
        for (const { when, body } of command.arms) {
          await this.#list(when);
          if (this.status === 0) return this.#list(body);
        }
        this.status = 0;
        return this.#list(command.otherwise);
      case "for":
        for (const value of this.#expandAll(command.words)) {
          this.set(command.name, value);
          await this.#list(command.body);
        }
        return;
      case "while":
        for (;;) {
          await this.#list(command.when);
          if ((this.status === 0) === command.until) break;
          await this.#list(command.body);
          if (++this.#spent.steps > MAX_STEPS) throw new ScriptEnd(`it runs for more than ${MAX_STEPS} steps`);
        }
        this.status = 0;
        return;
    }
  }

  async #simple(words: readonly Word[], line: number): Promise<void> {
    const all = this.#expandAll(words);
    // `name=value` before a command, or alone.
    while (all.length > 0 && /^[A-Za-z_][A-Za-z0-9_]*=/.test(all[0]!)) {
      const [assignment] = all.splice(0, 1);
      const equals = assignment!.indexOf("=");
      this.set(assignment!.slice(0, equals), assignment!.slice(equals + 1));
      this.status = 0;
    }
    const [name, ...args] = all;
    if (name === undefined) return;
    const command = this.#commands.get(name);
    if (command === undefined) {
      this.say(line, `unknown command '${clip(name)}': taken as one that fails`);
      this.status = 1;
      return;
    }
    this.status = Number(!(await command(this, args, line)));
  }

  /** Variables that stand in no quotes are cut at blanks. */
  #expandAll(words: readonly Word[]): string[] {
    const out: string[] = [];
    for (const word of words) {
      let current: string | null = null;
      for (const { text, isVariable, isQuoted } of word) {
        const value = isVariable ? this.get(text) : text;
        this.spend(value.length);
        if (!isVariable || isQuoted) {
          current = (current ?? "") + value;
          continue;
        }
        for (const [index, piece] of value.split(/[ \t\n]+/).entries()) {
          if (index > 0) {
            if (current !== null && current !== "") out.push(current);
            current = null;
          }
          if (piece !== "") current = (current ?? "") + piece;
        }
        if (out.length > MAX_STEPS) throw new ScriptEnd("one of its commands has more words than a board could take");
      }
      if (current !== null) out.push(current);
    }
    return out;
  }
}
