/**
 * What an entry is, told by evidence: which system it starts, whether it is a way to repair one, whether it installs,
 * erases, tests or flashes something. Titles are a hint at most: anybody may call anything anything. Pure.
 */

import type { BootEntry, FileRef, ParsedEntry } from "../entry.ts";
import { entryFiles, formatFileRef } from "../entry.ts";
import { splitCmdline } from "./words.ts";

/** No kernel takes a longer command line; what a hostile file has beyond it is not worth the time. */
const MAX_CMDLINE_LENGTH = 16 * 1024;

/** Each question about an entry asks for its words, and there may be thousands of entries. */
const known = new WeakMap<ParsedEntry, string[]>();

/** What the entry's kernel command lines say, as words; a Xen entry has its Linux among the modules. */
function words(entry: ParsedEntry): string[] {
  let found = known.get(entry);
  if (found === undefined) {
    found = splitWords(entry);
    known.set(entry, found);
  }
  return found;
}

function splitWords(entry: ParsedEntry): string[] {
  const all = [entry.options, ...entry.modules.map(({ args }) => args)];
  // The kernel drops double quotes, systemd single ones as well.
  return all.flatMap((cmdline) => splitCmdline(cmdline.slice(0, MAX_CMDLINE_LENGTH).replaceAll("'", "")));
}

/** The value of the last word `KEY=…`, since the kernel and initrds go by the last; null where there is none. */
function lastValue(all: readonly string[], key: string): string | null {
  const found = all.findLast((word) => word.startsWith(`${key}=`));
  return found === undefined ? null : found.slice(key.length + 1);
}

/** Everything that booting the entry loads, and the words that its kernel, modules and profile get: equal for the very same. */
export function whatBoots(entry: BootEntry): string {
  const files = entryFiles(entry).map(formatFileRef);
  // What the firmware starts is only known by its name.
  if (files.length === 0) return entry.id;
  const modules = entry.modules.map(({ args }) => args);
  return JSON.stringify([entry.kind, files, entry.options, modules, entry.profile, entry.fitConfiguration]);
}

/** The kernel and its initrds, apart from the words it gets. */
function programs({ linux, initrd, modules }: BootEntry): string {
  const files: readonly (FileRef | null)[] = [linux, ...initrd, ...modules.map(({ file }) => file)];
  return JSON.stringify(files.map((file) => (file === null ? null : formatFileRef(file))));
}

/** An installed system by what its kernel command line names of it. */
export interface System {
  /** `root=`, with `nfsroot=`, or the pool's dataset where ZFS names it by words of its own. */
  readonly root: string | null;
  /** Of btrfs: `@`, or `256` for one by its number; "" for the filesystem's own default. */
  readonly subvolume: string;
  /** OSTree's name of the system whose deployments share `/var`. */
  readonly stateroot: string | null;
  /** What has to be opened or verified before the root is there: LUKS, dm-verity. */
  readonly layers: string;
  readonly machineId: string | null;
}

/** An installed root: a disk's, not a live medium's, a RAM disk's or a server's. */
const ROOT_ON_DISK =
  /^(UUID|LABEL|PARTUUID|PARTLABEL)=|^ZFS=|^zfs:|^\/dev\/(?!nfs\b|ram|sr|cdrom|loop)|^[0-9a-f]{3,4}$|^[0-9]+:[0-9]+$/i;
const LAYER_WORDS = /^(cryptdevice|cryptopts|(rd\.)?luks\.(uuid|name)|rd\.luks|roothash|usrhash)=/;

/** Reads the words by which initramfs-tools, dracut, mkinitcpio and OSTree find a root. */
export function systemOf(entry: ParsedEntry): System {
  const all = words(entry);
  const dataset = lastValue(all, "zfs") ?? lastValue(all, "bootfs");
  const named = lastValue(all, "root") ?? (dataset === null ? null : `ZFS=${dataset}`);
  const nfs = lastValue(all, "nfsroot");
  const isInstalled = named !== null && (nfs !== null || ROOT_ON_DISK.test(named));
  const flags = (lastValue(all, "rootflags") ?? "").split(",");
  const flag = (key: string): string | null => lastValue(flags, key);
  return {
    root: !isInstalled ? null : nfs === null ? named : `${named} ${nfs}`,
    subvolume: flag("subvol")?.replace(/^\/+/, "") ?? flag("subvolid") ?? "",
    stateroot: /^\/ostree\/boot\.[01](?:\.[01])?\/([^/]+)\//.exec(lastValue(all, "ostree") ?? "")?.[1] ?? null,
    layers: all.filter((word) => LAYER_WORDS.test(word)).join(" "),
    machineId: entry.machineId ?? null,
  };
}

/**
 * Whether two entries start the same installed system. Two that name no root are the same only where both carry one
 * machine-id: a sort-key, a title or a folder proves nothing.
 */
export function isSameSystem(a: System, b: System): boolean {
  if (a.root === null && b.root === null) return a.machineId !== null && a.machineId === b.machineId;
  const isSame = (key: keyof System): boolean => a[key] === b[key];
  return isSame("root") && isSame("subvolume") && isSame("stateroot") && isSame("layers");
}

/** Whether another kernel or initrd starts the same system. */
export function isOtherKernel(a: BootEntry, b: BootEntry): boolean {
  return programs(a) !== programs(b);
}

const SNAPSHOTS = /(^|\/)@?[._]?snapshots?\/|^timeshift-btrfs\//i;

/** Whether it starts a snapshot, by where its subvolume lies (snapper, timeshift): another state of some system. */
export const isOfSnapshot = (entry: BootEntry): boolean => SNAPSHOTS.test(systemOf(entry).subvolume);

/** Words on which init, systemd, dracut and initramfs-tools stop at a shell, or in a state for repairs. */
const REPAIR_WORDS =
  /^(single|S|-?s|-b|[016]|recovery|rescue|emergency|rd\.break|break|(rd\.)?systemd\.(run|debug[-_]shell))(=.*)?$/i;
/** Any unit but those that a system comes up with. */
const REPAIR_UNITS = /^(rd\.)?systemd\.unit=(?!(default|multi-user|graphical)\.target$)/;
/** Any first program but an init by its usual names. */
const OTHER_INIT =
  /^(rd)?init=(?!(\/init|(\/usr)?\/s?bin\/(init|systemd)|(\/usr)?\/lib\/systemd\/systemd|\/nix\/store\/[^ ]+\/init)$)/;
/** Images for repairs have the same root as the system, and often no word that says so: Fedora's `0-rescue`. */
const REPAIR_IMAGE = /(rescue|recovery|factory|reset|install)/i;

/** Why the entry is one for repairs, in a few words; null where nothing says so. */
export function repairEvidence(entry: ParsedEntry): string | null {
  const word = words(entry).find((one) => REPAIR_WORDS.test(one) || REPAIR_UNITS.test(one) || OTHER_INIT.test(one));
  if (word !== undefined) return `its command line has ${word}`;
  const paths = entryFiles(entry).map((ref) => ("path" in ref ? ref.path : ref.url));
  const name = [entry.version ?? "", entry.nativeId ?? "", ...paths].find((one) => REPAIR_IMAGE.test(one));
  return name === undefined ? null : `${name} is named as an image for repairs`;
}

/** Words that have an installer go on without asking. They count where no installed root is named. */
const INSTALL_WORDS = [
  /^(inst\.)?ks(=|$|\.)/,
  /^inst\.(repo|stage2|cmdline)\b/,
  /^preseed(\/|=|$)/,
  /^(auto|automatic-install\S*)=(true|yes|1)$/,
  /^(debian-installer|netcfg|partman|mirror)\//,
  /^autoinstall(=|$)/,
  /^autoyast2?(=|$)/,
  /^ds=nocloud/,
  /^(coreos|fcos)\.inst\./,
  /^(harvester|elemental|kairos|cos)\.(install|auto)/,
  /^(fai_)?action=install$/i,
  /^talos\.install/,
];
/** Words that erase or reset, whatever root they are given. */
const ERASE_WORDS = [
  /^nuke=/,
  /\bautonuke\b/,
  /^(dban|dwipe|nwipe|shredos)\b/i,
  /^(erase|wipe|reset|reinstall|reimage|uninstall|factory[-_.]?reset|rd\.factory_reset|systemd\.factory_reset)(=(?!0$|no$|false$|off$).*)?$/i,
  /^ocs_live_(run|batch)=.*(restore|ocs-sr|ocs-onthefly)/,
  /^androidboot\.mode=(recovery|fastboot)/,
];
/** Programs in place of a kernel. */
const TESTERS = /(memtest|mt86|memdisk|wimboot|fwup|flashrom|dban|dwipe|nwipe|shredos)/i;

/** A word by which an installer goes on without asking; null where there is none. */
export function installEvidence(entry: ParsedEntry): string | null {
  const word = words(entry).find((one) => INSTALL_WORDS.some((pattern) => pattern.test(one)));
  return word === undefined ? null : `its command line has ${word}`;
}

/**
 * Why the entry may install, erase, reset, test or flash something, in a few words; null where nothing says so. Such
 * an entry boots by itself only where its owner or its own configuration chose it explicitly.
 */
export function hazardEvidence(entry: ParsedEntry): string | null {
  const erases = words(entry).find((one) => ERASE_WORDS.some((pattern) => pattern.test(one)));
  if (erases !== undefined) return `its command line has ${erases}`;
  const installs = systemOf(entry).root === null ? installEvidence(entry) : null;
  if (installs !== null) return installs;
  const tester = entryFiles(entry)
    .map(fileName)
    .find((name) => TESTERS.test(name));
  if (tester !== undefined) return `${tester} is no system's kernel`;
  return entry.tool === undefined ? null : `its menu class is ${entry.tool}`;
}

const fileName = (ref: FileRef): string =>
  ("path" in ref ? ref.path : ref.url.replace(/[?#].*$/s, "")).replace(/^.*\//s, "");

const TITLE =
  /\b(re-?install\w*|un-?install\w*|install\w*|set-?up|deploy\w*|erase\w*|wipe\w*|format|reset\w*|factory|restor\w*|recover\w*|rescue|repair\w*|diagnos\w*|memory test|memtest\w*|firmware|flash\w*|single[- ]user|delete\w*|destroy\w*|remove\w*)\b/i;

/**
 * A word of the entry's title, or of its submenus', that a repair or an installer would have; null where there is none.
 * It only keeps an entry from being tried in a failed one's place.
 */
export function titleEvidence({ title, submenu }: BootEntry): string | null {
  const found = [title, ...submenu].map((text) => TITLE.exec(text)?.[0]).find((word) => word !== undefined);
  return found === undefined ? null : `it is titled "${found}"`;
}
