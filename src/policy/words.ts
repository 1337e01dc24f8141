/** What Baton's own kernel command line says: `baton.NAME=VALUE`, by the table of settings. Pure. */

import { findSetting, type Settings, WORD_ONLY } from "./settings.ts";
import { oneText } from "./valuekinds.ts";

export interface BootWords {
  /** What the words settle; a word that isn't understood settles nothing. */
  readonly settings: Partial<Settings>;
  /** The file that `baton.config=` names. */
  readonly config: string | null;
  /** A sentence for each word that isn't understood. */
  readonly problems: readonly string[];
}

/** Splits as the kernel does: at spaces, except inside double quotes, which are dropped from around a value. */
export function splitCmdline(cmdline: string): string[] {
  const words = cmdline.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  return words.map((word) => word.replace(/"/g, ""));
}

/** @param cmdline as in /proc/cmdline; the last of a repeated word wins. */
export function parseBootWords(cmdline: string): BootWords {
  const settled: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const word of splitCmdline(cmdline)) {
    const [, name, value = ""] = /^baton\.([^=]*)=?(.*)$/s.exec(word) ?? [];
    if (name === undefined) continue;
    const row = findSetting(name);
    const own = row === undefined ? WORD_ONLY.find((one) => one.name === name)?.word : row.word;
    const expects = own?.expects ?? row?.kind.expects;
    if (expects === undefined) {
      problems.push(`${word}: Baton has no such word`);
      continue;
    }
    // Without a syntax of its own, a word is what a file says for that key, and alone it says yes.
    const read = own ? own.read(value) : row?.kind.read(oneText(value || "yes"));
    if (read === undefined) {
      problems.push(`baton.${name} must be ${expects}, not '${value.slice(0, 60)}'; ignored`);
    } else if (own === undefined || read !== null) settled[row?.name ?? name] = read;
  }
  const { config = null, ...settings } = settled;
  return { settings: settings as Partial<Settings>, config: config as string | null, problems };
}
