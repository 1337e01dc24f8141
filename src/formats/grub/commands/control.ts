/** Commands that steer the script. */

import { BAD_ARGUMENT, INVALID_COMMAND, OK, TEST_FAILURE } from "../errors.ts";
import type { CommandFunction } from "../interpreter.ts";
import { parseNumber } from "../number.ts";
import { SourceText } from "../source.ts";

const breakOrContinue: CommandFunction = (run, args, call) => {
  const [text] = args;
  const number = text === undefined ? { value: 1n, rest: "" } : parseNumber(text);
  if (args.length > 1 || number === null || number.rest !== "" || number.value === 0n) {
    run.warn(call, `'${call.name}' takes one number above 0: how many loops`);
    return BAD_ARGUMENT;
  }
  run.breakLoops(Number(number.value), call.name === "continue");
  return OK;
};

const shift: CommandFunction = (run, args) => {
  if (run.positional === null) return OK;
  const number = args[0] === undefined ? { value: 1n, rest: "" } : parseNumber(args[0]);
  if (args.length > 1 || number === null || number.rest !== "") return BAD_ARGUMENT;
  if (number.value > BigInt(run.positional.length)) return BAD_ARGUMENT;
  run.positional = run.positional.slice(Number(number.value));
  return OK;
};

const setparams: CommandFunction = (run, args) => {
  if (run.positional === null) return INVALID_COMMAND;
  run.positional = args;
  return OK;
};

const returnCommand: CommandFunction = (run, args, call) => {
  if (run.positional === null || args.length > 1) {
    run.warn(call, "'return' is only for functions");
    return BAD_ARGUMENT;
  }
  const number = args[0] === undefined ? { value: BigInt(run.status), rest: "" } : parseNumber(args[0]);
  if (number === null || number.rest !== "") return BAD_ARGUMENT;
  run.returnFromFunction();
  return Number(number.value & 0x7fffffffn);
};

/** `eval TEXT…`: the arguments, joined by blanks, are run as a script. */
const evalCommand: CommandFunction = (run, args, call) => {
  if (args.length === 0) return OK;
  const text = args.join(" ");
  run.budget.text(text.length);
  const source = SourceText.string(text, run.source, call.at);
  return run.nested(() => run.runText(source));
};

export const controlCommands: readonly (readonly [string, CommandFunction])[] = [
  ["true", () => OK],
  ["false", () => TEST_FAILURE],
  ["break", breakOrContinue],
  ["continue", breakOrContinue],
  ["shift", shift],
  ["setparams", setparams],
  ["return", returnCommand],
  ["eval", evalCommand],
];
