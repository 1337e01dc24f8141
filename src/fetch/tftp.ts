/**
 * TFTP (RFC 1350) with block size, transfer size and windows (RFC 2347–2349, 7440). Block numbers roll over, lost
 * packets are asked for again, doubled ones are left aside.
 */

import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { BatonError } from "../errors.ts";
import { acknowledgement, errorPacket, parsePacket, readRequest, type TftpPacket } from "./tftppacket.ts";
import type { Opened, OpenOptions, Transport } from "./transport.ts";
import { collapsePath, decodedPath, shownUrl } from "./url.ts";

export interface TftpOptions {
  /** Bytes of a block that are asked for; what fits an Ethernet frame behind a tunnel's header unless given. */
  readonly blksize?: number;
  /** Blocks that come between two acknowledgements. */
  readonly windowsize?: number;
  readonly times?: Partial<TftpTimes>;
}

/** Milliseconds. */
export interface TftpTimes {
  /** Until a packet is sent again the first time; doubled for each further time. */
  readonly retry: number;
  /** Without an answer, or without any progress. */
  readonly giveUp: number;
}

const TIMES: TftpTimes = { retry: 1000, giveUp: 20_000 };
const BLKSIZE = 1428;
const WINDOWSIZE = 16;
const SHORTEST_RETRY_MS = 50;
/** Bytes that may wait to be taken; then the server waits. */
const QUEUE = 4 * 1024 * 1024;
const RECEIVE_BUFFER = 1024 * 1024;

export function tftpTransport(options: TftpOptions = {}): Transport {
  /** Per server: whether names are to begin with a slash. */
  const slashes = new Map<string, boolean>();
  const begin = async (url: URL, signal?: AbortSignal): Promise<Transfer> => {
    const path = collapsePath(decodedPath(url));
    const known = slashes.get(url.host);
    // As RFC 3617 has it, without the slash first; servers without a root of their own want it.
    const forms = known === undefined ? [path.slice(1), path] : [known ? path : path.slice(1)];
    for (const [index, form] of forms.entries()) {
      try {
        const transfer = await connect(url, form, options, signal);
        slashes.set(url.host, form.startsWith("/"));
        return transfer;
      } catch (error) {
        const isRefusal = error instanceof BatonError && (error.code === "not-found" || error.code === "refused");
        if (!isRefusal || index === forms.length - 1) throw error;
      }
    }
    throw new BatonError("not-found", shownUrl(url));
  };
  return {
    ranges: false,
    async open(url: URL, { signal }: OpenOptions): Promise<Opened> {
      const transfer = await begin(url, signal);
      const close = (): void => transfer.abort("the transfer is not wanted any more");
      return { url: url.href, size: transfer.size, offset: 0, validator: null, body: transfer.body(), close };
    },
    async stat(url, signal) {
      const transfer = await begin(url, signal);
      transfer.abort("only asking for the size");
      return { size: transfer.size };
    },
  };
}

/** Sends the request to each of the server's addresses until one answers. */
async function connect(
  url: URL,
  path: string,
  options: TftpOptions,
  signal: AbortSignal | undefined,
): Promise<Transfer> {
  const name = shownUrl(url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = await lookup(host, { all: true }).catch((error: NodeJS.ErrnoException) => {
    const isUnknown = error.code === "ENOTFOUND";
    const what = isUnknown ? `the name ${host} is not known to the DNS server` : `no DNS server answers for ${host}`;
    throw new BatonError("io", `${name}: ${what}; check the name, or give an address`, { cause: error });
  });
  let last: unknown;
  for (const { address, family } of addresses) {
    for (const withOptions of [true, false]) {
      const transfer = new Transfer(name, address, family, Number(url.port || 69), options, signal);
      try {
        await transfer.request(path, withOptions);
        return transfer;
      } catch (error) {
        transfer.abort("");
        last = error;
        // RFC 2347: a server that can't negotiate says so by error 8; old ones by 4 or 0.
        if (!(error instanceof OptionsRefused)) break;
      }
    }
    if (last instanceof BatonError && last.code !== "timeout" && last.code !== "io") break;
  }
  throw last;
}

/** What is lost is sent again. */
const ignore = (): void => {};

class OptionsRefused extends BatonError {}

class Transfer {
  readonly #name: string;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #times: TftpTimes;
  readonly #options: TftpOptions;
  #port: number;
  /** Whether the server's own port is known yet. */
  #isBound = false;
  /** Then Node need not look at the address of each packet, which takes as long as sending it. */
  #isConnected = false;
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
  #progressAt = performance.now();
  /** How long an answer takes, smoothed; null before the first. */
  #roundTrip: number | null = null;
  #sentAt = 0;
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  /** An acknowledgement that waits until the queue is shorter. */
  #isHeld = false;
  #state: "requested" | "running" | "done" | "failed" = "requested";
  #failure: BatonError | null = null;
  #wake: (() => void) | null = null;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#fail(new BatonError("cancelled", `${this.#name}: cancelled`));

  constructor(
    name: string,
    address: string,
    family: number,
    port: number,
    options: TftpOptions,
    signal: AbortSignal | undefined,
  ) {
    this.#name = name;
    this.#address = address;
    this.#port = port;
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#signal = signal;
    this.#socket = createSocket({ type: family === 6 ? "udp6" : "udp4", recvBufferSize: RECEIVE_BUFFER });
    this.#socket.on("message", (message, from) => this.#onMessage(message, from));
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      const unreachable = ["ENETUNREACH", "EHOSTUNREACH"].includes(error.code ?? "");
      const what = unreachable
        ? `there is no route to ${address}: this machine has no address or no gateway for it`
        : error.message;
      this.#fail(new BatonError("io", `${name}: ${what}`, { cause: error }));
    });
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
  }

  /** Resolves when the server has begun to send, or has said what it is going to send. */
  async request(path: string, withOptions: boolean): Promise<void> {
    const { blksize = BLKSIZE, windowsize = WINDOWSIZE } = this.#options;
    const asked = withOptions ? { tsize: 0, blksize, ...(windowsize > 1 ? { windowsize } : {}) } : {};
    this.#send(readRequest(path, asked));
    while (this.#state === "requested") await this.#changed();
    if (this.#failure !== null) throw this.#failure;
  }

  async *body(): AsyncIterable<Uint8Array> {
    try {
      for (;;) {
        const pieces = this.#queue.splice(0);
        if (pieces.length > 0) {
          this.#queued = 0;
          yield pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
          if (this.#isHeld) {
            this.#isHeld = false;
            this.#acknowledge();
          }
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
    if (this.#state === "requested" || this.#state === "running") {
      if (this.#isBound && message !== "") this.#put(errorPacket(0, message));
      this.#fail(new BatonError("cancelled", `${this.#name}: ${message}`));
    }
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

  #fail(error: BatonError): void {
    if (this.#state === "failed" || this.#state === "done") return;
    this.#state = "failed";
    this.#failure = error;
    this.#end();
  }

  #end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    // After what is still to be sent.
    setImmediate(() => {
      try {
        this.#socket.close();
      } catch {
        // It is closed already.
      }
    });
    this.#notify();
  }

  #send(packet: Buffer): void {
    this.#last = packet;
    this.#retries = 0;
    this.#sentAt = performance.now();
    this.#transmit();
  }

  #put(packet: Buffer): void {
    if (this.#isConnected) this.#socket.send(packet, ignore);
    else this.#socket.send(packet, this.#port, this.#address, ignore);
  }

  #transmit(): void {
    this.#put(this.#last);
    this.#arm();
  }

  /** One timer for many packets: it looks when the last was sent. */
  #arm(): void {
    if (this.#timer !== null) return;
    const wait = this.#retryMs() - (performance.now() - this.#sentAt);
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(5, wait));
  }

  #onTimer(): void {
    this.#timer = null;
    if (this.#state !== "requested" && this.#state !== "running") return;
    const now = performance.now();
    if (this.#isHeld) {
      this.#progressAt = now;
      this.#sentAt = now;
      this.#arm();
      return;
    }
    if (now - this.#progressAt >= this.#times.giveUp) {
      const seconds = this.#times.giveUp / 1000;
      const what =
        this.#state === "requested"
          ? `no TFTP server at ${this.#address} answers within ${seconds} s`
          : `the server has sent nothing more for ${seconds} s, after ${this.#received} bytes`;
      this.#fail(new BatonError("timeout", `${this.#name}: ${what}`));
      return;
    }
    if (now - this.#sentAt < this.#retryMs()) {
      this.#arm();
      return;
    }
    this.#retries++;
    this.#sentAt = now;
    this.#transmit();
  }

  #retryMs(): number {
    const first =
      this.#roundTrip === null
        ? this.#times.retry
        : Math.min(this.#times.retry, Math.max(SHORTEST_RETRY_MS, this.#roundTrip * 4));
    return Math.min(first * 2 ** this.#retries, this.#times.retry * 4);
  }

  #onMessage(message: Buffer, from: { readonly address: string; readonly port: number }): void {
    if (this.#state !== "requested" && this.#state !== "running") return;
    if (this.#isBound ? from.port !== this.#port : !sameAddress(from.address, this.#address)) {
      // RFC 1350, 4: somebody else's packet ends nothing here.
      if (this.#isBound) this.#socket.send(errorPacket(5, "unknown transfer"), from.port, from.address, () => {});
      return;
    }
    if (!sameAddress(from.address, this.#address)) return;
    const packet = parsePacket(message);
    if (packet === null) return;
    if (packet.op === "error") {
      this.#fail(this.#serverError(packet));
      return;
    }
    if (!this.#isBound) {
      this.#isBound = true;
      this.#port = from.port;
      this.#socket.connect(from.port, this.#address, () => {
        this.#isConnected = true;
      });
      if (this.#retries === 0) this.#roundTrip = performance.now() - this.#sentAt;
    }
    if (packet.op === "oack") this.#onOptions(packet.options);
    else this.#onData(packet.block, packet.data);
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
      this.#fail(
        new BatonError(
          "bad-format",
          `${this.#name}: the server wants blocks of ${this.#blksize} bytes, which TFTP has not`,
        ),
      );
      return;
    }
    this.#state = "running";
    this.#progressAt = performance.now();
    this.#send(acknowledgement(0));
    this.#notify();
  }

  #onData(block: number, data: Uint8Array): void {
    // Without options the first block is the answer; a longer one follows an answer that was lost.
    if (this.#state === "requested" && data.length > this.#blksize) return;
    if (this.#state === "requested") this.#state = "running";
    const expected = (this.#block + 1 + this.#shift) & 0xffff;
    if (block !== expected) {
      // Past 65,535 some servers go on with 1; one block at a time, nothing else can be meant by it.
      if (expected === 0 && block === 1 && this.#windowsize === 1) this.#shift++;
      else {
        this.#outOfOrder(block);
        return;
      }
    }
    if (data.length > this.#blksize) {
      this.#fail(new BatonError("bad-format", `${this.#name}: the server sends longer blocks than were agreed on`));
      return;
    }
    this.#block++;
    this.#inWindow++;
    this.#received += data.length;
    if (this.#inWindow === 1 && this.#retries === 0) this.#measure();
    this.#retries = 0;
    this.#progressAt = performance.now();
    if (data.length > 0) {
      this.#queue.push(data);
      this.#queued += data.length;
    }
    const isLast = data.length < this.#blksize;
    if (isLast) {
      this.#inWindow = 0;
      this.#put(acknowledgement(this.#block + this.#shift));
      this.#state = "done";
      this.#end();
      if (this.size !== null && this.size !== this.#received) this.#wrongLength();
      return;
    }
    if (this.#inWindow >= this.#windowsize) {
      if (this.#queued > QUEUE) this.#isHeld = true;
      else this.#acknowledge();
      if (this.#wake !== null) this.#notify();
    }
  }

  #measure(): void {
    const took = performance.now() - this.#sentAt;
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

  #wrongLength(): void {
    const message = `${this.#name}: the server announced ${this.size} bytes and sent ${this.#received}`;
    this.#state = "failed";
    this.#failure = new BatonError("io", message);
  }

  #serverError({ code, message }: Extract<TftpPacket, { op: "error" }>): BatonError {
    const said = message.trim() === "" ? "" : ` (${message.trim()})`;
    const line = (text: string): string => `${this.#name}: ${text}${said}`;
    switch (code) {
      case 1:
        return new BatonError("not-found", line("the server has no such file: TFTP error 1"));
      case 2:
        return new BatonError("refused", line("the server does not let it be read: TFTP error 2"));
      case 8:
        return new OptionsRefused("io", line("the server refuses the transfer's options: TFTP error 8"));
      case 4:
        if (this.#state === "requested")
          return new OptionsRefused("io", line("the server does not know what is asked: TFTP error 4"));
        break;
      case 0:
        if (/not found|no such file/i.test(message)) return new BatonError("not-found", line("TFTP error 0"));
        if (this.#state === "requested") return new OptionsRefused("io", line("the server failed: TFTP error 0"));
        break;
    }
    const names: Readonly<Record<number, string>> = {
      3: "disk full",
      5: "unknown transfer",
      6: "file exists",
      7: "no such user",
    };
    return new BatonError(
      "io",
      line(`the server ended the transfer: TFTP error ${code}${names[code] ? `, ${names[code]}` : ""}`),
    );
  }
}

/** `::ffff:10.0.2.2` is 10.0.2.2, and a link-local address may have its interface behind it. */
function sameAddress(a: string, b: string): boolean {
  const plain = (text: string): string =>
    text
      .replace(/^::ffff:(?=\d+\.)/i, "")
      .replace(/%.*$/, "")
      .toLowerCase();
  return plain(a) === plain(b);
}
