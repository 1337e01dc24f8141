/** A file on a server read in places: what a kernel, a unified kernel image or an ISO is shows in a few of them. */

import { shownAddress } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { type Fetcher, tooSlow } from "../fetch/fetcher.ts";
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
  /** Requests that are under way, since when there has been one, and how long there was one before. Milliseconds. */
  #asking = 0;
  #since = 0;
  #waited = 0;

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
      piece = this.#inTime((signal) => this.#fetch(number * PIECE, signal));
      piece.catch(() => this.#pieces.delete(number));
      this.#pieces.set(number, piece);
    }
    return piece;
  }

  /**
   * Asks the server, which has as long for all that is looked at of this file as for a small file: one that drips would
   * take hours for an image's folders.
   */
  async #inTime(ask: (signal: AbortSignal) => Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#asking++ === 0) this.#since = performance.now();
    const waited = this.#waited + performance.now() - this.#since;
    const late = AbortSignal.timeout(Math.max(1, Math.ceil(this.#fetcher.readMs - waited)));
    try {
      return await ask(late);
    } catch (error) {
      throw late.aborted ? tooSlow(shownAddress(this.#url)) : error;
    } finally {
      if (--this.#asking === 0) this.#waited += performance.now() - this.#since;
    }
  }

  async #fetch(offset: number, signal: AbortSignal): Promise<Uint8Array> {
    if (this.#size !== null && offset >= this.#size) return new Uint8Array();
    if (offset > 0 && this.#hasRanges === null) {
      this.#hasRanges = (await this.#fetcher.transport(parseFetchUrl(this.#url))).ranges;
    }
    if (offset === 0 || this.#hasRanges) {
      const opened = await this.#fetcher.open(this.#url, { offset, length: PIECE, signal });
      this.#size ??= opened.size;
      if (opened.offset === offset) return await take(opened, PIECE);
      // The server sends the whole file whatever is asked of it.
      opened.close();
      this.#hasRanges = false;
    }
    if (offset + PIECE > MAX_STREAMED) {
      throw new BatonError(
        "too-large",
        `${shownAddress(this.#url)}: to look at byte ${offset}, all before it would have to be fetched: this server can't send parts`,
      );
    }
    if (this.#start === null || this.#start.length < offset + PIECE) {
      this.#start = await take(await this.#fetcher.open(this.#url, { signal }), MAX_STREAMED);
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
