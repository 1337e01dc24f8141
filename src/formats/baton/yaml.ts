/** Baton's own list as YAML. */

import type { LineCounter, Node } from "yaml";
import { yamlFault } from "../../yamlfile.ts";
import type { DiagnosticSink } from "../budget.ts";
import type { Value, WrittenEntry, WrittenList } from "./list.ts";

/** Aliases that multiply would fill memory; a list of entries has no use for many. */
const MAX_ALIASES = 100;

/** @returns what could be read; `diagnostics` says what could not. */
export async function parseYamlList(text: string, source: string, diagnostics: DiagnosticSink): Promise<WrittenList> {
  const fault = yamlFault(text);
  if (fault !== null) {
    diagnostics.push({ severity: "error", source, line: null, column: null, message: `it is not read: ${fault}` });
    return { values: [], entries: [] };
  }
  // Loaded when it is needed: most machines have no such list, and starting up counts.
  const { isMap, isScalar, LineCounter, parseDocument, visit } = await import("yaml");
  const lines = new LineCounter();
  const say = (line: number | null, column: number | null, message: string): void => {
    diagnostics.push({ severity: "error", source, line, column, message });
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
    // The parser's own check compares each key with all before it.
    uniqueKeys: false,
  });
  for (const error of document.errors.slice(0, 20)) {
    const { line, col } = lines.linePos(error.pos[0]);
    say(line, col, error.message);
  }
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) say(lineOf(key as Node, lines), null, `'${name}' stands there already; this one counts`);
        seen.add(name);
      }
    },
  });
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    say(null, null, error instanceof Error ? error.message : String(error));
    return { values: [], entries: [] };
  }
  if (!isRecord(value)) {
    if (value !== null) say(1, 1, "the file is a list of words and values: entries: and below it the entries");
    return { values: [], entries: [] };
  }
  const root = isMap(document.contents) ? document.contents : null;
  const nodes = root?.get("entries", true);
  const items = (nodes as { items?: readonly Node[] } | undefined)?.items ?? [];
  const { entries, ...globals } = value;
  if (entries !== undefined && entries !== null && !Array.isArray(entries)) {
    say(lineOf(nodes as Node | undefined, lines), null, "entries is a list: each entry begins with '- '");
  }
  return {
    values: valuesOf(globals, null, source, diagnostics),
    entries: (Array.isArray(entries) ? entries : []).flatMap((entry: unknown, index): WrittenEntry[] => {
      const line = lineOf(items[index], lines);
      if (isRecord(entry)) return [{ line, name: null, values: valuesOf(entry, line, source, diagnostics) }];
      say(line, null, "an entry is a list of words and values: title: …, linux: …");
      return [];
    }),
  };
}

function lineOf(node: Node | undefined, lines: LineCounter): number | null {
  const start = node?.range?.[0];
  return start === undefined ? null : lines.linePos(start).line;
}

function valuesOf(
  record: Readonly<Record<string, unknown>>,
  line: number | null,
  source: string,
  diagnostics: DiagnosticSink,
): Value[] {
  return Object.entries(record).flatMap(([key, value]) => {
    const texts = (Array.isArray(value) ? value : [value]).filter((one) => one !== null);
    if (texts.every((one) => ["string", "number", "boolean"].includes(typeof one))) {
      return [{ key, texts: texts.map(String), line }];
    }
    const message = `${key} is a text or a list of texts; it is ignored`;
    diagnostics.push({ severity: "warning", source, line, column: null, message });
    return [];
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
