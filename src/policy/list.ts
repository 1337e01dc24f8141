/**
 * From what the configurations say to the one list that people and policy choose from: order, ids, the default,
 * and what follows it when it fails. Pure.
 */

import type { BootEntry, Diagnostic, FileRef, ParsedEntry } from "../entry.ts";
import { entryFiles, formatFileRef } from "../entry.ts";

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
}

export interface BootList {
  readonly entries: readonly BootEntry[];
  readonly diagnostics: readonly Diagnostic[];
  readonly defaultId: string | null;
  /** Ids in the order in which an unattended boot tries them: the default, its fallbacks, then the rest. */
  readonly order: readonly string[];
  /** The winning configuration's own timeout in seconds; null where it has none. */
  readonly timeout: number | null;
  readonly timeoutStyle: "menu" | "hidden" | null;
}

/** Why a file can't be read, or null where it can. */
export type FileCheck = (ref: FileRef) => string | null;

/**
 * @param configs in the order of devices, and on one device in the order of formats
 * @param check   what is known about the files that entries name
 */
export function bootList(configs: readonly ReadConfig[], check: FileCheck): BootList {
  const shown = withoutRepeats(configs);
  const ids = new Set<string>();
  const listed: { config: ReadConfig; entries: BootEntry[] }[] = shown.map((config) => ({
    config,
    entries: config.entries.map((entry) => listEntry(entry, uniqueId(config, entry, ids), check)),
  }));

  const winner = winningConfig(shown);
  const won = listed.find(({ config }) => config === winner);
  const defaultEntry = won && winner?.defaultIndex != null ? won.entries[winner.defaultIndex] : undefined;

  const entries = listed.flatMap((item) => item.entries);
  const unattended = listed.filter(({ config }) => !config.isInFile);
  const order = [
    ...(defaultEntry ? [defaultEntry] : []),
    ...(won ? won.config.fallback.flatMap((index) => won.entries[index] ?? []) : []),
    ...(won ? won.entries : []),
    // A stick that somebody left in the machine comes after every fixed disk.
    ...unattended.filter(({ config }) => !config.removable).flatMap((item) => item.entries),
    ...unattended.flatMap((item) => item.entries),
  ];
  return {
    entries: entries.map((entry) => (entry === defaultEntry ? { ...entry, isDefault: true } : entry)),
    diagnostics: shown.flatMap((config) => config.diagnostics),
    defaultId: defaultEntry?.id ?? null,
    order: [...new Set(order.map((entry) => entry.id))],
    timeout: winner?.timeout ?? null,
    timeoutStyle: winner?.timeoutStyle ?? null,
  };
}

/**
 * An entry that several configurations lead to is listed once, where it comes first: a stub on the EFI system
 * partition leads to the real grub.cfg, which is also found by itself; GRUB's blscfg lists the files of
 * /loader/entries.
 */
function withoutRepeats(configs: readonly ReadConfig[]): readonly ReadConfig[] {
  const listedBy = new Map<string, ReadConfig>();
  return configs.map((config) => {
    const kept: number[] = [];
    config.entries.forEach((entry, index) => {
      const first = listedBy.get(entry.source) ?? config;
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
 * The configuration whose default is the machine's: fixed disks before removable ones, one that names its default
 * before one that merely has a first entry, then the order of devices.
 */
function winningConfig(configs: readonly ReadConfig[]): ReadConfig | undefined {
  const withDefault = configs.filter((config) => config.defaultIndex !== null && !config.isInFile);
  const rank = (config: ReadConfig): number => (config.removable ? 2 : 0) + (config.defaultIsExplicit ? 0 : 1);
  return [...withDefault].sort((a, b) => rank(a) - rank(b))[0];
}

function listEntry(entry: ParsedEntry, id: string, check: FileCheck): BootEntry {
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
    sortKey: entry.sortKey ?? null,
    version: entry.version ?? null,
    machineId: entry.machineId ?? null,
    architecture: entry.architecture ?? null,
    triesLeft: entry.triesLeft ?? null,
    triesDone: entry.triesDone ?? null,
    profile: entry.profile ?? null,
  };
  return entry.initrdNames === undefined ? listed : { ...listed, initrdNames: entry.initrdNames };
}

function fileReason(entry: ParsedEntry, check: FileCheck): string | null {
  const files = entryFiles(entry);
  if (files.length === 0) return "it names no kernel";
  for (const file of files) {
    if ("selector" in file) return `${file.path}: no attached device answers to ${file.selector}`;
    const reason = check(file);
    if (reason !== null) return `${formatFileRef(file)}: ${reason}`;
  }
  return null;
}

/** `2b3f…:grub:gnulinux-simple`, with `~2` for a second one that would be called the same. */
function uniqueId(config: ReadConfig, entry: ParsedEntry, taken: Set<string>): string {
  const path = entry.nativeId === null ? [...entry.submenu, entry.title] : [entry.nativeId];
  const base = `${slug(config.volumeKey)}:${entry.type}:${path.map(slug).join(">") || "entry"}`;
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}~${n}`;
  taken.add(id);
  return id;
}

/** Letters, digits and `._+-`, nothing that a command line would have to quote. */
function slug(text: string): string {
  return text
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}._+-]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 120);
}

/**
 * The entry that a person named: an id, else a title (`Advanced options>Debian, with Linux 6.1` for one in a
 * submenu), else an index from 1.
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
    null
  );
}
