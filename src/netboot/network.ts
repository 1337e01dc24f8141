/**
 * The network as a place that entries come from: what was asked of it, what it answered, and the files that entries
 * name there.
 */

import type { FileHandle } from "node:fs/promises";
import type { NetworkSource } from "../discovery/discovery.ts";
import { entryFiles, type FileRef, type ParsedEntry, shownAddress } from "../entry.ts";
import { BatonError, describeError, describeWithout } from "../errors.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import { withMirrors } from "../fetch/fragment.ts";
import type { FormatResult, OpenDoor, Platform } from "../formats/format.ts";
import { log } from "../log.ts";
import type { Lease } from "../net/lease.ts";
import type { ReadConfig } from "../policy/readconfig.ts";
import type { DeviceStatus } from "../status.ts";
import type { Part } from "./iso.ts";
import type { PinnedFile } from "./pinnedfile.ts";
import { failedConfig, NetworkReader } from "./read.ts";
import type { KernelExtras } from "./urlfragment.ts";

/** What is asked of the network. */
export interface NetworkRequest {
  /** A URL that somebody named; null to go by the lease alone. */
  readonly url: string | null;
  readonly lease: Lease | null;
  readonly extras: KernelExtras;
  /** The machine's owner named the URL: what it gives boots before all else. */
  readonly isNamed?: boolean;
}

interface Answer {
  readonly request: NetworkRequest;
  readonly config: ReadConfig;
  readonly row: DeviceStatus;
  /** Why nothing was found, naming what was asked for; else null. */
  readonly failure: string | null;
  /** Files that are what their digests say. */
  readonly pinned: readonly PinnedFile[];
}

export class Network implements NetworkSource {
  readonly fetcher: Fetcher;
  readonly #platform: Platform;
  readonly #defers: boolean;
  #configs: readonly ReadConfig[] = [];
  #rows: readonly DeviceStatus[] = [];
  /** Why a URL gave nothing. */
  readonly #failures = new Map<string, unknown>();
  /** Files that lie within others. */
  readonly #parts = new Map<string, Part>();
  /** What is known of files: null for one that is there, else why not. */
  readonly #files = new Map<string, string | null>();

  /** What entries lead to that are opened rather than booted, by `BootEntry.opens`. */
  readonly #doors = new Map<string, OpenDoor>();
  #answers: readonly Answer[] = [];
  #opening: Promise<unknown> = Promise.resolve();

  /** @param defers scripts behind a menu's items are read when they are chosen ({@link open}) */
  constructor(fetcher: Fetcher, platform: Platform, defers = false) {
    this.fetcher = fetcher;
    this.#platform = platform;
    this.#defers = defers;
  }

  /** As the list takes them. */
  get configs(): readonly ReadConfig[] {
    return this.#configs;
  }

  /** One row a request, for the `i` screen and the list's `devices`. */
  get rows(): readonly DeviceStatus[] {
    return this.#rows;
  }

  /** Why a URL gave nothing the last time; null where it gave something. */
  failureOf(url: string): unknown {
    return this.#failures.get(url) ?? null;
  }

  /** Why a file can't be fetched, as far as that is known without trying; null where it can or isn't known. */
  check(ref: FileRef): string | null {
    return "url" in ref ? (this.#files.get(ref.url) ?? null) : null;
  }

  /**
   * Asks anew, in place of all that was known. Never rejects: what fails is a diagnostic and a row with the reason.
   * @param onlyNew a request that has failed before is not tried again: a dead server would be waited for twice
   * @returns why nothing was found; null where something was
   */
  async ask(requests: readonly NetworkRequest[], onlyNew = false): Promise<string | null> {
    this.#parts.clear();
    const known = onlyNew ? this.#answers.filter(({ row }) => row.reason !== null) : [];
    const isSame = (one: NetworkRequest, other: NetworkRequest): boolean =>
      one.url === other.url && one.lease === other.lease;
    const answers = await Promise.all(
      requests.map(async (request) => known.find((one) => isSame(one.request, request)) ?? this.#answer(request)),
    );
    for (const { pinned } of this.#answers.filter((old) => !answers.includes(old))) {
      for (const file of pinned) await file.close();
    }
    this.#answers = answers;
    this.#files.clear();
    this.#doors.clear();
    this.#configs = answers.map(({ config }) => ({ ...config, entries: this.#keepDoors(config, config.source) }));
    this.#rows = answers.map(({ row }) => row);
    if (this.fetcher.isMirror) await this.#lookForFiles();
    const reasons = answers.flatMap(({ failure }) => failure ?? []);
    return reasons.length === answers.length && reasons.length > 0 ? reasons.join("; ") : null;
  }

  /** Keeps a result's doors. @returns its entries with names that no other configuration's doors have */
  #keepDoors({ doors, entries }: FormatResult, source: string): readonly ParsedEntry[] {
    if (doors === undefined) return entries;
    for (const [name, door] of doors) this.#doors.set(`${source}#${name}`, door);
    return entries.map((entry) =>
      entry.opens === undefined ? entry : { ...entry, opens: `${source}#${entry.opens}` },
    );
  }

  /**
   * Puts what an entry leads to in its place.
   * @param door its `opens`
   * @param answers to what it asks (`ParsedEntry.asks`), by the questions' names
   * @throws BatonError where it leads nowhere
   */
  open(door: string, answers?: ReadonlyMap<string, string>): Promise<void> {
    const work = this.#opening.then(() => this.#open(door, answers));
    this.#opening = work.catch(() => {});
    return work;
  }

  async #open(door: string, answers: ReadonlyMap<string, string> | undefined): Promise<void> {
    const at = this.#configs.findIndex(({ entries }) => entries.some((entry) => entry.opens === door));
    const result = await this.#doors.get(door)?.(answers);
    const config = this.#configs[at];
    if (result === undefined || config === undefined)
      throw new BatonError("not-found", "this menu is not there any more");
    const place = config.entries.findIndex((entry) => entry.opens === door);
    if (result.entries.length === 0) {
      const why = result.diagnostics[0]?.message ?? "it leads back to a menu that stands above it, or to nothing";
      throw new BatonError("not-found", `${config.entries[place]!.title}: ${why}`);
    }
    const within = this.#keepDoors(result, config.source);
    const move = (index: number): number => (index > place ? index + within.length - 1 : index);
    const opened: ReadConfig = {
      ...config,
      entries: config.entries.toSpliced(place, 1, ...within),
      diagnostics: [...config.diagnostics, ...result.diagnostics],
      defaultIndex: config.defaultIndex === null ? null : move(config.defaultIndex),
      fallback: config.fallback.map(move),
    };
    this.#configs = this.#configs.with(at, opened);
    if (this.fetcher.isMirror) await this.#lookForFiles();
  }

  /** A file, whole and checked, in memory. */
  async fetch(
    url: string,
    onProgress: (done: number, total: number | null) => void,
    signal?: AbortSignal,
  ): Promise<FileHandle> {
    const part = this.#parts.get(url);
    const address = part?.url ?? url;
    const pinned = this.#answers.flatMap((answer) => answer.pinned).find((file) => file.url === address);
    if (pinned !== undefined) {
      const size = part?.size ?? pinned.size;
      onProgress(size, size);
      return part === undefined ? pinned.open() : pinned.copyPart(part.offset, size);
    }
    const { download } = await import("../fetch/download.ts");
    const { handle, size, sha256 } = await download(this.#fetcherFor(url), address, {
      onProgress,
      ...(part ? { part } : {}),
      ...(signal ? { signal } : {}),
    });
    log.info(`${shownAddress(url)}: ${size} bytes, SHA-256 ${sha256}`);
    return handle;
  }

  /** What a lease alone leads to is fetched with less trust than what somebody named. */
  #fetcherFor(url: string): Fetcher {
    const isNamedBy = (isLease: boolean): boolean =>
      this.#answers.some(
        ({ request }, at) =>
          (request.url === null) === isLease &&
          this.#configs[at]!.entries.flatMap(entryFiles).some((ref) => "url" in ref && ref.url === url),
      );
    return isNamedBy(true) && !isNamedBy(false) ? this.fetcher.byLease() : this.fetcher;
  }

  async #answer(request: NetworkRequest): Promise<Answer> {
    const { url, lease, extras } = request;
    if (url !== null) this.#failures.delete(url);
    const name = url ?? lease?.interface ?? "network";
    const facts = { size: null, uuid: null, label: null, model: lease?.origin ?? null, transport: "network" };
    const fetcher = url === null ? this.fetcher.byLease() : this.fetcher;
    const reader = new NetworkReader(fetcher, this.#platform, this.#defers);
    try {
      const config = url !== null ? await reader.url(url, lease, extras) : await reader.lease(lease!, extras);
      for (const [address, part] of reader.parts) this.#parts.set(address, part);
      const type = /^[a-z]+/.exec(config.source)?.[0] ?? null;
      const at = config.volumeKey;
      const row = { ...facts, name: at, type, sources: [config.source.slice(at.length)], reason: null };
      return {
        request,
        config: { ...withOrigin(config, lease), isNamed: request.isNamed === true },
        row,
        failure: null,
        pinned: reader.pinned,
      };
    } catch (error) {
      const failure = describeError(error);
      log.warn(failure);
      if (url !== null) this.#failures.set(url, error);
      const config = failedConfig(url ?? lease?.origin ?? name, error);
      return {
        request,
        config: withOrigin(config, lease),
        row: { ...facts, name, type: null, sources: [], reason: describeWithout(name, error) },
        failure,
        pinned: reader.pinned,
      };
    }
  }

  async #lookForFiles(): Promise<void> {
    const urls = new Set<string>();
    for (const { entries } of this.#configs) {
      for (const entry of entries)
        for (const file of entryFiles(entry)) if ("url" in file && !this.#parts.has(file.url)) urls.add(file.url);
    }
    await Promise.all(
      [...urls].map(async (url) => {
        let places: readonly string[];
        try {
          places = withMirrors(url);
        } catch (error) {
          return void this.#files.set(url, describeWithout(url, error));
        }
        for (const place of places) {
          try {
            await this.fetcher.stat(place);
            return void this.#files.set(url, null);
          } catch (error) {
            const isMissing = error instanceof BatonError && error.code === "not-found";
            this.#files.set(url, isMissing ? "the file is missing (404)" : describeWithout(place, error));
          }
        }
      }),
    );
  }
}

/** Where it came from, for `order:` of Baton's configuration. */
function withOrigin(config: ReadConfig, lease: Lease | null): ReadConfig {
  return { ...config, origin: { device: null, transport: "network", mac: lease?.mac ?? null } };
}
