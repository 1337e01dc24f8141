/** Baton's own list as YAML. */

import { readYaml } from "../../yamlfile.ts";
import type { YamlNode, YamlPair } from "../../yamlparse.ts";
import { Breath, type DiagnosticSink } from "../budget.ts";
import type { Value, WrittenEntry, WrittenList } from "./list.ts";

/** @returns what could be read; `diagnostics` says what could not. */
export async function parseYamlList(text: string, source: string, diagnostics: DiagnosticSink): Promise<WrittenList> {
  const say = (line: number | null, column: number | null, message: string): void => {
    diagnostics.push({ severity: "error", source, line, column, message });
  };
  const file = await readYaml(text);
  await new Breath().take();
  if (typeof file === "string") {
    say(null, null, `it is not read: ${file}`);
    return { values: [], entries: [] };
  }
  for (const { line, column, message } of file.faults) say(line, column, message);
  const { root } = file;
  if (root === null || isNothing(root)) return { values: [], entries: [] };
  if (root.pairs === null) {
    say(1, 1, "the file is a list of words and values: entries: and below it the entries");
    return { values: [], entries: [] };
  }
  const words = lastOfEach(root.pairs, say);
  const entries = words.find(({ key }) => key.text === "entries")?.value;
  if (entries !== undefined && !isNothing(entries) && entries.items === null) {
    say(entries.line, null, "entries is a list: each entry begins with '- '");
  }
  return {
    values: valuesOf(
      words.filter(({ key }) => key.text !== "entries"),
      null,
      source,
      diagnostics,
    ),
    entries: (entries?.items ?? []).flatMap(({ line, pairs }): WrittenEntry[] => {
      if (pairs !== null) {
        const values = valuesOf(lastOfEach(pairs, say), line, source, diagnostics);
        return [{ line, name: null, values }];
      }
      say(line, null, "an entry is a list of words and values: title: …, linux: …");
      return [];
    }),
  };
}

const isNothing = ({ text, items, pairs }: YamlNode): boolean => text === null && items === null && pairs === null;

/** Of words that stand twice, the last. */
function lastOfEach(
  pairs: readonly YamlPair[],
  say: (line: number, column: null, message: string) => void,
): readonly YamlPair[] {
  const last = new Map<string, YamlPair>();
  for (const pair of pairs) {
    const { line, text } = pair.key;
    const name = text ?? "";
    if (last.has(name)) say(line, null, `'${name}' stands there already; this one counts`);
    last.set(name, pair);
  }
  return [...last.values()];
}

function valuesOf(
  pairs: readonly YamlPair[],
  line: number | null,
  source: string,
  diagnostics: DiagnosticSink,
): Value[] {
  return pairs.flatMap(({ key, value }) => {
    const name = key.text ?? "";
    const texts = (value.items ?? [value]).filter((one) => !isNothing(one));
    if (texts.every(({ text }) => text !== null)) return [{ key: name, texts: texts.map(({ text }) => text!), line }];
    const message = `${name} is a text or a list of texts; it is ignored`;
    diagnostics.push({ severity: "warning", source, line, column: null, message });
    return [];
  });
}
