/**
 * Runs a script as GRUB does (grub-core/script/execute.c). Only commands that look at a disk return a promise;
 * everything else runs straight through, since a configuration has a hundred thousand commands and awaiting each
 * would cost more than running it.
 */

import type { Diagnostic, UserPassword } from "../../entry.ts";
import type { FormatContext } from "../format.ts";
import { type Block, COMMAND, type Command, type ForCommand, type LoopCommand, type SimpleCommand } from "./ast.ts";
import { Budget, BudgetExceeded, LIMITS, type Limits } from "./budget.ts";
import { Devices } from "./devices.ts";
import type { Environment } from "./environment.ts";
import { BAD_ARGUMENT, OK, TEST_FAILURE } from "./errors.ts";
import { expandWords } from "./expand.ts";
import { Files } from "./files.ts";
import { BootPlan, Menu, type ShownMenu } from "./menu.ts";
import { Notes } from "./notes.ts";
import { blockCommands, Parser } from "./parser.ts";
import type { SourceText } from "./source.ts";
import { Subvolumes } from "./subvolumes.ts";

/** A command's status: 0 is true. */
export type Status = number | Promise<number>;

/** How a command was called. */
export interface Call {
  readonly name: string;
  readonly block: Block | null;
  /** Offset in {@link Interpreter.source}. */
  readonly at: number;
}

export type CommandFunction = (run: Interpreter, args: readonly string[], call: Call) => Status;

interface FunctionDefinition {
  readonly body: readonly Command[];
  readonly source: SourceText;
}

/** The state of one configuration being run. */
export class Interpreter {
  readonly context: FormatContext;
  readonly devices: Devices;
  readonly files: Files;
  readonly subvolumes = new Subvolumes();
  readonly budget: Budget;
  readonly #notes = new Notes();
  readonly #commands: ReadonlyMap<string, CommandFunction>;
  readonly #functions = new Map<string, FunctionDefinition>();

  env: Environment;
  menu = new Menu();
  plan = new BootPlan();
  /** Where the command that runs now stands. */
  source: SourceText;
  /** `$1`…, null where there are none. */
  positional: readonly string[] | null = null;
  /** `$?` */
  status = OK;
  /** Above 0 while a condition is evaluated: what fails there is a question answered, no fault. */
  conditions = 0;
  /** What the condition that led here asked and Baton can't check: what stands in either branch hangs on it. */
  unchecked: string | null = null;
  /** Configuration files being read now, outermost first, as FileRefs, and the variables with which that began. */
  readonly reading: { readonly ref: string; readonly exported: string; readonly all: string }[] = [];
  /** Menus that `configfile` showed: what a person sees in place of this one. */
  shown: ShownMenu[] = [];
  /** What was searched for and isn't attached (`UUID=…`): a device that comes may change what was read. */
  readonly missed = new Set<string>();
  /** Receives what `echo` prints, newline included. */
  onEcho: ((text: string) => void) | null = null;
  /** The passwords of GRUB's users, by name: one table, whatever the context (grub-core/normal/auth.c). */
  readonly passwords = new Map<string, UserPassword>();
  /** Seconds that top-level `sleep --interruptible` waited. */
  waited = 0;

  #depth = 0;
  #loops = 0;
  #breaks = 0;
  #isContinue = false;
  #returning = false;

  constructor(
    context: FormatContext,
    commands: ReadonlyMap<string, CommandFunction>,
    env: Environment,
    source: SourceText,
    limits: Limits = LIMITS,
  ) {
    this.context = context;
    this.devices = new Devices(context);
    this.budget = new Budget(limits, context.share);
    this.#commands = commands;
    this.env = env;
    this.source = source;
    this.files = new Files(this);
    const { name } = context.volume;
    this.subvolumes.add(name, source.name.slice(name.length + 1));
  }

  // What expansion asks for.

  variable(name: string): string | undefined {
    return name === "?" ? String(this.status) : this.env.get(name);
  }

  glob(pattern: string): Promise<readonly string[]> {
    return this.files.glob(pattern);
  }

  // Diagnostics.

  get diagnostics(): readonly Diagnostic[] {
    return this.#notes.diagnostics;
  }

  /** Notes something at an offset of the text that runs now, once. */
  say(severity: Diagnostic["severity"], at: number | null, message: string, source = this.source): void {
    this.#notes.add(severity, source, at, message);
  }

  /** What another format's reader has said about a file that a command names. */
  pass(diagnostic: Diagnostic): void {
    this.#notes.pass(diagnostic);
  }

  warn(call: Call | null, message: string): void {
    this.say("warning", call?.at ?? null, message);
  }

  /** The same message only the first time, wherever it comes from. */
  warnOnce(call: Call, message: string): void {
    if (this.#notes.isNew(message)) this.warn(call, message);
  }

  // Scripts.

  /** Runs a whole file or string, statement by statement; a budget that runs out ends it with a diagnostic. */
  runText(source: SourceText): Status {
    const parser = new Parser(source, (offset, message) => this.say("error", offset, message, source));
    const outer = this.source;
    this.source = source;
    const leave = (status: number) => {
      this.source = outer;
      return status;
    };
    const failed = (error: unknown): never => {
      this.source = outer;
      throw error;
    };
    try {
      for (;;) {
        const commands = parser.nextStatement();
        if (commands === null) return leave(this.status);
        const status = this.runList(commands);
        if (typeof status !== "number") return this.#runRest(status, parser).then(leave, failed);
        if (this.stopped) return leave(this.status);
        const breath = commands.length === 0 ? this.budget.breatheNow() : this.budget.breathe();
        if (breath !== undefined) return this.#runRest(breath, parser).then(leave, failed);
      }
    } catch (error) {
      return failed(error);
    }
  }

  async #runRest(pending: Promise<unknown>, parser: Parser): Promise<number> {
    await pending;
    while (!this.stopped) {
      const commands = parser.nextStatement();
      if (commands === null) break;
      const status = this.runList(commands);
      if (typeof status !== "number") await status;
      const breath = commands.length === 0 ? this.budget.breatheNow() : this.budget.breathe();
      if (breath !== undefined) await breath;
    }
    return this.status;
  }

  /** `return`, `break` or `boot` ends what runs now. */
  get stopped(): boolean {
    return this.#returning || this.plan.booted;
  }

  /** One script inside another: `source`, `eval`, `configfile`, functions. */
  nested<T>(body: () => T): T {
    if (this.#depth >= this.budget.limits.depth) {
      throw new BudgetExceeded(`functions or files call one another more than ${this.budget.limits.depth} deep`);
    }
    this.#depth++;
    const leave = () => {
      this.#depth--;
    };
    return finallyDo(body, leave);
  }

  /** Runs a block's commands with arguments of its own, as a menu entry is. */
  runBlock(block: Block, args: readonly string[]): Status {
    const { source, positional } = this;
    this.source = block.source;
    this.positional = args;
    return finallyDo(
      () => this.runList(blockCommands(block)),
      () => {
        this.source = source;
        this.positional = positional;
        this.#returning = false;
        this.#breaks = 0;
        this.#loops = 0;
      },
    );
  }

  runList(commands: readonly Command[]): Status {
    let status: Status = OK;
    for (let i = 0; i < commands.length; i++) {
      if (this.#breaks > 0) return status;
      status = this.#run(commands[i]!);
      if (typeof status !== "number") return this.#runListFrom(commands, i + 1, status);
      this.status = status;
      if (this.stopped) return status;
    }
    return status;
  }

  async #runListFrom(commands: readonly Command[], from: number, pending: Promise<number>): Promise<number> {
    let status = await pending;
    this.status = status;
    for (let i = from; i < commands.length && !this.stopped && this.#breaks === 0; i++) {
      const next = this.#run(commands[i]!);
      status = typeof next === "number" ? next : await next;
      this.status = status;
    }
    return status;
  }

  #run(command: Command): Status {
    switch (command.kind) {
      case COMMAND.simple:
        return this.#runSimple(command);
      case COMMAND.if: {
        const outer = this.unchecked;
        const condition = this.#runCondition(command.condition);
        const choose = (status: number): Status => {
          if (this.#returning) return status;
          const branch = this.status === OK ? command.whenTrue : command.whenFalse;
          if (this.unchecked === outer) return this.runList(branch);
          return finallyDo(
            () => this.runList(branch),
            () => {
              this.unchecked = outer;
            },
          );
        };
        return typeof condition === "number" ? choose(condition) : condition.then(choose);
      }
      case COMMAND.for:
        return this.#runFor(command);
      case COMMAND.while:
      case COMMAND.until:
        return this.#runLoop(command);
      case COMMAND.function:
        this.#functions.set(command.name, { body: command.body, source: command.source });
        return OK;
    }
  }

  #runCondition(commands: readonly Command[]): Status {
    this.conditions++;
    return finallyDo(
      () => this.runList(commands),
      () => {
        this.conditions--;
      },
    );
  }

  #runFor(command: ForCommand): Status {
    const words = expandWords(command.words, this);
    const run = (values: readonly string[]) => this.#runForOver(command, values);
    return Array.isArray(words) ? run(words) : words.then(run);
  }

  async #runForOver(command: ForCommand, values: readonly string[]): Promise<number> {
    let status = OK;
    this.#loops++;
    for (const value of values) {
      if (this.#isContinue && this.#breaks === 1) this.#breaks = 0;
      if (this.#breaks > 0) continue;
      this.budget.step();
      const breath = this.budget.breathe();
      if (breath !== undefined) await breath;
      this.env.set(command.name, value);
      const next = this.runList(command.body);
      status = typeof next === "number" ? next : await next;
      if (this.stopped) break;
    }
    if (this.#breaks > 0) this.#breaks--;
    this.#loops--;
    return status;
  }

  async #runLoop(command: LoopCommand): Promise<number> {
    let status: number = OK;
    this.#loops++;
    for (;;) {
      this.budget.step();
      const breath = this.budget.breathe();
      if (breath !== undefined) await breath;
      const condition = this.#runCondition(command.condition);
      status = typeof condition === "number" ? condition : await condition;
      if (this.stopped) break;
      if (command.kind === COMMAND.until ? status === OK : status !== OK) break;
      const next = this.runList(command.body);
      status = typeof next === "number" ? next : await next;
      if (this.stopped) break;
      if (this.#breaks === 1 && this.#isContinue) this.#breaks = 0;
      if (this.#breaks > 0) break;
    }
    if (this.#breaks > 0) this.#breaks--;
    this.#loops--;
    return status;
  }

  #runSimple(command: SimpleCommand): Status {
    this.budget.step();
    const args = expandWords(command.words, this);
    return Array.isArray(args) ? this.#call(args, command) : args.then((expanded) => this.#call(expanded, command));
  }

  #call(argv: string[], command: SimpleCommand): Status {
    let length = 0;
    for (const arg of argv) length += arg.length;
    this.budget.text(length);
    if (argv.length === 0) return this.status;
    if (argv[0] !== "!") return this.#dispatch(argv, command);
    argv.shift();
    if (argv.length === 0) {
      this.say("warning", command.at, "'!' needs a command after it");
      return BAD_ARGUMENT;
    }
    const name = argv[0]!;
    // A command that there isn't succeeds with `!` before it, too.
    const isKnown = this.#commands.has(name) || this.#functions.has(name) || name.includes("=");
    const status = this.#dispatch(argv, command);
    if (!isKnown) return status;
    return typeof status === "number" ? invert(status) : status.then(invert);
  }

  #dispatch(argv: string[], command: SimpleCommand): Status {
    const name = argv[0]!;
    const { block, at } = command;
    const builtin = this.#commands.get(name);
    if (builtin !== undefined) {
      argv.shift();
      return builtin(this, argv, { name, block, at });
    }
    const definition = this.#functions.get(name);
    if (definition !== undefined) {
      argv.shift();
      if (block !== null) argv.push(block.source.text.slice(block.start, block.end));
      return this.#callFunction(definition, argv);
    }
    const equals = name.indexOf("=");
    if (equals !== -1) {
      this.setVariable(name.slice(0, equals), name.slice(equals + 1));
      return OK;
    }
    // GRUB prints "can't find command" and goes on as if it had succeeded (grub_script_execute_cmdline).
    this.warnOnce({ name, block, at }, `unknown command '${name}': it does nothing here`);
    return OK;
  }

  setVariable(name: string, value: string): void {
    this.budget.text(value.length);
    if (name === "?") this.status = Number.parseInt(value, 10) || OK;
    else if (name !== "root") this.env.set(name, value);
    else {
      // GRUB takes the parentheses off a device when it becomes $root.
      this.env.set(name, value.replace(/^\(([\s\S]*)\)$/, "$1"));
      this.env.missedRoot = null;
    }
  }

  #callFunction(definition: FunctionDefinition, args: readonly string[]): Status {
    const { source, positional } = this;
    const loops = this.#loops;
    this.#loops = 0;
    this.source = definition.source;
    this.positional = args;
    return finallyDo(
      () => this.nested(() => this.runList(definition.body)),
      () => {
        this.#returning = false;
        this.#loops = loops;
        this.source = source;
        this.positional = positional;
      },
    );
  }

  // What the commands that steer the script do.

  /** `break N` and `continue N`. */
  breakLoops(count: number, isContinue: boolean): void {
    this.#isContinue = isContinue;
    this.#breaks = Math.min(count, this.#loops);
  }

  /** `return`. */
  returnFromFunction(): void {
    this.#returning = true;
  }
}

/** Does `after` when `body` is done: at once, or when a disk has answered; also where it fails. */
function finallyDo<T>(body: () => T, after: () => void): T {
  let result: T;
  try {
    result = body();
  } catch (error) {
    after();
    throw error;
  }
  if (result instanceof Promise) return result.finally(after) as T;
  after();
  return result;
}

function invert(status: number): number {
  return status === OK ? TEST_FAILURE : OK;
}
