/** Finds what a URL or a lease leads to: told apart by content, or where bootloaders look. */

import { type Diagnostic, type EntryType, type ParsedEntry, shownAddress } from "../entry.ts";
import { BatonError, describeWithout } from "../errors.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import { withMirrors } from "../fetch/fragment.ts";
import { collapsePath } from "../fetch/url.ts";
import { EMPTY_RESULT, type FormatResult, type Platform } from "../formats/format.ts";
import { formatNamed } from "../formats/formats.ts";
import { baseName, folderOf } from "../formats/paths.ts";
import { log } from "../log.ts";
import type { Lease } from "../net/lease.ts";
import type { ReadConfig } from "../policy/readconfig.ts";
import { type Content, contentOf } from "./contenttype.ts";
import type { Part } from "./iso.ts";
import { ContentParser } from "./parse.ts";
import type { PinnedFile } from "./pinnedfile.ts";
import { grubPlaces, ipxePlaces, type Loader, loadersFor, pxelinuxPlaces } from "./places.ts";
import { type Located, UrlTrees } from "./trees.ts";
import { type KernelExtras, splitFragment } from "./urlfragment.ts";

/** Loaders that start one another. */
const MAX_DEPTH = 4;
/** Who names what stands in a lease. */
const LEASE = "a lease";
/** Of a file whose size the server doesn't tell. */
const UNKNOWN_SIZE = 2 ** 40;

/** One look at the network; nothing is remembered from one to the next. */
export class NetworkReader {
  readonly trees: UrlTrees;
  readonly #platform: Platform;
  readonly #parser: ContentParser;
  #depth = 0;

  /** @param defers scripts behind a menu's items are read when they are chosen */
  constructor(fetcher: Fetcher, platform: Platform, defers = false) {
    this.#platform = platform;
    this.trees = new UrlTrees(fetcher);
    const tree = (inner: Lease): Promise<ReadConfig> => this.#inner(inner);
    this.#parser = new ContentParser({ fetcher, platform, trees: this.trees, defers, tree });
  }

  /** Files that are what their digests say. */
  get pinned(): readonly PinnedFile[] {
    return this.trees.pinned;
  }

  /** Files that lie within others, by their URLs. */
  get parts(): ReadonlyMap<string, Part> {
    return this.#parser.parts;
  }

  /**
   * What a person (or `baton.url=`) named, from the first of its mirrors that has it.
   * @throws BatonError where it can't be fetched, or is nothing that boots
   */
  async url(text: string, lease: Lease | null, given: KernelExtras): Promise<ReadConfig> {
    const { url, extras } = splitFragment(text, given);
    const places = withMirrors(url);
    const failures: string[] = [];
    for (const place of places) {
      try {
        return await this.#url(place, lease, extras);
      } catch (error) {
        if (!(error instanceof BatonError) || places.length === 1) throw error;
        failures.push(error.message);
        log.warn(error.message);
      }
    }
    throw new BatonError("io", failures.join("; "));
  }

  async #url(url: string, lease: Lease | null, extras: KernelExtras): Promise<ReadConfig> {
    const at = this.trees.locate(url, null);
    await this.trees.pin(at);
    if (at.path.endsWith("/")) return this.#search(at, startIn(at.path), ["pxelinux", "grub", "ipxe"], lease);
    const content = await this.#contentOf(at);
    if (content.what === "program") return this.#search(at, folderOf(at.path), loadersFor(at.path), lease);
    if (content.what !== "unknown") return this.#readNamed(at, content, lease, extras);
    throw new BatonError(
      "bad-format",
      `${shownAddress(this.#name(at))}: it is ${content.description}, and none of what Baton boots from: a kernel, a unified kernel ` +
        "image, an ISO, an iPXE script, or a configuration of pxelinux, GRUB, systemd-boot or Baton",
    );
  }

  /**
   * What a lease leads to (docs/interfaces.md): its URL, its configuration file, its prefix, its boot file.
   * @throws BatonError where it leads nowhere, with all that was tried
   */
  async lease(lease: Lease, extras: KernelExtras): Promise<ReadConfig> {
    const failures: string[] = [];
    for (const [what, attempt] of this.#ways(lease, extras)) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        // Two ways to the same server fail alike.
        if (!failures.some((known) => known.endsWith(`: ${error.message}`))) failures.push(`${what}: ${error.message}`);
        log.info(`${lease.origin}: ${what}: ${error.message}`);
        // A server that doesn't answer doesn't answer the next question either.
        if (error.code === "timeout" || error.code === "cancelled") break;
      }
    }
    if (failures.length === 0) {
      throw new BatonError(
        "not-found",
        `${lease.origin}: the lease names no boot file: neither next-server with a file name, nor options 67, 209, 210, ` +
          "nor a boot file URL. Set one of them in the DHCP server",
      );
    }
    throw new BatonError("not-found", failures.join("; "));
  }

  /** What a script leads to that starts another loader: whose own script may do the same. */
  async #inner(lease: Lease): Promise<ReadConfig> {
    if (this.#depth >= MAX_DEPTH)
      throw new BatonError("loop", `${lease.file}: loaders that start loaders, ${MAX_DEPTH} deep`);
    this.#depth++;
    try {
      return await this.lease(lease, { initrd: [], options: "" });
    } finally {
      this.#depth--;
    }
  }

  #ways(lease: Lease, extras: KernelExtras): [string, () => Promise<ReadConfig>][] {
    const ways: [string, () => Promise<ReadConfig>][] = [];
    const { url, conf, prefix, file } = lease;
    if (url) ways.push(["boot file URL", () => this.#bootFile(this.trees.locate(url, LEASE), lease, extras)]);
    // Where relative names start: the prefix, else the boot file's folder.
    const base = (): Located => {
      if (prefix) {
        const at = this.#onServer(prefix, lease, null);
        return { tree: at.tree, path: folderPath(at.path) };
      }
      const bootFile = file ? this.#onServer(file, lease, null) : url ? this.trees.locate(url, LEASE) : null;
      if (bootFile === null) {
        // A configuration that is named by its URL needs no server beside.
        const named = conf && /^[a-z][a-z0-9+.-]*:\/\//i.test(conf) ? this.trees.locate(conf, LEASE) : null;
        if (named === null) return this.#onServer("/", lease, null);
        return { tree: named.tree, path: startOf(named.path) };
      }
      return { tree: bootFile.tree, path: folderOf(bootFile.path) };
    };
    if (conf) {
      ways.push([
        "configuration file (option 209)",
        async () => {
          const start = base();
          const at = this.#onServer(conf, lease, start);
          const content = await this.#contentOf(at);
          const readable =
            content.what === "unknown" || content.what === "program" ? configuration("syslinux") : content;
          return this.#read(at, readable, start.path, lease, extras);
        },
      ]);
    }
    if (prefix || conf) {
      const loaders = file ? loadersFor(file) : (["pxelinux", "grub", "ipxe"] as const);
      const what = prefix ? "prefix (option 210)" : "boot file's folder";
      ways.push([
        what,
        async () => {
          const start = base();
          return this.#search(start, start.path, ["pxelinux", ...loaders.filter((name) => name !== "pxelinux")], lease);
        },
      ]);
    }
    if (file) ways.push(["boot file", () => this.#bootFile(this.#onServer(file, lease, null), lease, extras)]);
    return ways;
  }

  /** A name as a lease has it: a URL, `server::path`, or a path on the lease's server. @param base of relative names */
  #onServer(name: string, lease: Lease, base: Located | null): Located {
    const text = name.replaceAll("\\", "/");
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return this.trees.locate(text, LEASE);
    const [, host, rest] = /^([^/]*?)::(.*)$/s.exec(text) ?? [];
    if (base !== null && host === undefined) {
      return { tree: base.tree, path: collapsePath(text.startsWith("/") ? text : `${base.path}/${text}`) };
    }
    const server = host || lease.server;
    if (!server) {
      throw new BatonError("not-found", `${name}: the lease names no server for it (next-server, or option 66)`);
    }
    const path = rest ?? text;
    const located = this.trees.locate(`tftp://${server.includes(":") ? `[${server}]` : server}/`, LEASE);
    return { tree: located.tree, path: path.endsWith("/") ? `${collapsePath(path)}/` : collapsePath(path) };
  }

  /** A boot file that is missing, unknown or another loader means that the tree is read as its loader would. */
  async #bootFile(at: Located, lease: Lease, extras: KernelExtras): Promise<ReadConfig> {
    let content: Content | null = null;
    try {
      if (at.path.endsWith("/")) await this.trees.pin(at);
      else content = await this.#contentOf(at);
    } catch (error) {
      if (!(error instanceof BatonError && error.code === "not-found")) throw error;
      log.info(error.message);
    }
    if (content !== null && content.what !== "program" && content.what !== "unknown") {
      return this.#readNamed(at, content, lease, extras);
    }
    const what =
      content === null
        ? "is not there"
        : content.what === "unknown"
          ? `is ${content.description}`
          : "is another loader";
    log.info(`${shownAddress(this.#name(at))} ${what}: looking for the configurations beside it`);
    return this.#search(at, at.path.endsWith("/") ? startIn(at.path) : folderOf(at.path), loadersFor(at.path), lease);
  }

  /** @throws BatonError `not-found` with every place that was looked at */
  async #search(at: Located, folder: string, loaders: readonly Loader[], lease: Lease | null): Promise<ReadConfig> {
    const looked: string[] = [];
    let empty: ReadConfig | null = null;
    for (const loader of loaders) {
      for (const path of this.#places(loader, folder, lease)) {
        looked.push(path);
        try {
          await at.tree.reader.read(path);
        } catch (error) {
          // Some servers refuse what is not there.
          if (!(error instanceof BatonError && ["not-found", "refused"].includes(error.code))) throw error;
          continue;
        }
        const content = configuration(loader === "pxelinux" ? "syslinux" : loader);
        const config = await this.#read({ tree: at.tree, path }, content, folder, lease, { initrd: [], options: "" });
        if (config.entries.length > 0)
          return empty === null ? config : { ...config, diagnostics: [...empty.diagnostics, ...config.diagnostics] };
        // A stub that leads nowhere (Debian's installer has one for its CD beside the real one): what comes next counts.
        empty ??= config;
      }
    }
    if (empty !== null) return empty;
    const shown =
      looked.length > 6 ? `${looked.slice(0, 6).join(", ")} and ${looked.length - 6} more` : looked.join(", ");
    throw new BatonError("not-found", `${at.tree.name}: there is no configuration (looked for ${shown})`);
  }

  #places(loader: Loader, folder: string, lease: Lease | null): string[] {
    if (loader === "pxelinux") return pxelinuxPlaces(folder, lease, this.#platform);
    if (loader === "grub") return grubPlaces(folder, lease, this.#platform);
    return ipxePlaces(folder);
  }

  async #contentOf(at: Located): Promise<Content> {
    await this.trees.pin(at);
    const { size } = await at.tree.reader.stat(at.path);
    // Small files are read whole, since they will be parsed; of others only what tells what they are.
    if (size > 0 && size < 256 * 1024) await at.tree.reader.read(at.path);
    const readAt = (offset: number, length: number): Promise<Uint8Array> =>
      at.tree.reader.readAt(at.path, offset, length);
    return contentOf(readAt, size || UNKNOWN_SIZE, at.path);
  }

  #name(at: Located): string {
    return this.trees.urlOf(at.tree.name, at.path);
  }

  /** What is named by itself: a configuration's names start where it came from in the end, redirects followed. */
  #readNamed(at: Located, content: Content, lease: Lease | null, extras: KernelExtras): Promise<ReadConfig> {
    const from = content.what === "configuration" ? this.trees.moved(at) : at;
    return this.#read(from, content, startOf(from.path), lease, extras);
  }

  /** @param start the folder in which PXELINUX's names start */
  async #read(
    at: Located,
    content: Content,
    start: string,
    lease: Lease | null,
    extras: KernelExtras,
  ): Promise<ReadConfig> {
    const source = this.#name(at);
    // What stands beside a kernel was named with it.
    const from = content.what === "kernel" ? null : source;
    const result = this.trees.withUrls(await this.#parser.parse(at, content, start, lease, extras), from);
    log.info(`${source}: ${result.entries.length} entries`);
    const checked = content.what === "uki" && at.hash ? withDigest(result, source, at.hash) : result;
    return { ...checked, source, volumeKey: at.tree.name, removable: false };
  }
}

const configuration = (name: EntryType): Content => ({ what: "configuration", format: formatNamed(name) });

/** Where PXELINUX's names start for a configuration that is named by itself: above its `pxelinux.cfg`, where it looks. */
const startOf = (path: string): string => startIn(folderOf(path));

const startIn = (folder: string): string =>
  baseName(folderPath(folder)) === "pxelinux.cfg" ? folderOf(folderPath(folder)) : folderPath(folder);

const folderPath = (path: string): string => path.replace(/(.)\/+$/, "$1");

/** What a file must be, on the entries that boot it. */
function withDigest(result: FormatResult, url: string, hash: string): FormatResult {
  const isMeant = (ref: ParsedEntry["linux"]): boolean => ref !== null && "url" in ref && ref.url === url;
  return {
    ...result,
    entries: result.entries.map((entry) => (isMeant(entry.linux) ? { ...entry, linux: { url: url + hash } } : entry)),
  };
}

/** A failure as the list shows it. */
export function failedConfig(source: string, error: unknown): ReadConfig {
  const message = describeWithout(source, error);
  const diagnostics: Diagnostic[] = [{ severity: "error", source, line: null, column: null, message }];
  return { ...EMPTY_RESULT, diagnostics, source, volumeKey: source, removable: false };
}
