/** What boots by itself after the default has failed (docs/manual.md, "What boots by itself"). Pure. */

import type { BootEntry } from "../entry.ts";
import {
  hazardEvidence,
  installEvidence,
  isOfSnapshot,
  isOtherKernel,
  isSameSystem,
  repairEvidence,
  systemOf,
  titleEvidence,
  whatBoots,
} from "./evidence.ts";
import { followByItself } from "./links.ts";
import { findNamed } from "./owner.ts";
import { type BootRules, isFromNetwork, type Listed, mayBootByItself } from "./readconfig.ts";

/** In `fallback`: whatever may boot by itself, another system too. */
const ANY = "any";
/** No system has so many kernels; a list of thousands is made anew with each device. */
const MAX_FOLLOWERS = 64;

/**
 * The default and, in this order and nothing else: the owner's fallbacks; what the default's own configuration names;
 * other kernels of the same system; with `fallback: any` everything that may boot by itself. Each once, and what boots
 * the very same once.
 * @param entry the default, where there is one
 * @param from  the configuration that it is the default of
 */
export function unattendedOrder(
  listed: readonly Listed[],
  rules: BootRules,
  entry: BootEntry | undefined,
  from: Listed | undefined,
): BootEntry[] {
  // Where its own bootloader would ask for a password and wait, nothing else than the owner's own word takes its place.
  const asks = entry !== undefined && entry.restricted !== null;
  const order = [
    ...(entry === undefined ? [] : [entry]),
    ...rules.fallback.flatMap((name) => (name === ANY ? [] : (findNamed(listed, name, rules).entry ?? []))),
    ...(from === undefined || asks ? [] : ownFallbacks(from)),
    ...(entry === undefined || asks ? [] : sameSystem(listed, rules, entry)),
    ...(rules.fallback.includes(ANY) ? anything(listed, rules, from) : []),
  ];
  const seen = new Set<string>();
  const once = order
    .map((one) => (one === entry ? one : followByItself(listed, rules, one).entry))
    .filter((one) => {
      const what = whatBoots(one);
      return !seen.has(what) && seen.add(what) !== undefined;
    });
  // What nobody confirmed is tried when nothing else has booted: a machine that comes up badly can be mended.
  const isUnconfirmed = ({ id }: BootEntry): number => Number(rules.passedOver?.has(id) ?? false);
  return once.sort((a, b) => isUnconfirmed(a) - isUnconfirmed(b));
}

/** Whether an attempt by itself can lead anywhere. */
export const canBootByItself = (entry: BootEntry): boolean =>
  entry.bootable &&
  entry.restricted === null &&
  entry.opens === undefined &&
  entry.leadsTo === undefined &&
  entry.unchecked === undefined;

const KERNELS: readonly BootEntry["kind"][] = ["linux", "multiboot", "multiboot2"];

/** A kernel that nothing says would do anything but start its system. */
const isOrdinary = (entry: BootEntry): boolean =>
  KERNELS.includes(entry.kind) &&
  canBootByItself(entry) &&
  repairEvidence(entry) === null &&
  hazardEvidence(entry) === null &&
  // As a default, an installed system may keep such a word; in a failed one's place it is in doubt.
  installEvidence(entry) === null;

function ownFallbacks({ config, entries }: Listed): BootEntry[] {
  return [...config.fallback, ...(config.successors ?? [])].flatMap((index) => entries[index] ?? []);
}

/**
 * Other kernels and initrds of the same system: in the default's own configuration, and in the same kind of
 * configuration on another built-in disk, as a mirrored EFI system partition has it.
 */
function sameSystem(listed: readonly Listed[], rules: BootRules, entry: BootEntry): BootEntry[] {
  const own = listed.find(({ entries }) => entries.includes(entry));
  if (own === undefined) return [];
  const system = systemOf(entry);
  const mirrors = listed.filter(
    ({ config }) =>
      config !== own.config &&
      !isFromNetwork(config) &&
      !config.removable &&
      !config.isInFile &&
      pathOf(config.source) === pathOf(own.config.source) &&
      mayBootByItself(config, rules),
  );
  const isFollowing = (other: BootEntry): boolean =>
    other !== entry &&
    isOrdinary(other) &&
    isSameSystem(system, systemOf(other)) &&
    isOtherKernel(entry, other) &&
    titleEvidence(other) === null;
  const found: BootEntry[] = [];
  for (const { entries } of [own, ...mirrors]) {
    for (const other of entries) {
      if (isFollowing(other)) found.push(other);
      if (found.length === MAX_FOLLOWERS) return found;
    }
  }
  return found;
}

const pathOf = (source: string): string => source.slice(source.indexOf(":") + 1);

/**
 * The default's configuration, fixed disks, then removable ones where they may; never what may erase or install, nor a
 * snapshot.
 */
function anything(listed: readonly Listed[], rules: BootRules, from: Listed | undefined): BootEntry[] {
  const places = listed.filter(({ config }) => !config.isInFile && mayBootByItself(config, rules));
  return [
    ...(from === undefined ? [] : from.entries),
    ...places.filter(({ config }) => !config.removable).flatMap(({ entries }) => entries),
    ...places.flatMap(({ entries }) => entries),
  ].filter((entry) => isOrdinary(entry) && !isOfSnapshot(entry));
}
