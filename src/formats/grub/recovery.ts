/**
 * Where the parser stands in a script and what is open there, and how it goes on after a fault.
 *
 * A fault inside a menu entry costs that entry alone: what follows its closing brace is read on as if nothing had
 * happened. A text that ends in the middle of a statement is looked at a second time with more suspicion, for the brace
 * or quote that was forgotten.
 */

import type { Word } from "./ast.ts";
import { endsList, Fault, isEntryCommand, MissingBrace, type OpenBlock, title } from "./faults.ts";
import { Lexer } from "./lexer.ts";
import type { SourceText } from "./source.ts";
import { TOKEN, type Token } from "./tokens.ts";

/** Receives each fault as it is found. */
type FaultSink = (offset: number, message: string) => void;

/** Blocks and compound commands inside one another; GRUB's own parser gives up at some thousands. */
const MAX_DEPTH = 400;

/** Each costs another look at the rest of the text. */
const MAX_SALVAGED = 20;

/** Of one text: no configuration has more. */
const MAX_FAULTS = 1000;
/** Tokens among which the end of a faulty statement is looked for without a pause. */
const MAX_SKIPPED = 20_000;
/** Characters that may be looked through in vain for the end of a block: the whole text for each fault. */
const MAX_SEARCHED = 4 << 20;

/** What the grammar (parser.ts) is read with. */
export class Recovery {
  protected readonly source: SourceText;
  protected readonly lexer: Lexer;
  readonly #report: FaultSink;
  /** Braces open now. */
  protected braces = 0;
  protected nesting = 0;
  protected readonly blocks: OpenBlock[] = [];
  /** Compound commands open now, outermost first. */
  protected readonly compounds: { readonly name: string; readonly end: string; readonly at: number }[] = [];
  /** Statements that the end of the text broke off and whose lines were read one by one instead. */
  #salvaged = 0;
  /** On the second look at a text that ended in the middle of a statement. */
  protected suspicious = false;
  #faults = 0;
  /** Characters that were looked through for the end of a block, and for nothing. */
  #searched = 0;
  /** Compound commands that a fault broke off: what closes them is no news. */
  #brokenOff = 0;
  /** Faults of the statement being read: a second look may find what they really are. */
  protected readonly found: { readonly offset: number; readonly message: string }[] = [];

  constructor(source: SourceText, report: FaultSink) {
    this.source = source;
    this.lexer = new Lexer(source);
    this.#report = report;
  }

  /** Whether the lexer stands at such a token. */
  protected is(token: Token): boolean {
    return this.lexer.token === token;
  }

  #fail(offset: number, message: string): never {
    throw new Fault(offset, message);
  }

  protected say(offset: number, message: string): void {
    this.found.push({ offset, message });
  }

  protected flush(): void {
    for (const { offset, message } of this.found) this.#report(offset, message);
    this.found.length = 0;
  }

  protected recover(fault: Fault, start: number): void {
    const lexer = this.lexer;
    if (++this.#faults > MAX_FAULTS) {
      this.say(fault.offset, `more than ${MAX_FAULTS} faults; what stands from here on is not read`);
      lexer.seek(this.source.text.length);
      return;
    }
    if (fault.atEnd) {
      if (!this.suspicious) {
        // Look again from the statement's beginning, now asking at every line whether a brace or quote is missing.
        this.suspicious = true;
        this.found.length = 0;
        lexer.distrustsQuotes = true;
        lexer.seek(start);
        return;
      }
      this.say(fault.offset, fault.message);
      // Without its end, what an `if` holds is read as if the line that opens it weren't there.
      const isSalvaged = this.compounds.length > 0 && this.#salvaged++ < MAX_SALVAGED;
      const end = isSalvaged ? this.source.text.indexOf("\n", start) : -1;
      if (isSalvaged) this.#brokenOff++;
      lexer.seek(end === -1 ? this.source.text.length : end);
      return;
    }
    const isLeftover = this.#brokenOff > 0 && lexer.start === start && endsList(lexer.token);
    if (!isLeftover) {
      this.say(fault.offset, fault.message);
      this.#brokenOff = Math.max(0, this.nesting - this.braces);
    } else if (this.is(TOKEN.fi) || this.is(TOKEN.done)) {
      this.#brokenOff--;
    }
    // To the end of the line in which the statement's last open brace closes.
    const last = lexer.count + MAX_SKIPPED;
    while (!this.is(TOKEN.end) && !this.is(TOKEN.unterminated) && lexer.count < last) {
      if (this.is(TOKEN.open)) this.braces++;
      else if (this.is(TOKEN.close) && this.braces > 0) this.braces--;
      else if (this.is(TOKEN.newline) && this.braces === 0) return;
      lexer.next();
    }
    if (this.is(TOKEN.unterminated) || this.braces > 0) {
      this.#searched += this.source.text.length - start;
      if (this.#searched > MAX_SEARCHED) this.#faults = MAX_FAULTS;
      // Nothing closes it: GRUB would go on at the next line.
      const end = this.source.text.indexOf("\n", Math.max(fault.offset, start));
      lexer.seek(end === -1 ? this.source.text.length : end);
    }
  }

  /** After a fault: to the block's own `}`, or in a submenu to the next line outside of any inner brace. */
  protected skipToEndOf(block: OpenBlock): "closed" | "line" {
    const lexer = this.lexer;
    for (;;) {
      if (this.is(TOKEN.close)) {
        this.braces--;
        if (this.braces < block.depth) {
          this.braces = block.depth;
          return "closed";
        }
      } else if (this.is(TOKEN.open)) {
        this.braces++;
      } else if (this.is(TOKEN.newline) && block.holdsEntries && this.braces === block.depth) {
        while (this.is(TOKEN.newline)) lexer.next();
        if (this.is(TOKEN.close)) return "closed";
        return "line";
      } else if (this.is(TOKEN.end) || this.is(TOKEN.unterminated)) {
        throw new Fault(block.at, `missing '}' to close ${title(block.words)}`, true);
      }
      lexer.next();
    }
  }

  protected open(words: readonly Word[], at: number): void {
    const name = words[0];
    this.enter(at);
    this.braces++;
    this.blocks.push({
      words,
      at,
      // Only a second look asks for it.
      indent: this.suspicious ? this.#indentOf(at) : -1,
      holdsEntries: name === "submenu",
      isEntry: isEntryCommand(words),
      depth: this.braces,
    });
    this.lexer.next();
  }

  protected close(): void {
    this.braces--;
    this.nesting--;
    this.blocks.pop();
    this.lexer.next();
  }

  /** Blanks before an offset where nothing else stands before it in its line, else -1. */
  #indentOf(at: number): number {
    const text = this.source.text;
    let from = at;
    while (from > 0 && (text.charCodeAt(from - 1) === 0x20 || text.charCodeAt(from - 1) === 0x09)) from--;
    return from === 0 || text.charCodeAt(from - 1) === 0x0a ? at - from : -1;
  }

  protected checkBrace(at: number): void {
    const word = this.lexer.word;
    if (word !== "menuentry" && word !== "submenu") return;
    const indent = this.#indentOf(at);
    const block = this.blocks.at(-1)!;
    if (indent === -1 || indent > block.indent) return;
    throw new MissingBrace();
  }

  /** The command just ended before a token that begins a new line. */
  protected pretendNewline(): void {
    const lexer = this.lexer;
    lexer.seek(lexer.start);
    lexer.token = TOKEN.newline;
  }

  protected unexpected(wanted: string): never {
    const lexer = this.lexer;
    const { token } = lexer;
    if (token === TOKEN.bad) throw new Fault(lexer.problemAt, lexer.problem);
    if (token === TOKEN.unterminated) throw new Fault(lexer.problemAt, lexer.problem, true);
    if (token === TOKEN.end) {
      const block = this.blocks.at(-1);
      const compound = this.compounds.at(-1);
      if (compound !== undefined && compound.at > (block?.at ?? -1)) {
        throw new Fault(compound.at, `missing '${compound.end}' to end the '${compound.name}' that begins here`, true);
      }
      if (block !== undefined) throw new Fault(block.at, `missing '}' to close ${title(block.words)}`, true);
      throw new Fault(lexer.start, `the file ends where GRUB expects ${wanted}`, true);
    }
    throw new Fault(lexer.start, `unexpected ${this.#describe()} where GRUB expects ${wanted}`);
  }

  #describe(): string {
    const lexer = this.lexer;
    if (this.is(TOKEN.newline)) return "end of line";
    const text = this.source.text.slice(lexer.start, lexer.end);
    return `'${text.length > 40 ? `${text.slice(0, 40)}…` : text}'`;
  }

  protected enter(at: number): void {
    if (++this.nesting > MAX_DEPTH) this.#fail(at, `more than ${MAX_DEPTH} blocks inside one another; untangle them`);
  }

  protected enterCompound(name: string, end: string, at: number): void {
    this.enter(at);
    this.compounds.push({ name, end, at });
  }

  protected leaveCompound(): void {
    this.nesting--;
    this.compounds.pop();
  }
}
