/** Fetches by scheme. A new transport is one new file and one new line here. */

import { BatonError } from "../errors.ts";
import type { HttpOptions } from "./http.ts";
import { fileTransport, mirrorTransport } from "./local.ts";
import type { Opened, OpenOptions, Transport } from "./transport.ts";
import { parseFetchUrl, shownUrl } from "./url.ts";

export interface FetcherOptions {
  /** A folder that stands for the whole network. */
  readonly mirror?: string;
  readonly http?: HttpOptions;
}

/** Each loaded when its first file is asked for: most machines boot from disks. */
const TRANSPORTS: Readonly<Record<string, (options: FetcherOptions) => Promise<Transport>>> = {
  http: async ({ http }) => (await import("./http.ts")).httpTransport(http ?? {}),
  https: async ({ http }) => (await import("./http.ts")).httpTransport(http ?? {}),
  tftp: async () => (await import("./tftp.ts")).tftpTransport(),
  file: async () => fileTransport,
};

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
      const { mirror } = this.#options;
      transport = mirror === undefined ? TRANSPORTS[scheme]!(this.#options) : Promise.resolve(mirrorTransport(mirror));
      this.#transports.set(scheme, transport);
    }
    return transport;
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
