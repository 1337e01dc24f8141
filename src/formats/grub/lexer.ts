/**
 * GRUB's scripting lexer (grub-core/script/yylex.l is what counts; GRUB manual, "Shell-like scripting").
 *
 * GRUB reads a line at a time and asks for more lines while a quote, a block or a compound command is open. Read
 * as one text this comes to the same: what differs is only where reading resumes after an error (parser.ts).
 */

import { PART, type Word, type WordPart } from "./ast.ts";
import type { SourceText } from "./source.ts";
import { CLASS, NAME_PART, NAME_START, PATTERN, RESERVED, TOKEN, type Token } from "./tokens.ts";

const NEWLINE = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const DOUBLE = 0x22;
const HASH = 0x23;
const DOLLAR = 0x24;
const AMPERSAND = 0x26;
const SINGLE = 0x27;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const GREATER = 0x3e;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const BAR = 0x7c;
const CLOSE = 0x7d;

const VARIABLE = /(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])/y;
const BRACED = /\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])\}/y;

/** Red Hat's GRUB keeps the backslash of `\x20`, which its installers' labels need; who writes one means it to stay. */
const HEX_ESCAPE = /\\x[0-9a-fA-F]{2}/y;

/** A line that no quoted text contains but whose quote was forgotten before it. */
const LOOKS_LIKE_SCRIPT =
  /[ \t]*(?:menuentry|submenu|function|linux|linuxefi|linux16|initrd|initrdefi|initrd16|set|search|insmod|load_video|if|fi|else|echo|chainloader|configfile|source|export)(?:[ \t\n]|$)|[ \t]*\}[ \t]*(?:\n|$)|#/y;

/** Reads tokens one after another; the fields describe the one that {@link Lexer.next} read last. */
export class Lexer {
  readonly source: SourceText;
  readonly #text: string;
  #at: number;

  token: Token = TOKEN.end;
  /** How many were read. */
  count = 0;
  /** Offsets of the token and of what follows it. */
  start = 0;
  end = 0;
  /** The word, for `name`, `word` and reserved words. */
  word: Word = "";
  /** For `bad` and `unterminated`: what is wrong, and what to do. */
  problem = "";
  /** Where the problem is. */
  problemAt = 0;
  /**
   * Ends a quoted text at the end of its first line when the next line looks like script: for the second look at
   * a text that ended inside a quote.
   */
  distrustsQuotes = false;

  constructor(source: SourceText, offset = 0) {
    this.source = source;
    this.#text = source.text;
    this.#at = offset;
  }

  /** Goes on from another place. */
  seek(offset: number): void {
    this.#at = offset;
  }

  next(): Token {
    this.count++;
    const text = this.#text;
    const length = text.length;
    let at = this.#at;
    for (;;) {
      if (at >= length) {
        this.start = this.end = this.#at = length;
        this.token = TOKEN.end;
        return TOKEN.end;
      }
      const c = text.charCodeAt(at);
      if (c === SPACE || c === TAB) {
        at++;
        continue;
      }
      if (c === HASH) {
        const end = text.indexOf("\n", at);
        at = end === -1 ? length : end;
        continue;
      }
      this.start = at;
      switch (c) {
        case NEWLINE:
          return this.#single(TOKEN.newline, at + 1);
        case SEMICOLON:
          return text.charCodeAt(at + 1) === SEMICOLON
            ? this.#single(TOKEN.operator, at + 2)
            : this.#single(TOKEN.semicolon, at + 1);
        case OPEN:
          return this.#single(TOKEN.open, at + 1);
        case CLOSE:
          return this.#single(TOKEN.close, at + 1);
        case BAR:
        case AMPERSAND:
          return this.#single(TOKEN.operator, text.charCodeAt(at + 1) === c ? at + 2 : at + 1);
        case LESS:
        case GREATER:
          return this.#single(TOKEN.operator, at + 1);
        default:
          return this.#readWord(at);
      }
    }
  }

  #single(token: Token, end: number): Token {
    this.end = this.#at = end;
    this.token = token;
    return token;
  }

  #readWord(start: number): Token {
    const text = this.#text;
    // Most words are plain to their end.
    let at = start;
    let classes = 0;
    let all = NAME_PART;
    for (;;) {
      const c = text.charCodeAt(at);
      // NaN at the end of the text, for which no comparison holds.
      if (c < 128) {
        const kind = CLASS[c]!;
        if (kind === 0) break;
        classes |= kind;
        all &= kind;
      } else if (c >= 128) {
        all = 0;
      } else {
        break;
      }
      at++;
    }
    const stop = text.charCodeAt(at);
    if (at > start && stop !== DOLLAR && stop !== DOUBLE && stop !== SINGLE && stop !== BACKSLASH) {
      const word = text.slice(start, at);
      this.end = this.#at = at;
      if ((classes & PATTERN) !== 0) {
        this.word = [{ kind: PART.text, text: word }];
        this.token = TOKEN.word;
      } else {
        this.word = word;
        const isName = all !== 0 && (CLASS[text.charCodeAt(start)]! & NAME_START) !== 0;
        if (isName) this.token = (at - start <= 8 ? RESERVED.get(word) : undefined) ?? TOKEN.name;
        else this.token = at - start === 2 ? (RESERVED.get(word) ?? TOKEN.word) : TOKEN.word;
      }
      return this.token;
    }
    return this.#readParts(start, at);
  }

  /** A word with quotes, escapes or variables in it. `plainEnd`: up to there it is plain. */
  #readParts(start: number, plainEnd: number): Token {
    const text = this.#text;
    const parts: WordPart[] = [];
    let at = plainEnd;
    let raw = text.slice(start, plainEnd);
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === BACKSLASH) {
        const isContinued = at + 1 >= text.length || text.charCodeAt(at + 1) === NEWLINE;
        if (isContinued && this.#afterNewline(at + 1) >= text.length) {
          this.token = TOKEN.unterminated;
          this.end = this.#at = text.length;
          this.problemAt = at;
          this.problem = "the line that this backslash continues is missing";
          return this.token;
        }
        if (isContinued) {
          at = this.#afterNewline(at + 1);
        } else {
          HEX_ESCAPE.lastIndex = at;
          raw += (HEX_ESCAPE.test(text) ? "\\" : "") + text.slice(at, at + 2);
          at += 2;
        }
      } else if (c === SINGLE) {
        if (raw !== "") parts.push({ kind: PART.text, text: raw });
        raw = "";
        const end = this.#quoteEnd(at, at + 1, SINGLE);
        if (end === -1) return this.token;
        parts.push({ kind: PART.quoted, text: this.#withoutHashLines(text.slice(at + 1, end)) });
        at = end + 1;
      } else if (c === DOUBLE) {
        if (raw !== "") parts.push({ kind: PART.text, text: raw });
        raw = "";
        const end = this.#quoteEnd(at, at + 1, DOUBLE);
        if (end === -1) return this.token;
        if (!this.#readDoubleQuoted(at + 1, end, parts)) {
          // Reading on inside the quotes would take the closing one for an opening one.
          this.end = this.#at = end + 1;
          return this.token;
        }
        at = end + 1;
      } else if (c === DOLLAR) {
        if (raw !== "") parts.push({ kind: PART.text, text: raw });
        raw = "";
        if (text.charCodeAt(at + 1) === DOUBLE) {
          const end = this.#quoteEnd(at, at + 2, DOUBLE);
          if (end === -1) return this.token;
          const inner = this.#withoutHashLines(text.slice(at + 2, end));
          parts.push({ kind: PART.translated, text: inner.replace(/\\(?:\n|")/g, (m) => (m === '\\"' ? '"' : "")) });
          at = end + 1;
        } else {
          const end = this.#readVariable(at, PART.variable, parts);
          if (end === -1) return this.token;
          at = end;
        }
      } else if (c < 128 ? CLASS[c] !== 0 : c >= 128) {
        const from = at;
        do at++;
        while (isPlain(text.charCodeAt(at)));
        raw += text.slice(from, at);
      } else {
        break;
      }
    }
    if (raw !== "") parts.push({ kind: PART.text, text: raw });
    this.end = this.#at = at;
    this.word = literal(parts) ?? parts;
    this.token = TOKEN.word;
    return TOKEN.word;
  }

  /** Past a newline inside a word, and past the lines beginning with `#` that GRUB's reader drops there. */
  #afterNewline(newline: number): number {
    let at = newline + 1;
    if (!this.source.skipsHashLines) return at;
    while (this.#text.charCodeAt(at) === HASH) {
      const end = this.#text.indexOf("\n", at);
      at = end === -1 ? this.#text.length : end + 1;
    }
    return at;
  }

  #withoutHashLines(quoted: string): string {
    if (!this.source.skipsHashLines || !quoted.includes("\n#")) return quoted;
    return quoted.replace(/\n(?:#[^\n]*\n)+/g, "\n");
  }

  /** Where the quote that opened at `open` closes, or -1 with `token` and `problem` set. */
  #quoteEnd(open: number, from: number, quote: number): number {
    const text = this.#text;
    let at = from;
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === quote) return at;
      if (c === BACKSLASH && quote === DOUBLE) {
        if (text.charCodeAt(at + 1) === NEWLINE) at++;
        else {
          at += 2;
          continue;
        }
      }
      if (text.charCodeAt(at) === NEWLINE) {
        if (this.distrustsQuotes) {
          LOOKS_LIKE_SCRIPT.lastIndex = at + 1;
          if (LOOKS_LIKE_SCRIPT.test(text)) return this.#unterminated(TOKEN.bad, open, at, quote);
        }
        at = this.#afterNewline(at);
        continue;
      }
      if (at >= text.length) return this.#unterminated(TOKEN.unterminated, open, text.length, quote);
      at++;
    }
  }

  #unterminated(token: Token, open: number, resumeAt: number, quote: number): -1 {
    this.token = token;
    this.end = this.#at = resumeAt;
    this.problemAt = open;
    const mark = quote === SINGLE ? "'" : '"';
    this.problem = `missing ${mark} to end the text that begins here`;
    return -1;
  }

  #readDoubleQuoted(from: number, end: number, parts: WordPart[]): boolean {
    const text = this.#text;
    let at = from;
    let piece = "";
    let runStart = from;
    while (at < end) {
      const c = text.charCodeAt(at);
      if (c === BACKSLASH) {
        const following = text.charCodeAt(at + 1);
        if (following === DOLLAR || following === BACKSLASH || following === DOUBLE) {
          piece += text.slice(runStart, at) + text[at + 1]!;
          at += 2;
          runStart = at;
          continue;
        }
        if (following === NEWLINE) {
          piece += text.slice(runStart, at);
          at = this.#afterNewline(at + 1);
          runStart = at;
          continue;
        }
      } else if (c === NEWLINE) {
        const next = this.#afterNewline(at);
        if (next !== at + 1) {
          piece += text.slice(runStart, at + 1);
          at = next;
          runStart = at;
          continue;
        }
      } else if (c === DOLLAR) {
        piece += text.slice(runStart, at);
        if (piece !== "") parts.push({ kind: PART.quoted, text: piece });
        piece = "";
        at = this.#readVariable(at, PART.quotedVariable, parts);
        if (at === -1) return false;
        runStart = at;
        continue;
      }
      at++;
    }
    piece += text.slice(runStart, end);
    // Even an empty one: `""` is a word, and so is `"$unset"`.
    parts.push({ kind: PART.quoted, text: piece });
    return true;
  }

  /** @returns where the variable ends, or -1 with `token` and `problem` set. */
  #readVariable(dollar: number, kind: WordPart["kind"], parts: WordPart[]): number {
    const pattern = this.#text.charCodeAt(dollar + 1) === OPEN ? BRACED : VARIABLE;
    pattern.lastIndex = dollar + 1;
    const match = pattern.exec(this.#text);
    if (match === null) {
      this.token = TOKEN.bad;
      this.end = this.#at = dollar + 1;
      this.problemAt = dollar;
      this.problem =
        pattern === BRACED
          ? "after '$' and '{' GRUB takes only a variable's name and '}'; it has no other forms of expansion"
          : "'$' must be followed by a variable's name; write \\$ for a dollar sign, or put the text in single quotes";
      return -1;
    }
    parts.push({ kind, text: match[1] ?? match[0] });
    return pattern.lastIndex;
  }
}

function isPlain(c: number): boolean {
  return c < 128 ? CLASS[c] !== 0 : c >= 128;
}

/** The word as a plain string where nothing in it is left to expand, else null. */
function literal(parts: readonly WordPart[]): string | null {
  let result = "";
  for (const { kind, text } of parts) {
    if (kind === PART.quoted) result += text;
    else if (kind !== PART.text) return null;
    else if (/^(?:[^\\*?]|\\[\s\S])*$/.test(text)) result += text.replace(/\\([\s\S])/g, "$1");
    else return null;
  }
  // A word of nothing but a continued line is no word at all, which only expansion can say.
  return parts.length === 0 ? null : result;
}
