/**
 * GRUB 2's configurations. The manual is the specification, and what GRUB 2.06 and 2.12 do in reality wins, with
 * what Debian and Fedora add.
 */

import { type ParsedEntry, parsedEntry, type StateWrite, type UserPassword } from "../../entry.ts";
import { listLimits } from "../budget.ts";
import { EMPTY_RESULT, type Format, type FormatContext, type FormatResult, type LineSigns } from "../format.ts";
import { readConfig } from "../readbeginning.ts";
import { BudgetExceeded, LIMITS, type Limits, REMOVABLE_LIMITS } from "./budget.ts";
import { grubCommands } from "./commands/commands.ts";
import { splitUsers } from "./commands/menu.ts";
import { mergeWrites } from "./commands/variables.ts";
import { Environment } from "./environment.ts";
import type { Files } from "./files.ts";
import { findConfigurations } from "./find.ts";
import { Interpreter } from "./interpreter.ts";
import { defaultEntry, fallbackEntries, type ListedMenu, Listing, openMenu, TOP } from "./listing.ts";
import type { ShownMenu } from "./menu.ts";
import { timeoutOf, timeoutStyleOf } from "./selection.ts";
import { decodeSource, SourceText } from "./source.ts";
import { startEnvironment } from "./start.ts";

/** What shows a text to be a GRUB configuration. */
const SIGNS: LineSigns = {
  line: /^\s*(menuentry\s|submenu\s|set\s+\w+=|insmod\s|configfile\s|source\s|search(\.\w+)?\s|if\s|fi\s*$|else\s*$|export\s|linux(16|efi)?\s|initrd(16|efi)?\s|function\s|load_env|loadfont\s|terminal_output\s|chainloader\s|multiboot2?\s|module2?\s|regexp\s|normal(\s|$)|\}\s*$|boot\s*$|echo\s|loopback\s|blscfg)/,
  ownLine: /^\s*(menuentry\s.*\{|submenu\s.*\{|set\s+\w+=|insmod\s|configfile\s|fi\s*$|function\s|search\s+-|blscfg)/,
  fileName: /grub/i,
  precedence: 1,
};

export const grub: Format = {
  name: "grub",
  signs: SIGNS,
  find: findConfigurations,
  parse: (path, context) => readConfiguration(path, context),
};

/** Reads one configuration; `given` is for tests. */
export async function readConfiguration(path: string, context: FormatContext, given?: Limits): Promise<FormatResult> {
  const usual = context.volume.removable ? REMOVABLE_LIMITS : LIMITS;
  const limits = given ?? { ...usual, listBytes: listLimits(context.memory).bytes };
  const { bytes, fault } = await readConfig(context, path);
  const { text, warnings } = decodeSource(bytes);
  const source = SourceText.file(`${context.volume.name}:${path}`, text);
  const evaluate = async (written: readonly StateWrite[]): Promise<Evaluation> => {
    const isFirst = written.length === 0;
    const allowed = isFirst ? limits : { ...limits, ...AGAIN };
    // What is evaluated again isn't listed once more.
    const own = isFirst || context.share === undefined ? context : { ...context, share: undefined };
    const run = new Interpreter(own, grubCommands(), Environment.empty(), source, allowed);
    let isWhole = true;
    run.files.pretendWritten(written);
    for (const warning of warnings) run.say("warning", null, warning, source);
    if (fault !== null) run.say("error", null, fault, source);
    await startEnvironment(run, path);
    if (text.includes("btrfs_relative_path")) await addSubvolumes(run);
    run.reading.push({ ref: source.name, exported: run.env.state(true), all: run.env.state(false) });
    try {
      await run.runText(source);
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
      isWhole = false;
      run.say("error", null, `${error.message}; what was read before is listed`, source);
    }
    const result = { ...(await collect(run, path)), ...(run.missed.size > 0 ? { awaitsDevices: true } : {}) };
    return { result, files: run.files, isWhole: isWhole && !run.budget.isSpent };
  };
  const first = await evaluate([]);
  const successors = await successorsOf(first, evaluate);
  return successors.length === 0 ? first.result : { ...first.result, successors };
}

interface Evaluation {
  readonly result: FormatResult;
  readonly files: Files;
  /** No budget ended it. */
  readonly isWhole: boolean;
}

/** What each further evaluation may use: slots are counted in a few lines, and a hostile file costs little more. */
const AGAIN: Partial<Limits> = { steps: 20_000, entrySteps: 2_000, totalLength: 1 << 20, milliseconds: 1000 };
/** A slot may be tried three times before the other one's turn comes (Mender, U-Boot's `bootlimit`). */
const MAX_EVALUATIONS = 8;
/** A configuration with more entries than this has no slots to count. */
const MAX_COUNTED_ENTRIES = 200;

/**
 * The defaults that the configuration gives when it is evaluated again with what booting its default, and each of these
 * in turn, would have saved in its environment block (RAUC's and Mender's slots, `grub-reboot`).
 */
async function successorsOf(
  first: Evaluation,
  evaluate: (written: readonly StateWrite[]) => Promise<Evaluation>,
): Promise<readonly number[]> {
  const { entries, defaultIndex } = first.result;
  const found: number[] = [];
  let current = first;
  let written: readonly StateWrite[] = [];
  for (let round = 1; round < MAX_EVALUATIONS && entries.length <= MAX_COUNTED_ENTRIES; round++) {
    const { files, result } = current;
    if (!current.isWhole || result.entries.length !== entries.length) break;
    const attempt = result.defaultIndex === null ? undefined : result.entries[result.defaultIndex];
    if (attempt === undefined || !attempt.writes.some((write) => files.isChange(write))) break;
    written = [...written, ...attempt.writes];
    current = await evaluate(written);
    if (!current.isWhole) break;
    const next = current.result.defaultIndex === null ? undefined : current.result.entries[current.result.defaultIndex];
    const index = next === undefined ? -1 : entries.findIndex((entry) => nameOf(entry) === nameOf(next));
    if (index >= 0 && index !== defaultIndex && !found.includes(index)) found.push(index);
  }
  return found;
}

const nameOf = ({ submenu, title, nativeId }: ParsedEntry): string => JSON.stringify([submenu, title, nativeId]);

/** On openSUSE's system partition lies a configuration that leads to the one in the default subvolume of a btrfs. */
async function addSubvolumes({ context, devices, subvolumes }: Interpreter): Promise<void> {
  for (const volume of context.volumes) {
    if (volume.type !== "btrfs" || volume.name === devices.own.name) continue;
    try {
      const [found] = await findConfigurations(volume);
      if (found !== undefined) subvolumes.add(volume.name, found);
    } catch {
      // It is said where that volume is read for its own sake.
    }
  }
}

/** Runs every entry and chooses the default. */
async function collect(run: Interpreter, path: string): Promise<FormatResult> {
  const listing = new Listing(run);
  // What an entry's body sets counts once that entry was started.
  const passwords = new Map(run.passwords);
  const { menu, env, plan, shown, waited, devices } = run;
  run.shown = [];
  run.budget.beginListing();
  const around = { ...TOP, writes: plan.writes };
  const opened = (each: Pick<ShownMenu, "ref" | "env">) => ({ ...around, menus: [openMenu(each)] });
  // What `configfile` showed comes before this configuration's own menu, which Esc leads back to.
  const menus: { menu: ListedMenu; waited: number }[] = [];
  for (const each of shown)
    menus.push({ menu: await listing.list(each.menu, each.env, opened(each)), waited: each.waited });
  const own = opened({ env, ref: `${devices.own.name}:${path}` });
  if (menu.items.length > 0) menus.push({ menu: await listing.list(menu, env, own), waited });
  const { entries } = listing;
  const [first] = menus;
  if (first === undefined || entries.length === 0) return withoutMenu(run, path);
  return {
    entries,
    diagnostics: run.diagnostics,
    ...chooseDefault(run, first.menu),
    ...chooseTimeout(first.menu.env, first.waited),
    ...superusersOf(first.menu.env, passwords),
  };
}

function chooseDefault(
  run: Interpreter,
  menu: ListedMenu,
): Pick<FormatResult, "defaultIndex" | "defaultIsExplicit" | "fallback"> {
  const value = menu.env.get("default") ?? "";
  const { index, isNamed } = defaultEntry(menu, value);
  if (value !== "" && !isNamed) {
    run.say("warning", null, `the default is '${value}', which is no entry of the menu; GRUB takes the first one`);
  }
  const fallback = fallbackEntries(menu, menu.env.get("fallback") ?? "");
  return { defaultIndex: index, defaultIsExplicit: value !== "" && isNamed, fallback };
}

/** Where `superusers` is set, GRUB's editor and command line are for those users alone (manual, "Authentication"). */
function superusersOf(
  env: Environment,
  passwords: ReadonlyMap<string, UserPassword>,
): Pick<FormatResult, "superusers" | "passwords"> {
  const value = env.get("superusers");
  return value === undefined ? {} : { superusers: splitUsers(value), passwords };
}

function chooseTimeout(env: Environment, waited: number): Pick<FormatResult, "timeout" | "timeoutStyle"> {
  const timeout = timeoutOf(env);
  const timeoutStyle = timeoutStyleOf(env);
  // Before there was timeout_style: `if sleep --interruptible 5; then set timeout=0; fi` hides the menu meanwhile.
  if (timeout === 0 && waited > 0) return { timeout: waited, timeoutStyle: "hidden" };
  // GRUB shows the menu where it would wait for ever.
  if (timeout === null || timeout === Number.POSITIVE_INFINITY) {
    return { timeout, timeoutStyle: timeoutStyle === null ? null : "menu" };
  }
  return { timeout, timeoutStyle };
}

/** A script that boots something itself, or that has nothing at all. */
function withoutMenu(run: Interpreter, path: string): FormatResult {
  const { plan } = run;
  const hasKernel = plan.linux !== null || plan.modules.length > 0;
  if (!hasKernel || !plan.booted) {
    if (run.diagnostics.length === 0) run.say("warning", null, "it has no menu entries, only settings or functions");
    return { ...EMPTY_RESULT, diagnostics: run.diagnostics };
  }
  const entry: ParsedEntry = parsedEntry({
    type: "grub",
    title: path.slice(path.lastIndexOf("/") + 1),
    source: run.source.name,
    kind: plan.kind ?? "other",
    linux: plan.linux,
    initrd: plan.initrd,
    devicetree: plan.devicetree,
    modules: plan.modules,
    options: plan.options,
    reason: plan.reason,
    ...(plan.unchecked === null ? {} : { unchecked: plan.unchecked }),
    writes: mergeWrites(plan.writes),
  });
  return { ...EMPTY_RESULT, entries: [entry], diagnostics: run.diagnostics, defaultIndex: 0, timeout: 0 };
}
