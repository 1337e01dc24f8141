/**
 * GRUB's scripting grammar (grub-core/script/parser.y), statement by statement.
 *
 * GRUB parses and runs one statement at a time, so a fault costs it that statement and reading resumes at the next
 * line. Here a fault inside a menu entry costs that entry alone: what follows its closing brace is read on as if
 * nothing had happened, and a brace or quote that was forgotten is looked for a second time with more suspicion.
 */

import { type Block, COMMAND, type Command, type SimpleCommand, type Word } from "./ast.ts";
import { endsList, Fault, MissingBrace, type OpenBlock, title } from "./faults.ts";
import { Lexer } from "./lexer.ts";
import type { SourceText } from "./source.ts";
import { FIRST_RESERVED, TOKEN, type Token } from "./tokens.ts";

/** Receives each fault as it is found. */
export type FaultSink = (offset: number, message: string) => void;

/** Blocks and compound commands inside one another; GRUB's own parser gives up at some thousands. */
const MAX_DEPTH = 400;

/** Each costs another look at the rest of the text. */
const MAX_SALVAGED = 20;

/** Reads a script statement by statement. */
export class Parser {
  readonly #source: SourceText;
  readonly #lexer: Lexer;
  readonly #report: FaultSink;
  /** Braces open now. */
  #braces = 0;
  #nesting = 0;
  readonly #blocks: OpenBlock[] = [];
  /** Compound commands open now, outermost first. */
  readonly #compounds: { readonly name: string; readonly end: string; readonly at: number }[] = [];
  /** Statements that the end of the text broke off and whose lines were read one by one instead. */
  #salvaged = 0;
  /** On the second look at a text that ended in the middle of a statement. */
  #suspicious = false;
  /** Compound commands that a fault broke off: what closes them is no news. */
  #brokenOff = 0;

  constructor(source: SourceText, report: FaultSink) {
    this.#source = source;
    this.#lexer = new Lexer(source);
    this.#report = report;
  }

  /**
   * The next statement with whatever stands in the same lines, or null at the end of the text. A faulty one is
   * reported and skipped.
   */
  nextStatement(): readonly Command[] | null {
    const lexer = this.#lexer;
    for (;;) {
      lexer.next();
      while (this.#is(TOKEN.newline)) lexer.next();
      if (this.#is(TOKEN.end)) return null;
      const start = lexer.start;
      this.#braces = 0;
      this.#nesting = 0;
      this.#blocks.length = 0;
      this.#compounds.length = 0;
      try {
        const commands = this.#line();
        this.#flush();
        if (commands.length > 0) return commands;
      } catch (fault) {
        if (fault instanceof Fault) {
          this.#recover(fault, start);
        } else if (fault instanceof MissingBrace) {
          // A function's: what begins here is read as if it had been closed.
          const block = this.#blocks.at(-1)!;
          this.#say(block.at, `missing '}' to close ${title(block.words)}`);
          lexer.seek(lexer.start);
        } else {
          throw fault;
        }
        this.#flush();
      }
    }
  }

  /** Whether the lexer stands at such a token. */
  #is(token: Token): boolean {
    return this.#lexer.token === token;
  }

  /** The commands of a block that was read without a fault and begins there. */
  readBlock(start: number): readonly Command[] {
    this.#lexer.seek(start);
    this.#lexer.next();
    this.#open([], start);
    return this.#commands();
  }

  #fail(offset: number, message: string): never {
    throw new Fault(offset, message);
  }

  /** Faults of the statement being read: a second look may find what they really are. */
  readonly #found: { readonly offset: number; readonly message: string }[] = [];

  #say(offset: number, message: string): void {
    this.#found.push({ offset, message });
  }

  #flush(): void {
    for (const { offset, message } of this.#found) this.#report(offset, message);
    this.#found.length = 0;
  }

  #recover(fault: Fault, start: number): void {
    const lexer = this.#lexer;
    if (fault.atEnd) {
      if (!this.#suspicious) {
        // Look again from the statement's beginning, now asking at every line whether a brace or quote is missing.
        this.#suspicious = true;
        this.#found.length = 0;
        lexer.distrustsQuotes = true;
        lexer.seek(start);
        return;
      }
      this.#say(fault.offset, fault.message);
      // Without its end, what an `if` holds is read as if the line that opens it weren't there.
      const isSalvaged = this.#compounds.length > 0 && this.#salvaged++ < MAX_SALVAGED;
      const end = isSalvaged ? this.#source.text.indexOf("\n", start) : -1;
      if (isSalvaged) this.#brokenOff++;
      lexer.seek(end === -1 ? this.#source.text.length : end);
      return;
    }
    const isLeftover = this.#brokenOff > 0 && lexer.start === start && endsList(lexer.token);
    if (!isLeftover) {
      this.#say(fault.offset, fault.message);
      this.#brokenOff = Math.max(0, this.#nesting - this.#braces);
    } else if (this.#is(TOKEN.fi) || this.#is(TOKEN.done)) {
      this.#brokenOff--;
    }
    // To the end of the line in which the statement's last open brace closes.
    while (!this.#is(TOKEN.end) && !this.#is(TOKEN.unterminated)) {
      if (this.#is(TOKEN.open)) this.#braces++;
      else if (this.#is(TOKEN.close) && this.#braces > 0) this.#braces--;
      else if (this.#is(TOKEN.newline) && this.#braces === 0) return;
      lexer.next();
    }
    if (this.#is(TOKEN.unterminated) || this.#braces > 0) {
      // Nothing closes it: GRUB would go on at the next line.
      const end = this.#source.text.indexOf("\n", Math.max(fault.offset, start));
      lexer.seek(end === -1 ? this.#source.text.length : end);
    }
  }

  /** `script: statement delimiter newlines0` as long as it stays in the line. */
  #line(): Command[] {
    const lexer = this.#lexer;
    const commands: Command[] = [];
    for (;;) {
      const command = this.#is(TOKEN.function) ? this.#function() : this.#command();
      if (command !== null) commands.push(command);
      if (this.#is(TOKEN.newline) || this.#is(TOKEN.end)) return commands;
      if (!this.#is(TOKEN.semicolon)) this.#unexpected("a new line or ';'");
      lexer.next();
      if (this.#is(TOKEN.newline) || this.#is(TOKEN.end)) return commands;
    }
  }

  #function(): Command {
    const lexer = this.#lexer;
    const at = lexer.start;
    lexer.next();
    if (!this.#is(TOKEN.name)) this.#unexpected("the function's name");
    const name = lexer.word as string;
    do lexer.next();
    while (this.#is(TOKEN.newline));
    if (!this.#is(TOKEN.open)) this.#unexpected("'{' to begin the function's body");
    this.#open(["function", name], at);
    const body = this.#commands();
    this.#delimiters("}");
    if (!this.#is(TOKEN.close)) this.#unexpected("'}' to end the function");
    this.#close();
    return { kind: COMMAND.function, name, body, source: this.#source, at };
  }

  /**
   * `commands1`: at least one command; ends at what follows the last one's delimiters.
   * @param commands where they are added, so that those before a fault are kept.
   */
  #commands(commands: Command[] = []): Command[] {
    const lexer = this.#lexer;
    while (this.#is(TOKEN.newline)) lexer.next();
    for (;;) {
      const command = this.#command();
      if (command !== null) commands.push(command);
      // A delimiter may end the list or go before the next command: look past it.
      if (!this.#is(TOKEN.newline) && !this.#is(TOKEN.semicolon)) return commands;
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
    const lexer = this.#lexer;
    do lexer.next();
    while (this.#is(TOKEN.newline));
  }

  /** Requires that the list just read ended in a delimiter. */
  #delimiters(before: string): void {
    const saw = this.#sawDelimiter;
    this.#sawDelimiter = false;
    if (!saw) this.#unexpected(`a new line or ';' before '${before}'`);
  }

  #expect(token: Token, what: string): void {
    if (!this.#is(token)) this.#unexpected(what);
    this.#lexer.next();
  }

  #command(): Command | null {
    const lexer = this.#lexer;
    this.#sawDelimiter = false;
    switch (lexer.token) {
      case TOKEN.name:
      case TOKEN.word:
        return this.#simple();
      case TOKEN.if: {
        const at = lexer.start;
        this.#enterCompound("if", "fi", at);
        const command = this.#if(at);
        this.#expect(TOKEN.fi, "'fi' to end the 'if'");
        this.#leaveCompound();
        return command;
      }
      case TOKEN.for:
        return this.#for();
      case TOKEN.while:
      case TOKEN.until:
        return this.#loop();
      default:
        return this.#unexpected("a command");
    }
  }

  #enter(at: number): void {
    if (++this.#nesting > MAX_DEPTH) this.#fail(at, `more than ${MAX_DEPTH} blocks inside one another; untangle them`);
  }

  #enterCompound(name: string, end: string, at: number): void {
    this.#enter(at);
    this.#compounds.push({ name, end, at });
  }

  #leaveCompound(): void {
    this.#nesting--;
    this.#compounds.pop();
  }

  #if(at: number): Command {
    this.#lexer.next();
    const condition = this.#commands();
    this.#delimiters("then");
    this.#expect(TOKEN.thenWord, "'then'");
    const whenTrue = this.#commands();
    this.#delimiters("fi");
    if (this.#is(TOKEN.elif)) {
      const inner = this.#lexer.start;
      this.#enter(inner);
      const chained = this.#if(inner);
      this.#nesting--;
      return { kind: COMMAND.if, condition, whenTrue, whenFalse: [chained], at };
    }
    let whenFalse: Command[] = [];
    if (this.#is(TOKEN.else)) {
      this.#lexer.next();
      whenFalse = this.#commands();
      this.#delimiters("fi");
    }
    return { kind: COMMAND.if, condition, whenTrue, whenFalse, at };
  }

  #for(): Command {
    const lexer = this.#lexer;
    const at = lexer.start;
    this.#enterCompound("for", "done", at);
    lexer.next();
    if (!this.#is(TOKEN.name)) this.#unexpected("a variable's name after 'for'");
    const name = lexer.word as string;
    lexer.next();
    this.#expect(TOKEN.in, "'in'");
    const words = this.#words([]);
    if (!this.#is(TOKEN.newline) && !this.#is(TOKEN.semicolon)) this.#unexpected("a new line or ';'");
    this.#skipDelimiters();
    this.#expect(TOKEN.do, "'do'");
    const body = this.#commands();
    this.#delimiters("done");
    this.#expect(TOKEN.done, "'done' to end the 'for'");
    this.#leaveCompound();
    return { kind: COMMAND.for, name, words, body, at };
  }

  #loop(): Command {
    const lexer = this.#lexer;
    const at = lexer.start;
    const isWhile = this.#is(TOKEN.while);
    this.#enterCompound(isWhile ? "while" : "until", "done", at);
    lexer.next();
    const condition = this.#commands();
    this.#delimiters("do");
    this.#expect(TOKEN.do, "'do'");
    const body = this.#commands();
    this.#delimiters("done");
    this.#expect(TOKEN.done, `'done' to end the '${isWhile ? "while" : "until"}'`);
    this.#leaveCompound();
    return { kind: isWhile ? COMMAND.while : COMMAND.until, condition, body, at };
  }

  /** `arguments0`: reserved words are words here. */
  #words(words: Word[]): Word[] {
    const lexer = this.#lexer;
    while (this.#is(TOKEN.name) || this.#is(TOKEN.word) || lexer.token >= FIRST_RESERVED) {
      words.push(lexer.word);
      lexer.next();
    }
    return words;
  }

  #simple(): SimpleCommand | null {
    const lexer = this.#lexer;
    const at = lexer.start;
    if (this.#suspicious && this.#blocks.length > 0) this.#checkBrace(at);
    const words: Word[] = [lexer.word];
    lexer.next();
    this.#words(words);
    if (!this.#is(TOKEN.open)) return { kind: COMMAND.simple, words, block: null, at };
    const block = this.#block(words, at);
    return block === null ? null : { kind: COMMAND.simple, words, block, at };
  }

  /** @returns null where a fault inside was reported and costs the command. */
  #block(words: readonly Word[], at: number): Block | null {
    const lexer = this.#lexer;
    const start = lexer.start;
    const faults = this.#found.length;
    this.#open(words, at);
    const block = this.#blocks.at(-1)!;
    const nesting = this.#nesting;
    const compounds = this.#compounds.length;
    const commands: Command[] = [];
    let broken = false;
    for (;;) {
      try {
        this.#commands(commands);
        if (!this.#is(TOKEN.close)) {
          // What doesn't end where it should isn't what it seems.
          commands.pop();
          this.#unexpected("'}'");
        }
        break;
      } catch (problem) {
        // A compound that the text's end broke off stays known: #recover asks for it.
        if (!(problem instanceof Fault && problem.atEnd)) this.#compounds.length = compounds;
        this.#nesting = nesting;
        if (problem instanceof MissingBrace) {
          this.#say(at, `missing '}' to close ${title(block.words)}`);
          this.#blocks.pop();
          this.#nesting--;
          this.#braces = block.depth - 1;
          if (!block.holdsEntries) return this.#droppedBefore();
          // The entries of a submenu that were read before stay in it.
          this.#pretendNewline();
          return { commands, source: this.#source, start, end: lexer.start };
        }
        if (!(problem instanceof Fault) || problem.atEnd || !block.isEntry) throw problem;
        this.#say(problem.offset, problem.message);
        broken = true;
        this.#blocks.length = this.#blocks.indexOf(block) + 1;
        if (this.#skipToEndOf(block) === "closed") break;
        // In a submenu reading resumes at the next line: its other entries are still good.
      }
    }
    const end = lexer.end;
    this.#close();
    if (broken && (!block.holdsEntries || commands.length === 0)) return null;
    const isPlain = block.isEntry && !this.#suspicious && this.#found.length === faults;
    return { commands: isPlain ? null : commands, source: this.#source, start, end };
  }

  /** After a fault: to the block's own `}`, or in a submenu to the next line outside of any inner brace. */
  #skipToEndOf(block: OpenBlock): "closed" | "line" {
    const lexer = this.#lexer;
    for (;;) {
      if (this.#is(TOKEN.close)) {
        this.#braces--;
        if (this.#braces < block.depth) {
          this.#braces = block.depth;
          return "closed";
        }
      } else if (this.#is(TOKEN.open)) {
        this.#braces++;
      } else if (this.#is(TOKEN.newline) && block.holdsEntries && this.#braces === block.depth) {
        while (this.#is(TOKEN.newline)) lexer.next();
        if (this.#is(TOKEN.close)) return "closed";
        return "line";
      } else if (this.#is(TOKEN.end) || this.#is(TOKEN.unterminated)) {
        throw new Fault(block.at, `missing '}' to close ${title(block.words)}`, true);
      }
      lexer.next();
    }
  }

  #open(words: readonly Word[], at: number): void {
    const name = words[0];
    this.#enter(at);
    this.#braces++;
    this.#blocks.push({
      words,
      at,
      // Only a second look asks for it.
      indent: this.#suspicious ? this.#indentOf(at) : -1,
      holdsEntries: name === "submenu",
      isEntry: name === "submenu" || name === "menuentry" || name === "hiddenentry",
      depth: this.#braces,
    });
    this.#lexer.next();
  }

  #close(): void {
    this.#braces--;
    this.#nesting--;
    this.#blocks.pop();
    this.#lexer.next();
  }

  /** Blanks before an offset where nothing else stands before it in its line, else -1. */
  #indentOf(at: number): number {
    const text = this.#source.text;
    let from = at;
    while (from > 0 && (text.charCodeAt(from - 1) === 0x20 || text.charCodeAt(from - 1) === 0x09)) from--;
    return from === 0 || text.charCodeAt(from - 1) === 0x0a ? at - from : -1;
  }

  #checkBrace(at: number): void {
    const word = this.#lexer.word;
    if (word !== "menuentry" && word !== "submenu") return;
    const indent = this.#indentOf(at);
    const block = this.#blocks.at(-1)!;
    if (indent === -1 || indent > block.indent) return;
    throw new MissingBrace();
  }

  /** The command just ended before a token that begins a new line. */
  #pretendNewline(): void {
    const lexer = this.#lexer;
    lexer.seek(lexer.start);
    lexer.token = TOKEN.newline;
  }

  #droppedBefore(): null {
    this.#pretendNewline();
    return null;
  }

  #unexpected(wanted: string): never {
    const lexer = this.#lexer;
    const { token } = lexer;
    if (token === TOKEN.bad) throw new Fault(lexer.problemAt, lexer.problem);
    if (token === TOKEN.unterminated) throw new Fault(lexer.problemAt, lexer.problem, true);
    if (token === TOKEN.end) {
      const block = this.#blocks.at(-1);
      const compound = this.#compounds.at(-1);
      if (compound !== undefined && compound.at > (block?.at ?? -1)) {
        throw new Fault(compound.at, `missing '${compound.end}' to end the '${compound.name}' that begins here`, true);
      }
      if (block !== undefined) throw new Fault(block.at, `missing '}' to close ${title(block.words)}`, true);
      throw new Fault(lexer.start, `the file ends where GRUB expects ${wanted}`, true);
    }
    throw new Fault(lexer.start, `unexpected ${this.#describe()} where GRUB expects ${wanted}`);
  }

  #describe(): string {
    const lexer = this.#lexer;
    if (this.#is(TOKEN.newline)) return "end of line";
    const text = this.#source.text.slice(lexer.start, lexer.end);
    return `'${text.length > 40 ? `${text.slice(0, 40)}…` : text}'`;
  }
}

/** What a block holds. */
export function blockCommands(block: Block): readonly Command[] {
  return block.commands ?? new Parser(block.source, () => {}).readBlock(block.start);
}
