/** A file on a server read in places: what a kernel, a unified kernel image or an ISO is shows in a few of them. */

import { BatonError } from "../errors.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import type { Opened } from "../fetch/transport.ts";
import { parseFetchUrl } from "../fetch/transports.ts";

/** What one request brings at least. */
const PIECE = 64 * 1024;
/** Without ranges everything before the wanted bytes has to come as well; no further than this. */
const MAX_STREAMED = 64 * 1024 * 1024;
const MAX_PIECES = 256;

export class RemoteFile {
  readonly #fetcher: Fetcher;
  readonly #url: string;
  readonly #pieces = new Map<number, Promise<Uint8Array>>();
  #size: number | null = null;
  /** From the beginning, where the server has no ranges. */
  #start: Uint8Array | null = null;
  #hasRanges: boolean | null = null;

  constructor(fetcher: Fetcher, url: string) {
    this.#fetcher = fetcher;
    this.#url = url;
  }

  /** Bytes; null where the server doesn't say (known after the first read). */
  get size(): number | null {
    return this.#size;
  }

  async readAt(offset: number, length: number): Promise<Uint8Array> {
    if (length <= 0) return new Uint8Array();
    const parts: Uint8Array[] = [];
    let at = offset;
    while (at < offset + length) {
      const number = Math.floor(at / PIECE);
      const piece = await this.#piece(number);
      const from = at - number * PIECE;
      const part = piece.subarray(from, from + offset + length - at);
      if (part.length === 0) break;
      parts.push(part);
      at += part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #piece(number: number): Promise<Uint8Array> {
    let piece = this.#pieces.get(number);
    if (piece === undefined) {
      if (this.#pieces.size >= MAX_PIECES) this.#pieces.delete(this.#pieces.keys().next().value!);
      piece = this.#fetch(number * PIECE);
      piece.catch(() => this.#pieces.delete(number));
      this.#pieces.set(number, piece);
    }
    return piece;
  }

  async #fetch(offset: number): Promise<Uint8Array> {
    if (this.#size !== null && offset >= this.#size) return new Uint8Array();
    if (offset > 0 && this.#hasRanges === null) {
      this.#hasRanges = (await this.#fetcher.transport(parseFetchUrl(this.#url))).ranges;
    }
    if (offset === 0 || this.#hasRanges) {
      const opened = await this.#fetcher.open(this.#url, { offset, length: PIECE });
      this.#size ??= opened.size;
      if (opened.offset === offset) return take(opened, PIECE);
      // The server sends the whole file whatever is asked of it.
      opened.close();
      this.#hasRanges = false;
    }
    if (offset + PIECE > MAX_STREAMED) {
      throw new BatonError(
        "too-large",
        `${this.#url}: to look at byte ${offset}, all before it would have to be fetched: this server can't send parts`,
      );
    }
    if (this.#start === null || this.#start.length < offset + PIECE) {
      this.#start = await take(await this.#fetcher.open(this.#url), MAX_STREAMED);
    }
    return this.#start.subarray(offset, offset + PIECE);
  }
}

/** At most `length` bytes of what is being sent. */
async function take(opened: Opened, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let taken = 0;
  try {
    for await (const part of opened.body) {
      parts.push(part.subarray(0, length - taken));
      taken += part.length;
      if (taken >= length) break;
    }
    return Buffer.concat(parts);
  } finally {
    opened.close();
  }
}
