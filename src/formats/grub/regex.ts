/**
 * POSIX extended regular expressions as GRUB's `regexp` takes them (GNU regex, awk's syntax), for texts and patterns
 * that come from a disk: matching takes at most pattern times text, which JavaScript's own
 * engine doesn't promise.
 */

/** Where the whole and each group matched; null for a group that took no part. */
type RegexMatch = readonly ({ readonly start: number; readonly end: number } | null)[];

type Test = (c: string) => boolean;

/** One instruction of the compiled pattern. */
type Step =
  | { readonly op: "char"; readonly test: Test }
  /** Tries `first`, then `second`. */
  | { readonly op: "split"; first: number; second: number }
  | { readonly op: "jump"; to: number }
  | { readonly op: "save"; readonly slot: number }
  | { readonly op: "assert"; readonly holds: (text: string, at: number) => boolean }
  | { readonly op: "match" };

const MAX_STEPS = 5000;
const MAX_REPEAT = 255;
/** Pattern times text, which is gone through without a pause. */
const MAX_WORK = 1_000_000;

/** Where groups begin and end: the last that was noted comes first, and hides those of the same slot behind it. */
interface Noted {
  readonly slot: number;
  readonly at: number;
  readonly before: Noted | null;
}

/** Why a pattern can't be used. */
export class RegexProblem {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export class Regex {
  readonly #steps: readonly Step[];
  readonly groups: number;

  /** @throws RegexProblem */
  constructor(pattern: string) {
    const compiler = new Compiler(pattern);
    this.#steps = compiler.compile();
    this.groups = compiler.groups;
  }

  /**
   * The leftmost match, null where there is none. Of several at the same place it is the one that the operators
   * prefer from left to right.
   * @throws RegexProblem where it would take too long.
   */
  exec(text: string): RegexMatch | null {
    if (this.#steps.length * (text.length + 1) > MAX_WORK) {
      throw new RegexProblem(`the pattern and the text of ${text.length} characters are too long together`);
    }
    for (let start = 0; start <= text.length; start++) {
      const noted = this.#matchAt(text, start);
      if (noted === null) continue;
      const slots = new Array<number>((this.groups + 1) * 2).fill(-1);
      for (let at: Noted | null = noted; at !== null; at = at.before) if (slots[at.slot]! < 0) slots[at.slot] = at.at;
      const groups: ({ start: number; end: number } | null)[] = [];
      for (let group = 0; group <= this.groups; group++) {
        const [from, to] = [slots[group * 2]!, slots[group * 2 + 1]!];
        groups.push(from < 0 || to < 0 ? null : { start: from, end: to });
      }
      return groups;
    }
    return null;
  }

  #visited: Uint8Array | null = null;

  /** Backtracking that never tries the same step at the same place twice. */
  #matchAt(text: string, start: number): Noted | null {
    const width = text.length + 1;
    const steps = this.#steps;
    // What failed from one start fails from every other: only captures differ, and those are of the first to match.
    if (start === 0 || this.#visited === null) this.#visited = new Uint8Array(steps.length * width);
    const visited = this.#visited;
    const stack: { step: number; at: number; noted: Noted | null }[] = [{ step: 0, at: start, noted: null }];
    while (stack.length > 0) {
      let { step, at, noted } = stack.pop()!;
      for (;;) {
        const key = step * width + at;
        if (visited[key] === 1) break;
        visited[key] = 1;
        const current = steps[step]!;
        if (current.op === "match") {
          return { slot: 0, at: start, before: { slot: 1, at, before: noted } };
        }
        if (current.op === "char") {
          if (at >= text.length || !current.test(text[at]!)) break;
          at++;
          step++;
        } else if (current.op === "split") {
          stack.push({ step: current.second, at, noted });
          step = current.first;
        } else if (current.op === "jump") {
          step = current.to;
        } else if (current.op === "save") {
          noted = { slot: current.slot, at, before: noted };
          step++;
        } else {
          if (!current.holds(text, at)) break;
          step++;
        }
      }
    }
    return null;
  }
}

/** What a pattern is made of, before it becomes steps. */
type Node =
  | { readonly kind: "empty" }
  | { readonly kind: "char"; readonly test: Test }
  | { readonly kind: "assert"; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: "group"; readonly node: Node; readonly number: number }
  | { readonly kind: "sequence"; readonly nodes: readonly Node[] }
  | { readonly kind: "choice"; readonly nodes: readonly Node[] }
  | { readonly kind: "repeat"; readonly node: Node; readonly least: number; readonly most: number };

const isWord = (c: string | undefined): boolean => c !== undefined && /[A-Za-z0-9_]/.test(c);

class Compiler {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;
  groups = 0;
  readonly #steps: Step[] = [];

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  compile(): Step[] {
    const node = this.#choice();
    if (this.#at < this.#pattern.length) throw new RegexProblem("')' without '('");
    this.#emit(node);
    this.#push({ op: "match" });
    return this.#steps;
  }

  #choice(): Node {
    if (++this.#depth > 100) throw new RegexProblem("too many parentheses inside one another");
    const nodes = [this.#sequence()];
    while (this.#pattern[this.#at] === "|") {
      this.#at++;
      nodes.push(this.#sequence());
    }
    this.#depth--;
    return nodes.length === 1 ? nodes[0]! : { kind: "choice", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      const c = this.#pattern[this.#at];
      if (c === undefined || c === "|" || c === ")") break;
      nodes.push(this.#repeated(nodes.length === 0));
    }
    return nodes.length === 1 ? nodes[0]! : nodes.length === 0 ? { kind: "empty" } : { kind: "sequence", nodes };
  }

  #repeated(isFirst: boolean): Node {
    let node = this.#atom(isFirst);
    for (;;) {
      const c = this.#pattern[this.#at];
      let bounds: [number, number] | null = null;
      if (c === "*") bounds = [0, Number.POSITIVE_INFINITY];
      else if (c === "+") bounds = [1, Number.POSITIVE_INFINITY];
      else if (c === "?") bounds = [0, 1];
      else if (c === "{") {
        const match = /^\{([0-9]*)(?:(,)([0-9]*))?\}/.exec(this.#pattern.slice(this.#at, this.#at + 20));
        if (match === null || (match[1] === "" && match[2] === undefined)) {
          throw new RegexProblem("'{' begins no repetition");
        }
        const least = Number(match[1]);
        const most = match[2] === undefined ? least : match[3] === "" ? Number.POSITIVE_INFINITY : Number(match[3]);
        if (most < least || least > MAX_REPEAT || (most !== Number.POSITIVE_INFINITY && most > MAX_REPEAT)) {
          throw new RegexProblem(`the repetition ${match[0]} can't be counted`);
        }
        this.#at += match[0].length - 1;
        bounds = [least, most];
      }
      if (bounds === null) return node;
      this.#at++;
      node = { kind: "repeat", node, least: bounds[0], most: bounds[1] };
    }
  }

  #atom(isFirst: boolean): Node {
    const c = this.#pattern[this.#at++]!;
    switch (c) {
      case "(": {
        const number = ++this.groups;
        const node = this.#choice();
        if (this.#pattern[this.#at] !== ")") throw new RegexProblem("'(' without ')'");
        this.#at++;
        return { kind: "group", node, number };
      }
      case "[":
        return { kind: "char", test: this.#bracket() };
      case ".":
        return { kind: "char", test: () => true };
      case "^":
        return { kind: "assert", holds: (_, at) => at === 0 };
      case "$":
        return { kind: "assert", holds: (text, at) => at === text.length };
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        if (isFirst) throw new RegexProblem(`'${c}' has nothing before it to repeat`);
        break;
    }
    return { kind: "char", test: (other) => other === c };
  }

  #escape(): Node {
    const c = this.#pattern[this.#at++];
    switch (c) {
      case undefined:
        throw new RegexProblem("it ends in a backslash");
      case "w":
        return { kind: "char", test: isWord };
      case "W":
        return { kind: "char", test: (other) => !isWord(other) };
      case "s":
        return { kind: "char", test: (other) => /\s/.test(other) };
      case "S":
        return { kind: "char", test: (other) => !/\s/.test(other) };
      case "b":
        return { kind: "assert", holds: (text, at) => isWord(text[at - 1]) !== isWord(text[at]) };
      case "B":
        return { kind: "assert", holds: (text, at) => isWord(text[at - 1]) === isWord(text[at]) };
      case "<":
        return { kind: "assert", holds: (text, at) => !isWord(text[at - 1]) && isWord(text[at]) };
      case ">":
        return { kind: "assert", holds: (text, at) => isWord(text[at - 1]) && !isWord(text[at]) };
      case "`":
        return { kind: "assert", holds: (_, at) => at === 0 };
      case "'":
        return { kind: "assert", holds: (text, at) => at === text.length };
    }
    if (/[1-9]/.test(c)) throw new RegexProblem(`\\${c} refers back to a group, which is not supported here`);
    return { kind: "char", test: (other) => other === c };
  }

  /** After `[`. */
  #bracket(): Test {
    const pattern = this.#pattern;
    const tests: Test[] = [];
    const isNegated = pattern[this.#at] === "^";
    if (isNegated) this.#at++;
    for (let isFirst = true; ; isFirst = false) {
      const c = pattern[this.#at];
      if (c === undefined) throw new RegexProblem("'[' without ']'");
      if (c === "]" && !isFirst) break;
      const named = /^\[:([a-z]+):\]/.exec(pattern.slice(this.#at, this.#at + 16));
      if (named !== null) {
        const test = CLASSES.get(named[1]!);
        if (test === undefined) throw new RegexProblem(`[:${named[1]}:] is no class of characters`);
        tests.push(test);
        this.#at += named[0].length;
        continue;
      }
      const low = this.#bracketChar();
      if (pattern[this.#at] === "-" && pattern[this.#at + 1] !== undefined && pattern[this.#at + 1] !== "]") {
        this.#at++;
        const high = this.#bracketChar();
        if (high < low) throw new RegexProblem(`the range ${low}-${high} is empty`);
        tests.push((other) => other >= low && other <= high);
      } else {
        tests.push((other) => other === low);
      }
    }
    this.#at++;
    return (other) => tests.some((test) => test(other)) !== isNegated;
  }

  #bracketChar(): string {
    const c = this.#pattern[this.#at++]!;
    if (c !== "\\") return c;
    const escaped = this.#pattern[this.#at++];
    if (escaped === undefined) throw new RegexProblem("'[' without ']'");
    return escaped;
  }

  #push(step: Step): number {
    if (this.#steps.length >= MAX_STEPS) throw new RegexProblem("the pattern is too long");
    this.#steps.push(step);
    return this.#steps.length - 1;
  }

  #emit(node: Node): void {
    const steps = this.#steps;
    switch (node.kind) {
      case "empty":
        return;
      case "char":
        this.#push({ op: "char", test: node.test });
        return;
      case "assert":
        this.#push({ op: "assert", holds: node.holds });
        return;
      case "group":
        this.#push({ op: "save", slot: node.number * 2 });
        this.#emit(node.node);
        this.#push({ op: "save", slot: node.number * 2 + 1 });
        return;
      case "sequence":
        for (const each of node.nodes) this.#emit(each);
        return;
      case "choice": {
        const jumps: { op: "jump"; to: number }[] = [];
        for (const [index, each] of node.nodes.entries()) {
          if (index === node.nodes.length - 1) {
            this.#emit(each);
            break;
          }
          const split = { op: "split" as const, first: steps.length + 1, second: 0 };
          this.#push(split);
          this.#emit(each);
          const jump = { op: "jump" as const, to: 0 };
          this.#push(jump);
          jumps.push(jump);
          split.second = steps.length;
        }
        for (const jump of jumps) jump.to = steps.length;
        return;
      }
      case "repeat": {
        for (let i = 0; i < node.least; i++) this.#emit(node.node);
        if (node.most === Number.POSITIVE_INFINITY) {
          const split = { op: "split" as const, first: steps.length + 1, second: 0 };
          const loop = this.#push(split);
          this.#emit(node.node);
          this.#push({ op: "jump", to: loop });
          split.second = steps.length;
          return;
        }
        const splits: { op: "split"; first: number; second: number }[] = [];
        for (let i = node.least; i < node.most; i++) {
          const split = { op: "split" as const, first: steps.length + 1, second: 0 };
          this.#push(split);
          splits.push(split);
          this.#emit(node.node);
        }
        for (const split of splits) split.second = steps.length;
      }
    }
  }
}

const CLASSES: ReadonlyMap<string, Test> = new Map<string, Test>([
  ["alpha", (c) => /[A-Za-z]/.test(c)],
  ["digit", (c) => /[0-9]/.test(c)],
  ["alnum", (c) => /[A-Za-z0-9]/.test(c)],
  ["upper", (c) => /[A-Z]/.test(c)],
  ["lower", (c) => /[a-z]/.test(c)],
  ["space", (c) => /[ \t\n\v\f\r]/.test(c)],
  ["blank", (c) => c === " " || c === "\t"],
  ["punct", (c) => /[!-/:-@[-`{-~]/.test(c)],
  ["xdigit", (c) => /[0-9A-Fa-f]/.test(c)],
  ["print", (c) => c >= " " && c !== "\x7f"],
  ["graph", (c) => c > " " && c !== "\x7f"],
  ["cntrl", (c) => c < " " || c === "\x7f"],
]);
