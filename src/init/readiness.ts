/**
 * What is still awaited, and so what may happen already. Pure: others report what has arrived, and the disks and the
 * settings are asked for what holds at the moment.
 *
 * - The menu opens with the first entry that can boot; without one, when disks, ISO files and network are through.
 * - Nothing boots by itself before the configuration that `baton.config=` names has been read or has passed its
 *   deadline, and with it the devices that it waits for; nor before what was remembered, where that counts.
 * - Nothing boots by itself before every disk has been read or has passed its deadline, unless none of those that are
 *   left can make another entry the default.
 * - Nothing boots by itself before the network has answered or has passed its deadline, where the network comes
 *   before the disks, or where the disks have given nothing that boots.
 * - An entry that is named may lie in an ISO file, or on a disk whose driver still looks for it: what takes its place
 *   doesn't boot before these are through.
 * - A countdown runs from the moment the menu is shown (session/countdown.ts), and ends by these rules.
 */

import { sourceDevice } from "../entry.ts";
import type { BootList } from "../policy/list.ts";
import { wantsNetwork } from "../policy/network.ts";
import type { Settings } from "../policy/settings.ts";

/**
 * What is reported when it has come, or when nothing waits for it any more: the configuration that `baton.config=`
 * names, what was remembered (`tries`, `default: "@saved"`) or asked for (`writes: boot-loader-interface`), the
 * network's answer, the drivers' end.
 */
type Arrival = "configuration" | "state" | "network" | "drivers";

/** What may be awaited: the arrivals, the disks, the ISO files on them, and the entry that `default` names. */
type Outstanding = Arrival | "disks" | "isofiles" | "entry";

/** What is known of the disks and their entries (discovery/devicemonitor.ts). */
export interface Disks {
  readonly discovery: { readonly list: Pick<BootList, "entries" | "defaultId" | "isDecided" | "named"> };
  /** Every one that was there at start has been read, or has passed its deadline. */
  readonly isSettled: boolean;
  /** And so have the ISO files on them. */
  readonly isComplete: boolean;
  /** No disk that has not answered yet comes before this one. */
  isPrecededByNone(name: string): boolean;
}

export class Readiness {
  readonly #disks: Disks;
  readonly #settings: () => Pick<Settings, "default" | "tries" | "url" | "order" | "writes">;
  readonly #onChange: () => void;
  readonly #arrived = new Set<Arrival>();
  #waiting: (() => void)[] = [];

  /** @param onChange is called at each change, before {@link until} looks again */
  constructor(
    disks: Disks,
    settings: () => Pick<Settings, "default" | "tries" | "url" | "order" | "writes">,
    onChange: () => void = () => {},
  ) {
    this.#disks = disks;
    this.#settings = settings;
    this.#onChange = onChange;
  }

  arrive(what: Arrival): void {
    this.#arrived.add(what);
    this.changed();
  }

  /** The disks, their entries or the settings may be others now. */
  changed(): void {
    this.#onChange();
    for (const look of this.#waiting.splice(0)) look();
  }

  /** Resolves when `condition` holds, which is looked at after each change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  awaits(what: Outstanding): boolean {
    switch (what) {
      case "disks":
        return !this.#disks.isSettled;
      case "isofiles":
        return !this.#disks.isComplete;
      case "state":
        return this.#needsState && !this.#arrived.has("state");
      case "entry":
        return !this.isNamedListed && AWAITED_FOR_ENTRY.some((source) => this.awaits(source));
      default:
        return !this.#arrived.has(what);
    }
  }

  /** No entry is named, or the one that is named is listed. */
  get isNamedListed(): boolean {
    const { default: name } = this.#settings();
    if (name === null || name === SAVED) return true;
    // By the list's own rules: a stick that has an entry of that name doesn't end the wait.
    const { named } = this.#disks.discovery.list;
    return named?.name === name && named.isFound;
  }

  get hasBootable(): boolean {
    return this.#disks.discovery.list.entries.some(({ bootable }) => bootable);
  }

  /** The menu has something to show, or nothing more will come by itself. */
  get menuMayOpen(): boolean {
    return this.hasBootable || !(this.awaits("isofiles") || this.awaits("network"));
  }

  /** Nothing can change any more what boots by itself. */
  get isSettled(): boolean {
    return !AWAITED_FOR_DEFAULT.some((source) => this.awaits(source));
  }

  /** The default may boot although disks, or a network that doesn't matter, have not answered yet. */
  get isDecided(): boolean {
    const { entries, defaultId, isDecided } = this.#disks.discovery.list;
    const entry = isDecided ? entries.find(({ id }) => id === defaultId) : undefined;
    if (entry?.bootable !== true) return false;
    if (this.awaits("configuration") || this.awaits("state") || this.#networkMatters) return false;
    return this.#disks.isPrecededByNone(sourceDevice(entry.source));
  }

  /** Without a menu, the default, or what takes its place, may boot now. */
  get mayBootUnattended(): boolean {
    if (this.awaits("configuration") || this.awaits("state") || this.awaits("entry")) return false;
    return this.isDecided || !(this.awaits("disks") || this.#networkMatters);
  }

  /** What the network has not said yet may change what boots by itself. */
  get #networkMatters(): boolean {
    return this.awaits("network") && (wantsNetwork(this.#settings()) || !this.hasBootable);
  }

  get #needsState(): boolean {
    const { tries, default: named, writes } = this.#settings();
    return tries > 0 || named === SAVED || writes === "boot-loader-interface";
  }
}

/** Stands for the entry that was remembered as the default. */
const SAVED = "@saved";

/** From where an entry that is named may still come. */
const AWAITED_FOR_ENTRY = ["configuration", "isofiles", "drivers"] as const;

/** What may still make another entry the default. */
const AWAITED_FOR_DEFAULT = ["disks", "configuration", "state", "network", "entry"] as const;
