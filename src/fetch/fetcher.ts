/** Fetches by scheme: the table of transports (transports.ts) says how. */

import { BatonError } from "../errors.ts";
import type { Opened, OpenOptions, Transport } from "./transport.ts";
import { type FetcherOptions, parseFetchUrl, transportOf } from "./transports.ts";
import { shownUrl } from "./url.ts";

/** So many bytes tell what a file is. */
const START_LENGTH = 64;
/** A configuration or a script: more than any person or generator writes. */
const MAX_TEXT_SIZE = 16 * 1024 * 1024;

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #transports = new Map<string, Promise<Transport>>();

  constructor(options: FetcherOptions = {}) {
    this.#options = options;
  }

  /** True where a folder stands for the network, so that looking for a file costs nothing. */
  get isMirror(): boolean {
    return this.#options.mirror !== undefined;
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
    return (await this.transport(url)).open(url, options);
  }

  /** @throws BatonError, see {@link Transport} */
  async stat(text: string, signal?: AbortSignal): Promise<{ readonly size: number | null }> {
    const url = parseFetchUrl(text);
    return (await this.transport(url)).stat(url, signal);
  }

  /**
   * The whole of a small file.
   * @param limit refuse (`too-large`) a file of more bytes
   * @param accept looks at the first bytes; where it says no the rest isn't fetched, and the answer is null
   */
  async read(
    text: string,
    { limit = MAX_TEXT_SIZE, accept }: { limit?: number; accept?: (start: Uint8Array) => boolean } = {},
  ): Promise<Uint8Array | null> {
    const opened = await this.open(text);
    const tooLarge = (): BatonError =>
      new BatonError("too-large", `${shownUrl(parseFetchUrl(text))}: it has more than ${limit} bytes`);
    try {
      if (accept === undefined && opened.size !== null && opened.size > limit) throw tooLarge();
      const pieces: Uint8Array[] = [];
      let length = 0;
      let asked = accept === undefined;
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
      return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    } finally {
      opened.close();
    }
  }
}
