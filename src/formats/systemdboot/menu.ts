/** systemd-boot's menu: entries sorted and titled, and which of them is the default. */

import type { ParsedEntry } from "../../entry.ts";
import { describeError } from "../../errors.ts";
import { globMatches } from "../../glob.ts";
import { Breath, DiagnosticList, type DiagnosticSink } from "../budget.ts";
import { EMPTY_RESULT, type FormatContext, type FormatResult } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { baseName, folderOf } from "../paths.ts";
import { autoEntries } from "./auto.ts";
import type { Candidate } from "./candidate.ts";
import type { LoaderSettings } from "./loaderconf.ts";
import { sortEntries, uniqueTitles } from "./order.ts";
import { findPartner } from "./partner.ts";
import { readSettings } from "./settings.ts";
import { readType1Folder } from "./type1folder.ts";
import { readType2Folder } from "./type2.ts";

/** @param folder of Type #1 entries, `…/loader/entries`, or of Type #2 entries, `…/EFI/Linux`. */
export async function readMenu(folder: string, context: FormatContext): Promise<FormatResult> {
  const diagnostics = new DiagnosticList();
  const base = folderOf(folderOf(folder));
  const partner = base === "/" ? await findPartner(context) : null;
  if (partner?.shows === "this") return EMPTY_RESULT;
  const settings = await readSettings(base, context, diagnostics);
  const candidates = await readVolume(base, context, settings, diagnostics);
  const auto = base === "/" ? await autoEntries(context, settings) : [];
  if (partner !== null) {
    const other = { ...context, volume: partner.volume };
    try {
      candidates.push(...(await readVolume("/", other, settings, diagnostics)));
    } catch (error) {
      const source = partner.volume.name;
      diagnostics.push({ severity: "error", source, line: null, column: null, message: describeError(error) });
    }
  }
  return arrangeMenu(candidates, auto, settings, diagnostics);
}

/** Entries of both types below one folder. */
async function readVolume(
  base: string,
  context: FormatContext,
  settings: LoaderSettings,
  diagnostics: DiagnosticSink,
): Promise<Candidate[]> {
  const lookup = new Lookup(context.volume.reader);
  const prefix = base === "/" ? "" : base;
  const type1 = await lookup.find(`${prefix}/loader/entries`, "directory");
  const type2 = await lookup.find(`${prefix}/EFI/Linux`, "directory");
  return [
    ...(type1 === null ? [] : await readType1Folder(type1, context, settings, diagnostics)),
    ...(type2 === null ? [] : await readType2Folder(type2, context, settings, diagnostics)),
  ];
}

/**
 * Sorts, titles and chooses; of thousands each is a piece of work, with a pause before it.
 * @param last those that stand behind all others, as they are
 */
async function arrangeMenu(
  sorted: Candidate[],
  last: readonly Candidate[],
  settings: LoaderSettings,
  diagnostics: DiagnosticList,
): Promise<FormatResult> {
  const breath = new Breath();
  await breath.take();
  sortEntries(sorted);
  const candidates = last.length === 0 ? sorted : [...sorted, ...last];
  await breath.take();
  const titles = uniqueTitles(candidates);
  for (const message of await shortNames(candidates, settings, breath)) {
    diagnostics.push({
      severity: "warning",
      source: settings.source || candidates[0]!.source,
      line: null,
      column: null,
      message,
    });
  }
  const chosen = await chooseDefault(candidates, settings, breath);
  const defaultIndex = chosen ?? (sorted.length > 0 ? 0 : null);
  const successors = await successorsOf(candidates, sorted.length, settings, defaultIndex, breath);
  const entries: ParsedEntry[] = [];
  for (const [index, candidate] of candidates.entries()) {
    entries.push(candidate.finish(titles[index]!));
    await breath.take();
  }
  return {
    entries,
    diagnostics: diagnostics.all,
    // What it found by itself systemd-boot does not start by itself either.
    defaultIndex,
    defaultIsExplicit: chosen !== null,
    fallback: [],
    ...(successors.length === 0 ? {} : { successors }),
    timeout: settings.timeout,
    timeoutStyle: settings.timeoutStyle,
  };
}

/**
 * What systemd-boot would start once the default's tries are used up, and so on: entries without tries left stand last,
 * and `preferred` passes over them. An entry without a counter is known to be good, and nothing comes after it.
 * @param count of the entries that may be started by themselves
 */
async function successorsOf(
  candidates: readonly Candidate[],
  count: number,
  settings: LoaderSettings,
  first: number | null,
  breath: Breath,
): Promise<number[]> {
  const failed = new Set<number>();
  const found: number[] = [];
  for (let at = first; at !== null && (candidates[at]!.triesLeft ?? 0) > 0 && failed.size < MAX_SUCCESSORS; ) {
    failed.add(at);
    const next = (await chooseDefault(candidates, settings, breath, failed)) ?? firstLeft(candidates, count, failed);
    if (next === null || failed.has(next) || candidates[next]!.triesLeft === 0) break;
    found.push(next);
    at = next;
  }
  return found;
}

const MAX_SUCCESSORS = 16;

function firstLeft(candidates: readonly Candidate[], count: number, failed: ReadonlySet<number>): number | null {
  const at = candidates.findIndex((_, index) => index < count && !failed.has(index));
  return at < 0 ? null : at;
}

/** Names had no ending before systemd 246; each entry's file has one of these. */
const ENDINGS = [".conf", ".efi"];

/**
 * The first pattern that matches an entry picks the first entry that it matches. As a last resort a name without its
 * ending counts, as it did before systemd 246.
 */
async function chooseDefault(
  candidates: readonly Candidate[],
  settings: LoaderSettings,
  breath: Breath,
  failed: ReadonlySet<number> = new Set(),
): Promise<number | null> {
  for (const ending of ["", ...ENDINGS]) {
    for (const { pattern, skipBad } of settings.choices) {
      const counts = (c: Candidate, at: number): boolean => !(skipBad && (c.triesLeft === 0 || failed.has(at)));
      const index = await firstMatch(candidates, pattern + ending, breath, counts);
      if (index >= 0) return index;
    }
  }
  return null;
}

/** @returns -1 where none matches. A pattern of many stars takes its time with each of thousands of names. */
async function firstMatch(
  candidates: readonly Candidate[],
  pattern: string,
  breath: Breath,
  counts: (candidate: Candidate, at: number) => boolean = () => true,
): Promise<number> {
  for (const [at, candidate] of candidates.entries()) {
    if (counts(candidate, at) && isMatch(pattern, candidate)) return at;
    const pause = breath.take();
    if (pause !== undefined) await pause;
  }
  return -1;
}

/** What is to be said of names that lack their ending: systemd-boot passes over them since version 246. */
async function shortNames(
  candidates: readonly Candidate[],
  { choices }: LoaderSettings,
  breath: Breath,
): Promise<string[]> {
  const messages: string[] = [];
  for (const { pattern, from } of choices) {
    const isName = async (name: string): Promise<boolean> => (await firstMatch(candidates, name, breath)) >= 0;
    if (await isName(pattern)) continue;
    const named = await Promise.all(ENDINGS.map((ending) => isName(pattern + ending)));
    const ending = ENDINGS[named.indexOf(true)];
    if (ending === undefined) continue;
    const whole = pattern + ending;
    messages.push(
      `${from} '${pattern}' is no entry's whole name, which systemd-boot wants since version 246: write '${whole}'. Where nothing else is the default, Baton takes it for that`,
    );
  }
  return messages;
}

const isMatch = (pattern: string, candidate: Candidate): boolean =>
  idsOf(candidate).some((id) => globMatches(pattern, id));

/**
 * systemd-boot compares the file's name; with a counter in it that name changes at each boot, so a pattern may mean
 * it with or without.
 */
function idsOf({ id, shownId, source, profile }: Candidate): string[] {
  // A pattern for the image alone means its first profile.
  const plain = profile === 0 ? [id.toLowerCase(), baseName(source).toLowerCase()] : [];
  return [shownId.toLowerCase(), ...plain];
}
