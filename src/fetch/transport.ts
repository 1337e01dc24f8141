/** What every way of fetching gives: one stream of bytes, and what is known of it beforehand. */

export interface OpenOptions {
  /** Begin so many bytes into the file; only where the transport has `ranges`. */
  readonly offset?: number;
  /** No more than so many bytes are wanted; a transport may send more. */
  readonly length?: number;
  /** The file must still be the one that `validator` described; else the transport starts from 0 again. */
  readonly validator?: string | null;
  readonly signal?: AbortSignal;
}

/** A file that is being sent. */
export interface Opened {
  /** Where it came from in the end, after redirects. */
  readonly url: string;
  /** Bytes of the whole file, null where the server doesn't say. */
  readonly size: number | null;
  /** Where `body` begins in the file. */
  readonly offset: number;
  /** Something that changes with the file's contents (an ETag); null where there is none. */
  readonly validator: string | null;
  /** Rejects with a BatonError; ends early only by rejecting. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the transfer, whether it is complete or not. Never throws. */
  close(): void;
}

export interface Transport {
  /** Whether `offset` is obeyed. */
  readonly ranges: boolean;
  /** @throws BatonError `not-found`, `timeout`, `refused`, `io`, `unsupported`, `cancelled` */
  open(url: URL, options: OpenOptions): Promise<Opened>;
  /** Whether the file is there, and its size where the server tells. @throws as `open` */
  stat(url: URL, signal?: AbortSignal): Promise<{ readonly size: number | null }>;
}
