/**
 * Composes the machine's own devices with discovery: those that are attached at start, those that arrive or leave later.
 * Says when every device of the start has been read or has passed its deadline.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { compareDevices, listBlockDevices } from "../devices/block.ts";
import { type BlockDevice, identityOf } from "../devices/device.ts";
import { ModuleLoader } from "../devices/modules.ts";
import { probeDevice } from "../devices/probe.ts";
import { Semaphore } from "../devices/semaphore.ts";
import { watchBlockDevices } from "../devices/watch.ts";
import { BatonError, describeError } from "../errors.ts";
import type { Platform } from "../formats/format.ts";
import { answersTo } from "../identity.ts";
import { endsWithin } from "../linux/deadline.ts";
import { log } from "../log.ts";
import { NAMED_DEVICE_SECONDS, type RootDelay } from "../policy/rootdelay.ts";
import { readBootSector } from "./bootsector.ts";
import { deviceVolume, factsOf, isReadable, subvolumeTexts } from "./devicevolume.ts";
import { Discovery } from "./discovery.ts";
import { areDriversDone, driversReady, quiet, until } from "./drivers.ts";
import { thisPlatform } from "./platform.ts";
import { mayPrecede } from "./precedence.ts";
import { diskOf, startDisk, startPartition } from "./startdisk.ts";
import type { StorageStacks } from "./storagestacks.ts";
import { Throttle } from "./throttle.ts";

/** How long one device may take to answer: an optical drive that spins up needs most of it. */
const DEVICE_MS = 10_000;
/** Devices that are announced within this time are looked for together. */
const ARRIVE_TOGETHER_MS = 5;
/**
 * The most devices that are probed at once: a device's deadline must not pass while the processor is busy with others.
 * One that takes longer than the patience to answer makes room for the next.
 */
const PROBES_AT_ONCE = 12;
const PROBE_PATIENCE_MS = 200;
const USUAL_PARTITIONS = 8;
/** Devices that are found together are probed together, so that configurations see each other's disks. */
const PROBE_TOGETHER_MS = 400;

export interface MachineOptions {
  readonly platform?: Platform;
  /** Wait until the image's init script has loaded drivers. On a host, false: they are udev's. */
  readonly waitForDrivers?: boolean;
  readonly rootdelay?: RootDelay | null;
  /** Devices that are waited for as well, named as `rootdelay` names one. */
  readonly waitfor?: readonly string[];
  /** Called when the list or the devices have changed. */
  readonly onChange?: () => void;
}

export class DeviceMonitor {
  readonly discovery: Discovery;
  readonly #options: MachineOptions;
  readonly #known = new Map<string, BlockDevice>();
  readonly #arrivals = new Set<Promise<void>>();
  readonly #probing = new Semaphore(PROBES_AT_ONCE, PROBE_PATIENCE_MS);
  readonly #startedAt = performance.now();
  #watch: { close(): void } | null = null;
  #lastNews = 0;
  #isSettled = false;
  /** A device was announced; {@link #arrive} runs in a moment. */
  #isExpecting = false;
  readonly #listeners: Throttle;
  /** The drivers have found the devices of the start, and no device is waited for by name. */
  #isEnumerated = false;
  /** Devices that have not been read and have not passed their deadline. */
  readonly #pending = new Set<string>();
  #settled: Promise<void> = Promise.resolve();
  #isoFiles: Promise<unknown> = Promise.resolve();
  #isComplete = false;
  #complete: Promise<void> = Promise.resolve();
  readonly #platform: Platform;
  /** Undefined before it was asked for: EFI's variables may need a driver. */
  #startPartition: string | null | undefined;
  /** RAID, LVM2, LUKS: loaded where a device is a part of one. */
  #stacks: Promise<StorageStacks> | null = null;

  constructor(options: MachineOptions = {}) {
    this.#options = options;
    this.#listeners = new Throttle(() => this.#options.onChange?.());
    const placed = (name: string) => this.#known.get(name) ?? { name };
    this.#platform = options.platform ?? thisPlatform();
    this.discovery = new Discovery(this.#platform, (a, b) => compareDevices(placed(a), placed(b)));
    this.discovery.mountImages();
    this.discovery.partitionsOf = (disk) =>
      [...this.#known.values()].flatMap(({ disk: own, partition, partitionType, partuuid, partitionAttributes }) =>
        own !== disk || partition === null || partitionAttributes === undefined
          ? []
          : { number: partition, type: partitionType, partuuid, attributes: partitionAttributes },
      );
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /**
   * True where every device before this one in the order of devices has answered, and every partition of its own disk: no
   * other device's entries can come before this one's any more. A stick that boots nothing by itself isn't waited for.
   */
  isPrecededByNone(name: string): boolean {
    const own = this.#known.get(name);
    if (!this.#isEnumerated || own === undefined || this.#pending.has(name)) return false;
    const known = {
      devices: [...this.#known.values()],
      startPartition: this.#startPartition ?? null,
      mayRemovableBoot: this.discovery.mayRemovableBoot,
      isRemovable: (device: BlockDevice) => this.#isRemovable(device),
    };
    return ![...this.#pending].some((name) => mayPrecede(name, this.#known.get(name) ?? null, own, known));
  }

  /** Resolves when every device of the start has been read or has passed its deadline; never rejects. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  /** Resolves when the ISO files on those devices have been looked into as well; never rejects. */
  get complete(): Promise<void> {
    return this.#complete;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Begins to look; returns at once. */
  start(): void {
    this.discovery.expectDevices();
    // Listening comes first: a device that arrives between the listing and the listening would never be seen.
    try {
      this.#watch = watchBlockDevices((event) => this.#onEvent(event), {
        // On a host, drivers are udev's.
        ...(this.#options.waitForDrivers ? { modules: new ModuleLoader() } : {}),
        onLost: () => this.#track(this.#arrive()),
      });
    } catch (error) {
      log.warn(`devices that come later will not be noticed: ${describeError(error)}`);
    }
    this.#lastNews = performance.now();
    this.#track(this.#arrive());
    this.#settled = this.#settle();
    this.#complete = this.#settled.then(async () => {
      await this.#isoFiles;
      this.#isComplete = true;
      this.#listeners.notify();
    });
  }

  /** Looks at every device again, as at start. */
  async rescan(): Promise<void> {
    log.info("looking at every device again");
    // An opened container or array stays open: its members say so when they are probed again.
    const stacks = await this.#stacks;
    stacks?.forget();
    this.#stacks = null;
    for (const name of [...this.#known.keys()]) await this.#leave(name);
    this.#stacks = stacks && Promise.resolve(stacks);
    await this.#arrive();
    while (await this.#openStacks(true)) await this.#arrive();
    this.#listeners.notify();
  }

  /**
   * A device as it is just now: probed again.
   * @throws BatonError where it is gone
   */
  async lookAt(name: string): Promise<BlockDevice> {
    const known = this.#known.get(name);
    if (known === undefined) throw new BatonError("not-found", `${name}: this device is not attached any more`);
    const device = await probeDevice(known, { timeoutMs: DEVICE_MS });
    return { ...device, removable: this.#isRemovable(device) && diskOf(device) !== this.discovery.list.loneDisk };
  }

  /** False, too, for the disk that Baton itself was started from. */
  #isRemovable(device: BlockDevice): boolean {
    if (!device.removable) return false;
    if (this.#startPartition === undefined) this.#startPartition = startPartition(this.#platform);
    return diskOf(device) !== startDisk([...this.#known.values()], this.#startPartition, this.#isSettled);
  }

  /**
   * Opens an encrypted device, and reads what is in it.
   * @returns false where it is the wrong passphrase
   * @throws BatonError where no passphrase opens it
   */
  async unlock(name: string, passphrase: string): Promise<boolean> {
    if (!(await (await this.#stacksOf()).unlock(name, passphrase))) return false;
    do await this.#arrive();
    while (await this.#openStacks(true));
    this.#listeners.notify();
    return true;
  }

  /** Forgets the keys of unlocked containers; nothing in them may be mounted any more. Never rejects. */
  async lock(): Promise<void> {
    await (await this.#stacks)?.close();
  }

  #stacksOf(): Promise<StorageStacks> {
    this.#stacks ??= import("./storagestacks.ts").then(
      ({ StorageStacks }) =>
        new StorageStacks(this.#options.waitForDrivers === true, (name, reason, isLocked) => {
          const known = this.#known.get(name);
          if (known === undefined) return;
          this.discovery.noteDevice({ ...factsOf({ ...known, reason }), isLocked });
          this.#listeners.notify();
        }),
    );
    return this.#stacks;
  }

  /** @returns true where there are new devices now */
  async #openStacks(evenIncomplete: boolean): Promise<boolean> {
    return (await (await this.#stacks)?.open(evenIncomplete)) ?? false;
  }

  /** Stops listening and unmounts everything; a device that doesn't answer stays mounted. */
  async close(): Promise<void> {
    this.#watch?.close();
    this.#watch = null;
    await this.unmount();
  }

  /** Unmounts everything; a volume that is read again mounts again. */
  async unmount(): Promise<void> {
    await this.discovery.unmountImages();
    await Promise.all(this.discovery.volumes.map((volume) => volume.close().catch((e) => log.warn(describeError(e)))));
  }

  #onEvent(event: { action: string; name: string }): void {
    this.#lastNews = performance.now();
    const name = event.name;
    if (event.action === "remove") {
      this.#track(this.#leave(name).then(() => this.#listeners.notify()));
    } else if (event.action === "add") {
      this.#expect();
    } else if (this.#known.has(name)) {
      this.#track(this.#arrive(name));
    }
  }

  /** Looks for new devices in a moment: a disk's partitions appear one by one. */
  #expect(): void {
    if (this.#isExpecting) return;
    this.#isExpecting = true;
    this.#track(
      sleep(ARRIVE_TOGETHER_MS).then(() => {
        this.#isExpecting = false;
        return this.#arrive();
      }),
    );
  }

  /**
   * Probes new devices and reads their configurations.
   * @param changed a known device that is probed again: its medium may be another one
   */
  async #arrive(changed: string | null = null): Promise<void> {
    const present = await listBlockDevices({ only: (name) => name === changed || !this.#known.has(name) });
    const fresh = present.filter(({ name, size }) => this.#known.get(name)?.size !== size);
    if (fresh.length === 0) return;
    for (const device of fresh) {
      this.#known.set(device.name, device);
      this.#pending.add(device.name);
      this.discovery.noteDevice({ ...factsOf(device), reason: "it has not answered yet" });
    }
    this.#listeners.notify();

    const unread = new Set<string>();
    // A disk with very many partitions delays no other: those beyond the usual number are probed last.
    const turn = ({ partition }: BlockDevice): number => Math.max(USUAL_PARTITIONS, partition ?? 0);
    const inTurn = [...fresh].sort((a, b) => turn(a) - turn(b));
    const probes = inTurn.map(async (device) => {
      const hasVolume = await this.#probing.run(() => this.#probe(device));
      if (hasVolume) unread.add(device.name);
      // Nothing that can be read waits for it, and nothing is decided before.
      const sector = this.#readBootSector(device.name);
      this.#track(sector.then(() => void (hasVolume || this.#pending.delete(device.name))));
    });
    await endsWithin(Promise.all(probes), PROBE_TOGETHER_MS);
    const readAttached = async (): Promise<void> => {
      const names = [...unread];
      unread.clear();
      const onRead = (name: string | null): void => {
        // One by one: a stick that takes long to read keeps no other disk waiting.
        if (name !== null) this.#pending.delete(name);
        this.#listeners.notify();
      };
      if (names.length > 0) await this.discovery.scan(names, onRead);
      for (const name of names) this.#pending.delete(name);
      this.#listeners.notify();
      for (const name of names) void this.#listSubvolumes(name);
      // Nothing waits for these: a disk's own entries are what a machine boots.
      this.#isoFiles = Promise.all([
        this.#isoFiles,
        this.discovery.scanIsoFiles(names, () => this.#listeners.notify()),
      ]);
    };
    await readAttached();
    const opening = this.#openStacks(false);
    // Devices that took longer are read one by one, as they answer.
    await Promise.all(probes.map((probe) => probe.then(() => (unread.size > 0 ? readAttached() : undefined))));
    if ((await opening) || (await this.#openStacks(false))) await this.#arrive();
  }

  /** For the screen of devices; nothing waits for it. */
  async #listSubvolumes(name: string): Promise<void> {
    const volume = this.discovery.volumes.find((one) => one.name === name);
    const subvolumes = volume === undefined ? [] : await subvolumeTexts(volume);
    if (subvolumes.length === 0) return;
    this.discovery.amend(name, { subvolumes });
    this.#listeners.notify();
  }

  /** @returns true where a filesystem was found, which is then attached. */
  async #probe(device: BlockDevice): Promise<boolean> {
    const probed = await probeDevice(device, { timeoutMs: DEVICE_MS });
    if (this.#known.get(device.name) !== device) return false;
    this.#known.set(device.name, probed);
    const facts = factsOf(probed);
    if (probed.identity === null || !isReadable(probed.identity.usage) || probed.reason !== null) {
      this.discovery.noteDevice(facts);
      log.info(`${probed.name}: ${probed.reason ?? "nothing to read"}`);
      if (probed.identity?.usage === "raid" || probed.identity?.usage === "crypto") {
        (await this.#stacksOf()).add(probed);
      }
      return false;
    }
    const volume = deviceVolume(probed, {
      timeoutMs: DEVICE_MS,
      // On a host the device-mapper is its administrator's.
      replays: this.#options.waitForDrivers === true,
      devices: () => this.#known.values(),
      isRemovable: () => this.#isRemovable(probed),
      onNote: (note) => this.discovery.amend(probed.name, { note }),
    });
    this.discovery.attach(volume, facts);
    log.info(`${probed.name}: ${probed.identity.type} ${probed.identity.uuid ?? "without a UUID"}`);
    return true;
  }

  /** On a BIOS. Never rejects: what can't be read is no evidence. */
  async #readBootSector(name: string): Promise<void> {
    const device = this.#known.get(name);
    if (device === undefined || device.isUnread || this.#platform.firmware !== "pc") return;
    const sector = await readBootSector(device, () => this.#isRemovable(device));
    if (this.#known.get(name) !== device) return;
    this.discovery.noteBootSector(name, sector);
    this.#listeners.notify();
  }

  async #leave(name: string): Promise<void> {
    if (!this.#known.delete(name)) return;
    this.#pending.delete(name);
    log.info(`${name}: gone`);
    const volume = this.discovery.detach(name);
    await volume?.close().catch((error) => log.warn(describeError(error)));
    await (await this.#stacks)?.remove(name, (made) => this.#leave(made));
    await this.discovery.scan([]);
  }

  #track(work: Promise<void>): void {
    const guarded = work.catch((error) => log.error(describeError(error)));
    this.#arrivals.add(guarded);
    void guarded.finally(() => this.#arrivals.delete(guarded));
  }

  async #settle(): Promise<void> {
    if (this.#options.waitForDrivers) await driversReady(() => this.#lastNews);
    await this.waitFor(this.#options.rootdelay ?? null, this.#options.waitfor ?? []);
    this.#isEnumerated = true;
    do {
      while (this.#arrivals.size > 0) await Promise.all(this.#arrivals);
    } while (await this.#openIncomplete());
    await this.discovery.settle();
    this.#isSettled = true;
    // What is removable may be known only now (startdisk.ts).
    this.discovery.refresh();
    log.info(`every device has been read, or has passed its deadline (${this.#known.size} devices)`);
    this.#listeners.notify();
  }

  /** Opens arrays and groups that lack members as well. @returns true where that gave new devices, which are being read */
  async #openIncomplete(): Promise<boolean> {
    if (!(await this.#openStacks(true))) return false;
    this.#track(this.#arrive());
    // The kernel looks for partitions on an array when it is first opened.
    await quiet(() => this.#lastNews);
    return true;
  }

  /**
   * Waits for the device of `delay` and those of `names`, at most for the seconds of `delay` ({@link NAMED_DEVICE_SECONDS}
   * without one) from the start of this program; where no device is named, for all of that time. Logs what is missing then.
   */
  async waitFor(delay: RootDelay | null, names: readonly string[]): Promise<void> {
    if (delay === null && names.length === 0) return;
    const seconds = delay?.seconds ?? NAMED_DEVICE_SECONDS;
    const end = this.#startedAt + seconds * 1000;
    const wanted = [...(delay?.device == null ? [] : [delay.device]), ...names];
    if (wanted.length === 0) await sleep(Math.max(0, end - performance.now()));
    await Promise.all(
      wanted.map(async (name) => {
        const isThere = (): boolean => [...this.#known.values()].some((device) => answersTo(identityOf(device), name));
        if (await until(isThere, end - performance.now())) return;
        log.warn(`${name} has not appeared within ${seconds} s`);
      }),
    );
  }

  /**
   * Where drivers are still looking for devices (a slow machine, a disk that doesn't answer), waits until they have
   * ended and the devices that they found have been read, or until `isThere`. At most {@link NAMED_DEVICE_SECONDS} from
   * the start of this program.
   */
  async waitForDrivers(isThere: () => boolean): Promise<void> {
    if (!this.#options.waitForDrivers || areDriversDone()) return;
    const left = this.#startedAt + NAMED_DEVICE_SECONDS * 1000 - performance.now();
    await until(() => isThere() || areDriversDone(), left);
    await quiet(() => this.#lastNews, isThere);
    while (this.#arrivals.size > 0 && !isThere()) await Promise.all(this.#arrivals);
  }
}
