/** Ranges of physical memory: 64-bit arithmetic, in bigint, so that nothing wraps or is rounded. */

/** One past the last address. */
export const ADDRESS_END = 1n << 64n;
export const PAGE_SIZE = 4096n;

/** The next multiple of `alignment` at or above `value`. */
export function alignUp(value: bigint, alignment: bigint): bigint {
  return ((value + alignment - 1n) / alignment) * alignment;
}

/** The next multiple of `alignment` at or below `value`. */
export function alignDown(value: bigint, alignment: bigint): bigint {
  return (value / alignment) * alignment;
}

/** Addresses from `start` up to, but without, `end`. May be empty. Never changes. */
export class Range {
  readonly start: bigint;
  /** Exclusive; at most 2^64. */
  readonly end: bigint;

  /** @throws RangeError unless 0 ≤ start ≤ end ≤ 2^64 */
  constructor(start: bigint, end: bigint) {
    if (start < 0n || end < start || end > ADDRESS_END) {
      throw new RangeError(`0x${start.toString(16)} to 0x${end.toString(16)} is no range of addresses`);
    }
    this.start = start;
    this.end = end;
  }

  static ofSize(start: bigint, size: bigint): Range {
    return new Range(start, start + size);
  }

  get size(): bigint {
    return this.end - this.start;
  }

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  contains(address: bigint): boolean {
    return this.start <= address && address < this.end;
  }

  /** They have an address in common; an empty range has none with any. */
  overlaps(other: Range): boolean {
    return this.start < other.end && other.start < this.end && !this.isEmpty && !other.isEmpty;
  }

  /** The opposite of {@link overlaps}. */
  isDisjunct(other: Range): boolean {
    return !this.overlaps(other);
  }

  /** One begins where the other ends. */
  isAdjacent(other: Range): boolean {
    return this.end === other.start || other.end === this.start;
  }

  /** Every address of `other` is in this one; always so where `other` is empty. */
  isSupersetOf(other: Range): boolean {
    return other.isEmpty || (this.start <= other.start && other.end <= this.end);
  }

  equals(other: Range): boolean {
    return this.start === other.start && this.end === other.end;
  }

  /** What both have; null where that is nothing. */
  intersect(other: Range): Range | null {
    if (!this.overlaps(other)) return null;
    return new Range(max(this.start, other.start), min(this.end, other.end));
  }

  /** What is left of this one without `other`: none, one or two ranges, in order, none of them empty. */
  minus(other: Range): Range[] {
    if (!this.overlaps(other)) return this.isEmpty ? [] : [this];
    const rest: Range[] = [];
    if (this.start < other.start) rest.push(new Range(this.start, other.start));
    if (other.end < this.end) rest.push(new Range(other.end, this.end));
    return rest;
  }

  /**
   * The smallest range around this one that begins and ends at multiples of `alignment`.
   * @throws RangeError where that would end beyond 2^64
   */
  align(alignment: bigint): Range {
    return new Range(alignDown(this.start, alignment), alignUp(this.end, alignment));
  }

  alignPage(): Range {
    return this.align(PAGE_SIZE);
  }

  /** `0x100000-0x1fffff (1 MiB)`: the last address is shown, as /proc/iomem does. */
  toString(): string {
    if (this.isEmpty) return `0x${this.start.toString(16)} (empty)`;
    const kibibytes = Number(this.size / 1024n);
    const size = kibibytes < 1024 ? `${kibibytes} KiB` : `${Math.round(kibibytes / 1024)} MiB`;
    return `0x${this.start.toString(16)}-0x${(this.end - 1n).toString(16)} (${size})`;
  }
}

interface SpaceOptions {
  /** What the start must be a multiple of; 1 unless given. */
  readonly alignStart?: bigint;
  /** What the size is rounded up to; 1 unless given. */
  readonly alignSize?: bigint;
  /** The lowest start. */
  readonly minimum?: bigint;
  /** What the space must lie within. */
  readonly limit?: Range;
  /** Take the highest place instead of the lowest. */
  readonly fromTop?: boolean;
}

/** A set of addresses, as ranges in order that neither overlap nor touch. Never changes. */
export class Ranges implements Iterable<Range> {
  readonly #ranges: readonly Range[];

  /** @param ranges in any order, overlapping or not */
  constructor(ranges: Iterable<Range> = []) {
    const merged: Range[] = [];
    const sorted = [...ranges].filter((range) => !range.isEmpty).sort((a, b) => compare(a.start, b.start));
    for (const range of sorted) {
      const last = merged.at(-1);
      if (last !== undefined && range.start <= last.end) {
        merged[merged.length - 1] = new Range(last.start, max(last.end, range.end));
      } else merged.push(range);
    }
    this.#ranges = merged;
  }

  [Symbol.iterator](): Iterator<Range> {
    return this.#ranges[Symbol.iterator]();
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Addresses in all. */
  get size(): bigint {
    return this.#ranges.reduce((sum, range) => sum + range.size, 0n);
  }

  contains(address: bigint): boolean {
    return this.#ranges.some((range) => range.contains(address));
  }

  /** Every address of `range` is in the set. */
  isSupersetOf(range: Range): boolean {
    return range.isEmpty || this.#ranges.some((own) => own.isSupersetOf(range));
  }

  overlaps(range: Range): boolean {
    return this.#ranges.some((own) => own.overlaps(range));
  }

  plus(others: Iterable<Range>): Ranges {
    return new Ranges([...this.#ranges, ...others]);
  }

  minus(others: Iterable<Range>): Ranges {
    let left: readonly Range[] = this.#ranges;
    for (const other of others) left = left.flatMap((range) => range.minus(other));
    return new Ranges(left);
  }

  intersect(others: Iterable<Range>): Ranges {
    return new Ranges(
      [...new Ranges(others)].flatMap((other) => this.#ranges.flatMap((range) => range.intersect(other) ?? [])),
    );
  }

  /** Only whole units of `alignment`: what of each range lies between multiples of it. */
  shrinkTo(alignment: bigint): Ranges {
    return new Ranges(
      this.#ranges.flatMap((range) => {
        const start = alignUp(range.start, alignment);
        const end = alignDown(range.end, alignment);
        return start < end ? [new Range(start, end)] : [];
      }),
    );
  }

  /**
   * A free place in this set.
   * @param size bytes; 0 finds nothing
   * @returns the place, its size rounded up to `alignSize`; null where there is none
   */
  findSpace(size: bigint, options: SpaceOptions = {}): Range | null {
    const { alignStart = 1n, alignSize = 1n, minimum = 0n, limit, fromTop = false } = options;
    const needed = alignUp(size, alignSize);
    if (size <= 0n) return null;
    for (const range of fromTop ? this.#ranges.toReversed() : this.#ranges) {
      const low = max(range.start, minimum, limit?.start ?? 0n);
      const high = min(range.end, limit?.end ?? ADDRESS_END);
      // Either may be negative or beyond the end, which bigint bears, and the comparison then refuses.
      const start = fromTop && high >= needed ? alignDown(high - needed, alignStart) : alignUp(low, alignStart);
      if (start >= low && start + needed <= high) return Range.ofSize(start, needed);
    }
    return null;
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function max(first: bigint, ...others: readonly bigint[]): bigint {
  let highest = first;
  for (const value of others) if (value > highest) highest = value;
  return highest;
}

function min(first: bigint, ...others: readonly bigint[]): bigint {
  let lowest = first;
  for (const value of others) if (value < lowest) lowest = value;
  return lowest;
}
