/** Fetches by scheme: the table of transports (transports.ts) says how. */

import { BatonError } from "../errors.ts";
import { checkDigests, fragmentOf } from "./fragment.ts";
import type { Opened, OpenOptions, Transport } from "./transport.ts";
import { type FetcherOptions, parseFetchUrl, transportOf } from "./transports.ts";
import { shownUrl } from "./url.ts";

/** So many bytes tell what a file is. */
const START_LENGTH = 64;
/** A small file comes within two minutes, or not at all: the slowest line takes less, and somebody waits for it. */
const READ_MS = 120_000;
/** A configuration or a script: more than any person or generator writes. */
const MAX_TEXT_SIZE = 16 * 1024 * 1024;

const withoutFragment = (url: string): string => url.replace(/#.*$/s, "");

export const tooSlow = (name: string): BatonError =>
  new BatonError("timeout", `${name}: not all of it came in time; the server or the line is too slow`);

export class Fetcher {
  readonly #options: FetcherOptions;
  #byLease: Fetcher | null = null;
  readonly #transports = new Map<string, Promise<Transport>>();
  /** Where redirects led, by URLs without fragments. */
  readonly #ends = new Map<string, string>();

  constructor(options: FetcherOptions = {}) {
    this.#options = options;
  }

  /** Milliseconds in which a small file comes, or what is looked at of a large one. */
  get readMs(): number {
    return this.#options.readMs ?? READ_MS;
  }

  /** True where a folder stands for the network, so that looking for a file costs nothing. */
  get isMirror(): boolean {
    return this.#options.mirror !== undefined;
  }

  /** The same for what a lease leads to: no password goes out in plain text. */
  byLease(): Fetcher {
    this.#byLease ??= new Fetcher({ ...this.#options, http: { ...this.#options.http, isByLease: true } });
    return this.#byLease;
  }

  /** @throws BatonError `usage`, `unsupported` */
  async transport(url: URL): Promise<Transport> {
    const scheme = this.isMirror ? "mirror" : url.protocol.slice(0, -1);
    let transport = this.#transports.get(scheme);
    if (transport === undefined) {
      transport = this.#load(url);
      this.#transports.set(scheme, transport);
    }
    return transport;
  }

  async #load(url: URL): Promise<Transport> {
    const { mirror } = this.#options;
    if (mirror === undefined) return transportOf(url)!.load(this.#options);
    return (await import("./local.ts")).mirrorTransport(mirror);
  }

  /** @throws BatonError, see {@link Transport} */
  async open(text: string, options: OpenOptions = {}): Promise<Opened> {
    const url = parseFetchUrl(text);
    const opened = await (await this.transport(url)).open(url, options);
    const asked = withoutFragment(text);
    if (withoutFragment(opened.url) === withoutFragment(url.href)) this.#ends.delete(asked);
    else this.#ends.set(asked, withoutFragment(opened.url));
    return opened;
  }

  /**
   * Where a file that was fetched came from in the end (RFC 9110, 15.4): relative names in it start there (RFC 3986,
   * 5.1.3). The URL itself, without its fragment, where nothing redirected.
   */
  endOf(text: string): string {
    const asked = withoutFragment(text);
    return this.#ends.get(asked) ?? asked;
  }

  /** @throws BatonError, see {@link Transport} */
  async stat(text: string, signal?: AbortSignal): Promise<{ readonly size: number | null }> {
    const url = parseFetchUrl(text);
    return (await this.transport(url)).stat(url, signal);
  }

  /**
   * The whole of a small file; where its URL has a digest, the file that is meant and no other.
   * @param limit refuse (`too-large`) a file of more bytes
   * @param accept looks at the first bytes; where it says no the rest isn't fetched, and the answer is null. A file with
   * a digest is believed in nothing before all of it is checked
   * @throws BatonError, see {@link Transport}; `timeout` where it isn't whole in time, `bad-format` by its digest
   */
  async read(
    text: string,
    { limit = MAX_TEXT_SIZE, accept }: { limit?: number; accept?: (start: Uint8Array) => boolean } = {},
  ): Promise<Uint8Array | null> {
    const url = parseFetchUrl(text);
    const name = shownUrl(url);
    const { digests } = fragmentOf(url);
    const late = AbortSignal.timeout(this.readMs);
    const opened = await this.open(text, { signal: late }).catch((error) => {
      throw late.aborted ? tooSlow(name) : error;
    });
    const tooLarge = (): BatonError => new BatonError("too-large", `${name}: it has more than ${limit} bytes`);
    try {
      if (accept === undefined && opened.size !== null && opened.size > limit) throw tooLarge();
      const pieces: Uint8Array[] = [];
      let length = 0;
      let asked = accept === undefined || digests.length > 0;
      const refused = (): boolean => {
        asked = true;
        return !accept!(Buffer.concat(pieces));
      };
      for await (const piece of opened.body) {
        pieces.push(piece);
        length += piece.length;
        // A server may send byte by byte.
        if (!asked && length >= START_LENGTH && refused()) return null;
        if (length > limit) throw tooLarge();
      }
      if (!asked && refused()) return null;
      const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      checkDigests(name, bytes, digests);
      return digests.length > 0 && accept?.(bytes) === false ? null : bytes;
    } catch (error) {
      throw late.aborted ? tooSlow(name) : error;
    } finally {
      opened.close();
    }
  }
}
