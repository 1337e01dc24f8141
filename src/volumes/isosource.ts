/** The bytes of an ISO image: metadata in few, larger reads that are remembered, file contents straight through. */

import type { ReadAt } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import { COSTS, IsoBudget } from "./isobudget.ts";

/** What metadata is read in: directories lie close together. */
const PIECE = 32 * 1024;
const MAX_PIECES = 32;

export class IsoSource {
  /** Of the image file, in bytes. */
  readonly size: number;
  /** For messages: `vda1:/iso/debian.iso`. */
  readonly name: string;
  readonly budget: IsoBudget;
  readonly #readAt: ReadAt;
  /** By number, least recently used first. */
  readonly #pieces = new Map<number, Promise<Uint8Array>>();

  constructor(readAt: ReadAt, size: number, name: string) {
    this.#readAt = readAt;
    this.size = size;
    this.name = name;
    this.budget = new IsoBudget(name);
  }

  /**
   * Exactly these bytes of descriptors, directories and the like, to be read and not to be kept.
   * What is read anew counts for the budget, which the caller asks.
   * @throws BatonError `io` where the image ends before
   */
  async metadata(offset: number, length: number): Promise<Buffer> {
    this.check(offset, length);
    const within = offset % PIECE;
    if (within + length <= PIECE) {
      const piece = await this.#piece(Math.floor(offset / PIECE));
      if (piece.length < within + length) throw this.#cutShort(offset + length);
      return Buffer.from(piece.buffer, piece.byteOffset + within, length);
    }
    const bytes = Buffer.alloc(length);
    for (let at = offset; at < offset + length; ) {
      const number = Math.floor(at / PIECE);
      const piece = await this.#piece(number);
      const from = at - number * PIECE;
      const part = piece.subarray(from, from + offset + length - at);
      if (part.length === 0) throw this.#cutShort(offset + length);
      bytes.set(part, at - offset);
      at += part.length;
    }
    return bytes;
  }

  /** At most `length` bytes of a file's contents; fewer where the image ends. */
  async data(offset: number, length: number): Promise<Uint8Array> {
    return this.#readAt(offset, length);
  }

  /** @throws BatonError `io` where the image ends before these bytes do. */
  check(offset: number, length: number): void {
    if (offset + length > this.size) throw this.#cutShort(offset + length);
  }

  /** Lets go of what was remembered. */
  forget(): void {
    this.#pieces.clear();
    this.budget.refill();
  }

  async #piece(number: number): Promise<Uint8Array> {
    let piece = this.#pieces.get(number);
    this.#pieces.delete(number);
    if (piece === undefined) {
      this.budget.spend(COSTS.piece);
      if (this.#pieces.size >= MAX_PIECES) this.#pieces.delete(this.#pieces.keys().next().value!);
      piece = this.#readAt(number * PIECE, Math.min(PIECE, this.size - number * PIECE));
      // Those that wait for it get the failure; the next one reads again.
      piece.catch(() => this.#pieces.delete(number));
    }
    this.#pieces.set(number, piece);
    return piece;
  }

  #cutShort(end: number): BatonError {
    return new BatonError(
      "io",
      `${this.name}: the image file has ${this.size} bytes and would need ${end}: it is cut short or damaged. Copy it again.`,
    );
  }
}
