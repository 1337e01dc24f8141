/** Lays out what `--help` prints. */

import { VERSION } from "../../version.ts";
import { type CommandManual, type CommandName, MANUAL, synopsis } from "./manual.ts";

export const WIDTH = 78;

/** Lines of at most `width` characters; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  // What stands in brackets belongs together.
  for (const word of text.match(/\[[^\]]*\]\S*|\S+/g) ?? []) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** `term` and what it means, in two columns; a long term has a line of its own. */
export function describe(term: string, about: string, column: number): string {
  const lines = wrap(about, WIDTH - column);
  const indent = " ".repeat(column);
  const first = term.length + 2 <= column ? term.padEnd(column) + (lines.shift() ?? "") : term;
  return [first, ...lines.map((line) => indent + line)].map((line) => `${line.trimEnd()}\n`).join("");
}

/** What `baton --help` prints. */
export function overview(): string {
  const rows = Object.entries<CommandManual>(MANUAL);
  return [
    `Baton ${VERSION}: finds what this machine can boot, and boots it with kexec.\n\n`,
    "Usage: baton COMMAND [OPTION]...\n       baton --version | --help\n\n",
    ...rows.map(([name, { summary }]) => describe(`  ${name}`, summary, 13)),
    "\nbaton COMMAND --help says how each is called; man baton says all.\n",
  ].join("");
}

/** How a command is called, in lines of at most `width` characters. */
export function usageLines(name: CommandName, width: number): string[] {
  const start = `baton ${name} `;
  return synopsis(name).flatMap((line) => {
    const [first = "", ...rest] = wrap(line.slice(start.length), width - start.length);
    return [`${start}${first}`.trimEnd(), ...rest.map((part) => " ".repeat(start.length) + part)];
  });
}

/** What `baton COMMAND --help` prints. */
export function commandHelp(name: CommandName): string {
  const { summary, about, options, examples }: CommandManual = MANUAL[name];
  const optionRows = Object.entries(options).map(([option, { value, about }]) => {
    return describe(`  --${option}${value === undefined ? "" : ` ${value}`}`, about, 22);
  });
  return [
    `baton ${name} ${summary}.\n\n`,
    ...usageLines(name, WIDTH - 7).map((line, index) => `${index === 0 ? "Usage: " : "       "}${line}\n`),
    ...about.map((paragraph) => `\n${wrap(paragraph, WIDTH).join("\n")}\n`),
    ...(optionRows.length > 0 ? ["\nOptions:\n", ...optionRows] : []),
    ...(examples.length > 1 ? ["\nExamples:\n"] : ["\nExample:\n"]),
    ...examples.flatMap(({ command, about }) => [`  ${command}\n`, `      ${about}\n`]),
  ].join("");
}
