/** What policy starts from: configurations as they were read, and what the machine's owner has settled. Pure. */

import type { BootEntry, Diagnostic, ParsedEntry, UserPassword } from "../entry.ts";
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
  /** Defaults that the configuration would have after its default, and each of these in turn, had failed. */
  readonly successors?: readonly number[];
  readonly timeout: number | null;
  readonly timeoutStyle: "menu" | "hidden" | null;
  /** What names the volume in ids: its UUID where that is unique, else the device's name. */
  readonly volumeKey: string;
  readonly removable: boolean;
  /** The kernel doesn't call it removable, but it is attached by USB or FireWire: a stick, or a server's own disk. */
  readonly isPluggable?: boolean;
  /** It stands in a file that lies on a disk (an ISO): nothing in it boots unless a person names or picks it. */
  readonly isInFile?: boolean;
  /** The firmware's own boot entries: each stands for the file that it starts, in the place of the disk's own entry for it. */
  readonly isFirmware?: boolean;
  /** The machine's owner named it (`baton.url=`): its default comes before all others. */
  readonly isNamed?: boolean;
  /** Where it came from, for `order:` of the configuration. */
  readonly origin?: Origin;
  /** Who alone may edit and open a shell, where its bootloader has such users; left out where anybody may. */
  readonly superusers?: readonly string[];
  readonly passwords?: ReadonlyMap<string, UserPassword>;
  readonly isNameless?: true;
  /** How the firmware would come to it; left out where nothing tells. */
  readonly firmware?: FirmwareWay;
}

/** How the firmware would come to a configuration. */
export interface FirmwareWay {
  /** The lower first: among those of BootOrder, else among what lies on one disk. */
  readonly rank: number;
  /** What follows the configuration's name in a sentence. */
  readonly how: string;
  /** The firmware's own order says so, whatever disk it is on. */
  readonly isBootOrder?: boolean;
  /** The disk on which the firmware starts; null where it isn't known. */
  readonly disk?: string | null;
}

/** What the machine's owner has settled about the default (settings.ts). */
export interface BootRules extends Pick<Settings, "default" | "fallback" | "order" | "removable"> {
  /** What `default` would be if it weren't asked for this start alone (LoaderEntryOneShot): it counts where that leads nowhere. */
  readonly otherwise?: string | null;
  /** Id of the entry that was saved as the default (`default: "@saved"`), where there is one. */
  readonly saved?: string | null;
  /** Ids of entries that don't boot by themselves now, each with the reason (boots that nobody confirmed). */
  readonly passedOver?: ReadonlyMap<string, string>;
  /** Where ISO files are looked for from now on: absolute folders, with `/**` at the end those below too. */
  readonly isofolders?: readonly string[] | null;
}

export const NO_RULES: BootRules = { default: null, fallback: [], order: [], removable: false };

/** A configuration with its entries as they stand in the list. */
export interface Listed {
  readonly config: ReadConfig;
  readonly entries: readonly BootEntry[];
}

export const isFromNetwork = ({ origin, isNamed }: ReadConfig): boolean => origin?.device === null || isNamed === true;

/** Whether what stands in a configuration may boot without a person or a name. */
export function mayBootByItself({ isNamed, origin, removable }: ReadConfig, rules: BootRules): boolean {
  if (isNamed) return true;
  if (removable && rules.removable === "never") return false;
  if (rules.order.length === 0) return !removable || rules.removable === true;
  if (placeInOrder(rules.order, origin, removable) === null) return false;
  return !removable || rules.removable === true || isNamedInOrder(rules.order, origin, removable);
}
