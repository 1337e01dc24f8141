/**
 * One transfer by TFTP (RFC 1350) with block size, transfer size and windows (RFC 2347–2349, 7440). Block numbers roll
 * over, lost packets are asked for again, doubled ones are left aside.
 */

import type { LookupAddress } from "node:dns";
import { BatonError } from "../errors.ts";
import { Pieces } from "./pieces.ts";
import { socketError, tftpError } from "./tftperrors.ts";
import { acknowledgement, blockOf, DATA_START, errorPacket, parsePacket, readRequest } from "./tftppacket.ts";
import { TftpSocket } from "./tftpsocket.ts";

export interface TftpOptions {
  /** Bytes of a block that are asked for; what fits an Ethernet frame behind a tunnel's header unless given. */
  readonly blksize?: number;
  /** Blocks that come between two acknowledgements. */
  readonly windowsize?: number;
  readonly times?: Partial<TftpTimes>;
  /** Finds a name's addresses; the system's resolver unless given. */
  resolve?(host: string, options: { all: true }): Promise<LookupAddress[]>;
}

/** Milliseconds. */
interface TftpTimes {
  /** Until a packet is sent again the first time; doubled for each further time. */
  readonly retry: number;
  /** Without an answer, or without any progress. */
  readonly giveUp: number;
  /** Without an answer, where the server has another address to be tried. */
  readonly elsewhere: number;
  /** A time in which at least {@link MIN_BYTES} must come. */
  readonly drip: number;
}

export const TIMES: TftpTimes = { retry: 1000, giveUp: 20_000, elsewhere: 4000, drip: 60_000 };
const BLKSIZE = 1428;
const WINDOWSIZE = 16;
const SHORTEST_RETRY_MS = 50;
/** Slower than this a kernel would take hours. */
const MIN_BYTES = 60 * 1024;
/** Bytes, or milliseconds, after which the reader is woken: waking it for each block would take most of the time. */
const WAKE = { bytes: 64 * 1024, ms: 100 } as const;
/** Bytes that may wait to be taken; then the server waits. */
const QUEUE = 4 * 1024 * 1024;
/** Bytes of a burst. */
const BURST = 1024 * 1024;
/** Blocks that come before the first burst: most files are over by then. */
const BLOCKS_BEFORE_BURSTS = 32;
/** Milliseconds: a server that answers more quickly is waited for in a burst. */
const QUICK_ANSWER = 1;

/** The machine that is asked, one of those that the URL's name stands for. */
interface TftpServer {
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
}

export class TftpTransfer {
  readonly #name: string;
  readonly #server: TftpServer;
  readonly #socket: TftpSocket;
  readonly #times: TftpTimes;
  readonly #options: TftpOptions;
  #blksize = 512;
  #windowsize = 1;
  /** Bytes, null where the server doesn't say. */
  size: number | null = null;
  /** Number of the last block in order, counted on without rolling over. */
  #block = 0;
  /** What a block number has on the wire less than here: servers that roll over to 1 leave 0 out. */
  #shift = 0;
  #inWindow = 0;
  #received = 0;
  #last: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | null = null;
  #retries = 0;
  /** When the last block in order came. */
  #progressAt = performance.now();
  /** Milliseconds for the answer to the request. */
  #answerMs: number;
  /** When the time began in which enough must come, and what had come by then. */
  #drip = { at: performance.now(), received: 0 };
  /** How long an answer takes, smoothed; null before the first. */
  #roundTrip: number | null = null;
  #sentAt = 0;
  readonly #pieces = new Pieces();
  #wokenAt = 0;
  /** An acknowledgement that waits until the queue is shorter. */
  #isHeld = false;
  #state: "requested" | "running" | "done" | "failed" = "requested";
  #failure: BatonError | null = null;
  #wake: (() => void) | null = null;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.abort("cancelled");

  /** @param name of the file, for messages */
  constructor(name: string, server: TftpServer, options: TftpOptions, signal: AbortSignal | undefined) {
    this.#name = name;
    this.#server = server;
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#answerMs = this.#times.giveUp;
    this.#signal = signal;
    this.#socket = new TftpSocket({
      ...server,
      onPacket: (bytes, port) => this.#onPacket(bytes, port),
      onError: (error) => this.#fail(socketError(name, server.address, error, this.#state === "requested")),
    });
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
  }

  /**
   * Resolves when the server has begun to send, or has said what it is going to send.
   * @param path as the server is to see it
   * @param hasOthers whether there are other addresses to be tried when this one is silent
   */
  async request(path: string, withOptions: boolean, hasOthers: boolean): Promise<void> {
    if (hasOthers) this.#answerMs = Math.min(this.#times.elsewhere, this.#times.giveUp);
    const { blksize = BLKSIZE, windowsize = WINDOWSIZE } = this.#options;
    const asked = withOptions ? { tsize: 0, blksize, ...(windowsize > 1 ? { windowsize } : {}) } : {};
    this.#send(readRequest(path, asked));
    while (this.#state === "requested") await this.#changed();
    if (this.#failure !== null) throw this.#failure;
  }

  async *body(): AsyncIterable<Uint8Array> {
    try {
      for (;;) {
        if (
          this.#pieces.waiting > 0 &&
          (this.#state !== "running" || this.#pieces.waiting >= WAKE.bytes || this.#isLate())
        ) {
          this.#wokenAt = performance.now();
          yield* this.#pieces.take();
          if (this.#isHeld) {
            this.#isHeld = false;
            this.#acknowledge();
          }
          this.#burst();
          continue;
        }
        if (this.#failure !== null) throw this.#failure;
        if (this.#state === "done") return;
        await this.#changed();
      }
    } finally {
      this.abort("the transfer is not wanted any more");
    }
  }

  /** Ends the transfer and tells the server, unless it is over. */
  abort(message: string): void {
    if (this.#state !== "requested" && this.#state !== "running") return;
    if (this.#state === "running" && message !== "") this.#socket.send(errorPacket(0, message));
    this.#fail(new BatonError("cancelled", `${this.#name}: ${message}`));
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #isLate(): boolean {
    return performance.now() - this.#wokenAt >= WAKE.ms;
  }

  #fail(error: BatonError): void {
    if (this.#state === "failed" || this.#state === "done") return;
    this.#state = "failed";
    this.#failure = error;
    this.#end();
  }

  /** Ends the transfer with an ERROR packet, since what the server does is wrong. */
  #refuse(error: BatonError): void {
    this.#socket.send(errorPacket(0, "the transfer is given up"));
    this.#fail(error);
  }

  #end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#socket.close();
    this.#notify();
  }

  #send(packet: Buffer): void {
    this.#last = packet;
    this.#retries = 0;
    this.#socket.send(packet);
    this.#sentAt = performance.now();
    this.#arm();
  }

  /** One timer for many packets: it looks when the last was sent. */
  #arm(): void {
    if (this.#timer !== null) return;
    const wait = this.#retryMs() - (performance.now() - Math.max(this.#sentAt, this.#progressAt));
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(5, wait));
  }

  #onTimer(): void {
    this.#timer = null;
    if (this.#state !== "requested" && this.#state !== "running") return;
    const now = performance.now();
    const patience = this.#state === "requested" ? this.#answerMs : this.#times.giveUp;
    if (this.#isHeld) {
      // It is not the server that is slow.
      this.#progressAt = now;
      this.#drip = { at: now, received: this.#received };
    } else if (now - this.#progressAt >= patience) {
      this.#fail(this.#silence(patience));
      return;
    } else if (now - this.#drip.at >= this.#times.drip) {
      const came = this.#received - this.#drip.received;
      if (this.#state === "running" && came < MIN_BYTES) {
        const seconds = Math.round((now - this.#drip.at) / 1000);
        const place = `after ${this.#received}${this.size === null ? "" : ` of ${this.size}`} bytes`;
        const message = `it comes too slowly, ${came} bytes in ${seconds} s (${place})`;
        this.#refuse(new BatonError("timeout", `${this.#name}: ${message}`));
        return;
      }
      this.#drip = { at: now, received: this.#received };
    } else if (now - Math.max(this.#sentAt, this.#progressAt) >= this.#retryMs()) {
      this.#retries++;
      this.#sentAt = now;
      // Where a window broke off it goes on, and is not sent again from its beginning.
      if (this.#inWindow > 0) this.#last = acknowledgement(this.#block + this.#shift);
      this.#inWindow = 0;
      this.#socket.send(this.#last);
    }
    this.#arm();
  }

  #silence(ms: number): BatonError {
    const what =
      this.#state === "requested"
        ? `no TFTP server at ${this.#server.address} answers within ${ms / 1000} s`
        : `the server has sent nothing more for ${ms / 1000} s, after ${this.#received} bytes`;
    return new BatonError("timeout", `${this.#name}: ${what}`);
  }

  #retryMs(): number {
    const { retry } = this.#times;
    const first = this.#roundTrip === null ? retry : Math.min(retry, Math.max(SHORTEST_RETRY_MS, this.#roundTrip * 4));
    return Math.min(first * 2 ** this.#retries, retry * 4);
  }

  #onPacket(bytes: Buffer, port: number): void {
    if (this.#state !== "requested" && this.#state !== "running") return;
    const block = blockOf(bytes);
    const packet = block < 0 ? parsePacket(bytes) : null;
    if (block < 0 && packet === null) return;
    if (packet?.op === "error") {
      this.#fail(tftpError(this.#name, packet.code, packet.message, this.#state === "requested"));
      return;
    }
    if (this.#state === "requested") {
      if (this.#retries === 0) this.#roundTrip = performance.now() - this.#sentAt;
      this.#socket.tie(port);
    }
    if (packet === null) this.#onData(block, bytes);
    else this.#onOptions(packet.options);
  }

  #onOptions(options: ReadonlyMap<string, string>): void {
    // A second one says that the first acknowledgement was lost; the timer sends that again.
    if (this.#state !== "requested") return;
    const number = (name: string): number | null =>
      /^\d{1,15}$/.test(options.get(name) ?? "") ? Number(options.get(name)) : null;
    this.#blksize = number("blksize") ?? 512;
    this.#windowsize = Math.min(number("windowsize") ?? 1, this.#options.windowsize ?? WINDOWSIZE);
    this.size = number("tsize");
    if (this.#blksize < 8 || this.#blksize > 65_464 || this.#windowsize < 1) {
      const what = `blocks of ${this.#blksize} bytes, ${this.#windowsize} at once, which TFTP has not`;
      this.#refuse(new BatonError("bad-format", `${this.#name}: the server wants ${what}`));
      return;
    }
    this.#begin();
    this.#send(acknowledgement(0));
    this.#notify();
  }

  #begin(): void {
    this.#state = "running";
    this.#progressAt = performance.now();
    this.#drip = { at: this.#progressAt, received: 0 };
    this.#wokenAt = this.#progressAt;
  }

  #onData(block: number, packet: Buffer): void {
    const length = packet.length - DATA_START;
    // Without options the first block is the answer; a longer one follows an answer that was lost.
    if (this.#state === "requested" && length > this.#blksize) return;
    if (this.#state === "requested") this.#begin();
    const expected = (this.#block + 1 + this.#shift) & 0xffff;
    if (block !== expected) {
      // Past 65,535 some servers go on with 1; one block at a time, nothing else can be meant by it.
      if (expected === 0 && block === 1 && this.#windowsize === 1) this.#shift++;
      else {
        this.#outOfOrder(block);
        return;
      }
    }
    if (length > this.#blksize) {
      this.#refuse(new BatonError("bad-format", `${this.#name}: the server sends longer blocks than were agreed on`));
      return;
    }
    this.#block++;
    this.#inWindow++;
    const isFirst = this.#inWindow === 1 && this.#retries === 0;
    const isLast = length < this.#blksize;
    const isWindow = !isLast && this.#inWindow >= this.#windowsize;
    const askedAt = this.#sentAt;
    // The server goes on with the next while this one is put away.
    if (isWindow && this.#pieces.waiting > QUEUE) this.#isHeld = true;
    else if (isWindow) this.#acknowledge();
    this.#progressAt = isWindow && !this.#isHeld ? this.#sentAt : performance.now();
    if (isFirst) this.#measure(this.#progressAt - askedAt);
    this.#retries = 0;
    this.#pieces.add(packet, DATA_START, this.size === null ? null : this.size - this.#received);
    this.#received += length;
    if (isLast) this.#finish();
    else if (this.size !== null && this.#received > this.size) this.#refuse(this.#wrongLength());
    else if (isWindow) this.#onWindow();
  }

  /** All of a window is here. */
  #onWindow(): void {
    if (this.#wake !== null && (this.#pieces.waiting >= WAKE.bytes || this.#isLate())) this.#notify();
    if (this.#block > BLOCKS_BEFORE_BURSTS) {
      this.#socket.allowBursts(this.#blksize, this.#windowsize);
      this.#burst();
    }
  }

  #burst(): void {
    const waits = this.#roundTrip !== null && this.#roundTrip < QUICK_ANSWER;
    this.#socket.burst(waits, () => this.#state === "running" && !this.#isHeld && this.#pieces.waiting < BURST);
  }

  /** The last block is here. */
  #finish(): void {
    this.#socket.send(acknowledgement(this.#block + this.#shift));
    if (this.size !== null && this.size !== this.#received) {
      this.#fail(this.#wrongLength());
      return;
    }
    this.#state = "done";
    this.#end();
  }

  /** @param took milliseconds from an acknowledgement to the first block after it */
  #measure(took: number): void {
    this.#roundTrip = this.#roundTrip === null ? took : this.#roundTrip * 0.875 + took * 0.125;
  }

  #acknowledge(): void {
    this.#inWindow = 0;
    this.#send(acknowledgement(this.#block + this.#shift));
  }

  /** A gap: the server is told once where to go on. A block that came before: its acknowledgement may be lost. */
  #outOfOrder(block: number): void {
    const ahead = (block - ((this.#block + this.#shift) & 0xffff) + 0x10000) & 0xffff;
    const isGap = ahead > 1 && ahead <= this.#windowsize * 2;
    const now = performance.now();
    if (!isGap && ahead !== 0) return;
    // What was in flight when the gap was noticed says the same again; answering each would double everything.
    if (now - this.#sentAt < Math.max(2, this.#roundTrip ?? 2) && this.#inWindow === 0) return;
    if (!isGap && this.#inWindow > 0) return;
    this.#acknowledge();
    this.#retries = 0;
  }

  #wrongLength(): BatonError {
    const sent = `${this.#received}${this.#received > this.size! ? " or more" : ""}`;
    return new BatonError("io", `${this.#name}: the server announced ${this.size} bytes and sent ${sent}`);
  }
}
