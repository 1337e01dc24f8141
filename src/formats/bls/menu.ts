/** systemd-boot's menu: entries sorted and titled, and which of them is the default. */

import type { Diagnostic, ParsedEntry } from "../../entry.ts";
import type { FormatContext, FormatResult } from "../format.ts";
import { globMatches } from "../glob.ts";
import type { LoaderSettings } from "../loaderconf.ts";
import { baseName, folderOf } from "../paths.ts";
import { readType1Folder } from "./folder.ts";
import { compareEntries, type Sortable, type Titled, uniqueTitles } from "./order.ts";
import { readSettings } from "./settings.ts";

/** An entry on its way into the menu: all but its title, which depends on the others. */
export interface Candidate extends Sortable, Titled {
  readonly id: string;
  /** `vda1:/loader/entries/fedora.conf`. */
  readonly source: string;
  finish(title: string): ParsedEntry;
}

/** @param folder of Type #1 entries. */
export async function readMenu(folder: string, context: FormatContext): Promise<FormatResult> {
  const diagnostics: Diagnostic[] = [];
  const base = folderOf(folderOf(folder));
  const settings = await readSettings(base, context, diagnostics);
  const candidates = await readType1Folder(folder, context, settings, diagnostics);
  return arrangeMenu(candidates, settings, diagnostics);
}

/** Sorts, titles and chooses. */
export function arrangeMenu(
  candidates: Candidate[],
  settings: LoaderSettings,
  diagnostics: readonly Diagnostic[],
): FormatResult {
  candidates.sort(compareEntries);
  const titles = uniqueTitles(candidates);
  const chosen = chooseDefault(candidates, settings);
  return {
    entries: candidates.map((candidate, index) => candidate.finish(titles[index]!)),
    diagnostics,
    defaultIndex: chosen ?? (candidates.length > 0 ? 0 : null),
    defaultIsExplicit: chosen !== null,
    fallback: [],
    timeout: settings.timeout,
    timeoutStyle: settings.timeoutStyle,
  };
}

/** The first pattern that matches an entry picks the first entry that it matches. */
function chooseDefault(candidates: readonly Candidate[], settings: LoaderSettings): number | null {
  for (const { pattern, skipBad } of settings.choices) {
    const index = candidates.findIndex(
      (c) => !(skipBad && c.triesLeft === 0) && idsOf(c).some((id) => globMatches(pattern, id)),
    );
    if (index >= 0) return index;
  }
  return null;
}

/**
 * systemd-boot compares the file's name; with a counter in it that name changes at each boot, so a pattern may mean
 * it with or without.
 */
function idsOf(candidate: Candidate): string[] {
  return [candidate.id.toLowerCase(), baseName(candidate.source).toLowerCase()];
}
