/** What the parser makes of a script. */

import type { SourceText } from "./source.ts";

/** How a piece of a word is expanded. */
export const PART = {
  /** As written outside quotes: backslashes still there, `*` and `?` alive. */
  text: 0,
  /** Inside quotes: taken literally. */
  quoted: 1,
  /** `$name` outside quotes: split into words. */
  variable: 2,
  /** `$name` inside double quotes: not split. */
  quotedVariable: 3,
  /** `$"…"`: translatable, with variables of its own. */
  translated: 4,
} as const;

type PartKind = (typeof PART)[keyof typeof PART];

export interface WordPart {
  readonly kind: PartKind;
  /** The text, or the variable's name. */
  readonly text: string;
}

/** A word that needs no expansion at all is a plain string: by far the most are. */
export type Word = string | readonly WordPart[];

export const COMMAND = { simple: 0, if: 1, for: 2, while: 3, until: 4, function: 5 } as const;

/** `{ … }` at the end of a command. */
export interface Block {
  /**
   * null where they are read again when they are run (parser.ts, blockCommands): the bodies of forty thousand
   * entries would fill a small machine's memory, and most of the time would go into keeping them.
   */
  readonly commands: readonly Command[] | null;
  readonly source: SourceText;
  /** Offsets of `{` and of what follows `}`. */
  readonly start: number;
  readonly end: number;
}

export interface SimpleCommand {
  readonly kind: typeof COMMAND.simple;
  readonly words: readonly Word[];
  readonly block: Block | null;
  /** Offset of the first word. */
  readonly at: number;
}

interface IfCommand {
  readonly kind: typeof COMMAND.if;
  readonly condition: readonly Command[];
  readonly whenTrue: readonly Command[];
  /** An `elif` is an `if` in here. */
  readonly whenFalse: readonly Command[];
  readonly at: number;
}

export interface ForCommand {
  readonly kind: typeof COMMAND.for;
  readonly name: string;
  readonly words: readonly Word[];
  readonly body: readonly Command[];
  readonly at: number;
}

export interface LoopCommand {
  readonly kind: typeof COMMAND.while | typeof COMMAND.until;
  readonly condition: readonly Command[];
  readonly body: readonly Command[];
  readonly at: number;
}

interface FunctionCommand {
  readonly kind: typeof COMMAND.function;
  readonly name: string;
  readonly body: readonly Command[];
  readonly source: SourceText;
  readonly at: number;
}

export type Command = SimpleCommand | IfCommand | ForCommand | LoopCommand | FunctionCommand;
