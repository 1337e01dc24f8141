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
    switch (operator) {
      case "=":
      case "==":
        return left === right;
      case "!=":
        return left !== right;
      case "<":
        return left < right;
      case "<=":
        return left <= right;
      case ">":
        return left > right;
      case ">=":
        return left >= right;
      case "-eq":
        return signedNumber(left) === signedNumber(right);
      case "-ne":
        return signedNumber(left) !== signedNumber(right);
      case "-ge":
        return signedNumber(left) >= signedNumber(right);
      case "-gt":
        return signedNumber(left) > signedNumber(right);
      case "-le":
        return signedNumber(left) <= signedNumber(right);
      case "-lt":
        return signedNumber(left) < signedNumber(right);
      case "-pgt":
      case "-plt": {
        const at = differingNumber(left, right);
        const [a, b] = [left, right].map((text) => parseNumber(text.slice(at))?.value ?? 0n) as [bigint, bigint];
        return operator === "-pgt" ? a > b : a < b;
      }
      default:
        if (operator.startsWith("-nt") || operator.startsWith("-ot")) return this.#compareTimes(left, operator, right);
        return null;
    }
  }

  #unary(operator: string, text: string): Answer | null {
    switch (operator) {
      case "-n":
        return text !== "";
      case "-z":
        return text === "";
      case "-d":
        return this.#ask(text, (stat) => stat?.type === "directory");
      case "-e":
        return this.#ask(text, (stat) => stat !== null);
      case "-f":
        return this.#ask(text, (stat) => stat?.type === "file");
      case "-s":
        return this.#ask(text, (stat) => stat?.type === "file" && stat.size > 0);
      default:
        return null;
    }
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
