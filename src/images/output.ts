/** Where unpackers put what they unpack: memory that is taken as it is filled, and never more than a limit. */

import { BatonError } from "../errors.ts";

/** Bytes between two turns of the event loop: the slowest unpacker takes 20 ms for them. */
const BYTES_A_TURN = 1 << 18;

export class Output {
  /** Bytes. */
  readonly limit: number;
  /** All of the limit: the operating system gives memory only to what has been written. */
  readonly bytes: Buffer;
  length = 0;
  #turn = 0;

  constructor(limit: number) {
    this.limit = limit;
    this.bytes = Buffer.allocUnsafeSlow(limit);
  }

  /** Makes sure that there is room. @throws BatonError `too-large`; what fits has been filled by {@link append} */
  reserve(more: number): void {
    if (this.length + more > this.limit) throw new BatonError("too-large", "it unpacks to too much");
  }

  /** Adds as much of it as there is room for. @throws BatonError `too-large` */
  append(part: Uint8Array): void {
    const fitting = Math.min(part.length, this.limit - this.length);
    this.bytes.set(fitting < part.length ? part.subarray(0, fitting) : part, this.length);
    this.length += fitting;
    if (fitting < part.length) this.reserve(1);
  }

  /** Repeats what lies `distance` bytes before the end. @throws BatonError `too-large` */
  copyBack(distance: number, length: number): void {
    const { bytes } = this;
    const end = this.length + Math.min(length, this.limit - this.length);
    if (distance >= length) {
      bytes.copyWithin(this.length, this.length - distance, end - distance);
    } else {
      // The copy runs over itself, and so repeats what it has written.
      for (let to = this.length; to < end; to++) bytes[to] = bytes[to - distance]!;
    }
    const fitting = end - this.length;
    this.length = end;
    if (fitting < length) this.reserve(1);
  }

  /** True where the event loop has waited long enough for {@link turn}. */
  get isTurnDue(): boolean {
    return this.length - this.#turn >= BYTES_A_TURN;
  }

  /** Lets the event loop run. */
  async turn(): Promise<void> {
    this.#turn = this.length;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  get filled(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}
