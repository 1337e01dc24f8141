/**
 * Makes the man pages and the schemas in configs/ from the tables that the program itself goes by: `npm run man`. What
 * it makes is committed; test/man.test.ts compares.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { profileSchema } from "../initramfs/profile.ts";
import { KERNEL_TYPES, optionTerms } from "../src/commands/kexec/help.ts";
import { ACCEPTED_OPTIONS, GENERAL_OPTIONS, KERNEL_OPTIONS, type KexecOption } from "../src/commands/kexec/options.ts";
import { usageLines, wrap } from "../src/commands/shared/helptext.ts";
import {
  type CommandManual,
  type CommandName,
  DISK_OPTIONS,
  MANUAL,
  type OptionRow,
} from "../src/commands/shared/manual.ts";
import { schemaFile } from "../src/commands/shared/schema.ts";
import { ENTRY_WORDS, entriesSchema, LIST_WORDS } from "../src/formats/baton/entrykeys.ts";
import { SETTINGS, type Setting, WORD_ONLY } from "../src/policy/settings.ts";
import { settingsSchema } from "../src/policy/settingsschema.ts";
import { VERSION } from "../src/version.ts";

/** When what the pages say last changed. */
const DATE = "2026-11-30";

// ---------------------------------------------------------------------------------------------------------------
// man(7)

/** Text as roff takes it: nothing in it is a request or an escape, and a hyphen stays what people type. */
const plain = (text: string): string =>
  text
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/^(?=[.'])/gm, "\\&")
    .replace(/[^\x00-\x7f]/gu, (char) => `\\[u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`);

/** An ellipsis is what a terminal without UTF-8 shows, too. */
const ascii = (text: string): string => text.replaceAll("…", "...");

/** Prose: a sentence begins a line, and no line is long. */
const prose = (text: string): string =>
  ascii(text)
    .split(/(?<=[A-Za-z0-9)][.:]) (?=[A-Z])/)
    .flatMap((sentence) => wrap(sentence, 70))
    .map((line) => `${plain(line)}\n`)
    .join("");

const head = (name: string, section: number, summary: string): string =>
  `.\\" Made by man/make.ts (npm run man): change the tables that it names instead.\n` +
  `.TH ${name.toUpperCase()} ${section} ${DATE} "Baton ${VERSION}" "${section === 5 ? "File Formats" : "System Administration"}"\n` +
  `.SH NAME\n${plain(name)} \\- ${plain(summary)}\n`;
const section = (title: string, ...parts: readonly string[]): string => `.SH ${title}\n${parts.join("")}`;
const subsection = (title: string, ...parts: readonly string[]): string => `.SS ${plain(title)}\n${parts.join("")}`;
/** Paragraphs; the first one follows its heading without a break. */
const paragraphs = (...texts: readonly string[]): string => texts.map(prose).join(".PP\n");
const more = (...texts: readonly string[]): string => texts.map((text) => `.PP\n${prose(text)}`).join("");
const item = (term: string, ...about: readonly string[]): string =>
  `.TP\n.B ${plain(ascii(term)).replaceAll('"', "\\(dq")}\n${about.map(prose).join(".IP\n")}`;
const example = (text: string): string =>
  `.PP\n.EX\n${text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `${plain(`  ${line}`)}\n`)
    .join("")}.EE\n`;
const seeAlso = (...pages: readonly string[]): string =>
  section(
    "SEE ALSO",
    pages.map((page, index) => `.BR ${page.replace("(", " (")}${index < pages.length - 1 ? " ," : ""}\n`).join(""),
  );

// ---------------------------------------------------------------------------------------------------------------
// baton(8)

const wordsOf = (): string =>
  [
    ...(SETTINGS as readonly Setting[]).flatMap(({ name, word, about }) =>
      word ? [{ name, form: word.form, about }] : [],
    ),
    ...WORD_ONLY.map(({ name, word, about }) => ({ name, form: word.form, about })),
  ]
    .map(({ name, form, about }) => item(`baton.${name}${form === "" ? "" : `=${form}`}`, about))
    .join("");

const optionItems = (options: CommandManual["options"]): string =>
  Object.entries(options)
    .map(([option, { value, about }]) => item(`--${option}${value === undefined ? "" : ` ${value}`}`, about))
    .join("");

function commandPart(name: CommandName): string {
  const { summary, about, options, examples }: CommandManual = MANUAL[name];
  const own = Object.entries(options).filter(([option, row]) => !isShared(option, row));
  const isSharing = own.length < Object.keys(options).length;
  return subsection(
    `baton ${name}`,
    example(usageLines(name, 70).join("\n")).replace(/^\.PP\n/, ""),
    more(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`, ...about),
    optionItems(Object.fromEntries(own)),
    isSharing ? more(`And the options under "${SHARED}", at the end of these commands.`) : "",
    ...examples.map(({ command, about }) => more(about) + example(command)),
  );
}

const SHARED = "Disks, platform and configuration";
const isShared = (name: string, row: OptionRow): boolean => (DISK_OPTIONS as CommandManual["options"])[name] === row;

const batonPage = (): string =>
  [
    head("baton", 8, "finds what a machine can boot, and boots it with kexec"),
    section(
      "SYNOPSIS",
      ".B baton\n",
      plain("COMMAND [OPTION]..."),
      "\n.br\n.B baton\n",
      plain("--version | --help"),
      "\n",
    ),
    section(
      "DESCRIPTION",
      paragraphs(
        "Baton is the program between firmware and the operating system. A kernel with Baton's initramfs boots from flash, " +
          "USB, UEFI or the network; Baton finds what this machine could boot, asks or doesn't, and hands over with kexec.",
        "The same program runs on any Linux host, where it lists, checks and boots what the machine's disks, a folder or the " +
          "network offer.",
        "baton COMMAND --help prints that command's part of this page.",
      ),
    ),
    section(
      "COMMANDS",
      ...(Object.keys(MANUAL) as CommandName[]).map(commandPart),
      subsection(SHARED, optionItems(DISK_OPTIONS)),
    ),
    section(
      "KERNEL COMMAND LINE",
      paragraphs(
        "In its own image Baton reads these words of its own kernel's command line. They win over every configuration. Of a " +
          "word that stands twice the last one counts.",
      ),
      wordsOf(),
      item(
        "baton.KEY=VALUE",
        "Every other key of baton.yaml(5) but theme and keys, a list with commas; without a value it means yes.",
      ),
    ),
    section(
      "EXIT STATUS",
      item("0", "It is done."),
      item("1", "It failed: one line on standard error says what was tried, on what, and why it failed."),
      item("2", "Wrong usage."),
      more("kexec(8) has its own."),
    ),
    section(
      "ENVIRONMENT",
      item("BATON_DEBUG", "Set to anything, everything that Baton does is told on standard error."),
      item("BATON_KEXEC_SYSCALL", "See kexec(8)."),
    ),
    section(
      "FILES",
      item(
        "/etc/baton.yaml, /etc/baton.yml, /etc/baton.ini",
        "The image's own configuration, the first that is there.",
      ),
      item("/baton.yaml, /boot/baton.yaml, /baton/baton.yaml, /EFI/baton/baton.yaml", "Boot entries on a volume."),
    ),
    seeAlso("baton.yaml(5)", "kexec(8)", "bootctl(1)", "kernel-command-line(7)"),
  ].join("");

// ---------------------------------------------------------------------------------------------------------------
// kexec(8)

const kexecPage = (): string => {
  const rows = (options: readonly KexecOption[]): string =>
    optionTerms(options)
      .map(({ term, about }) => item(term, about))
      .join("");
  return [
    head("kexec", 8, "directly boots into a new kernel (Baton's)"),
    section(
      "SYNOPSIS",
      ".B kexec\n",
      plain("-l|-p|-e|-f|-u|-S [OPTION]... [KERNEL]"),
      "\n.br\n.B baton kexec\n",
      plain("..."),
      "\n",
    ),
    section(
      "DESCRIPTION",
      paragraphs(
        "Loads a kernel into this one, and starts it without the firmware. Options and exit codes are those of kexec-tools " +
          "2.0.25; in Baton's image the command kexec is this one, and baton kexec is it everywhere.",
        "A long option may be shortened as long as only one begins so.",
        KERNEL_TYPES,
      ),
    ),
    section("OPTIONS", rows(GENERAL_OPTIONS).replace(/^\.PP\n/, "")),
    section("OPTIONS FOR THE NEW KERNEL", rows(KERNEL_OPTIONS)),
    section("OPTIONS FOR SCRIPTS THAT GIVE THEM", rows(ACCEPTED_OPTIONS)),
    section(
      "DIFFERENCES FROM KEXEC-TOOLS",
      paragraphs(
        "Where neither -c, -s nor -a is given it is -a, as in kexec-tools 2.0.26 and later.",
        "A --type that is wrong is refused with -s, too, and a kernel file that is cut short or damaged with -c.",
        "-S prints the 0 or 1 that it exits with, and -e ends with 0 where a kernel has jumped back.",
        "Failures are told as kexec-tools tells them, and then with what they mean here.",
      ),
    ),
    section(
      "EXIT STATUS",
      item("0", "It is done; with -S, no kernel is loaded."),
      item("1", "It was refused, or the usage is wrong; with -S, a kernel is loaded."),
      item("255", "It failed."),
    ),
    section(
      "ENVIRONMENT",
      item("BATON_KEXEC_SYSCALL", "c, s or a: the option that holds where none of the three is given."),
    ),
    section(
      "EXAMPLES",
      example("kexec -l /boot/vmlinuz --initrd=/boot/initrd.img --reuse-cmdline\nkexec -e").replace(/^\.PP\n/, ""),
    ),
    seeAlso("baton(8)", "kexec_load(2)", "reboot(2)"),
  ].join("");
};

// ---------------------------------------------------------------------------------------------------------------
// baton.yaml(5)

function settingPart({ name, about, aliases = [], kind, default: held, word, example }: Setting): string {
  const known = JSON.stringify(held, (_key, value) => (value === Number.POSITIVE_INFINITY ? "never" : value));
  const isSaid = held !== null && known !== "[]" && known !== "{}";
  const shown = held === true ? "yes" : held === false ? "no" : String(held);
  const value = `Value: ${kind.expects}.${isSaid ? ` Unless given: ${shown}.` : ""}`;
  const also = aliases.length === 0 ? "" : ` Also written: ${aliases.join(", ")}.`;
  const onCommandLine = word
    ? ` On the kernel command line: baton.${name}${word.form === "" ? "" : `=${word.form}`}.`
    : "";
  return item(`${name}: ${example}`, about, `${value}${also}${onCommandLine}`);
}

const yamlPage = (): string =>
  [
    head("baton.yaml", 5, "Baton's configuration, and boot entries written by hand"),
    section(
      "SYNOPSIS",
      item("/etc/baton.yaml, /etc/baton.yml, /etc/baton.ini", "The configuration, in Baton's image."),
      item(
        "/baton.yaml, /boot/baton.yaml, /baton/baton.yaml, /boot/baton/baton.yaml, /EFI/baton/baton.yaml",
        "Boot entries, on any volume that Baton reads; also with .yml or .ini at the end.",
      ),
    ),
    section(
      "DESCRIPTION",
      paragraphs(
        "The configuration says what boots by itself, and when, what may be written, and who may do what. Every key may be " +
          "left out. baton.config= on the kernel command line names another file, whose keys win over the image's own; the " +
          "command line's own words win over both.",
        "A value that can't be used is told on the menu and ignored, and the machine boots all the same; only where a " +
          "mistake would let people in (editor, shell, removable) it counts as no. baton config FILE says what is wrong in " +
          "a file, with line and column; baton config --schema prints a JSON schema for editors.",
      ),
    ),
    section("KEYS", ...(SETTINGS as readonly Setting[]).map(settingPart)),
    section(
      "INI",
      paragraphs(
        "A file whose name ends in .ini has the same keys, as key = value. A value goes to the end of its line; double quotes " +
          'keep the blanks around it, and within them \\" is a quote. Lists have commas, or a line for each item with [] ' +
          "behind the key. theme and keys are sections. Lines that begin with # or ; are comments, and a line that ends " +
          "with \\ goes on.",
      ),
      example(
        "timeout = 5\nfallback[] = Debian GNU/Linux, with Linux 6.1\nfallback[] = Rescue system\n\n[keys]\nboot = F10",
      ),
    ),
    section(
      "BOOT ENTRIES",
      paragraphs("A list of entries on a volume has these keys:"),
      ...Object.entries(LIST_WORDS).map(([name, { about, example }]) => item(`${name}: ${example}`, about)),
      item("entries:", "A list; each entry has these words:"),
      ".RS\n",
      ...ENTRY_WORDS.map(({ key, aliases = [], about, example }) =>
        item(`${key}: ${example}`, `${about}${aliases.length === 0 ? "" : ` Also written: ${aliases.join(", ")}.`}`),
      ),
      ".RE\n",
      more("In INI each entry is a section, whose name is its id; a word that comes several times is a list."),
    ),
    section(
      "EXAMPLES",
      paragraphs(
        "A machine that boots Debian after five seconds, tries everything again where that fails, and keeps people out of its editor:",
      ),
      example('timeout: 5\ndefault: "Debian*"\nfinal: retry\neditor: no'),
      more("An entry:"),
      example(
        "entries:\n  - title: Debian GNU/Linux\n    linux: /boot/vmlinuz\n    initrd: /boot/initrd.img\n    options: root=LABEL=root ro quiet",
      ),
    ),
    seeAlso("baton(8)", "loader.conf(5)"),
  ].join("");

// ---------------------------------------------------------------------------------------------------------------

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Path in the repository → content. */
export const MADE: Readonly<Record<string, () => string>> = {
  "man/baton.8": batonPage,
  "man/kexec.8": kexecPage,
  "man/baton.yaml.5": yamlPage,
  "configs/baton.schema.json": () => json(schemaFile("baton", settingsSchema())),
  "configs/profile.schema.json": () => json(schemaFile("profile", profileSchema())),
  "configs/entries.schema.json": () => json(schemaFile("entries", entriesSchema())),
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [path, make] of Object.entries(MADE)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, make());
    console.log(path);
  }
}
