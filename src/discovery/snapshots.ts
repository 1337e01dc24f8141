/** Snapshots get the command line of the system that they are of, with `rootflags=subvol=` set anew. */

import type { Diagnostic, FileRef, ParsedEntry, SnapshotFacts } from "../entry.ts";
import { answersTo, type VolumeIdentity } from "../identity.ts";
import { hazardEvidence, repairEvidence, systemOf } from "../policy/evidence.ts";
import type { ReadConfig } from "../policy/readconfig.ts";

/** An entry of another configuration that starts a system with its root on the snapshots' volume. */
interface SystemEntry {
  readonly entry: ParsedEntry;
  readonly config: ReadConfig;
  /** `@`; "" for the filesystem's default or top. */
  readonly subvolume: string;
}

/**
 * A snapshot of no system that is listed isn't offered, nor one that a configuration already starts from: snapper's and
 * grub-btrfs's own menus, and the running system after a rollback.
 */
export function withSystems(configs: readonly ReadConfig[]): readonly ReadConfig[] {
  const isOfSnapshots = ({ entries }: ReadConfig): boolean => entries.some(({ snapshot }) => snapshot !== undefined);
  const others = configs.filter((config) => !isOfSnapshots(config));
  if (others.length === configs.length) return configs;
  return configs.map((config) => (isOfSnapshots(config) ? withSystem(config, others) : config));
}

function withSystem(config: ReadConfig, others: readonly ReadConfig[]): ReadConfig {
  const volume = config.origin?.device;
  const near = others.filter(({ removable }) => removable === config.removable);
  const defaults = systemsOn(volume, near, ({ entries, defaultIndex }) => entries.slice(defaultIndex ?? 0).slice(0, 1));
  const all = systemsOn(volume, near, ({ entries }) => entries);
  const own = defaults.length > 0 ? defaults : all;
  const names = new Set(own.map(({ subvolume }) => subvolume));
  const taken = new Set(others.flatMap(({ entries }) => entries.map(({ linux }) => folderOf(linux, volume))));
  const entries: ParsedEntry[] = [];
  const diagnostics: Diagnostic[] = [...config.diagnostics];
  let locks: ReadConfig | undefined;
  for (const entry of config.entries) {
    const { snapshot, ...rest } = entry;
    if (snapshot === undefined || own.length === 0 || taken.has(snapshot.subvolume) || names.has(snapshot.subvolume))
      continue;
    const isOwn = ({ subvolume }: SystemEntry): boolean => subvolume === snapshot.of;
    const system = own.find(isOwn) ?? all.find(isOwn) ?? (names.size === 1 ? own[0] : undefined);
    for (const message of snapshot.warnings) {
      // Each of its kernels has the same to say of a snapshot.
      if (diagnostics.some((one) => one.source === entry.source && one.message === message)) continue;
      diagnostics.push({ severity: "warning", source: entry.source, line: null, column: null, message });
    }
    if (system?.entry.restricted) locks ??= system.config;
    const isTwiceShut = system?.entry.restricted != null && system.config !== locks;
    const how = system === undefined ? UNKNOWN : isTwiceShut ? TWICE_SHUT : started(entry, snapshot, system.entry);
    entries.push({ ...rest, ...unchecked(snapshot), ...how });
  }
  const { superusers, passwords, isNameless } = locks ?? {};
  const shut = {
    ...(superusers && { superusers }),
    ...(passwords && { passwords }),
    ...(isNameless && { isNameless }),
  };
  return { ...config, entries, diagnostics, ...shut };
}

const UNKNOWN = {
  reason: "there are several systems on its filesystem, and it can't be told of which it is a snapshot",
};

const TWICE_SHUT = {
  reason: "two systems on its filesystem have passwords, and the snapshots can be opened by the other's alone",
};

const unchecked = ({ warnings }: SnapshotFacts) => ({ unchecked: ["it is a snapshot", ...warnings].join("; ") });

/** What of its system's own entry counts for a snapshot. */
function started({ linux }: ParsedEntry, { subvolume }: SnapshotFacts, system: ParsedEntry): Partial<ParsedEntry> {
  const { restricted, devicetree, devicetreeOverlays } = system;
  const kernel = linux !== null && "path" in linux ? linux.path : "";
  return {
    ...{ restricted, devicetree, options: snapshotOptions(system.options, subvolume, kernel) },
    ...(devicetreeOverlays && { devicetreeOverlays }),
  };
}

/** A system's command line for one of its snapshots: all else of `rootflags=` stays. */
export function snapshotOptions(options: string, subvolume: string, kernel: string): string {
  const words = options.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  const keyOf = (word: string): string => word.replaceAll('"', "").replace(/=.*$/s, "");
  // The kernel and initrds go by the last.
  const last = words.findLast((word) => keyOf(word) === "rootflags")?.replaceAll('"', "");
  const flags = (last ?? "").slice("rootflags=".length).split(",");
  const others = flags.filter((flag) => flag !== "" && !/^subvol(id)?=/.test(flag));
  // A bootloader's own words for its files are not this kernel's.
  const kept = words.filter((word) => !["rootflags", "initrd"].includes(keyOf(word)));
  const named = kept.map((word) => (keyOf(word) === "BOOT_IMAGE" ? `BOOT_IMAGE=${kernel}` : word));
  return [...named, `rootflags=${[`subvol=${subvolume}`, ...others].join(",")}`].join(" ");
}

function systemsOn(
  volume: VolumeIdentity | null | undefined,
  configs: readonly ReadConfig[],
  entriesOf: (config: ReadConfig) => readonly ParsedEntry[],
): SystemEntry[] {
  if (volume == null) return [];
  return configs.flatMap((config) =>
    entriesOf(config).flatMap((entry) => {
      const { root, subvolume } = systemOf(entry);
      const isSystem =
        entry.kind === "linux" &&
        [entry.reason, repairEvidence(entry), hazardEvidence(entry)].every((why) => why === null) &&
        entry.opens === undefined &&
        isRootOn(volume, root, entry.linux);
      return isSystem ? [{ entry, config, subvolume: subvolume || (folderOf(entry.linux, volume) ?? "") }] : [];
    }),
  );
}

/** `root=` names the volume; a mapped device's name proves nothing, and then the kernel's own place tells. */
function isRootOn(volume: VolumeIdentity, root: string | null, linux: FileRef | null): boolean {
  if (root === null) return false;
  const name = root.replace(/^\/dev\/(?!mapper\/|disk\/)/, "");
  if (answersTo(volume, name)) return true;
  return root.startsWith("/dev/") && folderOf(linux, volume) !== null;
}

/** The subvolume from whose /boot a kernel comes, null where it isn't on that volume. */
function folderOf(linux: FileRef | null, volume: VolumeIdentity | null | undefined): string | null {
  if (linux === null || !("device" in linux) || linux.device !== volume?.name) return null;
  const at = linux.path.lastIndexOf("/boot/");
  return at < 0 ? null : linux.path.slice(1, Math.max(1, at));
}
