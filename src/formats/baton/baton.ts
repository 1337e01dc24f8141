/**
 * Entries written by hand: Baton's own list in YAML or INI (`configs/entries.yaml` and `configs/entries.ini` show every
 * word), and petitboot's petitboot.conf.
 */

import { BatonError, describeError } from "../../errors.ts";
import type { IniSection } from "../../inifile.ts";
import { Breath, DiagnosticList, type DiagnosticSink } from "../budget.ts";
import {
  EMPTY_RESULT,
  type Format,
  type FormatContext,
  type FormatResult,
  type FormatVolume,
  type LineSigns,
} from "../format.ts";
import { Lookup } from "../lookup.ts";
import { folderOf } from "../paths.ts";
import { readConfig } from "../readbeginning.ts";
import { decodeText } from "../text.ts";
import { listWritten, type Value, type Vocabulary, type WrittenList } from "./list.ts";
import { parseYamlList } from "./yaml.ts";

const FOLDERS = ["", "/boot", "/baton", "/boot/baton", "/EFI/baton"];
const PLACES = FOLDERS.flatMap((folder) => ["yaml", "yml", "ini"].map((suffix) => `${folder}/baton.${suffix}`));
/** Written by hand: more is a mistake. */
const MAX_LIST_SIZE = 1024 * 1024;
/** INI is read without a pause. */
const MAX_INI_SIZE = 64 * 1024;

/** discover/native-parser.c of petitboot. `dtb` and `name` are read as later versions write them. */
const PETITBOOT: Vocabulary = {
  type: "petitboot",
  // There they name the disk.
  globals: ["name", "description", "icon"],
  words: {
    ...{ name: "title", image: "linux", initrd: "initrd", args: "options", dtb: "devicetree" },
    ...{ description: "ignored", icon: "ignored" },
  },
};

/** What shows a text to be Baton's own list, in YAML or INI. */
const BATON_SIGNS: LineSigns = {
  line: /^(entries:|default:\s|timeout:\s|\s*-\s+(title|id|linux|kernel):|\s+(title|linux|kernel|initrd|options|submenu|append|cmdline|id|hotkey|devicetree):|\[[^\]]+\]\s*$|(linux|initrd|options|title|default|timeout|id)\s*=)/,
  ownLine: /^(entries:|\s*-\s+(title|id):|(linux|options)\s*=)/,
  fileName: /\.(ya?ml|ini)$/i,
  precedence: 4,
};

export const baton: Format = {
  name: "baton",
  signs: BATON_SIGNS,
  find: (volume) => firstOf(volume, PLACES),
  async parse(path, context) {
    const diagnostics = new DiagnosticList();
    const source = `${context.volume.name}:${path}`;
    const isIni = /\.ini$/i.test(path);
    const text = isIni ? await readIni(path, context, diagnostics) : await readList(path, context, diagnostics);
    if (text === null) return { ...EMPTY_RESULT, diagnostics: diagnostics.all };
    const written = isIni
      ? await parseIniList(text, source, diagnostics)
      : await parseYamlList(text, source, diagnostics);
    const { BATON } = await import("./entrykeys.ts");
    return listWritten(written, source, folderOf(path), context, BATON, diagnostics);
  },
};

/** What shows a text to be a petitboot.conf. */
const PETITBOOT_SIGNS: LineSigns = {
  line: /^(\[[^\]]+\]\s*$|(image|args|initrd|description|icon|name|dtb)\s*=)/,
  ownLine: /^(image|args)\s*=/,
  fileName: /petitboot/i,
  precedence: 5,
};

export const petitboot: Format = {
  name: "petitboot",
  signs: PETITBOOT_SIGNS,
  find: (volume) => firstOf(volume, ["/boot/petitboot.conf", "/petitboot.conf", "/etc/petitboot.conf"]),
  async parse(path, context): Promise<FormatResult> {
    const diagnostics = new DiagnosticList();
    const text = await readIni(path, context, diagnostics);
    const source = `${context.volume.name}:${path}`;
    const { decodeLiteral } = await import("../../inifile.ts");
    const written = await parseIniList(text, source, diagnostics, decodeLiteral);
    return listWritten(written, source, "/", context, PETITBOOT, diagnostics);
  },
};

async function firstOf(volume: FormatVolume, places: readonly string[]): Promise<readonly string[]> {
  const lookup = new Lookup(volume.reader);
  for (const place of places) {
    const found = await lookup.find(place);
    if (found !== null) return [found];
  }
  return [];
}

async function readList(path: string, { volume }: FormatContext, diagnostics: DiagnosticSink): Promise<string | null> {
  const source = `${volume.name}:${path}`;
  try {
    const { text, problem } = decodeText(await volume.reader.read(path, MAX_LIST_SIZE));
    if (problem !== null) diagnostics.push({ severity: "warning", source, line: null, column: null, message: problem });
    return text;
  } catch (error) {
    if (!(error instanceof BatonError && error.code === "too-large")) throw error;
    diagnostics.push({ severity: "error", source, line: null, column: null, message: describeError(error) });
    return null;
  }
}

async function readIni(path: string, context: FormatContext, diagnostics: DiagnosticSink): Promise<string> {
  const about = { source: `${context.volume.name}:${path}`, line: null, column: null };
  const { bytes, fault } = await readConfig(context, path, MAX_INI_SIZE);
  if (fault !== null) diagnostics.push({ ...about, severity: "error", message: fault });
  const { text, problem } = decodeText(bytes);
  if (problem !== null) diagnostics.push({ ...about, severity: "warning", message: problem });
  return text;
}

/** @param decode what a value means; Baton's own files' rules unless given */
async function parseIniList(
  text: string,
  source: string,
  diagnostics: DiagnosticSink,
  decode?: (written: string) => string,
): Promise<WrittenList> {
  // Loaded when it is needed: most machines have no such list, and starting up counts.
  const { parseIni } = await import("../../inifile.ts");
  const breath = new Breath();
  await breath.take();
  const { sections, wrong } = await parseIni(text, decode);
  await breath.take();
  for (const { line, text: what } of wrong.slice(0, 50)) {
    const message = `'${what}' is neither [a name] nor a line with '='; it is ignored`;
    diagnostics.push({ severity: "warning", source, line, column: null, message });
  }
  const [globals, ...entries] = sections;
  return {
    values: valuesOf(globals!),
    entries: entries.map((section) => ({ line: section.line, name: section.name || null, values: valuesOf(section) })),
  };
}

const valuesOf = (section: IniSection): Value[] =>
  section.lines.map(({ key, value, line }) => ({ key: key.toLowerCase(), texts: [value], line }));
