/** The text of an iPXE script: lines, labels, commands, options, settings (ipxe.org/scripting, src/core/exec.c). */

import { Buffer } from "node:buffer";

/** One command of a line, and when the next one runs. */
export interface Segment {
  /** Not yet expanded: iPXE splits first, so that a setting with blanks in it stays one word. */
  readonly tokens: readonly string[];
  /** `&&`: after success; `||`: after failure; `;`: always; null for the last. */
  readonly next: "&&" | "||" | ";" | null;
}

interface ScriptLine {
  /** From 1; of its first line where `\` continues it. */
  readonly number: number;
  readonly segments: readonly Segment[];
}

export interface Script {
  /** What diagnostics call it. */
  readonly source: string;
  readonly lines: readonly ScriptLine[];
  /** Label → index in `lines`; the first of a name counts. */
  readonly labels: ReadonlyMap<string, number>;
}

/** The first line of every script. */
export const SCRIPT_START = /^\ufeff?#!(ipxe|gpxe)\s/;

/** True where a file says that it is a script. */
export function isScript(text: string): boolean {
  return SCRIPT_START.test(text);
}

export function parseScript(text: string, source: string): Script {
  const lines: ScriptLine[] = [];
  const labels = new Map<string, number>();
  let pending = "";
  let start = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    if (pending === "") start = index + 1;
    const line = pending + raw.replace(/\r$/, "").replaceAll("\0", "");
    if (line.endsWith("\\")) {
      pending = line.slice(0, -1);
      continue;
    }
    pending = "";
    let command = line.trim();
    if (command.startsWith(":")) {
      const label = /^:(\S*)/.exec(command)![1]!;
      if (!labels.has(label)) labels.set(label, lines.length);
      command = command.slice(label.length + 1);
    }
    lines.push({ number: start, segments: segmentsOf(command) });
  }
  return { source, lines, labels };
}

function segmentsOf(command: string): Segment[] {
  const segments: Segment[] = [];
  let tokens: string[] = [];
  for (const token of command.split(/\s+/)) {
    if (token === "") continue;
    if (token.startsWith("#")) break;
    if (token === "&&" || token === "||" || token === ";") {
      segments.push({ tokens, next: token });
      tokens = [];
    } else tokens.push(token);
  }
  if (tokens.length > 0 || segments.length > 0) segments.push({ tokens, next: null });
  return segments;
}

export interface Options {
  /** By long name; `true` for one that takes no value. */
  readonly given: ReadonlyMap<string, string | true>;
  readonly args: readonly string[];
}

/**
 * Splits options from arguments as getopt does.
 * @param known long name → whether it takes a value; its first letter is its short form.
 * @returns the option that isn't known, where there is one.
 */
export function parseOptions(words: readonly string[], known: Readonly<Record<string, boolean>>): Options | string {
  const given = new Map<string, string | true>();
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      at++;
      break;
    }
    if (!/^-./.test(word)) break;
    const [, long, short, inline] = /^(?:--([^=]+)|-(.))(?:=?(.+))?$/s.exec(word) ?? [];
    const name = Object.keys(known).find((option) => (long !== undefined ? option === long : option[0] === short));
    if (name === undefined) return word;
    if (!known[name]) given.set(name, true);
    else {
      const value = inline ?? words[++at];
      if (value === undefined) return word;
      given.set(name, value);
    }
  }
  return { given, args: words.slice(at) };
}

/** An option's value; null where it isn't given, or is empty. */
export function textOption(options: Options, name: string): string | null {
  const value = options.given.get(name);
  return typeof value === "string" && value !== "" ? value : null;
}

/** More than any script nests; and longer than any command line. */
const MAX_EXPANSIONS = 200;
const MAX_VALUE_LENGTH = 8 * 1024;

/** Fills in `${name}` and `${name:type}`, the innermost first; what isn't set is empty. */
export function expandSettings(text: string, value: (name: string) => string | null): string {
  let expanded = text;
  for (let count = 0; count < MAX_EXPANSIONS && expanded.length < MAX_VALUE_LENGTH; count++) {
    const match = /\$\{([^${}]*)\}/.exec(expanded);
    if (match === null) break;
    const filled = formatSetting(match[1]!, value);
    expanded = expanded.slice(0, match.index) + filled + expanded.slice(match.index + match[0].length);
  }
  return expanded.slice(0, MAX_VALUE_LENGTH);
}

function formatSetting(expression: string, value: (name: string) => string | null): string {
  const colon = expression.lastIndexOf(":");
  const name = colon < 0 ? expression : expression.slice(0, colon);
  const text = value(name) ?? "";
  switch (colon < 0 ? "" : expression.slice(colon + 1)) {
    case "hexhyp":
      return bytesOf(text).join("-");
    case "hexraw":
      return bytesOf(text).join("");
    case "hex":
      return bytesOf(text).join(":");
    case "uristring":
      return encodeURIComponent(text);
    case "base64":
      return Buffer.from(text).toString("base64");
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
      return text === "" ? "" : String(Number(text) || 0);
    default:
      return text;
  }
}

/** The bytes that a setting stands for, in hexadecimal: a hardware address or UUID as it is, other text as ASCII. */
function bytesOf(text: string): string[] {
  if (/^[0-9a-f]{2}([:-][0-9a-f]{2})+$/i.test(text)) return text.toLowerCase().split(/[:-]/);
  const hex = text.replace(/-/g, "");
  if (/^[0-9a-f]{32}$/i.test(hex)) return hex.toLowerCase().match(/../g)!;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text))
    return text.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return Buffer.from(text).toString("hex").match(/../g) ?? [];
}
