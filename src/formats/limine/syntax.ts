/**
 * The two syntaxes of Limine's configuration (its CONFIG.md): `limine.conf` since version 8 (`/Title`, `key: value`), and
 * `limine.cfg` before (`:Title`, `KEY=value`). Both have macros, and entries that hold others.
 */

/** `key: value`. */
export interface Option {
  /** In lower case. */
  readonly key: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/** An entry as written; one with others in it is a folder of the menu, and boots nothing. */
export interface Item {
  readonly title: string;
  readonly line: number;
  /** Its folder is shown open. */
  readonly isOpen: boolean;
  readonly options: Option[];
  readonly items: Item[];
}

export interface LimineConfig {
  /** Those that stand before the first entry. */
  readonly options: readonly Option[];
  readonly items: readonly Item[];
}

interface Syntax {
  /** Begins an entry, once for each level. */
  readonly mark: string;
  /** Between key and value. */
  readonly separator: string;
}

export const NEW_SYNTAX: Syntax = { mark: "/", separator: ":" };
export const OLD_SYNTAX: Syntax = { mark: ":", separator: "=" };

/** Nobody nests menus so deep; each entry keeps the titles of all around it. */
const MAX_DEPTH = 16;
/** Limine's own limit on what macros make of a configuration. */
const MAX_EXPANSION = 4;

/**
 * @param macros what Limine itself defines (`ARCH`).
 * @param say gets what is wrong, with the line.
 * @returns null where it is refused as a whole, which is said
 */
export function parseLimine(
  text: string,
  syntax: Syntax,
  macros: ReadonlyMap<string, string>,
  say: (line: number | null, message: string) => void,
): LimineConfig | null {
  const lines = text.split("\n").map((line) => line.replaceAll("\r", "").replace(/^[ \t]+/, ""));
  const known = new Map(macros);
  lines.forEach((line, at) => {
    const [, name, value] = /^\$\{([^}]*)\}=(.*)$/s.exec(line) ?? [];
    if (name === undefined) return;
    known.set(name, value!);
    lines[at] = "";
  });
  const expand = expander(known, MAX_EXPANSION * Math.max(text.length, 1024));
  const options: Option[] = [];
  const items: Item[] = [];
  /** The entries around the line that is read, outermost first. */
  let open: Item[] = [];
  for (const [at, raw] of lines.entries()) {
    const line = expand(raw);
    if (line === null) {
      say(at + 1, "the macros in it make it more than four times as long, which Limine refuses");
      return null;
    }
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith(syntax.mark)) {
      const depth = markCount(line, syntax.mark);
      if (depth > open.length + 1 || depth > MAX_DEPTH) {
        say(at + 1, "the entry is in no menu: the one around it is missing. It is left out");
        open = open.slice(0, depth - 1);
        continue;
      }
      const isOpen = line[depth] === "+";
      const title = line.slice(depth + Number(isOpen)).trim() || "untitled";
      const item = { title, line: at + 1, isOpen, options: [], items: [] };
      open = open.slice(0, depth - 1);
      (open.at(-1)?.items ?? items).push(item);
      open.push(item);
      continue;
    }
    const end = line.indexOf(syntax.separator);
    if (end < 0) continue;
    const value = line.slice(end + 1);
    const option = { key: line.slice(0, end).trim().toLowerCase(), value: value.trimStart(), line: at + 1 };
    (open.at(-1)?.options ?? options).push(option);
  }
  return { options, items };
}

function markCount(line: string, mark: string): number {
  let count = 0;
  while (line[count] === mark) count++;
  return count;
}

/** A macro is replaced once; one that isn't defined vanishes. Null once there is more than `limit` characters. */
function expander(macros: ReadonlyMap<string, string>, limit: number): (line: string) => string | null {
  let left = limit;
  return (line) => {
    if (!line.includes("${")) return line;
    let out = "";
    let end = 0;
    for (let start = line.indexOf("${"); start >= 0; start = line.indexOf("${", end)) {
      // Of thousands that are never closed, each would be looked for to the end of the line.
      const close = line.indexOf("}", start);
      if (close < 0) break;
      const part = line.slice(end, start) + (macros.get(line.slice(start + 2, close)) ?? "");
      left -= part.length;
      if (left < 0) return null;
      out += part;
      end = close + 1;
    }
    return out + line.slice(end);
  };
}

/** The first value of a key, under any of its names; null where it isn't given. */
export function firstValue(options: readonly Option[], ...keys: readonly string[]): string | null {
  for (const key of keys) {
    const found = options.find((option) => option.key === key);
    if (found !== undefined) return found.value;
  }
  return null;
}
