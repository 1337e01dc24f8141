/** `test` and `[` (grub-core/commands/test.c). */

import type { FileStat } from "../../reader.ts";
import { OK, TEST_FAILURE } from "../errors.ts";
import type { CommandFunction, Interpreter } from "../interpreter.ts";
import { parseNumber, signedNumber } from "../number.ts";

type Answer = boolean | Promise<boolean>;

const test: CommandFunction = (run, args, call) => {
  const last = args.at(-1);
  if (last === "]") args = args.slice(0, -1);
  else if (call.name === "[") run.warn(call, "'[' without ']' at the end; GRUB takes it all the same");
  const evaluation = new Evaluation(run, args);
  const answer = evaluation.all();
  return typeof answer === "boolean" ? statusOf(answer) : answer.then(statusOf);
};

function statusOf(answer: boolean): number {
  return answer ? OK : TEST_FAILURE;
}

const TEXT_RELATIONS: ReadonlyMap<string, (a: string, b: string) => boolean> = new Map([
  ["=", (a, b) => a === b],
  ["==", (a, b) => a === b],
  ["!=", (a, b) => a !== b],
  ["<", (a, b) => a < b],
  ["<=", (a, b) => a <= b],
  [">", (a, b) => a > b],
  [">=", (a, b) => a >= b],
]);
const NUMBER_RELATIONS: ReadonlyMap<string, (a: bigint, b: bigint) => boolean> = new Map([
  ["-eq", (a, b) => a === b],
  ["-ne", (a, b) => a !== b],
  ["-ge", (a, b) => a >= b],
  ["-gt", (a, b) => a > b],
  ["-le", (a, b) => a <= b],
  ["-lt", (a, b) => a < b],
]);
const FILE_QUESTIONS: ReadonlyMap<string, (stat: FileStat | null) => boolean> = new Map([
  ["-d", (stat) => stat?.type === "directory"],
  ["-e", (stat) => stat !== null],
  ["-f", (stat) => stat?.type === "file"],
  ["-s", (stat) => stat?.type === "file" && stat.size > 0],
]);

/** Reads the arguments from left to right, as GRUB does: no operator has to have its operands. */
class Evaluation {
  readonly #run: Interpreter;
  readonly #args: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(run: Interpreter, args: readonly string[]) {
    this.#run = run;
    this.#args = args;
  }

  /** To the end, or to the `)` of this level. */
  all(): Answer {
    let and = true;
    let or = false;
    let inverted = false;
    // A question that looks at a disk makes the rest asynchronous.
    const note = (value: boolean): undefined => {
      and = and && (inverted ? !value : value);
      inverted = false;
    };
    const step = (): "done" | Promise<undefined> | undefined => {
      const args = this.#args;
      const first = args[this.#at]!;
      const operator = args[this.#at + 1];
      const second = args[this.#at + 2];
      if (operator !== undefined && second !== undefined) {
        const answer = this.#binary(first, operator, second);
        if (answer !== null) {
          this.#at += 3;
          return typeof answer === "boolean" ? note(answer) : answer.then(note);
        }
      }
      if (operator !== undefined) {
        const answer = this.#unary(first, operator);
        if (answer !== null) {
          this.#at += 2;
          return typeof answer === "boolean" ? note(answer) : answer.then(note);
        }
      }
      this.#at++;
      switch (first) {
        case ")":
          return "done";
        case "(": {
          if (++this.#depth > 100) return "done";
          const answer = this.all();
          return typeof answer === "boolean" ? note(answer) : answer.then(note);
        }
        case "!":
          inverted = !inverted;
          return undefined;
        case "-a":
          return undefined;
        case "-o":
          or = or || and;
          and = true;
          return undefined;
        default:
          return note(first !== "");
      }
    };
    const rest = async (pending: Promise<undefined>): Promise<boolean> => {
      await pending;
      while (this.#at < this.#args.length) {
        const outcome = step();
        if (outcome === "done") break;
        if (outcome !== undefined) await outcome;
      }
      return or || and;
    };
    while (this.#at < this.#args.length) {
      const outcome = step();
      if (outcome === "done") break;
      if (outcome !== undefined) return rest(outcome);
    }
    return or || and;
  }

  #binary(left: string, operator: string, right: string): Answer | null {
    const texts = TEXT_RELATIONS.get(operator);
    if (texts !== undefined) return texts(left, right);
    const numbers = NUMBER_RELATIONS.get(operator);
    if (numbers !== undefined) return numbers(signedNumber(left), signedNumber(right));
    if (operator === "-pgt" || operator === "-plt") {
      const at = differingNumber(left, right);
      const [a, b] = [left, right].map((text) => parseNumber(text.slice(at))?.value ?? 0n) as [bigint, bigint];
      return operator === "-pgt" ? a > b : a < b;
    }
    return /^-[no]t/.test(operator) ? this.#compareTimes(left, operator, right) : null;
  }

  #unary(operator: string, text: string): Answer | null {
    if (operator === "-n" || operator === "-z") return (text === "") === (operator === "-z");
    const question = FILE_QUESTIONS.get(operator);
    return question === undefined ? null : this.#ask(text, question);
  }

  #ask(path: string, question: (stat: FileStat | null) => boolean): Answer {
    const stat = this.#run.files.stat(this.#run.files.name(path));
    return stat instanceof Promise ? stat.then(question) : question(stat);
  }

  /** `-nt` and `-ot`; a number after them (`-nt3600`) is added to the first file's time. */
  async #compareTimes(left: string, operator: string, right: string): Promise<boolean> {
    const { files } = this.#run;
    const first = await files.stat(files.name(left));
    const second = await files.stat(files.name(right));
    const bias = operator.length > 3 ? Number(signedNumber(operator.slice(3))) : 0;
    if (first === null || second === null)
      return operator.startsWith("-nt") ? second === null && first !== null : first === null && second !== null;
    return operator.startsWith("-nt") ? first.mtime + bias > second.mtime : first.mtime + bias < second.mtime;
  }
}

/** Where two names differ, gone back to the beginning of the number there. */
function differingNumber(left: string, right: string): number {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at++;
  at--;
  while (at > 0 && /[0-9]/.test(left[at] ?? "")) at--;
  return at + 1;
}

export const testCommands: readonly (readonly [string, CommandFunction])[] = [
  ["test", test],
  ["[", test],
];
