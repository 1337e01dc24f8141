/**
 * Composes volumes, formats and policy: every volume that is added is searched for configurations, and what they
 * give is one list. Knows nothing of how volumes come about (devices, directories, later the network).
 */

import type { FileHandle } from "node:fs/promises";
import { totalmem } from "node:os";
import { type BootEntry, type FileRef, shownAddress } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { DeviceBudgets, type SharedBudget } from "../formats/budget.ts";
import type { Format, FormatContext, FormatVolume, GptPartition, Platform } from "../formats/format.ts";
import { formats as allFormats } from "../formats/formats.ts";
import { log } from "../log.ts";
import type { BootList } from "../policy/list.ts";
import { bootList } from "../policy/list.ts";
import type { BootRules, ReadConfig } from "../policy/readconfig.ts";
import { type BootOptions, bootOptions } from "../state/firmware.ts";
import { GLOBAL_GUID } from "../state/guids.ts";
import type { DeviceStatus } from "../status.ts";
import type { Volume } from "../volumes/volume.ts";
import { BootPrograms } from "./bootprograms.ts";
import type { BootSector } from "./bootsector.ts";
import { copyNote } from "./copies.ts";
import { diskConfigs, keysAmong } from "./diskconfigs.ts";
import { IsoFiles } from "./isofiles.ts";
import { type IsoScan, IsoScanner, isoConfigs, isoRow } from "./isoscan.ts";
import { NamedFiles } from "./namedfiles.ts";
import { isIncomplete, namesOneOf, nearestFirst, twinsOf } from "./rereading.ts";
import type { Scan } from "./scan.ts";
import { unreadable } from "./unreadable.ts";
import { scanVolume, UNREAD, type VolumeScan } from "./volumescan.ts";

interface Attached {
  readonly volume: Volume;
  found: VolumeScan;
  /** The ISO files on it, in the order in which they were found. */
  isos: readonly IsoScan[];
}

/** Entries that come from elsewhere than this machine's devices (src/netboot). */
export interface NetworkSource {
  readonly configs: readonly ReadConfig[];
  readonly rows: readonly DeviceStatus[];
  /** Why a file can't be fetched, as far as that is known without trying; else null. */
  check(ref: FileRef): string | null;
  /**
   * Fetches a file whole into memory.
   * @param onProgress gets bytes so far, and in all where that is known
   * @returns a handle on it, at its beginning; the caller closes it
   * @throws BatonError
   */
  fetch(
    url: string,
    onProgress: (done: number, total: number | null) => void,
    signal?: AbortSignal,
  ): Promise<FileHandle>;
}

/** A device's row without what discovery itself finds out. */
export type DeviceFacts = Omit<DeviceStatus, "sources">;

export class Discovery {
  readonly #platform: Platform;
  readonly #formats: readonly Format[];
  readonly #compareNames: ((a: string, b: string) => number) | undefined;
  readonly #attached = new Map<string, Attached>();
  /** Filesystems that have been attached so far. */
  #arrivals = 0;
  readonly #facts = new Map<string, DeviceFacts>();
  /** The names of all devices, in their order; null where it has to be found out. */
  #names: readonly string[] | null = null;
  readonly #bootSectors = new Map<string, BootSector>();
  readonly #files = new NamedFiles((device) => this.volume(device).reader);
  readonly #programs = new BootPrograms((device) => this.volume(device).reader);
  readonly #isoFiles = new IsoFiles((name) => this.#facts.has(name));
  readonly #isoScanner: IsoScanner;
  readonly #budgets = new DeviceBudgets(totalmem());
  #list: BootList = bootList([], () => null);
  #rules: BootRules | undefined;
  #options: BootOptions | null | undefined;
  /** A disk that isn't there may have what the firmware starts first. */
  #isFirmwareAwaited = false;
  /** Not every device of the machine's start has answered yet. */
  #devicesMayCome = false;
  #network: NetworkSource | null = null;
  #others: readonly ReadConfig[] = [];

  /**
   * @param compareNames the order of devices; that in which they were noted, unless given
   */
  constructor(platform: Platform, compareNames?: (a: string, b: string) => number, formats = allFormats) {
    this.#platform = platform;
    this.#formats = formats;
    this.#compareNames = compareNames;
    this.#isoScanner = new IsoScanner(this.#isoFiles, formats, {
      context: (iso) => ({
        // Its own disk comes next: a loopback.cfg searches for the disk that has the file.
        ...this.#context(iso, [iso, ...nearestFirst(this.volumes, iso.parent)]),
        share: this.#share(iso, iso.parent),
        image: { volume: iso.parent, path: iso.file },
        // It is read once, and nothing in it boots by itself.
        devicesMayCome: false,
      }),
      lookForFiles: async (scans) => void (await this.#look(scans)),
    });
  }

  /** On a machine: images that disks hold are mounted where a configuration opens them. */
  mountImages(): void {
    this.#isoFiles.mounts = true;
  }

  /** Unmounts them, which comes before the disks that hold them. Never rejects. */
  unmountImages(): Promise<void> {
    return this.#isoFiles.unmount();
  }

  /** As {@link FormatContext.partitions}; null where there are no disks. */
  partitionsOf: ((disk: string) => readonly GptPartition[]) | null = null;

  /** The list as of the last {@link scan}. */
  get list(): BootList {
    return this.#list;
  }

  get volumes(): readonly Volume[] {
    return this.#ordered().map(({ volume }) => volume);
  }

  /** Every device, those that gave nothing with the reason; after each, the ISO files on it that were opened. */
  get devices(): readonly DeviceStatus[] {
    const { volumes } = this;
    const disks = this.#orderedNames().flatMap((name) => {
      const facts = this.#facts.get(name)!;
      const attached = this.#attached.get(name);
      const sources = attached?.found.scans.map((scan) => scan.path) ?? [];
      const reason = sources.length > 0 ? null : (facts.reason ?? this.#emptyReason(attached));
      const copies = attached && copyNote(attached.volume, volumes, this.#list.entries);
      const note = copies ?? facts.note ?? null;
      const isos = this.#isoFiles.on(name).map((volume) => isoRow(volume, attached?.isos ?? []));
      return [{ ...facts, sources, reason, note }, ...isos];
    });
    return [...disks, ...(this.#network?.rows ?? [])];
  }

  /** A device is there; `facts.reason` where nothing can be read from it. */
  noteDevice(facts: DeviceFacts): void {
    this.#setFacts(facts);
  }

  /** What was found out about a device when it was mounted. */
  amend(name: string, more: Pick<DeviceFacts, "note" | "subvolumes">): void {
    const facts = this.#facts.get(name);
    if (facts !== undefined) this.#facts.set(name, { ...facts, ...more });
  }

  /**
   * What a BIOS would start from a device that was noted or attached; the list is made anew.
   * @param sector null where that is nothing that is known (any more)
   */
  noteBootSector(device: string, sector: BootSector | null): void {
    if (sector !== null) this.#bootSectors.set(device, sector);
    else if (!this.#bootSectors.delete(device)) return;
    this.refresh();
  }

  /** A filesystem is there; nothing is read before {@link scan}. */
  attach(volume: Volume, facts: DeviceFacts): void {
    this.#setFacts(facts);
    this.#attached.set(volume.name, { volume, found: UNREAD, isos: [] });
    this.#arrivals++;
    this.#isoFiles.forget(volume.name);
    this.#forget(volume.name);
  }

  /** A device has gone, and what stood on it. */
  detach(name: string): Volume | null {
    const attached = this.#attached.get(name);
    this.#facts.delete(name);
    this.#names = null;
    this.#attached.delete(name);
    this.#bootSectors.delete(name);
    this.#isoFiles.forget(name);
    this.#forget(name);
    return attached?.volume ?? null;
  }

  /**
   * Reads the configurations of these volumes (all, unless given), then those of others that name what had not
   * been there. {@link list} is brought up to date, and `onList` called, after each volume. Never rejects because
   * of a volume.
   */
  async scan(
    names: readonly string[] = [...this.#attached.keys()],
    onList?: (read: string | null) => void,
  ): Promise<void> {
    const chosen = names.flatMap((name) => this.#attached.get(name) ?? []);
    const attached = [...this.#attached.values()];
    const twins = twinsOf(
      chosen.map(({ volume }) => volume),
      attached.map(({ volume }) => volume),
    );
    const waiting = attached.filter(
      ({ volume, found }) =>
        !names.includes(volume.name) &&
        (this.#isIncomplete(found) || found.scans.some(({ result }) => namesOneOf(twins, result, volume.name))),
    );
    await Promise.all(
      [...chosen, ...waiting].map(async (attached) => {
        await this.#scanVolume(attached);
        await this.#look(attached.found.scans);
        this.refresh();
        onList?.(attached.volume.name);
      }),
    );
    // What was known of a volume's files was forgotten when it was read, also where others name them.
    const others = [...this.#attached.values()].filter((attached) => !chosen.includes(attached));
    const all = chosen.length > 1 ? [...this.#attached.values()] : others;
    const isNews = await this.#look(all.flatMap(({ found }) => found.scans));
    if (isNews || chosen.length + waiting.length === 0) this.refresh();
    onList?.(null);
  }

  /** From now on devices are awaited, until {@link settle}: a configuration that looks for one has not looked in vain. */
  expectDevices(): void {
    this.#devicesMayCome = true;
  }

  /** Every device of the start has answered: what looked for one in vain is read again. Never rejects. */
  async settle(): Promise<void> {
    this.#devicesMayCome = false;
    const names = this.#awaiting().map(({ volume }) => volume.name);
    if (names.length > 0) await this.scan(names);
  }

  #awaiting(): Attached[] {
    return [...this.#attached.values()].filter(({ found }) => found.scans.some(({ result }) => result.awaitsDevices));
  }

  /**
   * Looks into the ISO files that lie on these volumes (all, unless given); {@link list} is brought up to date, and
   * `onList` called, after each file. Apart from {@link scan}, so that no disk's own entries wait for it. Never
   * rejects because of a volume or a file.
   */
  async scanIsoFiles(names: readonly string[] = [...this.#attached.keys()], onList?: () => void): Promise<void> {
    const chosen = names.flatMap((name) => this.#attached.get(name) ?? []);
    await Promise.all(
      chosen.map((attached) => {
        const isWanted = (): boolean => this.#attached.get(attached.volume.name) === attached;
        return this.#isoScanner.scan(attached.volume, isWanted, (isos) => {
          attached.isos = isos;
          this.refresh();
          onList?.();
        });
      }),
    );
  }

  /** While something is being booted: see {@link IsoScanner.hold}. */
  holdIsoFiles(): { readonly idle: Promise<void>; release(): void } {
    return this.#isoScanner.hold();
  }

  /** Makes the list anew of what has been read. */
  refresh(): void {
    const configs = this.#configs();
    const check = (ref: FileRef): string | null => {
      if ("device" in ref) return this.#files.check(ref);
      if ("selector" in ref) return unreadable(ref.selector, [...this.#facts.values()]);
      return this.#network?.check(ref) ?? null;
    };
    const list = bootList(configs, check, this.#rules);
    const isAwaited = this.#isFirmwareAwaited || (this.#devicesMayCome && this.#awaiting().length > 0);
    this.#list = isAwaited ? { ...list, isDecided: false } : list;
  }

  /** What the machine's owner has settled about the list, which is made anew. */
  setRules(rules: BootRules): void {
    this.#rules = rules;
    this.#isoScanner.folders = rules.isofolders ?? this.#isoScanner.folders;
    this.refresh();
  }

  /** What the network gives stands after what disks give; the list is made anew. */
  setNetwork(network: NetworkSource | null): void {
    this.#network = network;
    this.refresh();
  }

  /** What neither disks nor the network give: the firmware's own entries. The list is made anew. */
  setOthers(configs: readonly ReadConfig[]): void {
    this.#others = configs;
    this.refresh();
  }

  /** A removable device's entries may boot by themselves, so far as the owner's rules are known. */
  get mayRemovableBoot(): boolean {
    return this.#rules?.removable === true || (this.#rules?.order.length ?? 0) > 0;
  }

  get network(): NetworkSource | null {
    return this.#network;
  }

  /** As {@link NetworkSource}'s; refused while the network is not in use. */
  readonly fetch: NetworkSource["fetch"] = async (url, onProgress, signal) => {
    if (this.#network === null)
      throw new BatonError("unsupported", `${shownAddress(url)}: the network is not in use; press n for it`);
    return this.#network.fetch(url, onProgress, signal);
  };

  /** The volume on a device, for reading what an entry names. */
  volume(device: string): Volume {
    const volume = this.#attached.get(device)?.volume ?? this.#isoFiles.find(device);
    if (!volume) throw new BatonError("not-found", `${device}: this device is not attached any more`);
    return volume;
  }

  entry(id: string): BootEntry | null {
    return this.#list.entries.find((entry) => entry.id === id) ?? null;
  }

  /** Looks for the files that entries name. @returns whether there were any of which nothing was known */
  async #look(scans: readonly Scan[]): Promise<boolean> {
    const isNews = await Promise.all([this.#files.look(scans), this.#programs.look(scans)]);
    return isNews.includes(true);
  }

  #forget(device: string): void {
    this.#files.forget(device);
    this.#programs.forget(device);
  }

  /** Reads a volume's configurations; once more where what they look for may have come meanwhile. */
  async #scanVolume(attached: Attached): Promise<void> {
    const { volume } = attached;
    let arrivals: number;
    do {
      arrivals = this.#arrivals;
      const context = {
        ...this.#context(volume, nearestFirst(this.volumes, volume)),
        share: this.#share(volume, volume),
      };
      attached.found = await scanVolume(this.#formats, context, attached.found);
      // A device that came or went meanwhile makes what is known of files stale.
      this.#forget(volume.name);
    } while (arrivals !== this.#arrivals && this.#isIncomplete(attached.found));
  }

  /** Whether a configuration names what isn't there. */
  #isIncomplete({ scans }: VolumeScan): boolean {
    const isThere = (device: string): boolean => this.#attached.has(device) || this.#isoFiles.find(device) !== null;
    return scans.some(({ result }) => isIncomplete(result, isThere));
  }

  /** What a volume's configurations may use up, as a part of what those of its disk may. */
  #share({ name }: Volume, on: Volume): SharedBudget {
    return this.#budgets.begin(name, on.disk ?? on.baseDisk ?? on.name, on.removable);
  }

  #context(volume: Volume, volumes: readonly Volume[]): FormatContext {
    const openImage = async (on: FormatVolume, path: string): Promise<Volume | string> => {
      try {
        return await this.#isoFiles.openImage(this.volume(on.name), path);
      } catch (error) {
        log.warn(describeError(error));
        return describeError(error);
      }
    };
    const devicesMayCome = this.#devicesMayCome;
    const partitions = this.partitionsOf;
    return {
      ...{ volume, volumes, platform: this.#platform, memory: totalmem(), devicesMayCome, openImage },
      ...(partitions === null ? {} : { partitions }),
    };
  }

  #configs(): ReadConfig[] {
    const ordered = this.#ordered();
    const transportOf = (name: string): string | null => this.#facts.get(name)?.transport ?? null;
    const { configs, isAwaited } = diskConfigs(
      ordered,
      transportOf,
      this.#platform,
      this.#bootOptions(),
      this.#programs,
      this.#orderedSectors(),
    );
    this.#isFirmwareAwaited = isAwaited;
    // Last, and with keys of their own: a disk's entries keep their places and ids whatever files lie on it.
    const isos = ordered.flatMap((attached) => attached.isos);
    return [
      ...configs,
      ...(this.#network?.configs ?? []),
      ...this.#others,
      ...isoConfigs(isos, keysAmong(isos.flatMap(({ volume }) => volume ?? []))),
    ];
  }

  /** Read once: only Baton itself would change them meanwhile. */
  #bootOptions(): BootOptions | null {
    const { efiVariable, firmware } = this.#platform;
    if (this.#options === undefined) {
      const isThere = firmware === "efi" && efiVariable !== undefined;
      this.#options = isThere ? bootOptions((name) => efiVariable(name, GLOBAL_GUID)) : null;
    }
    return this.#options;
  }

  #orderedSectors(): ReadonlyMap<string, BootSector> {
    const known = this.#orderedNames().flatMap((name) => this.#bootSectors.get(name) ?? []);
    return new Map(known.map((sector) => [sector.device, sector]));
  }

  #emptyReason(attached: Attached | undefined): string | null {
    if (attached === undefined) return null;
    const { volume, found } = attached;
    if (found.failure !== null) return found.failure;
    if (volume.type?.startsWith("android_")) return "a part of what Android's boot loader starts, and no system";
    const names = this.#formats.flatMap(({ name, isLastResort, isBeside }) => (isLastResort || isBeside ? [] : name));
    return `no boot configuration found (looked for ${names.join(", ")})`;
  }

  #ordered(): Attached[] {
    return this.#orderedNames().flatMap((name) => this.#attached.get(name) ?? []);
  }

  /** Sorted anew only where a device has come or gone. */
  #orderedNames(): readonly string[] {
    this.#names ??= this.#compareNames ? [...this.#facts.keys()].sort(this.#compareNames) : [...this.#facts.keys()];
    return this.#names;
  }

  #setFacts(facts: DeviceFacts): void {
    if (!this.#facts.has(facts.name)) this.#names = null;
    this.#facts.set(facts.name, facts);
  }
}
