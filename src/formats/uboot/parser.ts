/** The language of U-Boot's scripts: hush's words, lists, `if`, `for`, `while` ("The U-Boot Book", command line parsing). */

/** A piece of a word. */
interface Part {
  readonly text: string;
  /** `text` names a variable. */
  readonly isVariable: boolean;
  /** Blanks in what it becomes don't cut it. */
  readonly isQuoted: boolean;
}

export type Word = readonly Part[];

export type Command =
  | { readonly kind: "simple"; readonly words: readonly Word[]; readonly line: number }
  | {
      readonly kind: "if";
      readonly arms: readonly { readonly when: List; readonly body: List }[];
      readonly otherwise: List;
    }
  | { readonly kind: "for"; readonly name: string; readonly words: readonly Word[]; readonly body: List }
  | { readonly kind: "while"; readonly until: boolean; readonly when: List; readonly body: List };

/** Commands with what joins each to the one before it. */
export type List = readonly { readonly join: "always" | "and" | "or"; readonly command: Command }[];

type Token =
  | { readonly kind: "word"; readonly word: Word; readonly line: number }
  | { readonly kind: ";" | "&&" | "||" | "end"; readonly line: number };

const MAX_DEPTH = 40;

/** What is wrong with a script, in its line. */
export class ScriptError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** @throws ScriptError */
export function parseScript(text: string): List {
  return new Parser(tokensOf(text)).script();
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const c = text[at]!;
    if (c === "\n" || c === ";") {
      tokens.push({ kind: ";", line });
      if (c === "\n") line++;
      at++;
    } else if (c === " " || c === "\t" || c === "\r") at++;
    else if (c === "#") while (at < text.length && text[at] !== "\n") at++;
    else if (text.startsWith("&&", at) || text.startsWith("||", at)) {
      tokens.push({ kind: c === "&" ? "&&" : "||", line });
      at += 2;
    } else if (c === "\\" && /^\\\r?\n/.test(text.slice(at, at + 3))) {
      at += text[at + 1] === "\r" ? 3 : 2;
      line++;
    } else {
      const start = line;
      const { word, end, lines } = readWord(text, at, line);
      tokens.push({ kind: "word", word, line: start });
      at = end;
      line += lines;
    }
  }
  tokens.push({ kind: "end", line });
  return tokens;
}

const ENDS_WORD = new Set([" ", "\t", "\r", "\n", ";", "&", "|"]);

function readWord(text: string, start: number, line: number): { word: Word; end: number; lines: number } {
  const word: Part[] = [];
  let literal = "";
  let quote: "'" | '"' | null = null;
  let lines = 0;
  let at = start;
  const flush = (isQuoted: boolean): void => {
    if (literal !== "" || isQuoted) word.push({ text: literal, isVariable: false, isQuoted });
    literal = "";
  };
  for (; at < text.length; at++) {
    const c = text[at]!;
    if (c === "\n" && quote !== null) lines++;
    if (quote === "'") {
      if (c !== "'") literal += c;
      else {
        flush(true);
        quote = null;
      }
    } else if (c === "\\") {
      const next = text[at + 1] ?? "";
      if (next === "\n") lines++;
      else literal += quote === null || '$"\\`'.includes(next) ? next : `\\${next}`;
      at++;
    } else if (c === "$") {
      const [all, braced, plain] = /^(?:\{([^}\n]*)\}|(\?|[A-Za-z0-9_]+))/.exec(text.slice(at + 1, at + 130)) ?? [];
      if (all === undefined) literal += c;
      else {
        flush(quote !== null);
        word.push({ text: (braced ?? plain)!, isVariable: true, isQuoted: quote !== null });
        at += all.length;
      }
    } else if (c === '"' || (c === "'" && quote === null)) {
      if (quote === null) {
        flush(false);
        quote = c;
      } else {
        flush(true);
        quote = null;
      }
    } else if (quote === null && ENDS_WORD.has(c)) {
      // A single & or | is a part of a word.
      if ((c === "&" || c === "|") && text[at + 1] !== c) literal += c;
      else break;
    } else literal += c;
  }
  if (quote !== null) throw new ScriptError(line, `a quote (${quote}) is never closed`);
  flush(false);
  return { word, end: at, lines };
}

/** The text of a word that is nothing but plain letters; null for any other. */
function keyword(token: Token): string | null {
  if (token.kind !== "word" || token.word.length !== 1) return null;
  const [part] = token.word;
  return part!.isVariable || part!.isQuoted ? null : part!.text;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  script(): List {
    const list = this.#list([]);
    const rest = this.#next;
    if (rest.kind !== "end") throw new ScriptError(rest.line, `'${keyword(rest) ?? rest.kind}' has no beginning`);
    return list;
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #list(ends: readonly string[]): List {
    if (++this.#depth > MAX_DEPTH)
      throw new ScriptError(this.#next.line, `more than ${MAX_DEPTH} blocks in each other`);
    const list: { join: "always" | "and" | "or"; command: Command }[] = [];
    let join: "always" | "and" | "or" = "always";
    for (;;) {
      const token = this.#next;
      if (token.kind === "end" || ends.includes(keyword(token) ?? "")) break;
      if (token.kind === "word") {
        if (["then", "elif", "else", "fi", "do", "done"].includes(keyword(token) ?? "")) break;
        list.push({ join, command: this.#command() });
        join = "always";
        continue;
      }
      this.#at++;
      if (token.kind !== ";") join = token.kind === "&&" ? "and" : "or";
    }
    this.#depth--;
    return list;
  }

  #expect(word: string): void {
    const token = this.#next;
    if (keyword(token) !== word) throw new ScriptError(token.line, `'${word}' is missing`);
    this.#at++;
  }

  #command(): Command {
    switch (keyword(this.#next)) {
      case "if":
        return this.#if();
      case "for":
        return this.#for();
      case "while":
      case "until": {
        const until = keyword(this.#next) === "until";
        this.#at++;
        const when = this.#list(["do"]);
        this.#expect("do");
        const body = this.#list(["done"]);
        this.#expect("done");
        return { kind: "while", until, when, body };
      }
      default: {
        const { line } = this.#next;
        return { kind: "simple", words: this.#words(), line };
      }
    }
  }

  #words(): Word[] {
    const words: Word[] = [];
    for (let token = this.#next; token.kind === "word"; token = this.#next) {
      words.push(token.word);
      this.#at++;
    }
    return words;
  }

  #if(): Command {
    const arms: { when: List; body: List }[] = [];
    do {
      this.#at++;
      const when = this.#list(["then"]);
      this.#expect("then");
      arms.push({ when, body: this.#list(["elif", "else", "fi"]) });
    } while (keyword(this.#next) === "elif");
    let otherwise: List = [];
    if (keyword(this.#next) === "else") {
      this.#at++;
      otherwise = this.#list(["fi"]);
    }
    this.#expect("fi");
    return { kind: "if", arms, otherwise };
  }

  #for(): Command {
    this.#at++;
    const name = keyword(this.#next);
    if (name === null) throw new ScriptError(this.#next.line, "'for' needs a name");
    this.#at++;
    this.#expect("in");
    const words = this.#words();
    while (this.#next.kind === ";") this.#at++;
    this.#expect("do");
    const body = this.#list(["done"]);
    this.#expect("done");
    return { kind: "for", name, words, body };
  }
}
