/** Commands that take text apart or read it into variables. */

import { BAD_ARGUMENT, OK, TEST_FAILURE } from "../errors.ts";
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
const regexp: CommandFunction = async (run, argv, call) => {
  const options = parseOptions([{ long: "set", short: "s", value: "required" }], argv);
  if (typeof options === "string" || options.args.length !== 2) {
    run.warn(call, `regexp: ${typeof options === "string" ? options : "it needs a pattern and a text"}`);
    return BAD_ARGUMENT;
  }
  const [pattern, text] = options.args as [string, string];
  // Each may be as much work as thousands of commands.
  await run.budget.breatheNow();
  try {
    const regex = new Regex(pattern);
    const match = regex.exec(text);
    if (match === null) return TEST_FAILURE;
    for (const name of options.values.get("set") ?? []) {
      const numbered = /^([^:]*):(.*)$/s.exec(name);
      const number = numbered === null ? 1 : Number(parseNumber(numbered[1]!)?.value ?? Number.NaN);
      if (Number.isNaN(number)) {
        run.warn(call, `regexp --set ${name}: what stands before ':' is no number of a group`);
        return BAD_ARGUMENT;
      }
      if (number > regex.groups) run.warn(call, `regexp: '${pattern}' has no group ${number}`);
      const variable = numbered?.[2] ?? name;
      const group = match[number];
      if (group) run.setVariable(variable, text.slice(group.start, group.end));
      else run.env.unset(variable);
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

/** `tr [--set NAME] SET1 SET2 TEXT`, or with `--upcase` or `--downcase` and a text alone. */
const translate: CommandFunction = (run, argv, call) => {
  const options = parseOptions(
    [
      { long: "set", short: "s", value: "required" },
      { long: "upcase", short: "U" },
      { long: "downcase", short: "D" },
    ],
    argv,
  );
  if (typeof options === "string") {
    run.warn(call, `tr: ${options}`);
    return BAD_ARGUMENT;
  }
  const upcase = options.values.has("upcase");
  const isCase = upcase || options.values.has("downcase");
  const [from, to, text] = isCase ? ["", "", options.args[0]] : options.args;
  if (text === undefined || from!.length !== to!.length || options.args.length !== (isCase ? 1 : 3)) {
    run.warn(call, "tr: it needs two sets of the same length and a text, or --upcase or --downcase and a text");
    return BAD_ARGUMENT;
  }
  // ASCII alone, as everywhere in GRUB.
  const letters = (pattern: RegExp, change: (letter: string) => string) => text.replace(pattern, change);
  const translated = isCase
    ? upcase
      ? letters(/[a-z]+/g, (found) => found.toUpperCase())
      : letters(/[A-Z]+/g, (found) => found.toLowerCase())
    : [...text].map((letter) => to![from!.indexOf(letter)] ?? letter).join("");
  const name = optionValue(options, "set");
  if (name !== undefined) run.setVariable(name, translated);
  else run.onEcho?.(`${translated}\n`);
  return OK;
};

export const textCommands: readonly (readonly [string, CommandFunction])[] = [
  ["echo", echo],
  ["regexp", regexp],
  ["read", read],
  ["increment", count],
  ["decrement", count],
  ["tr", translate],
];
