/**
 * Servers as volumes: formats see a tree of files, each read by a URL when it is asked for. Such a volume is named by
 * what stands before the path (`tftp://10.0.2.2`), and what formats say of its files is turned into URLs afterwards.
 */

import { type Diagnostic, entryFiles, type FileRef, type ParsedEntry, shownAddress } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import { fragmentOf } from "../fetch/fragment.ts";
import { localRefusal } from "../fetch/localfiles.ts";
import { parseFetchUrl } from "../fetch/transports.ts";
import { decodedPath, originOf, shownUrl, urlPath } from "../fetch/url.ts";
import type { FormatResult, FormatVolume, OpenDoor } from "../formats/format.ts";
import { MAX_CONFIG_SIZE, type Reader } from "../formats/reader.ts";
import { log } from "../log.ts";
import { PinnedFile } from "./pinnedfile.ts";
import { RemoteFile } from "./remotefile.ts";

/** Small files are asked for several times: to see what they are, and to read them. */
const KEPT_BYTES = 1024 * 1024;

/** A file on a server, as formats name it. */
export interface Located {
  readonly tree: FormatVolume;
  /** Decoded, absolute. */
  readonly path: string;
  /** What stood behind the URL: the digest that the file must have (`#sha256=…`); else empty. */
  readonly hash?: string;
}

export class UrlTrees {
  readonly #fetcher: Fetcher;
  readonly #trees = new Map<string, FormatVolume>();
  /** URLs that no path alone makes again (a query): by `TREE:/path`. */
  readonly #exact = new Map<string, string>();
  readonly #kept = new Map<string, Promise<Uint8Array>>();
  /** Files that are what their digests say, by their URLs without those. */
  readonly #pinned = new Map<string, PinnedFile>();
  readonly #stats = new Map<string, Promise<{ readonly size: number | null }>>();

  constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher;
  }

  /** @param origin `http://host:8080` */
  tree(origin: string): FormatVolume {
    let tree = this.#trees.get(origin);
    if (tree === undefined) {
      const reader = this.#reader(origin);
      const type = origin.slice(0, origin.indexOf(":"));
      const nothing = { uuid: null, label: null, partuuid: null, partlabel: null, disk: null, partition: null };
      tree = { name: origin, type, ...nothing, scheme: null, removable: false, reader };
      this.#trees.set(origin, tree);
    }
    return tree;
  }

  /** What lies within a file of a server: names of its files become URLs as those of a server do. */
  addInner(volume: FormatVolume): void {
    this.#trees.set(volume.name, volume);
  }

  /**
   * @param from what named it: a URL, or a word for it; null for the machine's owner or a person
   * @throws BatonError `usage`, `unsupported`, `refused`
   */
  locate(text: string, from: string | null): Located {
    const url = parseFetchUrl(text);
    const refusal = localRefusal(url, from);
    if (refusal !== null) throw new BatonError("refused", `${shownUrl(url)}: ${refusal}`);
    const { hash } = url;
    fragmentOf(url);
    url.hash = "";
    const tree = this.tree(originOf(url));
    const path = decodedPath(url);
    if (`${tree.name}${urlPath(tree.name, path)}` !== url.href) this.#exact.set(`${tree.name}:${path}`, url.href);
    return { tree, path, hash };
  }

  /**
   * Where a digest says what a file must be, all of it is fetched and checked; from then on it is read from memory.
   * @throws BatonError where it is another file, or is too large
   */
  async pin({ tree, path, hash = "" }: Located): Promise<void> {
    const url = this.urlOf(tree.name, path);
    if (hash === "" || this.#pinned.get(url)?.url === url + hash) return;
    const { digests } = fragmentOf(new URL(url + hash));
    if (digests.length === 0) return;
    if (path.endsWith("/"))
      throw new BatonError("usage", `${shownAddress(url)}: a folder has no digest; name a file in it`);
    this.#pinned.set(url, await PinnedFile.fetch(this.#fetcher, url, hash, digests));
  }

  /**
   * A file that was read, where it came from in the end: what it names relative to itself starts there. What was read, and
   * checked, is what it is there, too.
   */
  moved(at: Located): Located {
    const from = this.urlOf(at.tree.name, at.path);
    const to = this.#fetcher.endOf(from);
    if (to === from) return at;
    const moved = this.locate(to, from);
    const url = this.urlOf(moved.tree.name, moved.path);
    const [kept, pinned] = [this.#kept.get(from), this.#pinned.get(from)];
    if (kept !== undefined) this.#kept.set(url, kept);
    if (pinned !== undefined) this.#pinned.set(url, pinned);
    log.info(`${shownAddress(from)}: it came from ${shownAddress(url)}`);
    return { ...moved, ...(at.hash === undefined ? {} : { hash: at.hash }) };
  }

  get pinned(): readonly PinnedFile[] {
    return [...new Set(this.#pinned.values())];
  }

  /** Another name for a file, which formats that go by names can take. */
  alias(at: Located, path: string): Located {
    this.#exact.set(`${at.tree.name}:${path}`, this.urlOf(at.tree.name, at.path));
    return { ...at, path };
  }

  /** The URL of a file in one of the trees. */
  urlOf(origin: string, path: string): string {
    return this.#exact.get(`${origin}:${path}`) ?? origin + urlPath(origin, path);
  }

  /** The reference with a URL where it names a file of one of the trees. */
  reference(ref: FileRef): FileRef {
    return "device" in ref && this.#trees.has(ref.device) ? { url: this.urlOf(ref.device, ref.path) } : ref;
  }

  /**
   * A format's answer with URLs in place of the trees' names.
   * @param from the URL that the answer was read from: what it may not name isn't bootable; null where all that it names
   * was named by the machine's owner
   */
  withUrls(result: FormatResult, from: string | null): FormatResult {
    const { doors } = result;
    const open = async (door: OpenDoor, ...answers: Parameters<OpenDoor>): Promise<FormatResult> =>
      this.withUrls(await door(...answers), from);
    return {
      ...result,
      ...(doors ? { doors: new Map([...doors].map(([name, door]) => [name, (answers) => open(door, answers)])) } : {}),
      entries: result.entries.map((entry) => this.#entry(entry, from)),
      diagnostics: result.diagnostics.map((diagnostic) => this.#diagnostic(diagnostic)),
    };
  }

  #entry(entry: ParsedEntry, from: string | null): ParsedEntry {
    const reference = (ref: FileRef): FileRef => this.reference(ref);
    return {
      ...entry,
      source: this.#source(entry.source),
      reason: entry.reason === null ? this.#refusal(entry, from) : this.#text(entry.reason),
      linux: entry.linux && reference(entry.linux),
      initrd: entry.initrd.map(reference),
      devicetree: entry.devicetree && reference(entry.devicetree),
      modules: entry.modules.map(({ file, args }) => ({ file: reference(file), args })),
      // Nothing is written over a network, whatever a script would like to remember.
      writes: [],
    };
  }

  /** Why one of an entry's files may not be fetched; null where all may. */
  #refusal(entry: ParsedEntry, from: string | null): string | null {
    for (const ref of entryFiles(entry)) {
      if (!("url" in ref) || !URL.canParse(ref.url)) continue;
      const url = new URL(ref.url);
      const refusal = localRefusal(url, from);
      if (refusal !== null) return `${shownUrl(url)}: ${refusal}`;
      try {
        fragmentOf(url);
      } catch (error) {
        return describeError(error);
      }
    }
    return null;
  }

  #diagnostic(diagnostic: Diagnostic): Diagnostic {
    return { ...diagnostic, source: this.#source(diagnostic.source), message: this.#text(diagnostic.message) };
  }

  #source(text: string): string {
    for (const origin of this.#trees.keys()) {
      if (text.startsWith(`${origin}:/`)) return this.urlOf(origin, text.slice(origin.length + 1));
    }
    return text;
  }

  /** `http://host:/path` in a sentence. */
  #text(text: string): string {
    let clean = text;
    for (const origin of this.#trees.keys()) clean = clean.replaceAll(`${origin}:/`, `${origin}/`);
    return clean;
  }

  /** Whether a file is there. */
  stat(url: string): Promise<{ readonly size: number | null }> {
    let stat = this.#stats.get(url);
    if (stat === undefined) {
      stat = this.#fetcher.stat(url);
      stat.catch(() => {});
      this.#stats.set(url, stat);
    }
    return stat;
  }

  #reader(origin: string): Reader {
    const url = (path: string): string => this.urlOf(origin, path);
    const files = new Map<string, RemoteFile>();
    return {
      read: async (path, limit = MAX_CONFIG_SIZE) => {
        const address = url(path);
        const pinned = this.#pinned.get(address);
        if (pinned !== undefined) {
          if (pinned.size > limit)
            throw new BatonError("too-large", `${shownAddress(address)}: it has more than ${limit} bytes`);
          return pinned.readAt(0, pinned.size);
        }
        let bytes = this.#kept.get(address);
        if (bytes === undefined) {
          bytes = this.#fetcher.read(address, { limit }).then((read) => read!);
          this.#kept.set(address, bytes);
          const forget = (): boolean => this.#kept.delete(address);
          // What is missing stays missing for as long as one listing takes; other failures may pass.
          bytes.then(
            ({ length }) => length > KEPT_BYTES && forget(),
            (error) => (error instanceof BatonError && error.code === "not-found") || forget(),
          );
        }
        const read = await bytes;
        if (read.length > limit)
          throw new BatonError("too-large", `${shownAddress(address)}: it has more than ${limit} bytes`);
        return read;
      },
      readAt: async (path, offset, length) => {
        const address = url(path);
        const pinned = this.#pinned.get(address);
        if (pinned !== undefined) return pinned.readAt(offset, length);
        const kept = await this.#kept.get(address)?.catch(() => undefined);
        if (kept !== undefined) return kept.subarray(offset, offset + length);
        let file = files.get(address);
        if (file === undefined) {
          file = new RemoteFile(this.#fetcher, address);
          files.set(address, file);
        }
        return file.readAt(offset, length);
      },
      list: async (path) => {
        // Neither TFTP nor HTTP has a listing that programs could rely on.
        throw new BatonError("not-found", `${shownAddress(url(path))}: a server doesn't tell what is in its folders`);
      },
      stat: async (path) => {
        if (path.endsWith("/")) throw new BatonError("not-found", `${shownAddress(url(path))}: it is a folder`);
        const { size } = this.#pinned.get(url(path)) ?? (await this.stat(url(path)));
        return { type: "file", size: size ?? 0, mtime: 0 };
      },
    };
  }
}
