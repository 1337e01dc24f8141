/** A list of entries written by hand, whatever the file's syntax: what it may say, and what that means. */

import { type Diagnostic, type EntryType, type FileRef, type ParsedEntry, parsedEntry } from "../../entry.ts";
import { answersTo, parseSelectedFile } from "../../identity.ts";
import { Breath, type DiagnosticList } from "../budget.ts";
import type { FormatContext, FormatResult } from "../format.ts";
import { resolvePath } from "../paths.ts";

/** A value and where it stands. */
export interface Value {
  readonly key: string;
  /** Several, where the key comes several times or has a list. */
  readonly texts: readonly string[];
  readonly line: number | null;
}

/** One entry as written. */
export interface WrittenEntry {
  readonly line: number | null;
  /** A name from outside its keys (an INI section), else null. */
  readonly name: string | null;
  readonly values: readonly Value[];
}

export interface WrittenList {
  readonly values: readonly Value[];
  readonly entries: readonly WrittenEntry[];
}

/** Which words a syntax has for what. */
export interface Vocabulary {
  readonly type: EntryType;
  /** Words for the whole list that are accepted and mean nothing here. */
  readonly globals: readonly string[];
  readonly words: Readonly<Record<string, EntryKey | "ignored">>;
}

export type EntryKey = "id" | "title" | "linux" | "initrd" | "options" | "devicetree" | "submenu" | "hotkey";

/** Each is written by hand. */
const MAX_ENTRIES = 1000;

/** @param source of the list, for diagnostics. @param folder where the names of files start. */
export async function listWritten(
  written: WrittenList,
  source: string,
  folder: string,
  context: FormatContext,
  vocabulary: Vocabulary,
  diagnostics: DiagnosticList,
): Promise<FormatResult> {
  const say = (severity: Diagnostic["severity"], line: number | null, message: string): void => {
    diagnostics.push({ severity, source, line, column: null, message });
  };
  let wanted: string | null = null;
  let timeout: number | null = null;
  for (const { key, texts, line } of written.values) {
    const text = texts.join(" ").trim();
    if (key === "default") wanted = text;
    else if (key === "timeout") {
      timeout = parseTimeout(text);
      if (timeout === null) say("warning", line, `timeout is a number of seconds, or never, not '${text}'; ignored`);
    } else if (!vocabulary.globals.includes(key)) say("warning", line, `'${key}' is no word of this file; ignored`);
  }
  if (written.entries.length > MAX_ENTRIES) {
    say("error", null, `${written.entries.length} entries; only the first ${MAX_ENTRIES} are read`);
  }
  const entries: ParsedEntry[] = [];
  const breath = new Breath(16);
  for (const one of written.entries.slice(0, MAX_ENTRIES)) {
    const entry = readEntry(one, folder, source, context, vocabulary, say);
    if (entry !== null) entries.push(entry);
    await breath.take();
  }
  const index =
    wanted === null ? -1 : entries.findIndex((entry) => entry.nativeId === wanted || entry.title === wanted);
  if (wanted !== null && index < 0) say("warning", null, `the default '${wanted}' is no entry's id or title`);
  return {
    entries,
    diagnostics: diagnostics.all,
    defaultIndex: index >= 0 ? index : entries.length > 0 ? 0 : null,
    defaultIsExplicit: index >= 0,
    fallback: [],
    timeout,
    timeoutStyle: timeout === null ? null : "menu",
  };
}

/** Seconds; `never` waits for ever; null for anything else. */
function parseTimeout(text: string): number | null {
  if (text === "never") return Number.POSITIVE_INFINITY;
  return /^[0-9]{1,6}(\.[0-9]+)?$/.test(text) ? Number(text) : null;
}

function readEntry(
  { line, name, values }: WrittenEntry,
  folder: string,
  source: string,
  context: FormatContext,
  { type, words }: Vocabulary,
  say: (severity: Diagnostic["severity"], line: number | null, message: string) => void,
): ParsedEntry | null {
  const found = new Map<EntryKey, string[]>();
  for (const value of values) {
    const word = words[value.key];
    if (word === undefined) say("warning", value.line, `'${value.key}' is no word of an entry; ignored`);
    else if (word !== "ignored") {
      const texts = found.get(word) ?? [];
      for (const text of value.texts) texts.push(text);
      found.set(word, texts);
    }
  }
  const text = (key: EntryKey): string | null =>
    found
      .get(key)
      ?.join(" ")
      .replace(/[\r\n]+/g, " ")
      .trim() || null;
  const file = (written: string): FileRef => resolveWritten(written, folder, context);
  const linux = found.get("linux")?.at(-1)?.trim() || null;
  const title = text("title") ?? text("id") ?? name;
  if (title === null || title === "" || linux === null) {
    const missing = linux === null ? "linux (the kernel's file)" : "a title";
    say("error", line, `the entry${title ? ` '${title}'` : ""} names no ${missing}; it is not listed`);
    return null;
  }
  return parsedEntry({
    type,
    source,
    title,
    nativeId: text("id") ?? name ?? title,
    submenu: (found.get("submenu") ?? []).map((part) => part.trim()).filter((part) => part !== ""),
    linux: file(linux),
    initrd: (found.get("initrd") ?? []).flatMap((one) => (one.trim() === "" ? [] : file(one.trim()))),
    devicetree: text("devicetree") === null ? null : file(text("devicetree")!),
    options: text("options") ?? "",
    hotkey: text("hotkey"),
  });
}

/**
 * A file by name: on this volume (`/boot/vmlinuz`, or beside the list), on another (`UUID=1234:/vmlinuz`, `LABEL=`,
 * `PARTUUID=`, `PARTLABEL=`, or a device `sda1:/vmlinuz`), or a URL.
 */
function resolveWritten(written: string, folder: string, { volume, volumes }: FormatContext): FileRef {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written)) return { url: written };
  const file = parseSelectedFile(written);
  if (file === null) return { device: volume.name, path: resolvePath(folder, written) };
  // Of several volumes with the same name, the one on the list's own disk is meant.
  const answers = volumes.filter((other) => answersTo(other, file.selector));
  const found = answers.find((other) => other.disk === volume.disk) ?? answers[0];
  const inside = resolvePath("/", file.path);
  return found ? { device: found.name, path: inside } : { selector: file.selector, path: inside };
}
