/**
 * Datagrams by the dozen, on a socket of Node's: recvmmsg(2) and send(2). Node's own way goes through its event loop
 * for each one and takes five times as long, which is what a fast network's rate is then limited by.
 */

import type { Socket } from "node:dgram";
import { availableParallelism } from "node:os";
import { addressOf, callForErrno, directFunction } from "./libc.ts";

const MSG_DONTWAIT = 0x40;
const MSG_WAITFORONE = 0x10000;
/**
 * Times that one waits awake before it sleeps, together some 50 µs: to wake a processor takes as long as a server on the
 * same network takes to answer. Not where there is only one, which others need.
 */
const LOOKS = 64;
const FIONBIO = 0x5421;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
/** Sizes and offsets on 64-bit Linux: struct mmsghdr, struct iovec. */
const MMSGHDR = { size: 64, iov: 16, iovlen: 24, received: 56 } as const;
const IOVEC = { size: 16, length: 8 } as const;

/** The file descriptor of a socket that is bound; null where this version of Node hides it. */
export function socketDescriptor(socket: Socket): number | null {
  // The same as `_handle`, which Node warns about on stderr.
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "state symbol");
  if (symbol === undefined) return null;
  const state = (socket as unknown as Record<symbol, { readonly handle?: { readonly fd?: number } | null }>)[symbol];
  const fd = state?.handle?.fd;
  return typeof fd === "number" && fd >= 0 ? fd : null;
}

/** Room for several datagrams, filled again by each `receive`. */
export class DatagramBatch {
  readonly #fd: number;
  readonly #slots: readonly Buffer[];
  readonly #headers: Buffer;
  readonly #recvmmsg = directFunction("recvmmsg");
  readonly #send = directFunction("send");
  #flags = MSG_DONTWAIT;
  #looks = 0;
  /** The kernel follows the addresses in the headers to here: it must live as long as they. */
  readonly #vectors: Buffer;

  /**
   * @param fd a socket's; nothing may be called any more once that is closed
   * @param count datagrams that one call takes
   * @param length bytes of the longest; more of one is cut off
   * @param waitMs how long one call waits where it is to wait, whole milliseconds
   */
  constructor(fd: number, count: number, length: number, waitMs: number) {
    this.#fd = fd;
    this.#slots = Array.from({ length: count }, () => Buffer.allocUnsafeSlow(length));
    this.#headers = Buffer.alloc(count * MMSGHDR.size);
    this.#vectors = Buffer.alloc(count * IOVEC.size);
    const vectors = addressOf(this.#vectors);
    for (const [index, slot] of this.#slots.entries()) {
      this.#vectors.writeBigUInt64LE(addressOf(slot), index * IOVEC.size);
      this.#vectors.writeBigUInt64LE(BigInt(length), index * IOVEC.size + IOVEC.length);
      const header = index * MMSGHDR.size;
      this.#headers.writeBigUInt64LE(vectors + BigInt(index * IOVEC.size), header + MMSGHDR.iov);
      this.#headers.writeBigUInt64LE(1n, header + MMSGHDR.iovlen);
    }
    // struct timeval. It also limits what could go wrong: nothing ever waits longer on this socket.
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(Math.floor(waitMs / 1000)), 0);
    timeout.writeBigInt64LE(BigInt((waitMs % 1000) * 1000), 8);
    callForErrno("setsockopt", [fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length]);
  }

  /**
   * Runs `work`, in which `receive` waits for the first datagram if `waits`; this thread does nothing else meanwhile.
   * For that the socket must be a blocking one, which it never is where Node's event loop reads from it.
   */
  during(waits: boolean, work: () => void): void {
    this.#flags = waits ? MSG_WAITFORONE : MSG_DONTWAIT;
    this.#looks = waits && availableParallelism() > 1 ? LOOKS : 0;
    if (waits) this.#setBlocking(true);
    try {
      work();
    } finally {
      if (waits) this.#setBlocking(false);
    }
  }

  /**
   * Takes what has come.
   * @returns how many there are; 0 also where the socket has an error, which Node's own reading then tells
   */
  receive(): number {
    const fd = this.#fd;
    for (let look = this.#looks; look > 0; look--) {
      const count = this.#recvmmsg(fd, this.#headers, this.#slots.length, MSG_DONTWAIT, null);
      if (count > 0) return count;
    }
    return Math.max(0, this.#recvmmsg(fd, this.#headers, this.#slots.length, this.#flags, null));
  }

  /** Where the socket is connected. What can't be sent now is lost, as datagrams may be. */
  send(bytes: Uint8Array): void {
    this.#send(this.#fd, bytes, bytes.length, MSG_DONTWAIT);
  }

  #setBlocking(isBlocking: boolean): void {
    const value = Buffer.alloc(4);
    value.writeInt32LE(isBlocking ? 0 : 1);
    callForErrno("ioctl", [this.#fd, FIONBIO, value]);
  }

  /** One of the last `receive`, good until the next. */
  datagram(index: number): Buffer {
    return this.#slots[index]!.subarray(0, this.#headers.readUInt32LE(index * MMSGHDR.size + MMSGHDR.received));
  }
}
