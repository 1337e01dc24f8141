/**
 * YAML that a stranger may have written. The parser's time and memory grow with the square of what nests: such a text
 * isn't parsed at all, and one that is longer than people's own is parsed in a thread.
 */

import { BatonError, describeError } from "./errors.ts";
import type { YamlFile } from "./yamlparse.ts";

/** Characters; a longer text goes to a thread, and so does one with aliases. The worst of this length takes about 50 ms. */
const MAX_HERE = 8 * 1024;
/** Each is looked for from the beginning, and what it stands for is gone over again. */
const ALIAS = /(?:^|[ \t\n,[{])\*/;
const THREAD_LIMITS = { heapMiB: 32, milliseconds: 10_000 } as const;

/** @returns what stands in the text, or why it isn't read: a sentence for a diagnostic */
export async function readYaml(text: string): Promise<YamlFile | string> {
  const fault = yamlFault(text);
  if (fault !== null) return fault;
  try {
    // Loaded when it is needed: most machines have no such file, and starting up counts.
    if (text.length <= MAX_HERE && !ALIAS.test(text)) return (await import("./yamlparse.ts")).parseYaml(text);
    // Looking through it took its time, and so does starting a thread.
    await new Promise(setImmediate);
    return await (await import("./thread.ts")).inThread("yaml", text, THREAD_LIMITS);
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    if (error instanceof BatonError) return describeError(error);
    throw error;
  }
}

/** Characters; files that people write are a tenth of that. */
const MAX_LENGTH = 512 * 1024;
/** Lists and maps inside one another; Baton's own files need three. */
const MAX_DEPTH = 50;
/** Lines and items of lists on one line. */
const MAX_NODES = 5000;
/** Anchors that are referred to (`*name`), each of which is looked for from the beginning. */
const MAX_ALIASES = 100;

/**
 * Whether the parser may be given a text; takes time in proportion to it.
 * @returns why the text isn't parsed, a sentence for a diagnostic; null where it can be
 */
export function yamlFault(text: string): string | null {
  if (text.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH / 1024} KiB, which nobody has written by hand`;
  let nodes = 1;
  let depth = 0;
  let aliases = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > MAX_DEPTH) return TOO_DEEP;
        nodes++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (depth > 0) depth--;
        break;
      case 0x2c: // ,
        nodes++;
        break;
      case 0x2a: // *
        if (at === 0 || " \t\n[,{".includes(text[at - 1]!)) aliases++;
        break;
      case 0x0a:
        nodes++;
        // A word that begins a line at its very beginning is no part of a list in brackets.
        if (/[A-Za-z]/.test(text[at + 1] ?? "")) depth = 0;
        break;
    }
    if (nodes > MAX_NODES) return `it has more than ${MAX_NODES} lines and items`;
    if (aliases > MAX_ALIASES) return `it refers more than ${MAX_ALIASES} times to an anchor (*name)`;
  }
  return hasDeepIndentation(text) ? TOO_DEEP : null;
}

const TOO_DEEP = `lists and maps stand more than ${MAX_DEPTH} deep inside one another`;

const LEAD = new RegExp(`^(?:[-?:]?[ \\t]+){0,${MAX_DEPTH + 2}}`);

/** `- - - x` on one line, or each line further to the right than the one before. */
function hasDeepIndentation(text: string): boolean {
  const columns: number[] = [];
  for (const line of text.split("\n")) {
    // One mark more than there may be is enough to tell.
    const lead = LEAD.exec(line)![0];
    const marks = lead.length - lead.replace(/[-?:]/g, "").length;
    if (marks > MAX_DEPTH) return true;
    if (lead.length === line.length) continue;
    const column = /[^ \t]/.exec(line)!.index;
    while (columns.length > 0 && columns.at(-1)! >= column) columns.pop();
    columns.push(column);
    if (columns.length + marks > MAX_DEPTH) return true;
  }
  return false;
}
