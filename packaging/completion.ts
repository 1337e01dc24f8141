/** Completion for shells, from the tables by which the command line is read and `--help` is printed. */

import { GENERAL_OPTIONS, KERNEL_OPTIONS } from "../src/commands/kexec/options.ts";
import { type CommandManual, MANUAL } from "../src/commands/shared/manual.ts";

interface Option {
  readonly name: string;
  /** What stands for the value: `FILE`; null where it takes none. */
  readonly value: string | null;
  readonly about: string;
  readonly isRepeated: boolean;
}

interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
}

/** One line of a list: the first sentence. */
const brief = (text: string): string => text.split(/[.;] |\.$/)[0]!;
/** The words of which a value is one: `pc|efi`; empty for any. */
const choices = ({ value }: Option): string[] => (value?.includes("|") ? value.split("|") : []);
const isFolder = ({ value }: Option): boolean => value === "DIR";
const isFile = ({ value }: Option): boolean => value === "FILE" || value === "SPEC";

const HELP: Option = { name: "help", value: null, about: "Print how the command is called.", isRepeated: false };

function commands(): Command[] {
  return Object.entries<CommandManual>(MANUAL).map(([name, { summary, options }]) => {
    const own = Object.entries(options).map(([option, { value = null, about, multiple = false }]) => {
      return { name: option, value, about, isRepeated: multiple };
    });
    const kexec = [...GENERAL_OPTIONS, ...KERNEL_OPTIONS].map((option) => {
      return { name: option.name, value: option.form ?? null, about: option.about, isRepeated: true };
    });
    const all = name === "kexec" ? kexec : [...own, HELP];
    return { name, summary, options: all.filter(({ about }) => about !== "") };
  });
}

const words = (list: readonly string[]): string => list.join(" ");
/** Within single quotes, for every shell but fish. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** For bash: /usr/share/bash-completion/completions/baton. Where nothing is offered, bash completes file names. */
export function bashCompletion(): string {
  const all = commands();
  const chosen = new Map<string, string[]>();
  for (const option of all.flatMap(({ options }) => options)) {
    if (choices(option).length > 0) chosen.set(`--${option.name}`, choices(option));
  }
  return [
    "# bash completion for baton: made by npm run deb",
    "_baton() {",
    "  local current=$2 previous=$3 offered=",
    "  COMPREPLY=()",
    "  if ((COMP_CWORD == 1)); then",
    `    offered=${quoted(words([...all.map(({ name }) => name), "--help", "--version"]))}`,
    "  else",
    "    case $previous in",
    ...[...chosen].map(([option, list]) => `    ${option}) offered=${quoted(words(list))} ;;`),
    "    *)",
    "      if [[ $current == -* ]]; then",
    "        case ${COMP_WORDS[1]} in",
    ...all.map(({ name, options }) => {
      return `        ${name}) offered=${quoted(words(options.map((option) => `--${option.name}`)))} ;;`;
    }),
    "        esac",
    "      fi",
    "      ;;",
    "    esac",
    "  fi",
    '  mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$current")',
    "}",
    "complete -o default -F _baton baton",
    "",
  ].join("\n");
}

/** Text in an option's brackets, or before a colon. */
const zshText = (text: string): string => text.replace(/[\\:[\]]/g, "\\$&");

/** For zsh: /usr/share/zsh/vendor-completions/_baton. */
export function zshCompletion(): string {
  const spec = (option: Option): string => {
    const { name, value, about, isRepeated } = option;
    const list = choices(option);
    const action =
      list.length > 0 ? `(${words(list)})` : isFolder(option) ? "_files -/" : isFile(option) ? "_files" : "";
    const tail = value === null ? "" : `:${zshText(value)}:${action}`;
    return quoted(`${isRepeated ? "*" : ""}--${name}[${zshText(brief(about))}]${tail}`);
  };
  return [
    "#compdef baton",
    "# zsh completion for baton: made by npm run deb",
    "local -a commands",
    "commands=(",
    ...commands().map(({ name, summary }) => `  ${quoted(`${name}:${zshText(summary)}`)}`),
    ")",
    "if (( CURRENT == 2 )); then",
    "  _describe command commands",
    "  return",
    "fi",
    "shift words",
    "(( CURRENT-- ))",
    "case $words[1] in",
    ...commands().map(({ name, options }) => {
      return `  ${name}) _arguments ${[...options.map(spec), quoted("*:operand:_files")].join(" ")} ;;`;
    }),
    "esac",
    "",
  ].join("\n");
}

/** fish knows two escapes within single quotes. */
const fishQuoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;

/** For fish: /usr/share/fish/vendor_completions.d/baton.fish. */
export function fishCompletion(): string {
  const line = (command: string, option: Option): string => {
    const { name, value, about } = option;
    const list = choices(option);
    const argument = list.length > 0 ? ` -x -a ${fishQuoted(words(list))}` : value === null ? "" : " -r";
    const seen = fishQuoted(`__fish_seen_subcommand_from ${command}`);
    return `complete -c baton -n ${seen} -l ${name}${argument} -d ${fishQuoted(brief(about))}`;
  };
  return [
    "# fish completion for baton: made by npm run deb",
    ...commands().flatMap(({ name, summary, options }) => [
      `complete -c baton -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(summary)}`,
      ...options.map((option) => line(name, option)),
    ]),
    "",
  ].join("\n");
}
