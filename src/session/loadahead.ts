/**
 * Loads what Enter would boot while the menu is idle, so that Enter has only to jump: first as it lies on its disk,
 * then once more with the kernel unpacked already, which is what a new kernel spends most of its first seconds with.
 *
 * What is loaded lies in the kernel, and takes its files' size of memory; nothing happens to it before the jump. An
 * entry that is no longer selected is forgotten, and the next one takes its place.
 */

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type BootEntry, entryFiles } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { loadsEnded, unload } from "../kexec/load.ts";
import type { LoadResult } from "../kexec/loadfiles.ts";
import { BY_HAND, readKexecState } from "../kexec/state.ts";
import type { LoadCall } from "../loader/methods.ts";
import { log } from "../log.ts";
import type { EntrySource, EntryVolume } from "./entrysource.ts";
import type { SessionHost } from "./host.ts";

/** How long the selection must have stayed before anything is read, in milliseconds. */
const IDLE_MS = 400;
/** Part of the free memory that an entry may take while nobody has asked for it. */
const BUDGET = 1 / 3;
/** Free memory below which a kernel is not unpacked as well. Bytes. */
const MIN_FOR_UNPACKING = 384 * 1024 * 1024;

/** How an entry is loaded and forgotten. */
export interface StagingSystem {
  load(entry: BootEntry, ahead: "packed" | "unpacked", isWanted: () => boolean): Promise<LoadResult>;
  unload(): Promise<void>;
  /** Bytes of free memory; null where unknown. */
  free(): Promise<number | null>;
  idle(): Promise<void>;
  /** Resolves when no load is going on in the kernel. */
  ended(): Promise<void>;
  /** A person has loaded a kernel by hand, in the shell: that one stays. */
  isTaken(): boolean;
}

interface Job {
  readonly entry: BootEntry;
  readonly key: string;
  /** The volumes that its files were read from: one that went away and came back is another one. */
  readonly volumes: readonly EntryVolume[];
  isWanted: boolean;
  /** What is in the kernel, once it is. */
  loaded: LoadResult | null;
}

export class Staging {
  readonly #discovery: Pick<EntrySource, "volume">;
  readonly #system: StagingSystem;
  #job: Job | null = null;
  /** Something of ours is in the kernel, or about to be. */
  #inKernel = false;
  #isOff = false;

  constructor(discovery: Pick<EntrySource, "volume">, system: StagingSystem) {
    this.#discovery = discovery;
    this.#system = system;
  }

  /** Key and volumes of an entry that can be loaded ahead; null for one that can't. */
  #describe(entry: BootEntry, options = entry.options): { key: string; volumes: EntryVolume[] } | null {
    if (!entry.bootable || entry.kind !== "linux" || entry.linux === null) return null;
    const files = entryFiles(entry);
    const volumes: EntryVolume[] = [];
    for (const file of files) {
      // What is fetched over a network is fetched when somebody asks for it.
      if (!("device" in file)) return null;
      try {
        volumes.push(this.#discovery.volume(file.device));
      } catch {
        return null;
      }
    }
    const { id, linux, initrd, initrdNames, initrdModes, devicetree, profile } = entry;
    return {
      key: JSON.stringify([id, linux, initrd, initrdNames, initrdModes, devicetree, profile, options]),
      volumes,
    };
  }

  /**
   * What Enter would boot now; null for nothing that can be loaded. Called as often as anything may have changed; it
   * returns at once.
   */
  want(entry: BootEntry | null): void {
    if (this.#isOff) return;
    const described = entry === null ? null : this.#describe(entry);
    if (this.#job !== null && described !== null && isSame(this.#job, described)) return;
    this.#cancel();
    if (entry === null || described === null) {
      if (this.#inKernel) void this.#forget();
      return;
    }
    const job: Job = { entry, ...described, isWanted: true, loaded: null };
    this.#job = job;
    void this.#run(job);
  }

  /**
   * For an entry that is booted now: what was loaded ahead of it, else null. Nothing is loaded ahead any more until
   * {@link resume}.
   * @param options the command line with which it is booted
   */
  async take(entry: BootEntry, options: string): Promise<LoadResult | null> {
    const started = performance.now();
    const job = this.#job;
    this.#isOff = true;
    this.#cancel();
    const described = this.#describe(entry, options);
    if (job === null || this.#system.isTaken()) return null;
    // One that is going on is of the same entry; a jump before its end would be refused.
    await this.#system.ended();
    if (job.loaded === null || described === null || !isSame(job, described)) return null;
    return { ...job.loaded, seconds: (performance.now() - started) / 1000 };
  }

  /** Nothing was booted after all: what is in the kernel may be half of something, so all of it begins anew. */
  resume(): void {
    this.#isOff = false;
  }

  #cancel(): void {
    if (this.#job !== null) this.#job.isWanted = false;
    this.#job = null;
  }

  async #run(job: Job): Promise<void> {
    const { entry } = job;
    const isWanted = (): boolean => job.isWanted;
    try {
      await this.#system.idle();
      if (!job.isWanted || this.#system.isTaken() || !(await this.#fits(entry))) return;
      this.#inKernel = true;
      const packed = await this.#system.load(entry, "packed", isWanted);
      // A load that was given up too late to be stopped is forgotten below.
      if (job.isWanted && packed.method === "kexec_load") job.loaded = packed;
      if (job.loaded === null) return;
      log.info(`${entry.id}: loaded ahead in ${packed.seconds.toFixed(2)} s`);
      const free = await this.#system.free();
      if (!job.isWanted || this.#system.isTaken() || (free !== null && free < MIN_FOR_UNPACKING)) return;
      const unpacked = await this.#system.load(entry, "unpacked", isWanted);
      log.info(`${entry.id}: unpacked ahead in ${unpacked.seconds.toFixed(2)} s`);
    } catch (error) {
      if (error instanceof BatonError && error.code === "cancelled") return;
      // It works in another way when a person boots it, or that boot says why it fails.
      log.info(`${entry.id}: not ${job.loaded === null ? "loaded" : "unpacked"} ahead: ${describeError(error)}`);
    }
  }

  async #fits(entry: BootEntry): Promise<boolean> {
    const free = await this.#system.free();
    if (free === null) return true;
    let size = 0;
    for (const file of entryFiles(entry)) {
      if ("device" in file) size += (await this.#discovery.volume(file.device).reader.stat(file.path)).size;
    }
    if (size <= free * BUDGET) return true;
    log.info(`${entry.id}: not loaded ahead, for it would take ${size >> 20} of ${Math.round(free / 2 ** 20)} MiB`);
    return false;
  }

  /** Gives its memory back. */
  async #forget(): Promise<void> {
    this.#inKernel = false;
    try {
      await this.#system.unload();
    } catch (error) {
      log.debug(`what was loaded ahead stays in memory: ${describeError(error)}`);
    }
  }
}

function isSame(job: Job, other: { readonly key: string; readonly volumes: readonly EntryVolume[] }): boolean {
  return (
    job.key === other.key &&
    job.volumes.length === other.volumes.length &&
    job.volumes.every((volume, index) => volume === other.volumes[index])
  );
}

/**
 * This machine's own.
 * @param load the host's
 * @param call by which kernels are loaded
 */
export function systemStaging(load: NonNullable<SessionHost["loadAhead"]>, call: LoadCall): StagingSystem {
  return {
    load: (entry, ahead, isWanted) => load(entry, { ahead, isWanted, call }),
    unload,
    free: async () => (await readKexecState()).memoryAvailable,
    idle: () => sleep(IDLE_MS),
    ended: loadsEnded,
    isTaken: () => existsSync(BY_HAND),
  };
}
