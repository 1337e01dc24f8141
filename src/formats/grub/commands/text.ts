/** Commands that take text apart or read it into variables. */

import { BAD_ARGUMENT, FILE_NOT_FOUND, OK, TEST_FAILURE } from "../errors.ts";
import type { CommandFunction } from "../interpreter.ts";
import { parseNumber } from "../number.ts";
import { optionValue, parseOptions } from "../options.ts";
import { Regex, RegexProblem } from "../regex.ts";

/** `echo [-n] [-e] TEXT…` */
const echo: CommandFunction = (run, argv) => {
  if (run.onEcho === null) return OK;
  const args = [...argv];
  let hasNewline = true;
  let hasEscapes = false;
  while (/^-[ne]+$/.test(args[0] ?? "")) {
    const letters = args.shift()!;
    if (letters.includes("n")) hasNewline = false;
    if (letters.includes("e")) hasEscapes = true;
  }
  const text = args.join(" ");
  run.onEcho((hasEscapes ? unescapeEcho(text) : text) + (hasNewline ? "\n" : ""));
  return OK;
};

function unescapeEcho(text: string): string {
  const special: Readonly<Record<string, string>> = {
    "\\": "\\",
    a: "\x07",
    c: "",
    f: "\f",
    n: "\n",
    r: "\r",
    t: "\t",
    v: "\v",
  };
  return text.replace(/\\([\s\S])/g, (all, c: string) => special[c] ?? all);
}

/** `regexp [--set [N:]NAME]… PATTERN TEXT`: group 1 where no number is given. */
const regexp: CommandFunction = (run, argv, call) => {
  const options = parseOptions([{ long: "set", short: "s", value: "required" }], argv);
  if (typeof options === "string" || options.args.length !== 2) {
    run.warn(call, `regexp: ${typeof options === "string" ? options : "it needs a pattern and a text"}`);
    return BAD_ARGUMENT;
  }
  const [pattern, text] = options.args as [string, string];
  try {
    const regex = new Regex(pattern);
    const match = regex.exec(text);
    if (match === null) return TEST_FAILURE;
    for (const name of options.values.get("set") ?? []) {
      const numbered = /^([0-9]+):(.*)$/s.exec(name);
      const number = numbered === null ? 1 : Number(numbered[1]);
      if (number > regex.groups) {
        run.warn(call, `regexp: '${pattern}' has no group ${number}`);
        continue;
      }
      const group = match[number];
      run.setVariable(numbered?.[2] ?? name, group ? text.slice(group.start, group.end) : "");
    }
    return OK;
  } catch (problem) {
    if (!(problem instanceof RegexProblem)) throw problem;
    run.warn(call, `regexp '${pattern}': ${problem.message}`);
    return TEST_FAILURE;
  }
};

/** Nobody is there to type: `read NAME` leaves the variable empty. */
const read: CommandFunction = (run, args) => {
  const name = args.find((arg) => !arg.startsWith("-"));
  if (name !== undefined) run.setVariable(name, "");
  return OK;
};

/** Fedora's `increment NAME` and `decrement NAME`. */
const count: CommandFunction = (run, args, call) => {
  const [name] = args;
  if (name === undefined) return BAD_ARGUMENT;
  const old = run.variable(name);
  if (old === undefined) {
    run.warn(call, `${call.name}: $${name} isn't set`);
    return BAD_ARGUMENT;
  }
  const value = Number(parseNumber(old)?.value ?? 0n) + (call.name === "increment" ? 1 : -1);
  run.setVariable(name, String(Math.max(value, 0)));
  return OK;
};

const VALUE_LIMIT = 64 * 1024;

/** `file_env -f FILE NAME` (Home Assistant OS): the file's text becomes the variable's value. */
const fileEnv: CommandFunction = async (run, argv, call) => {
  const options = parseOptions([{ long: "file", short: "f", value: "required" }], argv);
  const file = typeof options === "string" ? undefined : optionValue(options, "file");
  if (typeof options === "string" || file === undefined || options.args[0] === undefined) return BAD_ARGUMENT;
  const bytes = await run.files.read(run.files.name(file), VALUE_LIMIT);
  if (typeof bytes === "string") {
    run.warn(call, `file_env: ${bytes}`);
    return FILE_NOT_FOUND;
  }
  run.setVariable(options.args[0], new TextDecoder().decode(bytes).replace(/[\r\n\0]+$/, ""));
  return OK;
};

export const textCommands: readonly (readonly [string, CommandFunction])[] = [
  ["echo", echo],
  ["regexp", regexp],
  ["read", read],
  ["increment", count],
  ["decrement", count],
  ["file_env", fileEnv],
];
