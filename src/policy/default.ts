/** Which entry is the default, and why (docs/manual.md, "What boots by itself"). Pure. */

import type { BootEntry } from "../entry.ts";
import { hazardEvidence } from "./evidence.ts";
import { followByItself } from "./links.ts";
import { placeInOrder } from "./order.ts";
import { findNamed } from "./owner.ts";
import { type BootRules, isFromNetwork, type Listed, mayBootByItself, type ReadConfig } from "./readconfig.ts";

export interface Choice {
  readonly entry: BootEntry | undefined;
  /** The configuration whose timeout and fallbacks count. */
  readonly from: Listed | undefined;
  /** The entries that led to it, each by opening another menu (a chainload). */
  readonly via: readonly BootEntry[];
  readonly why: string;
  /** True where no device that comes after the default's own can make another one the default. */
  readonly isDecided: boolean;
  /** The name that the owner gave, and whether it led to an entry; null where no name counts. */
  readonly named: { readonly name: string; readonly isFound: boolean } | null;
}

/** The default as it is before anything has failed. */
export function chooseDefault(listed: readonly Listed[], rules: BootRules): Choice {
  const isSaved = rules.default === "@saved";
  const wanted = isSaved ? (rules.saved ?? null) : rules.default;
  const { entry: named, note } = wanted === null ? { entry: null, note: null } : findNamed(listed, wanted, rules);
  if (named !== null && !isHandedOn(listed, named)) {
    const from = listed.find((item) => item.entries.includes(named));
    const asked = rules.otherwise === undefined ? "it is named: default" : "it was asked for, for this start:";
    const how = isSaved ? "it was saved as the default" : `${asked} ${rules.default}`;
    // What a removable device has gives way to a built-in disk that answers later.
    const isDecided = from?.config.removable === false;
    const choice = throughMenus(listed, rules, { entry: named, from, via: [], why: how, isDecided });
    return { ...choice, why: withNotes(choice.why, [note]), named: { name: wanted!, isFound: true } };
  }
  if (rules.otherwise !== undefined) {
    // It may still come; a name that leads nowhere takes nothing from the owner's own.
    const { otherwise, ...usual } = rules;
    const choice = chooseDefault(listed, { ...usual, default: otherwise });
    const why = withNotes(choice.why, [note]);
    return { ...choice, why, isDecided: false, named: wanted === null ? null : { name: wanted, isFound: false } };
  }
  const choice = chooseFrom(listed, rules, named);
  return {
    ...choice,
    why: withNotes(choice.why, [note]),
    isDecided: choice.isDecided && wanted === null,
    named: wanted === null ? null : { name: wanted, isFound: named !== null },
  };
}

const withNotes = (text: string, notes: readonly (string | null)[]): string =>
  [text, ...notes.filter((note) => note !== null)].join("; ");

/** An entry of a network's menu that gives the machine back to its own disks (LOCALBOOT, GRUB's and iPXE's `exit`). */
const isHandedOn = (listed: readonly Listed[], entry: BootEntry): boolean =>
  entry.kind === "local" && listed.some(({ config, entries }) => isFromNetwork(config) && entries.includes(entry));

/** The best configuration's own default. */
function chooseFrom(listed: readonly Listed[], rules: BootRules, local: BootEntry | null): Omit<Choice, "named"> {
  const ranked = local === null ? rankedConfigs(listed, rules) : ownDisks(listed, rules);
  const notes: string[] = local === null ? [] : [`${local.title} hands on to this machine's own disks`];
  for (const from of ranked) {
    const { config, entries } = from;
    const entry = entries[config.defaultIndex!];
    if (entry === undefined) continue;
    if (isHandedOn(listed, entry)) {
      const choice = chooseFrom(listed, rules, entry);
      return { ...choice, why: `${config.source}: ${choice.why}`, isDecided: false };
    }
    const hazard = config.defaultIsExplicit ? null : hazardEvidence(entry);
    if (hazard !== null) {
      notes.push(`${entry.title} (${config.source}) does not boot by itself: ${hazard}, and nothing names it`);
      continue;
    }
    const others = ranked.filter((item) => item !== from).map((item) => item.config.source);
    const also = others.length === 0 ? null : `a default is also in ${others.slice(0, 3).join(", ")}`;
    const isOwn = !config.removable && !config.isPluggable;
    const isSure = isStrong(config) && isOwn && rules.order.length === 0 && local === null;
    return throughMenus(listed, rules, {
      entry,
      from,
      via: [],
      why: withNotes(`${local === null ? "" : `${notes[0]}; `}${config.source} ${howChosen(config, rules)}`, [
        also,
        ...notes.slice(local === null ? 0 : 1),
      ]),
      isDecided: isSure,
    });
  }
  return {
    entry: undefined,
    from: undefined,
    via: [],
    why: withNotes(whyNone(listed, rules), notes),
    isDecided: false,
  };
}

/** Where the default opens another bootloader's menu, that one's default is the default; the first menu's time counts. */
function throughMenus(
  listed: readonly Listed[],
  rules: BootRules,
  choice: Omit<Choice, "named">,
): Omit<Choice, "named"> {
  const { entry: first, from, why } = choice;
  // The disk of a program that isn't there may still come.
  if (first?.program !== undefined && first.leadsTo === undefined) return { ...choice, isDecided: false };
  if (first?.leadsTo === undefined) return choice;
  const { entry, from: to, via, obstacle } = followByItself(listed, rules, first);
  if (to === undefined) return { ...choice, why: withNotes(why, [obstacle]) };
  const timeout = from?.config.timeout ?? to.config.timeout;
  const way = via.map(({ title, menu }) => `${title} opens ${menu}`).join(", where ");
  return { ...choice, entry, from: { ...to, config: { ...to.config, timeout } }, via, why: `${why}; ${way}` };
}

function howChosen({ defaultIsExplicit, firmware }: ReadConfig, rules: BootRules): string {
  if (rules.order.length > 0) return "comes first in the order of the configuration";
  if (firmware !== undefined) return firmware.how;
  return defaultIsExplicit ? "names it as its default" : "has it first, and none names a default";
}

function whyNone(listed: readonly Listed[], rules: BootRules): string {
  const isShut = listed.some(({ config }) => config.defaultIndex !== null && !mayBootByItself(config, rules));
  return isShut
    ? "nothing boots by itself: what there is lies on removable devices or outside the order of the configuration"
    : "nothing boots by itself: no configuration has a default";
}

/**
 * The configurations whose defaults may be the machine's, best first: by the owner's order, fixed disks before
 * removable ones, by the firmware's own order, those that the firmware would come to or that name a default before
 * those that merely have a first entry, then the order of disks; on one disk, the one that the firmware would come to.
 */
function rankedConfigs(listed: readonly Listed[], rules: BootRules): Listed[] {
  const disks = [...new Set(listed.map(({ config }) => startDisk(config)))];
  const keys = ({ config }: Listed): readonly number[] => [
    config.isNamed ? 0 : 1,
    placeInOrder(rules.order, config.origin, config.removable) ?? 0,
    // What somebody left in the machine, and what strangers may answer, come after the machine's own disks.
    config.removable || config.origin?.device === null ? 1 : 0,
    config.firmware?.isBootOrder ? config.firmware.rank : LAST,
    isStrong(config) ? disks.indexOf(startDisk(config)) : disks.length,
    config.firmware?.rank ?? LAST,
    config.defaultIsExplicit ? 0 : 1,
  ];
  return listed
    .filter(({ config }) => config.defaultIndex !== null && !config.isInFile && mayBootByItself(config, rules))
    .map((item) => ({ item, keys: keys(item) }))
    .sort((a, b) => compareKeys(a.keys, b.keys))
    .map(({ item }) => item);
}

const LAST = Number.MAX_SAFE_INTEGER;

/** Nothing on a later disk can take the default from it. */
const isStrong = ({ defaultIsExplicit, firmware }: ReadConfig): boolean => defaultIsExplicit || firmware !== undefined;

/** The disk that counts; all that lie on no known disk (directories) count as on one. */
const startDisk = ({ firmware, origin }: ReadConfig): string | null => firmware?.disk ?? origin?.disk ?? null;

function compareKeys(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((key, index) => key !== b[index]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

/** What the machine has by itself: also where `order` says that the network alone boots (`network: require`). */
export function ownDisks(listed: readonly Listed[], rules: BootRules): Listed[] {
  const order = rules.order.filter((source) => !/^(network$|mac[=:])/i.test(source));
  return rankedConfigs(
    listed.filter(({ config }) => !isFromNetwork(config)),
    { ...rules, order },
  );
}
