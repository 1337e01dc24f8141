/**
 * Assembles RAID arrays and activates volume groups when their members are there; opens encrypted containers when a
 * person gives the passphrase. Loaded only where a machine has such a device.
 */

import { readdirSync, readFileSync } from "node:fs";
import type { BlockDevice } from "../devices/device.ts";
import { describeError } from "../errors.ts";
import { removeDmDevice } from "../linux/devicemapper.ts";
import { log } from "../log.ts";
import { openContainer } from "../volumes/luks.ts";
import { activateGroup, type VolumeGroup, volumeGroups } from "../volumes/lvm.ts";
import { assembleArray } from "../volumes/raid.ts";
import { missingTool, type Tool, toolPath } from "../volumes/tools.ts";

/** Sets on a member's row why nothing is read from it directly, and whether a passphrase would help. */
type SetReason = (name: string, reason: string, isLocked: boolean) => void;

interface Member {
  readonly device: BlockDevice;
  /** What it is, as its probe says: `encrypted (LUKS2)`. */
  readonly what: string;
}

const TOOLS: Readonly<Record<string, Tool>> = {
  linux_raid_member: "mdadm",
  LVM2_member: "lvm",
  crypto_LUKS: "cryptsetup",
};

export class StorageStacks {
  readonly #mayOpen: boolean;
  readonly #setReason: SetReason;
  readonly #members = new Map<string, Member>();
  /** Arrays by UUID that were assembled, or can't be. */
  readonly #arrays = new Set<string>();
  /** Volume groups by UUID that were activated, or can't be. */
  readonly #groups = new Set<string>();
  /** Physical volumes that lvm has been asked about. */
  #asked = "";
  /** Opened containers by the device's name: their mapping's name, and what the kernel calls that. */
  readonly #opened = new Map<string, Opened>();
  /** The work that runs now: tools run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param mayOpen false on a host, where this is its administrator's business: what is opened there is read */
  constructor(mayOpen: boolean, setReason: SetReason) {
    this.#mayOpen = mayOpen;
    this.#setReason = setReason;
  }

  /** A device that was probed, with the reason why it can't be read. */
  add(device: BlockDevice): void {
    const type = device.identity?.type ?? "";
    const what = device.reason ?? type;
    const holders = holdersOf(device.name);
    if (holders.length > 0) {
      this.#setReason(device.name, `${what}, part of ${holders.join(", ")}`, false);
      return;
    }
    const tool = TOOLS[type];
    if (tool === undefined) return;
    if (!this.#mayOpen) {
      this.#setReason(device.name, `${what}, which this system has not opened`, false);
      return;
    }
    if (toolPath(tool) === null) {
      this.#setReason(device.name, `${what}: ${missingTool(tool)}`, false);
      return;
    }
    this.#members.set(device.name, { device, what });
    this.#wait(device.name);
  }

  /** The reason on the row of a member that is used for nothing so far. */
  #wait(name: string): void {
    const { device, what } = this.#members.get(name)!;
    if (device.identity?.type === "crypto_LUKS") this.#setReason(name, `${what}: u asks for its passphrase`, true);
    else this.#setReason(name, `${what}, waiting for the other parts`, false);
  }

  /**
   * A device has gone.
   * @param leave detaches a device that was made of it
   */
  async remove(name: string, leave: (made: string) => Promise<void>): Promise<void> {
    const { uuid, type } = this.#members.get(name)?.device.identity ?? {};
    this.#members.delete(name);
    if (type === "linux_raid_member" && uuid) this.#arrays.delete(uuid);
    const opened = this.#opened.get(name);
    if (opened === undefined) return;
    this.#opened.delete(name);
    for (const made of opened.made) {
      for (const above of [...madeOf(made), made]) await leave(above);
    }
    await closeOpened(opened);
  }

  /** Forgets all members, which are probed again; opened containers stay open. */
  forget(): void {
    this.#members.clear();
    this.#arrays.clear();
    this.#groups.clear();
    this.#asked = "";
  }

  /**
   * Assembles what is complete.
   * @param evenIncomplete assembles also what lacks members: no more devices are awaited
   * @returns true where that gave new devices
   */
  open(evenIncomplete: boolean): Promise<boolean> {
    const work = this.#last.then(async () => {
      const arrays = await this.#openArrays(evenIncomplete);
      const groups = await this.#openGroups(evenIncomplete);
      return arrays || groups;
    });
    this.#last = work.catch(() => {});
    return work;
  }

  #of(type: string): Member[] {
    return [...this.#members.values()].filter(({ device }) => device.identity?.type === type);
  }

  async #openArrays(evenIncomplete: boolean): Promise<boolean> {
    const arrays = new Map<string, Member[]>();
    for (const member of this.#of("linux_raid_member")) {
      const uuid = member.device.identity?.uuid ?? "";
      if (!this.#arrays.has(uuid)) arrays.set(uuid, [...(arrays.get(uuid) ?? []), member]);
    }
    let isNew = false;
    for (const [uuid, members] of arrays) {
      const wanted = members[0]?.device.identity?.devices ?? 1;
      if (members.length < wanted && !evenIncomplete) continue;
      this.#arrays.add(uuid);
      const count = members.length < wanted ? `, ${members.length} of ${wanted} parts are there` : "";
      try {
        const node = await assembleArray(members.map(({ device }) => device));
        const name = node.replace("/dev/", "");
        log.info(`${name}: a RAID of ${members.map(({ device }) => device.name).join(", ")}, read-only${count}`);
        for (const { device, what } of members) this.#setReason(device.name, `${what}, part of ${name}${count}`, false);
        isNew = true;
      } catch (error) {
        this.#fail(members, `${describeError(error)}${count}`);
      }
    }
    return isNew;
  }

  async #openGroups(evenIncomplete: boolean): Promise<boolean> {
    const members = this.#of("LVM2_member");
    const nodes = members.map(({ device }) => device.node).sort();
    const asked = `${nodes.join(",")}${evenIncomplete ? " all" : ""}`;
    if (nodes.length === 0 || asked === this.#asked) return false;
    this.#asked = asked;
    let groups: VolumeGroup[];
    try {
      groups = await volumeGroups(nodes);
    } catch (error) {
      if (evenIncomplete) this.#fail(members, describeError(error));
      return false;
    }
    let isNew = false;
    for (const group of groups) {
      if (this.#groups.has(group.uuid) || (group.missing > 0 && !evenIncomplete)) continue;
      this.#groups.add(group.uuid);
      try {
        const active = await activateGroup(group, nodes);
        log.info(`${group.name}: ${active} of ${group.volumes.length} logical volumes are active, read-only`);
        isNew ||= active > 0;
      } catch (error) {
        // Some may be active all the same.
        isNew ||= members.some(({ device }) => holdersOf(device.name).length > 0);
        this.#fail(
          members.filter(({ device }) => holdersOf(device.name).length === 0),
          describeError(error),
        );
      }
    }
    for (const { device, what } of members) {
      const holders = holdersOf(device.name);
      if (holders.length > 0) this.#setReason(device.name, `${what}, part of ${holders.join(", ")}`, false);
    }
    // What can't be shown without writing stands on the rows of what nothing was made of.
    const left = groups.flatMap(({ name, volumes }) =>
      volumes.flatMap((volume) => (volume.reason === null ? [] : [`${name}/${volume.name}: ${volume.reason}`])),
    );
    const unused = members.filter(({ device }) => holdersOf(device.name).length === 0);
    if (left.length > 0) this.#fail(unused, left.join("; "));
    return isNew;
  }

  #fail(members: readonly Member[], reason: string): void {
    for (const { device, what } of members) {
      log.warn(`${device.name}: ${reason}`);
      this.#setReason(device.name, `${what}: ${reason}`, false);
    }
  }

  /**
   * Opens a container.
   * @returns false where it is the wrong passphrase
   * @throws BatonError where it can't be opened, by whatever passphrase
   */
  async unlock(name: string, passphrase: string): Promise<boolean> {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`${name} is no locked container any more`);
    const { device, what } = member;
    const mapping = `luks-${/^[0-9a-f-]+$/i.test(device.identity?.uuid ?? "") ? device.identity!.uuid : device.name}`;
    if (!(await openContainer(device.node, mapping, passphrase))) {
      log.warn(`${name}: a wrong passphrase`);
      return false;
    }
    const made = holdersOf(name);
    this.#opened.set(name, { mapping, made });
    this.#members.delete(name);
    log.info(`${name}: opened as ${mapping}, read-only`);
    this.#setReason(name, `${what}, opened as ${made.join(", ") || mapping}`, false);
    return true;
  }

  /** Forgets the keys of opened containers, before another kernel takes over the memory. Never rejects. */
  async close(): Promise<void> {
    for (const [name, opened] of this.#opened) {
      this.#opened.delete(name);
      await closeOpened(opened);
    }
  }
}

/** A container's mapping, and what the kernel calls it. */
interface Opened {
  readonly mapping: string;
  readonly made: readonly string[];
}

/** Takes away what lies above a container, and it itself. Never rejects. */
async function closeOpened({ mapping, made }: Opened): Promise<void> {
  try {
    for (const above of made.flatMap(madeOf)) await removeDmDevice(mappedName(above));
    await removeDmDevice(mapping);
  } catch (error) {
    log.debug(`${mapping}: ${describeError(error)}`);
  }
}

/** What was made of a device, and of that, the uppermost first. */
function madeOf(name: string): string[] {
  return holdersOf(name).flatMap((holder) => [...madeOf(holder), holder]);
}

/** What the kernel has made of a device: `md200`, `dm-0`; behind the layer in memory that Baton puts above a member. */
function holdersOf(name: string): string[] {
  try {
    const holders = readdirSync(`/sys/class/block/${name}/holders`).sort();
    return holders.flatMap((holder) => (isOwnLayer(holder) ? holdersOf(holder) : [holder]));
  } catch {
    return [];
  }
}

const isOwnLayer = (name: string): boolean => mappedName(name).startsWith("baton-");

/** Device-mapper's name of a device; empty where it is none of its. */
function mappedName(name: string): string {
  return name.startsWith("dm-") ? readFileSync(`/sys/class/block/${name}/dm/name`, "utf8").trim() : "";
}
