/** The entry that the machine's owner names (`default`, `fallback`, `baton.default=`): never one that a stranger brought. Pure. */

import type { BootEntry } from "../entry.ts";
import { answersTo } from "../identity.ts";
import { findEntries } from "./find.ts";
import { placeInOrder } from "./order.ts";
import { type BootRules, isFromNetwork, type Listed, mayBootByItself, type ReadConfig } from "./readconfig.ts";

/** What a name leads to. */
export interface Named {
  readonly entry: BootEntry | null;
  /** What else the owner should know: why it leads nowhere, or what else has that name. */
  readonly note: string | null;
}

/** `UUID=1234-ABCD>Title`, `LABEL=RESCUE>Title`, `sda1>Title`: an entry of one place, which may be a removable one. */
const PLACE = /^((?:(?:UUID|LABEL|PARTUUID|PARTLABEL)=)?[^>=]+)>(.+)$/is;

/**
 * Looks for a name among the places that may boot by themselves. A removable place counts where `removable` or `order`
 * allow it, or where the name is an id or says which place is meant; one that several removable devices answer to
 * leads to none of them.
 */
export function findNamed(listed: readonly Listed[], name: string, rules: BootRules): Named {
  const byId = listed.find(({ entries }) => entries.some(({ id }) => id === name));
  if (byId !== undefined) return { entry: byId.entries.find(({ id }) => id === name)!, note: null };

  const place = PLACE.exec(name);
  const there = place === null ? [] : listed.filter(({ config }) => isThere(config, place[1]!));
  if (there.length > 0) return inPlace(there, place![2]!, name);

  const allowed = sorted(
    listed.filter(({ config }) => isAllowed(config, rules)),
    rules,
  );
  const found = findAmong(allowed, name);
  const [first, ...others] = found;
  if (first !== undefined) {
    const also = others.filter((other) => other.config !== first.config).map(({ config }) => config.source);
    const note = also.length === 0 ? null : `one of that name is also in ${[...new Set(also)].slice(0, 3).join(", ")}`;
    return { entry: first.entry, note };
  }
  const stranger = findAmong(
    listed.filter((item) => !allowed.includes(item)),
    name,
  )[0];
  if (stranger === undefined) return { entry: null, note: `nothing is named ${name}` };
  return { entry: null, note: `${name} is only in ${stranger.config.source}, ${howToName(stranger.config, name)}` };
}

interface Found {
  readonly config: ReadConfig;
  readonly entry: BootEntry;
}

/** All that answer to a name in the way that the first of them does; numbers count these places' entries alone. */
function findAmong(places: readonly Listed[], name: string): Found[] {
  const configs = new Map(places.flatMap(({ config, entries }) => entries.map((entry) => [entry, config] as const)));
  return findEntries([...configs.keys()], name).map((entry) => ({ entry, config: configs.get(entry)! }));
}

function isAllowed(config: ReadConfig, rules: BootRules): boolean {
  if (config.removable || isFromNetwork(config)) return mayBootByItself(config, rules);
  return true;
}

/** Built-in disks first, by the owner's order, then as they are listed. */
function sorted(places: readonly Listed[], rules: BootRules): Listed[] {
  const rank = ({ config }: Listed): number =>
    (placeInOrder(rules.order, config.origin, config.removable) ?? rules.order.length) +
    (config.removable || isFromNetwork(config) ? 1000 : 0);
  return [...places].sort((a, b) => rank(a) - rank(b));
}

const isThere = ({ origin }: ReadConfig, place: string): boolean => {
  const device = origin?.device ?? null;
  return (
    device !== null &&
    answersTo(
      device,
      place.replace(/^[a-z]+=/i, (tag) => tag.toUpperCase()),
    )
  );
};

/** In the one place that was named: a built-in one before a removable copy of it, and of two copies none. */
function inPlace(there: readonly Listed[], title: string, name: string): Named {
  const fixed = there.filter(({ config }) => !config.removable);
  const devices = new Set((fixed.length > 0 ? fixed : there).map(({ config }) => config.origin?.device?.name));
  if (fixed.length === 0 && devices.size > 1) {
    return {
      entry: null,
      note: `${name}: ${[...devices].join(" and ")} both answer to that, so neither boots by itself`,
    };
  }
  const entry = findAmong(fixed.length > 0 ? fixed : there, title)[0]?.entry ?? null;
  return { entry, note: entry === null ? `nothing is named ${name}` : null };
}

function howToName({ removable, origin }: ReadConfig, name: string): string {
  if (!removable) return "which may not boot by itself";
  const device = origin?.device ?? null;
  const place = device?.uuid ? `UUID=${device.uuid}` : (device?.name ?? "DEVICE");
  return `on a removable device, where it boots by itself only with the line  default: "${place}>${name}"`;
}
