/**
 * LZMA alone (`.lzma`), as kernels before 2.6.38 and small routers' have it. Written from the format's description
 * (lzma-specification.txt of the LZMA SDK): the packages that read it neither notice a file that is cut short nor
 * bound what it unpacks to.
 */

import { BatonError } from "../errors.ts";
import type { Output } from "./output.ts";

const HEADER_SIZE = 13;
const SIZE_UNKNOWN = 0xffff_ffff_ffff_ffffn;

const PROBABILITY_HALF = 1024;
const MINIMUM_MATCH = 2;
const STATES = 12;
/** States below this follow a literal. */
const LITERAL_STATES = 7;

/** The range decoder (section "Range Decoder"): bits whose probabilities are learnt on the way. */
class RangeDecoder {
  readonly #input: Uint8Array;
  #at: number;
  #range = 0xffffffff;
  #code = 0;

  constructor(input: Uint8Array, start: number) {
    this.#input = input;
    this.#at = start + 1;
    if (input[start] !== 0) broken("its first byte is wrong");
    for (let count = 0; count < 4; count++) this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  #next(): number {
    return this.#input[this.#at++] ?? broken("it is cut short");
  }

  bit(model: Uint16Array, index: number): 0 | 1 {
    const probability = model[index]!;
    const bound = (this.#range >>> 11) * probability;
    let bit: 0 | 1;
    if (this.#code < bound) {
      this.#range = bound;
      model[index] = probability + ((2048 - probability) >> 5);
      bit = 0;
    } else {
      this.#range -= bound;
      this.#code -= bound;
      model[index] = probability - (probability >> 5);
      bit = 1;
    }
    if (this.#range < 0x1000000) {
      this.#range = (this.#range << 8) >>> 0;
      this.#code = ((this.#code << 8) | this.#next()) >>> 0;
    }
    return bit;
  }

  /** Bits of equal chances, the highest first. */
  direct(count: number): number {
    let value = 0;
    for (let left = count; left > 0; left--) {
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      value = (value << 1) | bit;
      if (this.#range < 0x1000000) {
        this.#range = (this.#range << 8) >>> 0;
        this.#code = ((this.#code << 8) | this.#next()) >>> 0;
      }
    }
    return value >>> 0;
  }

  /** A number of so many bits by a tree of models from `base`, the highest bit first. */
  tree(model: Uint16Array, base: number, bits: number): number {
    let node = 1;
    for (let left = bits; left > 0; left--) node = (node << 1) | this.bit(model, base + node);
    return node - (1 << bits);
  }

  /** The same with the lowest bit first. */
  reverseTree(model: Uint16Array, base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let index = 0; index < bits; index++) {
      const bit = this.bit(model, base + node);
      node = (node << 1) | bit;
      value |= bit << index;
    }
    return value;
  }
}

const models = (count: number): Uint16Array => new Uint16Array(count).fill(PROBABILITY_HALF);

/** Match lengths: 3, 3 or 8 bits. */
class LengthDecoder {
  readonly #choice = models(2);
  readonly #low = models(16 << 3);
  readonly #middle = models(16 << 3);
  readonly #high = models(256);

  decode(range: RangeDecoder, position: number): number {
    if (range.bit(this.#choice, 0) === 0) return range.tree(this.#low, position << 3, 3);
    if (range.bit(this.#choice, 1) === 0) return 8 + range.tree(this.#middle, position << 3, 3);
    return 16 + range.tree(this.#high, 0, 8);
  }
}

/**
 * Unpacks a .lzma file.
 * @throws BatonError `bad-format`, `too-large` once the output is full
 */
export async function unpackLzma(packed: Uint8Array, target: Output): Promise<void> {
  const header = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  if (header.length < HEADER_SIZE + 5) broken("it is cut short");
  const properties = header[0]!;
  if (properties >= 225) broken("its properties are out of range");
  const literalContext = properties % 9;
  const literalPosition = Math.floor(properties / 9) % 5;
  const positionMask = (1 << Math.floor(properties / 45)) - 1;
  const dictionary = Math.max(header.readUInt32LE(1), 4096);
  const told = header.readBigUInt64LE(5);
  const size = told === SIZE_UNKNOWN ? null : Number(told);

  const range = new RangeDecoder(packed, HEADER_SIZE);
  const literals = models(0x300 << (literalContext + literalPosition));
  const isMatch = models(STATES << 4);
  const isRepeat = models(STATES);
  const isRepeat0 = models(STATES);
  const isRepeat1 = models(STATES);
  const isRepeat2 = models(STATES);
  const isRepeat0Long = models(STATES << 4);
  const slots = models(4 << 6);
  const distances = models(128);
  const aligned = models(16);
  const lengths = new LengthDecoder();
  const repeatLengths = new LengthDecoder();

  const output = target.bytes;
  /** Of the output; told to it at turns and in the end. */
  let length = 0;
  let state = 0;
  const repeats: [number, number, number, number] = [0, 0, 0, 0];

  const room = (more: number): void => {
    if (size !== null && length + more > size) broken("it holds more than it says");
    if (length + more <= output.length) return;
    target.length = length;
    target.reserve(more);
  };

  const literal = (): void => {
    room(1);
    const before = length === 0 ? 0 : output[length - 1]!;
    const context = ((length & ((1 << literalPosition) - 1)) << literalContext) + (before >> (8 - literalContext));
    const base = 0x300 * context;
    let symbol = 1;
    if (state >= LITERAL_STATES) {
      // What stands where the last match would have gone on is likely not this byte: it is part of the context.
      let expected = output[length - repeats[0] - 1]!;
      while (symbol < 0x100) {
        const expectedBit = (expected >> 7) & 1;
        expected <<= 1;
        const bit = range.bit(literals, base + ((1 + expectedBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== expectedBit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | range.bit(literals, base + symbol);
    output[length++] = symbol & 0xff;
    state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  };

  const distanceOf = (matchLength: number): number => {
    const slot = range.tree(slots, Math.min(matchLength, 3) << 6, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const high = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < 14) return high + range.reverseTree(distances, high - slot, bits);
    return (high + range.direct(bits - 4) * 16 + range.reverseTree(aligned, 0, 4)) >>> 0;
  };

  while (size === null || length < size) {
    const position = length & positionMask;
    target.length = length;
    if (target.isTurnDue) await target.turn();
    if (range.bit(isMatch, (state << 4) + position) === 0) {
      literal();
      continue;
    }
    let matchLength: number;
    if (range.bit(isRepeat, state) === 0) {
      matchLength = lengths.decode(range, position);
      const distance = distanceOf(matchLength);
      if (distance === 0xffffffff) break;
      repeats.unshift(distance);
      repeats.pop();
      state = state < LITERAL_STATES ? 7 : 10;
    } else if (range.bit(isRepeat0, state) === 0) {
      if (range.bit(isRepeat0Long, (state << 4) + position) === 0) {
        if (repeats[0] >= length) broken("it refers to what is before its beginning");
        room(1);
        output[length] = output[length - repeats[0] - 1]!;
        length++;
        state = state < LITERAL_STATES ? 9 : 11;
        continue;
      }
      matchLength = repeatLengths.decode(range, position);
      state = state < LITERAL_STATES ? 8 : 11;
    } else {
      const which = range.bit(isRepeat1, state) === 0 ? 1 : range.bit(isRepeat2, state) === 0 ? 2 : 3;
      const [distance] = repeats.splice(which, 1);
      repeats.unshift(distance!);
      matchLength = repeatLengths.decode(range, position);
      state = state < LITERAL_STATES ? 8 : 11;
    }
    matchLength += MINIMUM_MATCH;
    const distance = repeats[0] + 1;
    if (distance > length || distance > dictionary) broken("it refers to what is before its beginning");
    room(matchLength);
    for (const end = length + matchLength; length < end; length++) output[length] = output[length - distance]!;
  }
  if (size !== null && length < size) broken("it is cut short");
  target.length = length;
}

function broken(why: string): never {
  throw new BatonError("bad-format", `This is LZMA, but damaged: ${why}.`);
}
