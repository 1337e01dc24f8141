/** Reads Baton's configuration: YAML or INI with the same keys, every mistake with its line and column. Pure. */

import type { Diagnostic } from "../entry.ts";
import type { IniLine, IniSection } from "../inifile.ts";
import { readYaml } from "../yamlfile.ts";
import type { YamlNode } from "../yamlparse.ts";
import { findSetting, SETTINGS, type Setting, type SettingName, type Settings } from "./settings.ts";
import type { RawValue } from "./valuekinds.ts";

/** Written by hand: more is a mistake. */
export const MAX_SETTINGS_SIZE = 256 * 1024;
const MAX_DIAGNOSTICS = 50;

interface SettingsFile {
  /** What it settles; a key whose value can't be used is not there. */
  readonly settings: Partial<Settings>;
  readonly diagnostics: readonly Diagnostic[];
}

/** A key as it stands in a file. */
interface Written extends RawValue {
  readonly key: string;
  readonly line: number;
  /** Of the value; of the key it is `keyColumn`. */
  readonly column: number;
  readonly keyColumn: number;
}

/** Entries of a hand-written list (formats/baton) may stand in the same file. */
const NOT_OURS = ["entries"];

/**
 * @param source how messages name the file
 * @param text   its content; INI where `source` ends in .ini, else YAML
 */
export async function readSettings(text: string, source: string): Promise<SettingsFile> {
  const diagnostics: Diagnostic[] = [];
  const say: Say = (line, column, message) => {
    if (diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push({ severity: "error", source, line, column, message });
  };
  const written = /\.ini$/i.test(source) ? await readIni(text, say) : await readYamlSettings(text, say);
  return { settings: settingsOf(written, say), diagnostics };
}

type Say = (line: number | null, column: number | null, message: string) => void;

function settingsOf(written: readonly Written[], say: Say): Partial<Settings> {
  const settings: Partial<Record<SettingName, unknown>> = {};
  const seen = new Map<string, number>();
  for (const value of written) {
    const { key, line, column } = value;
    if (NOT_OURS.includes(key)) continue;
    const row = findSetting(key);
    if (row === undefined) {
      const near = nearestKey(key);
      say(line, value.keyColumn, `${key}: there is no such key${near === null ? "" : `; did you mean ${near}?`}`);
      continue;
    }
    const before = seen.get(row.name);
    if (before !== undefined)
      say(line, value.keyColumn, `${key}: it stands in line ${before} already; this one counts`);
    seen.set(row.name, line);
    const read = row.kind.read(value);
    if (read !== undefined) {
      settings[row.name] = read;
      continue;
    }
    const shown = value.fields === null ? `'${value.texts.join(", ").slice(0, 60)}'` : "keys and values";
    const rest = row.safe === undefined ? "ignored" : `taken for ${row.safe === false ? "no" : row.safe}`;
    say(line, column, `${key} must be ${row.kind.expects}, not ${shown}; ${rest}`);
    if (row.safe !== undefined) settings[row.name] = row.safe;
  }
  return settings as Partial<Settings>;
}

async function readYamlSettings(text: string, say: Say): Promise<Written[]> {
  const file = await readYaml(text);
  if (typeof file === "string") {
    say(null, null, `it is not read: ${file}`);
    return [];
  }
  for (const { line, column, message } of file.faults) say(line, column, `this is no YAML: ${message}`);
  const { root } = file;
  if (root === null || (root.pairs === null && root.items === null && root.text === null)) return [];
  if (root.pairs === null) {
    say(root.line, root.column, "a configuration is keys and values, one in a line: timeout: 5");
    return [];
  }
  /** Null where it is a list or a map. */
  const textOf = ({ text, items, pairs }: YamlNode): string | null =>
    items === null && pairs === null ? (text ?? "") : null;
  const textsOf = (node: YamlNode): string[] | null => {
    const texts = (node.items ?? [node]).map(textOf);
    return texts.includes(null) ? null : (texts as string[]);
  };
  return root.pairs.flatMap(({ key: name, value }): Written[] => {
    const key = textOf(name);
    if (key === null || key === "") return [];
    const at = { line: name.line, column: name.column };
    const keyColumn = at.column;
    if (NOT_OURS.includes(key)) return [{ key, texts: [], fields: null, ...at, keyColumn }];
    const { line, column, pairs } = value;
    if (pairs !== null) {
      const fields = pairs.map((pair) => ({ key: textOf(pair.key) ?? "", texts: textsOf(pair.value) ?? [] }));
      const first = pairs[0]?.key ?? name;
      return [{ key, texts: [], fields, line: first.line, column: first.column, keyColumn }];
    }
    const texts = textsOf(value);
    if (texts !== null) return [{ key, texts, fields: null, line, column, keyColumn }];
    say(at.line, at.column, `${key}: it is neither a text nor a list of texts`);
    return [];
  });
}

async function readIni(text: string, say: Say): Promise<Written[]> {
  const { parseIni } = await import("../inifile.ts");
  const { sections, wrong } = await parseIni(text);
  for (const { line, column, text } of wrong) {
    say(line, column, `'${text}' is neither [a section] nor a key and a value with '=' between`);
  }
  // A section that stands twice is one, in the place of the first.
  const merged = new Map<string, IniSection & { readonly lines: IniLine[] }>();
  for (const section of sections) {
    const name = section.name === null || section.name === "baton" ? "" : section.name;
    const first = merged.get(name);
    if (first) first.lines.push(...section.lines);
    else merged.set(name, { ...section, name, lines: [...section.lines] });
  }
  return [...merged.values()].flatMap(({ name, lines, line, column }): Written[] =>
    name ? [{ key: name, texts: [], fields: joined(lines), line, column, keyColumn: column }] : joined(lines),
  );
}

/** Each key with its value; `key[]` lines are the items of one. */
function joined(lines: readonly IniLine[]): Written[] {
  const lists = new Map<string, string[]>();
  return lines.flatMap(({ key, value, isItem, line, column, keyColumn }): Written[] => {
    const list = isItem ? lists.get(key) : undefined;
    list?.push(value);
    if (list) return [];
    const texts = [value];
    if (isItem) lists.set(key, texts);
    return [{ key, texts, fields: null, line, column, keyColumn }];
  });
}

/** The key that was probably meant: no more than two letters off. */
function nearestKey(name: string): string | null {
  const rows: readonly Setting[] = SETTINGS;
  let best: string | null = null;
  let least = 3;
  for (const { name: known, aliases = [] } of rows) {
    for (const candidate of [known, ...aliases]) {
      const steps = distance(name, candidate, least);
      if (steps < least) {
        least = steps;
        best = candidate;
      }
    }
  }
  return best;
}

/** Levenshtein's distance; `limit` where it is at least that. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return Math.min(row[b.length]!, limit);
}
