/** What can be wrong with a script, and what the parser has open when it is. */

import { PART, type Word } from "./ast.ts";
import { TOKEN, type Token } from "./tokens.ts";

/** A fault that ends a statement. */
export class Fault {
  readonly offset: number;
  readonly message: string;
  /** The text ended before the statement did. */
  readonly atEnd: boolean;
  constructor(offset: number, message: string, atEnd = false) {
    this.offset = offset;
    this.message = message;
    this.atEnd = atEnd;
  }
}

/** A statement that is longer than any: the text is read no further, and the entries of an open submenu stay. */
export class TooLong extends Fault {}

/** A `}` is missing: a new entry begins where the block's own command stands. */
export class MissingBrace {}

export interface OpenBlock {
  /** The command's words, for messages. */
  readonly words: readonly Word[];
  /** Offset of the command that the block belongs to. */
  readonly at: number;
  /** Columns before that command where only blanks precede it, else -1. */
  readonly indent: number;
  /** The command is `submenu`: what it holds are entries. */
  readonly holdsEntries: boolean;
  /** It is a menu's own command, so that a fault inside costs nothing but it. */
  readonly isEntry: boolean;
  /** Braces open inside this one included. */
  readonly depth: number;
}

/** True for a menu's own commands. */
export function isEntryCommand(words: readonly Word[]): boolean {
  const name = words[0];
  return name === "menuentry" || name === "submenu" || name === "hiddenentry";
}

/** True for what can only stand at the end of a list of commands. */
export function endsList(token: Token): boolean {
  switch (token) {
    case TOKEN.close:
    case TOKEN.thenWord:
    case TOKEN.else:
    case TOKEN.elif:
    case TOKEN.fi:
    case TOKEN.do:
    case TOKEN.done:
      return true;
    default:
      return false;
  }
}

/** `menuentry "Debian"`, for messages. */
export function title(words: readonly Word[]): string {
  const text = (word: Word) =>
    typeof word === "string"
      ? word
      : word.map(({ kind, text }) => (kind === PART.text || kind === PART.quoted ? text : `$${text}`)).join("");
  const name = text(words[0]!);
  const first = words[1];
  return first === undefined ? name : `${name} "${text(first)}"`;
}
