/** `menuentry` and `submenu` (grub-core/commands/menuentry.c). */

import type { Block, Command } from "../ast.ts";
import { BudgetExceeded } from "../budget.ts";
import { BAD_ARGUMENT, OK } from "../errors.ts";
import type { CommandFunction, Interpreter } from "../interpreter.ts";
import { optionValue, parseOptions } from "../options.ts";
import { Parser } from "../parser.ts";
import { SourceText } from "../source.ts";

const OPTIONS = [
  { long: "class", short: "\u0001", value: "required" },
  // Red Hat's GRUB takes it without a value, as `--users $grub_users` comes to be; then the superusers alone are meant.
  { long: "users", value: "optional" },
  { long: "hotkey", value: "required" },
  { long: "source", value: "required" },
  { long: "id", value: "required" },
  { long: "unrestricted" },
] as const;

const menuentry: CommandFunction = (run, argv, call) => {
  const options = parseOptions(OPTIONS, argv, { lenient: true });
  if (typeof options === "string") {
    run.warn(call, `${call.name}: ${options}; the entry is left out`);
    return BAD_ARGUMENT;
  }
  const { args } = options;
  const title = args[0];
  const text = optionValue(options, "source");
  if (title === undefined) {
    run.warn(call, `${call.name} without a title; the entry is left out`);
    return BAD_ARGUMENT;
  }
  if ((text === undefined) === (call.block === null)) {
    run.warn(call, `${call.name} "${title}" needs either a block in braces or --source; the entry is left out`);
    return BAD_ARGUMENT;
  }
  if (run.menu.items.length >= run.budget.limits.entries) {
    throw new BudgetExceeded(`more than ${run.budget.limits.entries} entries in one menu`);
  }
  const users = optionValue(options, "users");
  run.menu.items.push({
    title,
    id: optionValue(options, "id") ?? null,
    isSubmenu: call.name === "submenu",
    ...(call.name === "hiddenentry" ? { isHidden: true } : {}),
    users: users !== undefined ? splitUsers(users) : options.values.has("unrestricted") ? null : [],
    hotkey: optionValue(options, "hotkey") || null,
    ...(run.unchecked === null ? {} : { unchecked: run.unchecked }),
    ...toolOf(options.values.get("class")),
    args,
    block: call.block ?? parseBody(run, SourceText.string(text!, run.source, call.at)),
    source: run.source,
    at: call.at,
  });
  return OK;
};

/** Themes draw what a class names; these say that an entry repairs, installs, erases or tests something. */
const TOOLS = /^(memtest|recovery|rescue|install|reset|wipe|erase|factory|firmware|flash|uefi|tool)/i;

function toolOf(classes: readonly string[] = []): { tool?: string } {
  const tool = classes.find((name) => TOOLS.test(name));
  return tool === undefined ? {} : { tool };
}

/** GRUB separates users by commas, blanks, semicolons, `|` and `&`. */
export function splitUsers(text: string): string[] {
  return text.split(/[ ,;|&]+/).filter((name) => name !== "");
}

/** Parses text that is to be an entry's body. */
export function parseBody(run: Interpreter, source: SourceText): Block {
  const parser = new Parser(source, (offset, message) => run.say("error", offset, message, source));
  const commands: Command[] = [];
  for (let next = parser.nextStatement(); next !== null; next = parser.nextStatement()) commands.push(...next);
  return { commands, source, start: 0, end: source.text.length };
}

export const menuCommands: readonly (readonly [string, CommandFunction])[] = [
  ["menuentry", menuentry],
  ["submenu", menuentry],
  // openSUSE has it for what a hotkey does: what can be booted so is listed all the same.
  ["hiddenentry", menuentry],
];
