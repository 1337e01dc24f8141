/**
 * From what the configurations say to the one list that people and policy choose from: order, ids, the default,
 * and what follows it when it fails. Pure.
 */

import type { BootEntry, Diagnostic, FileRef, ParsedEntry } from "../entry.ts";
import { entryFiles, formatFileRef } from "../entry.ts";
import { globMatches } from "../glob.ts";
import { isNamedInOrder, type Origin, placeInOrder } from "./order.ts";
import type { Settings } from "./settings.ts";

/** One configuration that was read. */
export interface ReadConfig {
  /** `vda1:/boot/grub/grub.cfg`. */
  readonly source: string;
  readonly entries: readonly ParsedEntry[];
  readonly diagnostics: readonly Diagnostic[];
  readonly defaultIndex: number | null;
  readonly defaultIsExplicit: boolean;
  readonly fallback: readonly number[];
  readonly timeout: number | null;
  readonly timeoutStyle: "menu" | "hidden" | null;
  /** What names the volume in ids: its UUID where that is unique, else the device's name. */
  readonly volumeKey: string;
  readonly removable: boolean;
  /** It stands in a file that lies on a disk (an ISO): nothing in it boots unless a person names or picks it. */
  readonly isInFile?: boolean;
  /** The firmware's own boot entries: each stands for the file that it starts, in the place of the disk's own entry for it. */
  readonly isFirmware?: boolean;
  /** The machine's owner named it (`baton.url=`): its default comes before all others. */
  readonly isNamed?: boolean;
  /** Where it came from, for `order:` of the configuration. */
  readonly origin?: Origin;
}

/** What the machine's owner has settled about the default (settings.ts). */
export interface BootRules extends Pick<Settings, "default" | "fallback" | "order" | "removable"> {
  /** Id of the entry that was saved as the default (`default: "@saved"`), where there is one. */
  readonly saved?: string | null;
  /** Ids of entries that don't boot by themselves now, each with the reason (boots that nobody confirmed). */
  readonly passedOver?: ReadonlyMap<string, string>;
}

const NO_RULES: BootRules = { default: null, fallback: [], order: [], removable: false };

export interface BootList {
  readonly entries: readonly BootEntry[];
  readonly diagnostics: readonly Diagnostic[];
  readonly defaultId: string | null;
  /** Why this one is the default, or why there is none: a sentence. */
  readonly why: string;
  /** True where no device that comes after the default's own can make another one the default. */
  readonly isDecided: boolean;
  /** Ids in the order in which an unattended boot tries them: the default, its fallbacks, then the rest. */
  readonly order: readonly string[];
  /** The winning configuration's own timeout in seconds; null where it has none. */
  readonly timeout: number | null;
}

/** Why a file can't be read, or null where it can. */
export type FileCheck = (ref: FileRef) => string | null;

/**
 * @param configs in the order of devices, and on one device in the order of formats
 * @param check   what is known about the files that entries name
 * @param given   what the machine's owner has settled
 */
export function bootList(configs: readonly ReadConfig[], check: FileCheck, given: BootRules = NO_RULES): BootList {
  const shown = withoutRepeats(configs);
  const ids = new Map<string, number>();
  const listed: Listed[] = shown.map((config) => {
    const volume = slug(config.volumeKey);
    const entries = config.entries.map((entry) => listEntry(entry, uniqueId(volume, entry, ids), config.source, check));
    return { config, entries };
  });
  const entries = listed.flatMap((item) => item.entries);
  const rules = { ...given, passedOver: withTheSame(entries, given.passedOver) };
  const { entry: defaultEntry, from: won, why, isDecided } = chooseDefault(listed, entries, rules);

  const unattended = listed.filter(({ config }) => !config.isInFile && mayBootByItself(config, rules));
  const order = [
    ...(defaultEntry ? [defaultEntry] : []),
    ...rules.fallback.flatMap((name) => findEntry(entries, name) ?? []),
    ...(won ? won.config.fallback.flatMap((index) => won.entries[index] ?? []) : []),
    ...(won ? won.entries : []),
    // A stick that somebody left in the machine comes after every fixed disk.
    ...unattended.filter(({ config }) => !config.removable).flatMap((item) => item.entries),
    ...unattended.flatMap((item) => item.entries),
  ];
  // What nobody confirmed is tried when nothing else has booted: a machine that comes up badly can be mended.
  order.sort((a, b) => Number(rules.passedOver?.has(a.id) ?? false) - Number(rules.passedOver?.has(b.id) ?? false));
  return {
    entries: entries.map((entry) => (entry === defaultEntry ? { ...entry, isDefault: true } : entry)),
    diagnostics: shown.flatMap((config) => config.diagnostics),
    defaultId: defaultEntry?.id ?? null,
    why,
    isDecided,
    order: [...new Set(order.map((entry) => entry.id))],
    timeout: won?.config.timeout ?? null,
  };
}

/**
 * What is passed over, and every entry that boots the very same: GRUB's menu has its first system once more below
 * "Advanced options".
 */
function withTheSame(entries: readonly BootEntry[], passedOver: BootRules["passedOver"]): Map<string, string> {
  const same = new Map<string, string>();
  if (passedOver === undefined || passedOver.size === 0) return same;
  const whatBoots = (entry: BootEntry): string => {
    const files = entryFiles(entry).map(formatFileRef);
    // What the firmware starts is only known by its name.
    return files.length === 0 ? entry.id : JSON.stringify([entry.kind, files, entry.options, entry.profile]);
  };
  const reasons = new Map<string, string>();
  for (const entry of entries) {
    const reason = passedOver.get(entry.id);
    if (reason !== undefined) reasons.set(whatBoots(entry), reason);
  }
  for (const entry of entries) {
    const reason = reasons.get(whatBoots(entry));
    if (reason !== undefined) same.set(entry.id, reason);
  }
  return same;
}

interface Listed {
  readonly config: ReadConfig;
  readonly entries: readonly BootEntry[];
}

interface Choice {
  readonly entry: BootEntry | undefined;
  /** The configuration whose timeout and fallbacks count. */
  readonly from: Listed | undefined;
  readonly why: string;
  readonly isDecided: boolean;
}

/** The rules of the README, "Which entry boots by itself". */
function chooseDefault(listed: readonly Listed[], entries: readonly BootEntry[], rules: BootRules): Choice {
  const { passedOver } = rules;
  const isSaved = rules.default === "@saved";
  const wanted = isSaved ? (rules.saved ?? null) : rules.default;
  const named = wanted === null ? null : findEntry(entries, wanted);
  if (named !== null && !passedOver?.has(named.id)) {
    const from = listed.find((item) => item.entries.includes(named));
    const why = isSaved ? "it was saved as the default" : `it is named: default ${rules.default}`;
    return { entry: named, from, why, isDecided: true };
  }
  const lost =
    named !== null ? `; ${passedOver!.get(named.id)}` : wanted === null ? "" : `; nothing is named ${wanted}`;
  const ranked = rankedConfigs(listed, rules);
  for (const from of ranked) {
    const entry = firstAllowed(from, passedOver);
    if (entry === undefined) continue;
    const { config } = from;
    const others = ranked.filter((item) => item !== from).map((item) => item.config.source);
    const rank = config.defaultIsExplicit ? "names it as its default" : "has it first, and none names a default";
    const how = rules.order.length > 0 ? "comes first in the order of the configuration" : rank;
    const also = others.length === 0 ? "" : `; a default is also in ${others.slice(0, 3).join(", ")}`;
    return {
      entry,
      from,
      why: `${config.source} ${how}${also}${lost}`,
      isDecided: config.defaultIsExplicit && !config.removable && rules.order.length === 0 && wanted === null,
    };
  }
  if (passedOver !== undefined && passedOver.size > 0) {
    const choice = chooseDefault(listed, entries, { ...rules, passedOver: new Map() });
    return { ...choice, why: `${choice.why}; ${[...passedOver.values()][0]}, and nothing else is left` };
  }
  const removable = listed.some(({ config }) => config.defaultIndex !== null && !mayBootByItself(config, rules));
  const why = removable
    ? "nothing boots by itself: what there is lies on removable devices or outside the order of the configuration"
    : "nothing boots by itself: no configuration has a default";
  return { entry: undefined, from: undefined, why: why + lost, isDecided: false };
}

/** A configuration's default; where that is passed over, what follows it there. */
function firstAllowed({ config, entries }: Listed, passedOver: BootRules["passedOver"]): BootEntry | undefined {
  const own = config.defaultIndex === null ? undefined : entries[config.defaultIndex];
  if (own === undefined || !passedOver?.has(own.id)) return own;
  const next = [...config.fallback.flatMap((index) => entries[index] ?? []), ...entries];
  return next.find((entry) => entry.bootable && !passedOver.has(entry.id));
}

/** Whether what stands in a configuration may boot without a person or a name. */
function mayBootByItself(config: ReadConfig, rules: BootRules): boolean {
  const { origin, removable } = config;
  if (config.isNamed) return true;
  if (rules.order.length === 0) return !removable || rules.removable;
  if (placeInOrder(rules.order, origin, removable) === null) return false;
  return !removable || rules.removable || isNamedInOrder(rules.order, origin, removable);
}

/**
 * An entry that several configurations lead to is listed once, where it comes first: a stub on the EFI system
 * partition leads to the real grub.cfg, which is also found by itself; GRUB's blscfg lists the files of
 * /loader/entries.
 */
function withoutRepeats(configs: readonly ReadConfig[]): readonly ReadConfig[] {
  const listedBy = new Map<string, ReadConfig>();
  // Names of files on an EFI system partition have no case.
  const started = new Map(
    configs
      .filter(({ isFirmware }) => isFirmware)
      .flatMap((config) => config.entries.map(({ source }) => [source.toLowerCase(), config] as const)),
  );
  const byFirmware = ({ kind, source }: ParsedEntry): ReadConfig | undefined =>
    kind === "efi" && started.size > 0 ? started.get(source.toLowerCase()) : undefined;
  return configs.map((config) => {
    const kept: number[] = [];
    config.entries.forEach((entry, index) => {
      if (config.isFirmware) {
        kept.push(index);
        return;
      }
      const first = byFirmware(entry) ?? listedBy.get(entry.source) ?? config;
      listedBy.set(entry.source, first);
      if (first === config) kept.push(index);
    });
    if (kept.length === config.entries.length) return config;
    const at = (index: number | null): number | null => {
      const place = index === null ? -1 : kept.indexOf(index);
      return place < 0 ? null : place;
    };
    return {
      ...config,
      entries: kept.map((index) => config.entries[index]!),
      defaultIndex: at(config.defaultIndex),
      fallback: config.fallback.map(at).filter((index) => index !== null),
    };
  });
}

/**
 * The configurations whose defaults may be the machine's, best first: by the owner's order, fixed disks before
 * removable ones, one that names its default before one that merely has a first entry, then the order of devices.
 */
function rankedConfigs(listed: readonly Listed[], rules: BootRules): Listed[] {
  const rank = ({ config }: Listed): number =>
    (config.isNamed ? -4 * (rules.order.length + 1) : 0) +
    (placeInOrder(rules.order, config.origin, config.removable) ?? 0) * 4 +
    // What somebody left in the machine, and what strangers may answer, come after the machine's own disks.
    (config.removable || config.origin?.device === null ? 2 : 0) +
    (config.defaultIsExplicit ? 0 : 1);
  return listed
    .filter(({ config }) => config.defaultIndex !== null && !config.isInFile && mayBootByItself(config, rules))
    .sort((a, b) => rank(a) - rank(b));
}

function listEntry(entry: ParsedEntry, id: string, source: string, check: FileCheck): BootEntry {
  const reason = entry.reason ?? fileReason(entry, check);
  // Field by field: a spread of so many costs ten times as much, and there may be thousands of entries.
  const listed: BootEntry = {
    id,
    nativeId: entry.nativeId,
    title: entry.title,
    submenu: entry.submenu,
    type: entry.type,
    source: entry.source,
    kind: entry.kind,
    linux: entry.linux,
    initrd: entry.initrd,
    devicetree: entry.devicetree,
    modules: entry.modules,
    options: entry.options,
    isDefault: false,
    bootable: reason === null,
    reason,
    writes: entry.writes,
    restricted: entry.restricted,
    hotkey: entry.hotkey,
    config: source,
    sortKey: entry.sortKey ?? null,
    version: entry.version ?? null,
    machineId: entry.machineId ?? null,
    architecture: entry.architecture ?? null,
    triesLeft: entry.triesLeft ?? null,
    triesDone: entry.triesDone ?? null,
    profile: entry.profile ?? null,
  };
  const { initrdNames, devicetreeOverlays, addons, opens } = entry;
  if (initrdNames === undefined && devicetreeOverlays === undefined && addons === undefined && opens === undefined)
    return listed;
  return {
    ...listed,
    ...(opens !== undefined && { opens }),
    ...(initrdNames && { initrdNames }),
    ...(devicetreeOverlays && { devicetreeOverlays }),
    ...(addons && { addons }),
  };
}

function fileReason(entry: ParsedEntry, check: FileCheck): string | null {
  if (entry.type === "firmware" || entry.opens !== undefined) return null;
  const files = entryFiles(entry);
  if (files.length === 0) return "it names no kernel";
  for (const file of files) {
    if ("selector" in file) return `${file.path}: no attached device answers to ${file.selector}`;
    const reason = check(file);
    if (reason !== null) return `${formatFileRef(file)}: ${reason}`;
  }
  return null;
}

/**
 * `2b3f…:grub:gnulinux-simple`, with `~2` for a second one that would be called the same.
 * @param taken every id given so far, with the last number that was tried behind it
 */
function uniqueId(volume: string, entry: ParsedEntry, taken: Map<string, number>): string {
  const path = entry.nativeId === null ? [...entry.submenu, entry.title] : [entry.nativeId];
  const base = `${volume}:${entry.type}:${path.map(slug).join(">") || "entry"}`;
  let id = base;
  // Thousands may share a name: counting goes on where it stopped.
  let number = taken.get(base) ?? 0;
  while (taken.has(id)) id = `${base}~${++number + 1}`;
  taken.set(base, number);
  if (id !== base) taken.set(id, 0);
  return id;
}

/** Letters, digits and `._+-`, nothing that a command line would have to quote. */
function slug(text: string): string {
  if (/^[A-Za-z0-9._+][A-Za-z0-9._+-]{0,118}[A-Za-z0-9._+]$/.test(text)) return text;
  // Most are ASCII, for which the plain expression takes half the time.
  const plain = /^[\x20-\x7e]*$/.test(text)
    ? text.replace(/[^A-Za-z0-9._+-]+/g, "-")
    : text.normalize("NFC").replace(/[^\p{L}\p{N}._+-]+/gu, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, 120);
}

/**
 * The entry that a person named: an id, else a title (`Advanced options>Debian, with Linux 6.1` for one in a
 * submenu), else an index from 1, else a pattern with `*`.
 * @returns null where nothing answers to it.
 */
export function findEntry(entries: readonly BootEntry[], name: string): BootEntry | null {
  const path = (entry: BootEntry): string => [...entry.submenu, entry.title].join(">");
  const index = /^[1-9]\d*$/.test(name) ? Number(name) - 1 : -1;
  return (
    entries.find((entry) => entry.id === name) ??
    entries.find((entry) => entry.title === name) ??
    entries.find((entry) => path(entry) === name) ??
    entries.find((entry) => entry.nativeId === name) ??
    entries[index] ??
    (/[*?[]/.test(name) ? findByPattern(entries, name, path) : null)
  );
}

/** By {@link globMatches}; of several, the first that can be booted. */
function findByPattern(
  entries: readonly BootEntry[],
  pattern: string,
  path: (entry: BootEntry) => string,
): BootEntry | null {
  // A backslash in a title is no quotation mark.
  const wanted = pattern.replaceAll("\\", "\\\\");
  const found = entries.filter((entry) =>
    [entry.id, entry.title, path(entry), entry.nativeId ?? ""].some((name) => globMatches(wanted, name)),
  );
  return found.find((entry) => entry.bootable) ?? found[0] ?? null;
}
