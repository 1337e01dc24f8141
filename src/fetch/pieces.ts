/** What has come in small blocks, joined to pieces that are worth handing on. */

/** Bytes of a piece. */
const PIECE = 256 * 1024;

export class Pieces {
  /** Those that are full. */
  readonly #full: Buffer[] = [];
  /** The one that is being filled. */
  #piece: Buffer = Buffer.alloc(0);
  #filled = 0;
  /** Bytes that wait to be taken. */
  waiting = 0;

  /**
   * Copies what stands in `source` from `start` on.
   * @param expected bytes that will come from here on, as far as that is known
   */
  add(source: Buffer, start: number, expected: number | null): void {
    const length = source.length - start;
    if (length > this.#piece.length - this.#filled) {
      if (this.#filled > 0) this.#full.push(this.#piece.subarray(0, this.#filled));
      this.#piece = Buffer.allocUnsafeSlow(Math.max(length, Math.min(PIECE, expected ?? PIECE)));
      this.#filled = 0;
    }
    source.copy(this.#piece, this.#filled, start);
    this.#filled += length;
    this.waiting += length;
  }

  /** Everything that waits; it is the taker's then. */
  take(): Buffer[] {
    const pieces = this.#full.splice(0);
    if (this.#filled > 0) {
      pieces.push(this.#piece.subarray(0, this.#filled));
      this.#piece = this.#piece.subarray(this.#filled);
      this.#filled = 0;
    }
    this.waiting = 0;
    return pieces;
  }
}
