/**
 * GRUB's scripting grammar (grub-core/script/parser.y), statement by statement.
 *
 * GRUB parses and runs one statement at a time, so a fault costs it that statement and reading resumes at the next
 * line. What a fault costs here, and where reading goes on, is recovery.ts's.
 */

import { type Block, COMMAND, type Command, type SimpleCommand, type Word } from "./ast.ts";
import { plainBodyEnd } from "./fastpath.ts";
import { endsList, Fault, isEntryCommand, MissingBrace, TooLong, title } from "./faults.ts";
import { Recovery } from "./recovery.ts";
import { FIRST_RESERVED, TOKEN, type Token } from "./tokens.ts";

/**
 * Tokens of one statement, which is read without a pause; those in plain bodies of entries aren't read then. A submenu of
 * 500 snapshots has some 30,000.
 */
export const MAX_TOKENS = 50_000;
/** Blank and commented lines that are skipped without a pause. */
const MAX_BLANK_LINES = 5000;

/** Reads a script statement by statement. */
export class Parser extends Recovery {
  /** Of the lexer's count: where the statement that is read now is too long. */
  #tooLong = MAX_TOKENS;
  /** It was: the text is read no further. */
  #isOver = false;

  /**
   * The next statement with whatever stands in the same lines, or null at the end of the text. A faulty one is reported
   * and skipped. Empty where others may run before it goes on.
   */
  nextStatement(): readonly Command[] | null {
    const lexer = this.lexer;
    const pause = lexer.count + MAX_BLANK_LINES;
    for (;;) {
      lexer.next();
      while (this.is(TOKEN.newline)) {
        if (lexer.count > pause) return NOTHING;
        lexer.next();
      }
      if (this.is(TOKEN.end)) return null;
      const start = lexer.start;
      this.#tooLong = lexer.count + MAX_TOKENS;
      this.#isOver = false;
      this.braces = 0;
      this.nesting = 0;
      this.blocks.length = 0;
      this.compounds.length = 0;
      try {
        const commands = this.#line();
        this.flush();
        if (commands.length > 0) return commands;
      } catch (fault) {
        if (fault instanceof TooLong) {
          this.say(fault.offset, fault.message);
        } else if (fault instanceof Fault) {
          this.recover(fault, start);
        } else if (fault instanceof MissingBrace) {
          // A function's: what begins here is read as if it had been closed.
          const block = this.blocks.at(-1)!;
          this.say(block.at, `missing '}' to close ${title(block.words)}`);
          lexer.seek(lexer.start);
        } else {
          throw fault;
        }
        this.flush();
        return NOTHING;
      }
    }
  }

  /** The commands of a block that was read without a fault and begins there. */
  readBlock(start: number): readonly Command[] {
    this.lexer.seek(start);
    this.lexer.next();
    this.open([], start);
    return this.#commands();
  }

  /** `script: statement delimiter newlines0` as long as it stays in the line. */
  #line(): Command[] {
    const lexer = this.lexer;
    const commands: Command[] = [];
    for (;;) {
      const command = this.is(TOKEN.function) ? this.#function() : this.#command();
      if (command !== null) commands.push(command);
      if (this.is(TOKEN.newline) || this.is(TOKEN.end)) return commands;
      if (!this.is(TOKEN.semicolon)) this.unexpected("a new line or ';'");
      lexer.next();
      if (this.is(TOKEN.newline) || this.is(TOKEN.end)) return commands;
    }
  }

  #function(): Command {
    const lexer = this.lexer;
    const at = lexer.start;
    lexer.next();
    if (!this.is(TOKEN.name)) this.unexpected("the function's name");
    const name = lexer.word as string;
    do lexer.next();
    while (this.is(TOKEN.newline));
    if (!this.is(TOKEN.open)) this.unexpected("'{' to begin the function's body");
    this.open(["function", name], at);
    const body = this.#commands();
    this.#delimiters("}");
    if (!this.is(TOKEN.close)) this.unexpected("'}' to end the function");
    this.close();
    return { kind: COMMAND.function, name, body, source: this.source, at };
  }

  /**
   * `commands1`: at least one command; ends at what follows the last one's delimiters.
   * @param commands where they are added, so that those before a fault are kept.
   */
  #commands(commands: Command[] = []): Command[] {
    const lexer = this.lexer;
    while (this.is(TOKEN.newline)) lexer.next();
    for (;;) {
      this.#checkLength();
      const command = this.#command();
      if (command !== null) commands.push(command);
      // A delimiter may end the list or go before the next command: look past it.
      if (!this.is(TOKEN.newline) && !this.is(TOKEN.semicolon)) return commands;
      this.#skipDelimiters();
      if (endsList(lexer.token)) {
        this.#sawDelimiter = true;
        return commands;
      }
    }
  }

  /** Whether delimiters were read after the last command of a list. */
  #sawDelimiter = false;

  /** `delimiter` and the newlines after it. */
  #skipDelimiters(): void {
    const lexer = this.lexer;
    do lexer.next();
    while (this.is(TOKEN.newline));
  }

  /** Requires that the list just read ended in a delimiter. */
  #delimiters(before: string): void {
    const saw = this.#sawDelimiter;
    this.#sawDelimiter = false;
    if (!saw) this.unexpected(`a new line or ';' before '${before}'`);
  }

  #expect(token: Token, what: string): void {
    if (!this.is(token)) this.unexpected(what);
    this.lexer.next();
  }

  #command(): Command | null {
    const lexer = this.lexer;
    this.#sawDelimiter = false;
    switch (lexer.token) {
      case TOKEN.name:
      case TOKEN.word:
        return this.#simple();
      case TOKEN.if: {
        const at = lexer.start;
        this.enterCompound("if", "fi", at);
        const command = this.#if(at);
        this.#expect(TOKEN.fi, "'fi' to end the 'if'");
        this.leaveCompound();
        return command;
      }
      case TOKEN.for:
        return this.#for();
      case TOKEN.while:
      case TOKEN.until:
        return this.#loop();
      default:
        return this.unexpected("a command");
    }
  }

  #if(at: number): Command {
    this.lexer.next();
    const condition = this.#commands();
    this.#delimiters("then");
    this.#expect(TOKEN.thenWord, "'then'");
    const whenTrue = this.#commands();
    this.#delimiters("fi");
    if (this.is(TOKEN.elif)) {
      const inner = this.lexer.start;
      this.enter(inner);
      const chained = this.#if(inner);
      this.nesting--;
      return { kind: COMMAND.if, condition, whenTrue, whenFalse: [chained], at };
    }
    let whenFalse: Command[] = [];
    if (this.is(TOKEN.else)) {
      this.lexer.next();
      whenFalse = this.#commands();
      this.#delimiters("fi");
    }
    return { kind: COMMAND.if, condition, whenTrue, whenFalse, at };
  }

  #for(): Command {
    const lexer = this.lexer;
    const at = lexer.start;
    this.enterCompound("for", "done", at);
    lexer.next();
    if (!this.is(TOKEN.name)) this.unexpected("a variable's name after 'for'");
    const name = lexer.word as string;
    lexer.next();
    this.#expect(TOKEN.in, "'in'");
    const words = this.#words([]);
    if (!this.is(TOKEN.newline) && !this.is(TOKEN.semicolon)) this.unexpected("a new line or ';'");
    this.#skipDelimiters();
    this.#expect(TOKEN.do, "'do'");
    const body = this.#commands();
    this.#delimiters("done");
    this.#expect(TOKEN.done, "'done' to end the 'for'");
    this.leaveCompound();
    return { kind: COMMAND.for, name, words, body, at };
  }

  #loop(): Command {
    const lexer = this.lexer;
    const at = lexer.start;
    const isWhile = this.is(TOKEN.while);
    this.enterCompound(isWhile ? "while" : "until", "done", at);
    lexer.next();
    const condition = this.#commands();
    this.#delimiters("do");
    this.#expect(TOKEN.do, "'do'");
    const body = this.#commands();
    this.#delimiters("done");
    this.#expect(TOKEN.done, `'done' to end the '${isWhile ? "while" : "until"}'`);
    this.leaveCompound();
    return { kind: isWhile ? COMMAND.while : COMMAND.until, condition, body, at };
  }

  /** `arguments0`: reserved words are words here. */
  #words(words: Word[]): Word[] {
    const lexer = this.lexer;
    while (this.is(TOKEN.name) || this.is(TOKEN.word) || lexer.token >= FIRST_RESERVED) {
      words.push(lexer.word);
      lexer.next();
      this.#checkLength();
    }
    return words;
  }

  #checkLength(): void {
    const { lexer } = this;
    if (lexer.count <= this.#tooLong || this.#isOver) return;
    const at = lexer.start;
    this.#isOver = true;
    lexer.seek(this.source.text.length);
    lexer.next();
    throw new TooLong(at, `a statement of more than ${MAX_TOKENS} words; what stands from here on is not read`);
  }

  #simple(): SimpleCommand | null {
    const lexer = this.lexer;
    const at = lexer.start;
    if (this.suspicious && this.blocks.length > 0) this.checkBrace(at);
    const words: Word[] = [lexer.word];
    lexer.next();
    this.#words(words);
    if (!this.is(TOKEN.open)) return { kind: COMMAND.simple, words, block: null, at };
    const block = this.#block(words, at);
    return block === null ? null : { kind: COMMAND.simple, words, block, at };
  }

  /** @returns null where a fault inside was reported and costs the command. */
  #block(words: readonly Word[], at: number): Block | null {
    const lexer = this.lexer;
    const start = lexer.start;
    const plainEnd = this.suspicious || !isEntryCommand(words) ? -1 : plainBodyEnd(this.source.text, start);
    if (plainEnd !== -1) {
      lexer.seek(plainEnd);
      lexer.next();
      return { commands: null, source: this.source, start, end: plainEnd };
    }
    const faults = this.found.length;
    this.open(words, at);
    const block = this.blocks.at(-1)!;
    const nesting = this.nesting;
    const compounds = this.compounds.length;
    const commands: Command[] = [];
    let broken = false;
    for (;;) {
      try {
        this.#commands(commands);
        if (!this.is(TOKEN.close) && !this.#isOver) {
          // What doesn't end where it should isn't what it seems.
          commands.pop();
          this.unexpected("'}'");
        }
        break;
      } catch (problem) {
        // A compound that the text's end broke off stays known: #recover asks for it.
        if (!(problem instanceof Fault && problem.atEnd)) this.compounds.length = compounds;
        this.nesting = nesting;
        if (problem instanceof MissingBrace) {
          this.say(at, `missing '}' to close ${title(block.words)}`);
          this.blocks.pop();
          this.nesting--;
          this.braces = block.depth - 1;
          if (!block.holdsEntries) return this.#droppedBefore();
          // The entries of a submenu that were read before stay in it.
          this.pretendNewline();
          return { commands, source: this.source, start, end: lexer.start };
        }
        if (!(problem instanceof Fault) || problem.atEnd || !block.isEntry) throw problem;
        if (problem instanceof TooLong && !block.holdsEntries) throw problem;
        this.say(problem.offset, problem.message);
        broken = true;
        this.blocks.length = this.blocks.indexOf(block) + 1;
        if (this.#isOver) break;
        if (this.skipToEndOf(block) === "closed") break;
        // In a submenu reading resumes at the next line: its other entries are still good.
      }
    }
    const end = lexer.end;
    this.close();
    if (broken && (!block.holdsEntries || commands.length === 0)) return null;
    const isPlain = block.isEntry && !this.suspicious && this.found.length === faults;
    return { commands: isPlain ? null : commands, source: this.source, start, end };
  }

  #droppedBefore(): null {
    this.pretendNewline();
    return null;
  }
}

const NOTHING: readonly Command[] = [];

/** What a block holds. */
export function blockCommands(block: Block): readonly Command[] {
  return block.commands ?? new Parser(block.source, () => {}).readBlock(block.start);
}
