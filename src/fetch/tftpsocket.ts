/**
 * The socket of one TFTP transfer. Requests go to the server's port 69; the server answers from a port of its own, to
 * which the socket is then tied. Where packets come faster than Node's event loop hands them on, they are taken from
 * the socket in bursts.
 */

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { DatagramBatch, socketDescriptor } from "../linux/datagram.ts";

interface TftpSocketOptions {
  readonly address: string;
  readonly family: 4 | 6;
  /** Where requests go. */
  readonly port: number;
  /** @param port that it came from. @param bytes good until this returns */
  readonly onPacket: (bytes: Buffer, port: number) => void;
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

const RECEIVE_BUFFER = 1024 * 1024;
/** Milliseconds of one burst; then others have their turn. */
const BURST_MS = 10;
/** Milliseconds that a burst waits for the next packet. */
const WAIT_MS = 1;
const MAX_IN_BATCH = 64;
/** How long a refusal is listened for. */
const PROBE_MS = 1000;
/** RFC 1350, 5: an error, "not defined", without a text. */
const STRAY_ERROR = Buffer.from([0, 5, 0, 0, 0]);
/** Transfers that take bursts. One that waits for its server keeps the others from theirs. */
let bursting = 0;
/** Sending fails for the moment only. */
const PASSING = ["EAGAIN", "ENOBUFS", "EINTR"];

export class TftpSocket {
  readonly #options: TftpSocketOptions;
  readonly #socket: Socket;
  #port: number;
  #isTied = false;
  #isConnected = false;
  #waiting: Buffer | null = null;
  /** Whether only the server's packets can be waiting. */
  #isClear = false;
  #isClosed = false;
  /** Once bursts are allowed. */
  #batch: DatagramBatch | null = null;
  #isScheduled = false;
  /** Requests sent before anybody answered. */
  #requests = 0;

  constructor(options: TftpSocketOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#socket = createSocket({ type: options.family === 6 ? "udp6" : "udp4", recvBufferSize: RECEIVE_BUFFER });
    this.#socket.on("message", (message, from) => this.#onMessage(message, from));
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.#fail(error));
  }

  /** What can't be sent now is lost, as packets may be; an address that can't be reached is an error. */
  send(packet: Buffer): void {
    if (this.#isClosed) return;
    if (this.#batch !== null) {
      this.#batch.send(packet);
      return;
    }
    // While it is being connected it can't send; what comes later says all that came before.
    if (this.#isTied && !this.#isConnected) this.#waiting = packet;
    else this.#put(packet);
    if (!this.#isTied && ++this.#requests === 2) this.#probe();
  }

  /**
   * A request was not answered. Only a connected socket hears that nobody listens there (IP_RECVERR would tell others, and
   * makes Node 24 abort); this one cannot be, since the server answers from a port of its own. So another one asks, with
   * an error that belongs to no transfer, which servers leave unanswered.
   */
  #probe(): void {
    const { address, family, port } = this.#options;
    const probe = createSocket(family === 6 ? "udp6" : "udp4");
    const close = (): void => {
      clearTimeout(late);
      probe.removeAllListeners("error").on("error", () => {});
      probe.close();
    };
    const late = setTimeout(close, PROBE_MS);
    probe.on("error", (error: NodeJS.ErrnoException) => {
      close();
      if (!this.#isTied) this.#fail(error);
    });
    probe.connect(port, address, () => probe.send(STRAY_ERROR));
  }

  #put(packet: Buffer): void {
    const done = (error: NodeJS.ErrnoException | null): void => {
      if (error && !PASSING.includes(error.code ?? "")) this.#fail(error);
    };
    if (this.#isConnected) this.#socket.send(packet, done);
    else this.#socket.send(packet, this.#port, this.#options.address, done);
  }

  /** From now on the transfer is with this port alone. */
  tie(port: number): void {
    if (this.#isTied) return;
    this.#isTied = true;
    this.#port = port;
    // Then the kernel drops what others send, and need not look up the way for each packet.
    this.#socket.connect(port, this.#options.address, () => {
      this.#isConnected = true;
      if (this.#waiting !== null) this.#put(this.#waiting);
      this.#waiting = null;
    });
  }

  /**
   * Prepares bursts, in which nobody looks who sent a packet. To be called when a window has come: at the second time
   * after the socket was connected it answers what was sent since, and what strangers sent before is out of the way.
   */
  allowBursts(blksize: number, windowsize: number): void {
    if (!this.#isConnected || this.#isClosed || this.#batch !== null) return;
    if (!this.#isClear) {
      this.#isClear = true;
      return;
    }
    const fd = socketDescriptor(this.#socket);
    if (fd === null) return;
    // One byte more than a block, so that too long ones are seen.
    this.#batch = new DatagramBatch(fd, Math.min(windowsize, MAX_IN_BATCH), blksize + 5, WAIT_MS);
    bursting++;
  }

  /**
   * Takes packets in bursts, beginning soon, until none comes or `goesOn` says no; later ones come as they always do.
   * @param waits whether the server answers so quickly that waiting for it is worth it
   */
  burst(waits: boolean, goesOn: () => boolean): void {
    const batch = this.#batch;
    if (this.#isScheduled || this.#isClosed || batch === null) return;
    this.#isScheduled = true;
    setImmediate(() => {
      const end = performance.now() + BURST_MS;
      let count = 1;
      const isWanted = (): boolean => count > 0 && !this.#isClosed && goesOn();
      if (!isWanted()) {
        this.#isScheduled = false;
        return;
      }
      batch.during(waits && bursting === 1, () => {
        while (isWanted() && performance.now() < end) {
          count = batch.receive();
          for (let index = 0; index < count && !this.#isClosed; index++)
            this.#options.onPacket(batch.datagram(index), this.#port);
        }
      });
      this.#isScheduled = false;
      if (isWanted()) this.burst(waits, goesOn);
    });
  }

  /** After what is still to be sent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#batch !== null) bursting--;
    setImmediate(() => {
      try {
        this.#socket.close();
      } catch {
        // It is closed already.
      }
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (!this.#isClosed) this.#options.onError(error);
  }

  #onMessage(message: Buffer, from: RemoteInfo): void {
    if (this.#isClosed) return;
    const isServer = sameAddress(from.address, this.#options.address);
    if (isServer && (!this.#isTied || from.port === this.#port)) {
      this.#options.onPacket(message, from.port);
      return;
    }
    // RFC 1350, 4, would have somebody else's packet answered by an error; it ends nothing here, which is enough.
  }
}

/** `::ffff:10.0.2.2` is 10.0.2.2, and a link-local address may have its interface behind it. */
function sameAddress(a: string, b: string): boolean {
  if (a === b) return true;
  const plain = (text: string): string =>
    text
      .replace(/^::ffff:(?=\d+\.)/i, "")
      .replace(/%.*$/, "")
      .toLowerCase();
  return plain(a) === plain(b);
}
