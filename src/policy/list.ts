/**
 * From what the configurations say to the one list that people and policy choose from: order, ids, the default,
 * and what follows it when it fails. Pure.
 */

import type { BootEntry, Diagnostic, FileRef, ParsedEntry } from "../entry.ts";
import { entryFiles, shownFileRef } from "../entry.ts";
import { firmwareProgramReason } from "../firmwareprograms.ts";
import { type Choice, chooseDefault, ownDisks } from "./default.ts";
import { whatBoots } from "./evidence.ts";
import { placeAmong, withLinks } from "./links.ts";
import { type Lock, locksOf } from "./locks.ts";
import { type BootRules, type FirmwareWay, type Listed, NO_RULES, type ReadConfig } from "./readconfig.ts";
import { canBootByItself, unattendedOrder } from "./unattended.ts";

export interface BootList {
  readonly entries: readonly BootEntry[];
  readonly diagnostics: readonly Diagnostic[];
  readonly defaultId: string | null;
  /** Why this one is the default, or why there is none: a sentence. */
  readonly why: string;
  /** True where no device that comes after the default's own can make another one the default. */
  readonly isDecided: boolean;
  readonly named: Choice["named"];
  /** Ids in the order in which an unattended boot tries them: the default and what may follow it. */
  readonly order: readonly string[];
  /** Those of `order` that can be booted now. */
  readonly unattended: readonly string[];
  /** The one disk on USB that counts as the machine's own, since no built-in disk has anything to boot; else null. */
  readonly loneDisk: string | null;
  /** What bootloaders' own users keep shut. */
  readonly locks: readonly Lock[];
  /** The winning configuration's own timeout in seconds; null where it has none. */
  readonly timeout: number | null;
}

/**
 * Why a file can't be read, or null where it can; of a file on something that no volume answers to, what is known of
 * that, or null.
 */
type FileCheck = (ref: FileRef) => string | null;

/**
 * @param configs in the order of devices, and on one device in the order of formats
 * @param check   what is known about the files that entries name
 * @param given   what the machine's owner has settled
 */
export function bootList(configs: readonly ReadConfig[], check: FileCheck, given: BootRules = NO_RULES): BootList {
  const shown = withoutStrays(withoutRepeats(configs));
  const ids = new Map<string, number>();
  const all = shown.map((config) => {
    const volume = slug(config.volumeKey);
    const entries = config.entries.map((entry) => listEntry(entry, uniqueId(volume, entry, ids), config.source, check));
    return { config, entries };
  });
  const linked = withLinks(all, configs);
  const loneDisk = loneDiskOf(linked);
  const own = loneDisk === null ? linked : withOwnDisk(linked, loneDisk);
  const listed = given.removable === "never" ? own.map(withoutRemovable) : own;
  const entries = listed.flatMap((item) => item.entries);
  const rules = { ...given, passedOver: withTheSame(entries, given.passedOver) };
  const { entry: first, from, via, why, isDecided, named } = chooseDefault(listed, rules);
  const order = unattendedOrder(listed, rules, first, from);
  const unattended = order.filter(canBootByItself);
  const following = new Set(unattended);
  const passed = first === undefined ? undefined : rules.passedOver.get(first.id);
  // What was passed over counts as failed: what follows it is the default now.
  const follower = passed === undefined ? undefined : unattended.find(({ id }) => !rules.passedOver.has(id));
  const byDefault = follower ?? first;
  return {
    entries: entries.map((entry) => {
      const role = entry === byDefault ? ("default" as const) : following.has(entry) ? ("fallback" as const) : null;
      if (role === null) return entry;
      const isDefault = role === "default";
      // What the menus on the way would have saved counts for this boot, too.
      const writes = entry === first ? [...via.flatMap((one) => one.writes), ...entry.writes] : entry.writes;
      // A default that its bootloader asks a password for is one, and waits for a person.
      const byItself = entry.bootable && !canBootByItself(entry) ? {} : { unattended: role };
      return { ...entry, ...byItself, writes, isDefault };
    }),
    diagnostics: shown.flatMap((config) => config.diagnostics),
    defaultId: byDefault?.id ?? null,
    why: passed === undefined ? why : `${why}; ${passed}${follower === undefined ? ", and nothing else is left" : ""}`,
    isDecided,
    named,
    order: order.map(({ id }) => id),
    unattended: unattended.map(({ id }) => id),
    loneDisk,
    locks: locksOf(listed, ownDisks(listed, rules), from),
    timeout: from?.config.timeout ?? null,
  };
}

/**
 * A built-in disk's configuration whose default stands in one on a removable device (a stub that searches for a
 * filesystem which a stick has as well) is that device's.
 */
function withoutStrays(configs: readonly ReadConfig[]): readonly ReadConfig[] {
  const places = new Map(
    configs.flatMap((config) => (config.origin?.device ? [[config.origin.device.name, config]] : [])),
  );
  return configs.map((config) => {
    const source = config.defaultIndex === null ? undefined : config.entries[config.defaultIndex]?.source;
    const place = source === undefined ? undefined : places.get(source.slice(0, source.indexOf(":")));
    return place?.removable && !config.removable && !config.isFirmware
      ? { ...config, removable: true, isPluggable: place.isPluggable ?? false }
      : config;
  });
}

/**
 * Where no built-in disk has anything to boot, one disk on USB that the kernel doesn't call removable is the machine's
 * own: a home server's, a board's. Two may be anybody's.
 */
function loneDiskOf(listed: readonly Listed[]): string | null {
  const hasBootable = ({ config, entries }: Listed): boolean =>
    config.defaultIndex !== null && !config.isInFile && entries.some(({ bootable }) => bootable);
  const isBuiltIn = ({ config }: Listed): boolean => !config.removable && config.origin?.device !== null;
  if (listed.some((item) => isBuiltIn(item) && hasBootable(item))) return null;
  const pluggable = listed.filter((item) => item.config.isPluggable && hasBootable(item));
  const disks = new Set(pluggable.map(({ config }) => diskOf(config)));
  return disks.size === 1 ? ([...disks][0] ?? null) : null;
}

/** With that disk's configurations as those of a built-in one. */
function withOwnDisk(listed: readonly Listed[], disk: string): readonly Listed[] {
  const isOwn = ({ config }: Listed): boolean => config.isPluggable === true && diskOf(config) === disk;
  return listed.map((item) => (isOwn(item) ? { ...item, config: { ...item.config, removable: false } } : item));
}

const FORBIDDEN = "it is on a removable device, and this machine's configuration says removable: never";

/** With every entry of a removable place as one that nobody boots. */
function withoutRemovable({ config, entries }: Listed): Listed {
  if (!config.removable) return { config, entries };
  return {
    config,
    entries: entries.map((entry) => ({ ...entry, bootable: false, reason: FORBIDDEN, isForbidden: true })),
  };
}

const diskOf = ({ origin }: ReadConfig): string | undefined => origin?.disk ?? origin?.device?.name;

/**
 * What is passed over, and every entry that boots the very same: GRUB's menu has its first system once more below
 * "Advanced options".
 */
function withTheSame(entries: readonly BootEntry[], passedOver: BootRules["passedOver"]): Map<string, string> {
  const same = new Map<string, string>();
  if (passedOver === undefined || passedOver.size === 0) return same;
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

/**
 * An entry that several configurations lead to is listed once, where it comes first: a stub on the EFI system
 * partition leads to the real grub.cfg, which is also found by itself; GRUB's blscfg lists the files of
 * /loader/entries. A removable disk's configuration takes no built-in one's entries away.
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
  for (const config of [...configs].sort((a, b) => Number(a.removable) - Number(b.removable))) {
    if (config.isFirmware) continue;
    for (const entry of config.entries) {
      if (!listedBy.has(entry.source)) listedBy.set(entry.source, byFirmware(entry) ?? config);
    }
  }
  const ways = waysThrough(configs, listedBy);
  return configs.map((config) => {
    const kept: number[] = [];
    config.entries.forEach((entry, index) => {
      if (config.isFirmware || (byFirmware(entry) ?? listedBy.get(entry.source)) === config) kept.push(index);
    });
    const own = { ...config, ...ways.get(config) };
    if (kept.length === config.entries.length) return own;
    const at = (index: number | null): number | null => {
      const place = index === null ? -1 : kept.indexOf(index);
      return place < 0 ? null : place;
    };
    const indexes = (all: readonly number[]): number[] => all.map(at).filter((index) => index !== null);
    return {
      ...own,
      entries: kept.map((index) => config.entries[index]!),
      defaultIndex: at(own.defaultIndex),
      fallback: indexes(own.fallback),
      ...(own.successors && { successors: indexes(own.successors) }),
    };
  });
}

type Way = Pick<
  ReadConfig,
  "firmware" | "defaultIndex" | "defaultIsExplicit" | "timeout" | "timeoutStyle" | "fallback"
>;

/**
 * What firmware starts with leads to entries that are listed elsewhere: the configuration that lists them is then what
 * the firmware comes to, with the default that it has by that way.
 */
function waysThrough(
  configs: readonly ReadConfig[],
  listedBy: ReadonlyMap<string, ReadConfig>,
): ReadonlyMap<ReadConfig, Way> {
  const ways = new Map<ReadConfig, Way>();
  for (const config of configs) {
    const { defaultIndex, firmware, removable, timeout, timeoutStyle, defaultIsExplicit } = config;
    const entry = defaultIndex === null ? undefined : config.entries[defaultIndex];
    if (firmware === undefined || entry === undefined) continue;
    const to = listedBy.get(entry.source);
    if (to === undefined || to === config || to.isFirmware || removable !== to.removable) continue;
    const known = ways.get(to)?.firmware ?? to.firmware;
    if (known !== undefined && !isNearer(firmware, known)) continue;
    const at = (index: number): number => placeAmong(to.entries, config.entries, index);
    const index = at(defaultIndex!);
    if (index < 0) continue;
    const fallback = config.fallback.map(at).filter((one) => one >= 0);
    const how = `${firmware.how}, by ${config.source}`;
    const way = { firmware: { ...firmware, how }, defaultIndex: index, defaultIsExplicit, timeout, timeoutStyle };
    ways.set(to, { ...way, fallback });
  }
  return ways;
}

const isNearer = (a: FirmwareWay, b: FirmwareWay): boolean =>
  a.isBootOrder === b.isBootOrder ? a.rank < b.rank : a.isBootOrder === true;

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
  const { initrdNames, initrdModes, asks, devicetreeOverlays, addons } = entry;
  const { opens, program, menu, tool, unchecked, digests, fitConfiguration } = entry;
  const more = [
    initrdNames,
    devicetreeOverlays,
    addons,
    opens,
    program,
    menu,
    tool,
    unchecked,
    digests,
    fitConfiguration,
  ];
  const hasMore = more.some((one) => one !== undefined);
  if (!hasMore) return listed;
  return {
    ...listed,
    ...(opens !== undefined && { opens }),
    ...(program !== undefined && { program }),
    ...(menu !== undefined && { menu }),
    ...(tool !== undefined && { tool }),
    ...(unchecked !== undefined && { unchecked }),
    ...(digests && { digests }),
    ...(fitConfiguration !== undefined && { fitConfiguration }),
    ...(initrdNames && { initrdNames }),
    ...(initrdModes && { initrdModes }),
    ...(asks && { asks }),
    ...(devicetreeOverlays && { devicetreeOverlays }),
    ...(addons && { addons }),
  };
}

function fileReason(entry: ParsedEntry, check: FileCheck): string | null {
  if (entry.type === "firmware" || entry.opens !== undefined) return null;
  const files = entryFiles(entry);
  if (files.length === 0) return "it names no kernel";
  const program = entry.linux && firmwareProgramReason(nameOf(entry.linux));
  if (program !== null) return program;
  for (const file of files) {
    const reason = check(file);
    if ("selector" in file) return `${file.path}: ${reason ?? noDevice(file.selector, entry.options)}`;
    if (reason !== null) return `${shownFileRef(file)}: ${reason}`;
  }
  return null;
}

/** Without folder, query and digest. */
function nameOf(ref: FileRef): string {
  const path = "url" in ref ? ref.url.replace(/[?#].*$/s, "") : ref.path;
  return path.slice(path.lastIndexOf("/") + 1);
}

/** GRUB has a ZFS pool by its number in hexadecimal (grub-probe -t fs_uuid). */
function noDevice(selector: string, options: string): string {
  const reason = `no attached device answers to ${selector}`;
  const isPool = /^UUID=[0-9a-f]{1,16}$/i.test(selector) && /(^|\s)(root=(ZFS=|zfs:)|zfs=|bootfs=)/i.test(options);
  return isPool ? `${reason}; its root is in a ZFS pool, which Baton can't read` : reason;
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
