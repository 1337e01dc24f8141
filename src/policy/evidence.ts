/**
 * What an entry is, told by evidence: which system it starts, whether it is a way to repair one, whether it installs,
 * erases, tests or flashes something. Titles are a hint at most: anybody may call anything anything. Pure.
 */

import type { BootEntry, FileRef } from "../entry.ts";
import { entryFiles, formatFileRef } from "../entry.ts";
import { splitCmdline } from "./words.ts";

/** No kernel takes a longer command line; what a hostile file has beyond it is not worth the time. */
const MAX_CMDLINE_LENGTH = 16 * 1024;

/** What the entry's kernel command lines say, as words; a Xen entry has its Linux among the modules. */
function words(entry: BootEntry): string[] {
  const all = [entry.options, ...entry.modules.map(({ args }) => args)];
  return all.flatMap((cmdline) => splitCmdline(cmdline.slice(0, MAX_CMDLINE_LENGTH)));
}

/** The value of the last word `KEY=…`, since the kernel and initrds go by the last; null where there is none. */
function lastValue(all: readonly string[], key: string): string | null {
  const found = all.findLast((word) => word.startsWith(`${key}=`));
  return found === undefined ? null : found.slice(key.length + 1);
}

/** Everything that booting the entry loads, with the words that its kernel gets: equal where two boot the very same. */
export function whatBoots(entry: BootEntry): string {
  const files = entryFiles(entry).map(formatFileRef);
  // What the firmware starts is only known by its name.
  if (files.length === 0) return entry.id;
  const modules = entry.modules.map(({ args }) => args);
  return JSON.stringify([entry.kind, files, entry.options, modules, entry.profile]);
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
  readonly machineId: string | null;
}

/** Reads the words by which initramfs-tools, dracut, mkinitcpio and OSTree find a root. */
export function systemOf(entry: BootEntry): System {
  const all = words(entry);
  const named = lastValue(all, "root") ?? lastValue(all, "zfs") ?? lastValue(all, "bootfs");
  const nfs = lastValue(all, "nfsroot");
  const flags = (lastValue(all, "rootflags") ?? "").split(",");
  const flag = (key: string): string | null => lastValue(flags, key);
  return {
    root: named === null ? null : nfs === null ? named : `${named} ${nfs}`,
    subvolume: flag("subvol")?.replace(/^\/+/, "") ?? flag("subvolid") ?? "",
    stateroot: /^\/ostree\/boot\.[01](?:\.[01])?\/([^/]+)\//.exec(lastValue(all, "ostree") ?? "")?.[1] ?? null,
    machineId: entry.machineId ?? null,
  };
}

/**
 * Whether two entries start the same installed system. Two that name no root are the same only where both carry one
 * machine-id: a sort-key, a title or a folder proves nothing.
 */
export function isSameSystem(a: System, b: System): boolean {
  if (a.root === null && b.root === null) return a.machineId !== null && a.machineId === b.machineId;
  return a.root === b.root && a.subvolume === b.subvolume && a.stateroot === b.stateroot;
}

/** Whether another kernel or initrd starts the same system. */
export function isOtherKernel(a: BootEntry, b: BootEntry): boolean {
  return programs(a) !== programs(b);
}

/** Words on which init, systemd, dracut and initramfs-tools stop at a shell or in a state for repairs. */
const REPAIR_WORDS = /^(single|S|s|1|recovery|rescue|emergency|-b|rd\.break(=.*)?|break(=.*)?)$/;
const REPAIR_UNITS = /^(rd\.)?systemd\.unit=(rescue|emergency|runlevel1|system-update|factory-reset)\b/;
const SHELL = /^(rd)?init=(.*\/)?(ba|da|a|z|k|fi)?sh$|^(rd)?init=(.*\/)?(busybox|sulogin)$/;
/** Fedora's and its kin's rescue image: the same root, and no word that says so. */
const RESCUE_IMAGE = /\b0-rescue\b/;

/** Why the entry is one for repairs, in a few words; null where nothing says so. */
export function repairEvidence(entry: BootEntry): string | null {
  const word = words(entry).find((one) => REPAIR_WORDS.test(one) || REPAIR_UNITS.test(one) || SHELL.test(one));
  if (word !== undefined) return `its command line has ${word}`;
  const names = [entry.version ?? "", entry.nativeId ?? "", ...entryFiles(entry).map(formatFileRef)];
  return names.some((name) => RESCUE_IMAGE.test(name)) ? "it is the rescue image" : null;
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
/** An installed root: a disk's, not a live medium's or a server's. */
const ROOT_ON_DISK =
  /^(UUID|LABEL|PARTUUID|PARTLABEL)=|^ZFS=|^zfs:|^\/dev\/(?!nfs\b|ram|sr|cdrom|loop)|^[0-9a-f]{3,4}$|^[0-9]+:[0-9]+$/i;
/** Programs in place of a kernel. */
const TESTERS = /(memtest|mt86|memdisk|wimboot|fwup|flashrom|dban|dwipe|nwipe|shredos)/i;

/**
 * Why the entry may install, erase, reset, test or flash something, in a few words; null where nothing says so. Such
 * an entry boots by itself only where its owner or its own configuration chose it explicitly.
 */
export function hazardEvidence(entry: BootEntry): string | null {
  const all = words(entry);
  const erases = all.find((one) => ERASE_WORDS.some((pattern) => pattern.test(one)));
  if (erases !== undefined) return `its command line has ${erases}`;
  const root = lastValue(all, "root");
  if (root === null || !ROOT_ON_DISK.test(root)) {
    const installs = all.find((one) => INSTALL_WORDS.some((pattern) => pattern.test(one)));
    if (installs !== undefined) return `its command line has ${installs}`;
  }
  const tester = entryFiles(entry)
    .map(fileName)
    .find((name) => TESTERS.test(name));
  if (tester !== undefined) return `${tester} is no system's kernel`;
  return entry.tool === undefined ? null : `its menu class is ${entry.tool}`;
}

const fileName = (ref: FileRef): string =>
  ("path" in ref ? ref.path : ref.url).replace(/[?#].*$/, "").replace(/^.*\//, "");

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
