/**
 * The network as a place that entries come from: what was asked of it, what it answered, and the files that entries
 * name there.
 */

import type { FileHandle } from "node:fs/promises";
import type { NetworkSource } from "../discover.ts";
import type { FileRef } from "../entry.ts";
import { entryFiles } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import type { Platform } from "../formats/format.ts";
import { log } from "../log.ts";
import type { DeviceRow } from "../menu/model.ts";
import type { Lease } from "../net/lease.ts";
import type { ReadConfig } from "../policy/list.ts";
import type { Part } from "./iso.ts";
import { type Beside, failedConfig, NetworkReader } from "./read.ts";

/** What is asked of the network. */
export interface NetworkRequest {
  /** A URL that somebody named; null to go by the lease alone. */
  readonly url: string | null;
  readonly lease: Lease | null;
  readonly beside: Beside;
  /** The machine's owner named the URL: what it gives boots before all else. */
  readonly isNamed?: boolean;
}

export class Network implements NetworkSource {
  readonly fetcher: Fetcher;
  readonly #platform: Platform;
  #configs: readonly ReadConfig[] = [];
  #rows: readonly DeviceRow[] = [];
  readonly #rowsByUrl = new Map<string, DeviceRow>();
  /** Files that lie within others. */
  readonly #parts = new Map<string, Part>();
  /** What is known of files: null for one that is there, else why not. */
  readonly #files = new Map<string, string | null>();

  constructor(fetcher: Fetcher, platform: Platform) {
    this.fetcher = fetcher;
    this.#platform = platform;
  }

  /** As the list takes them. */
  get configs(): readonly ReadConfig[] {
    return this.#configs;
  }

  /** One row a request, for the `i` screen and the list's `devices`. */
  get rows(): readonly DeviceRow[] {
    return this.#rows;
  }

  /** What came of a URL. */
  rowOf(url: string): DeviceRow | null {
    return this.#rowsByUrl.get(url) ?? null;
  }

  /** Why a file can't be fetched, as far as that is known without trying; null where it can or isn't known. */
  check(ref: FileRef): string | null {
    return "url" in ref ? (this.#files.get(ref.url) ?? null) : null;
  }

  /**
   * Asks anew, in place of all that was known. Never rejects: what fails is a diagnostic and a row with the reason.
   * @returns why nothing was found; null where something was
   */
  async ask(requests: readonly NetworkRequest[]): Promise<string | null> {
    this.#parts.clear();
    const answers = await Promise.all(requests.map((request) => this.#answer(request)));
    this.#files.clear();
    this.#configs = answers.map(({ config }) => config);
    this.#rows = answers.map(({ row }) => row);
    this.#rowsByUrl.clear();
    for (const [index, { url }] of requests.entries()) if (url !== null) this.#rowsByUrl.set(url, this.#rows[index]!);
    if (this.fetcher.isMirror) await this.#lookForFiles();
    const reasons = answers.flatMap(({ row }) => row.reason ?? []);
    return reasons.length === answers.length && reasons.length > 0 ? reasons.join("; ") : null;
  }

  /** A file, whole and checked, in memory. */
  async fetch(url: string, onProgress: (done: number, total: number | null) => void): Promise<FileHandle> {
    const { download } = await import("../fetch/download.ts");
    const part = this.#parts.get(url);
    const { handle, size, sha256 } = await download(this.fetcher, part?.url ?? url, {
      onProgress,
      ...(part ? { part } : {}),
    });
    log.info(`${url}: ${size} bytes, SHA-256 ${sha256}`);
    return handle;
  }

  async #answer(request: NetworkRequest): Promise<{ config: ReadConfig; row: DeviceRow }> {
    const { url, lease, beside } = request;
    const name = url ?? lease?.interface ?? "network";
    const facts = { size: null, uuid: null, label: null, model: lease?.origin ?? null, transport: "network" };
    try {
      const reader = new NetworkReader(this.fetcher, this.#platform);
      const config = url !== null ? await reader.url(url, lease, beside) : await reader.lease(lease!, beside);
      for (const [address, part] of reader.parts) this.#parts.set(address, part);
      const type = /^[a-z]+/.exec(config.source)?.[0] ?? null;
      const at = config.volumeKey;
      const row = { ...facts, name: at, type, sources: [config.source.slice(at.length)], reason: null };
      return { config: { ...withOrigin(config, lease), isNamed: request.isNamed === true }, row };
    } catch (error) {
      const reason = describeError(error);
      log.warn(reason);
      const config = failedConfig(url ?? lease?.origin ?? name, error);
      return { config: withOrigin(config, lease), row: { ...facts, name, type: null, sources: [], reason } };
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
        try {
          await this.fetcher.stat(url);
          this.#files.set(url, null);
        } catch (error) {
          const isMissing = error instanceof BatonError && error.code === "not-found";
          this.#files.set(url, isMissing ? "the file is missing (404)" : describeError(error));
        }
      }),
    );
  }
}

/** Where it came from, for `order:` of Baton's configuration. */
function withOrigin(config: ReadConfig, lease: Lease | null): ReadConfig {
  const nothing = { uuid: null, label: null, partuuid: null, partlabel: null };
  return { ...config, origin: { device: null, transport: "network", ...nothing, mac: lease?.mac ?? null } };
}
