/**
 * What stands in a YAML file, as plain values with their places: the package's own nodes refer to each other, and can't
 * be sent from one thread to another. Loaded where there is such a file.
 */

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

/** Where a value stands, from 1; and what it is. */
export interface YamlNode {
  readonly line: number;
  readonly column: number;
  /** As it is written; null for nothing, for a list and for a map. */
  readonly text: string | null;
  /** Of a list; else null. */
  readonly items: readonly YamlNode[] | null;
  /** Of a map, in their order; else null. */
  readonly pairs: readonly YamlPair[] | null;
}

export interface YamlPair {
  readonly key: YamlNode;
  readonly value: YamlNode;
}

export interface YamlFile {
  /** Null where the file is empty. */
  readonly root: YamlNode | null;
  readonly faults: readonly { readonly line: number; readonly column: number; readonly message: string }[];
}

const MAX_FAULTS = 50;
/** Values, those that aliases repeat among them, and how deep they stand inside one another. */
const MAX_VALUES = 50_000;
const MAX_DEPTH = 60;

/** @throws RangeError where aliases lead to more than any list has, or in circles */
export function parseYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const { stackTraceLimit } = Error;
  // Each fault is an Error, and there may be thousands.
  Error.stackTraceLimit = 0;
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: "error",
      // The parser's own check compares each key with all before it.
      uniqueKeys: false,
    });
    const faults = document.errors.slice(0, MAX_FAULTS).map(({ pos, message }) => {
      const { line, col } = lines.linePos(pos[0]);
      return { line, column: col, message };
    });
    let values = 0;
    const plain = (written: unknown, depth: number, at: { line: number; column: number }): YamlNode => {
      if (++values > MAX_VALUES || depth > MAX_DEPTH) throw new RangeError("its aliases lead to too many values");
      const node = isAlias(written) ? written.resolve(document) : written;
      const start = (written as Node | null)?.range?.[0];
      const place = start === undefined ? at : placeOf(lines, start);
      const own = { ...place, text: null, items: null, pairs: null };
      if (isSeq(node)) return { ...own, items: node.items.map((item) => plain(item, depth + 1, place)) };
      if (isMap(node)) {
        const pairs = node.items.map(({ key, value }) => {
          const name = plain(key, depth + 1, place);
          return { key: name, value: plain(value, depth + 1, name) };
        });
        return { ...own, pairs };
      }
      if (!isScalar(node) || node.value === null) return own;
      return { ...own, text: typeof node.value === "string" ? node.value : (node.source ?? String(node.value)) };
    };
    const { contents } = document;
    return { root: contents === null ? null : plain(contents, 0, { line: 1, column: 1 }), faults };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function placeOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
