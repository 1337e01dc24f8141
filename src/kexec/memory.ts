/**
 * The physical memory that a new kernel is laid out in: which of it is free, and the segments that were put into it.
 * kexec_load(2) checks almost nothing of what it is given, not even that a segment lies in RAM, so all of it is
 * checked here.
 */

import { BatonError } from "../errors.ts";
import { type Content, contentSize, type Placement, type SegmentMemory } from "../images/segment.ts";
import type { MemoryMap } from "./memorymap.ts";
import { ADDRESS_END, alignUp, PAGE_SIZE, Range, Ranges } from "./ranges.ts";

/** KEXEC_SEGMENT_MAX of include/uapi/linux/kexec.h. */
export const MAX_SEGMENTS = 16;

/** One piece of the new kernel, as kexec_load takes it. */
export interface Segment {
  readonly name: string;
  /** Whole pages. */
  readonly range: Range;
  /** Goes to the range's start, one part behind the other; what is left of the range is zeros. */
  readonly parts: readonly Content[];
}

/** Bytes of a segment's parts. */
export function segmentSize(segment: Segment): number {
  return segment.parts.reduce((sum, part) => sum + contentSize(part), 0);
}

export interface MemoryOptions {
  /** Lowest address that segments may have (kexec's --mem-min). */
  readonly minimum?: bigint;
  /** Highest address that segments may touch, inclusive (--mem-max). */
  readonly maximum?: bigint;
  /** A crash kernel: segments go into what was kept for it (crashkernel=) and nowhere else. */
  readonly crash?: boolean;
  /**
   * What a kernel needs beside its file (`Placement.room`) becomes part of its segment: the old kernel's page tables, which no
   * segment lies over, are then good until the new one has its own.
   */
  readonly wholeRooms?: boolean;
}

/** No free range is large enough; the message has the numbers. */
export class NoRoomError extends BatonError {
  constructor(message: string) {
    super("refused", message);
    this.name = "NoRoomError";
  }
}

/** x86's first MiB: firmware, video memory and the trampolines of other processors; no segment by choice. */
const LOW_MEMORY = new Range(0n, 0x100000n);

interface Placed {
  readonly name: string;
  readonly content: Content;
  /** Exactly what it takes, not yet in whole pages. */
  readonly range: Range;
}

/** Segments and the room for them. */
export class Memory implements SegmentMemory {
  readonly #ram: Ranges;
  readonly #window: Range;
  readonly #isCrash: boolean;
  readonly wholeRooms: boolean;
  #reserved = new Ranges();
  #placed: Placed[] = [];

  /** @param map of this machine as the running kernel uses it (`readIomem`) */
  constructor(map: MemoryMap, options: MemoryOptions = {}) {
    this.#isCrash = options.crash ?? false;
    this.wholeRooms = options.wholeRooms ?? false;
    this.#ram = this.#isCrash ? map.filterByType("crash-kernel") : map.ram();
    const end = options.maximum === undefined ? ADDRESS_END : options.maximum + 1n;
    this.#window = new Range(options.minimum ?? 0n, end > (options.minimum ?? 0n) ? end : (options.minimum ?? 0n));
    if (this.#isCrash && this.#ram.isEmpty) {
      throw new BatonError(
        "refused",
        "No memory is kept for a crash kernel: start this kernel with crashkernel=256M on its command line, and look at /sys/kernel/kexec_crash_size.",
      );
    }
  }

  /** Segments in whole pages, before {@link alignAndMerge}, in the order in which they were added. */
  get segments(): readonly Segment[] {
    return this.#placed.map(({ name, content, range }) => ({ name, range: range.alignPage(), parts: [content] }));
  }

  /** What is still free: RAM within the limits, in whole pages, without reservations and segments. */
  availableRam(): Ranges {
    return this.#ram
      .intersect([this.#window])
      .shrinkTo(PAGE_SIZE)
      .minus(this.#reserved)
      .minus(this.#placed.map(({ range }) => range.alignPage()));
  }

  /** All that segments and reservations take, in whole pages. */
  get taken(): Ranges {
    return this.#reserved.plus(this.#placed.map(({ range }) => range.alignPage()));
  }

  reserve(start: bigint, size: bigint): void {
    this.#reserved = this.#reserved.plus([Range.ofSize(start, size).alignPage()]);
  }

  isFree(start: bigint, size: bigint): boolean {
    if (start + size > ADDRESS_END) return false;
    return this.availableRam().isSupersetOf(Range.ofSize(start, size).alignPage());
  }

  add(content: Content, place: Placement): bigint {
    return this.addRow([content], place).addresses[0]!;
  }

  addRow(contents: readonly Content[], place: Placement): { addresses: bigint[]; end: bigint } {
    const memorySize = this.wholeRooms ? (place.room ?? place.memorySize) : place.memorySize;
    const sizes = contents.map((content, index) =>
      takenBy(content, index === contents.length - 1 ? memorySize : undefined),
    );
    const whole = sizes.reduce((sum, size) => sum + alignUp(size, PAGE_SIZE), 0n);
    const { start } = this.#findPlace(max(whole, place.room ?? 0n), place);
    const addresses: bigint[] = [];
    let [next, end] = [start, start];
    for (const [index, content] of contents.entries()) {
      addresses.push(next);
      if (sizes[index]! > 0n)
        this.#placed.push({ name: place.name, content, range: Range.ofSize(next, sizes[index]!) });
      end = next + BigInt(contentSize(content));
      next += alignUp(sizes[index]!, PAGE_SIZE);
    }
    if (place.room !== undefined && !this.wholeRooms) this.reserve(start, place.room);
    return { addresses, end };
  }

  find(size: bigint, place: Placement, pick?: (places: bigint) => bigint): bigint {
    if (pick === undefined) return this.#findPlace(size, place).start;
    const { alignment = PAGE_SIZE, minimum = 0n, maximum } = place;
    const limit = new Range(minimum, max(minimum, maximum === undefined ? ADDRESS_END : maximum + 1n));
    const needed = alignUp(size, PAGE_SIZE);
    const places = [...this.availableRam().minus([LOW_MEMORY]).intersect([limit])].flatMap((range) => {
      const first = alignUp(range.start, alignment);
      return first + needed <= range.end ? [{ first, count: (range.end - needed - first) / alignment + 1n }] : [];
    });
    const all = places.reduce((sum, { count }) => sum + count, 0n);
    let index = all === 0n ? 0n : pick(all);
    for (const { first, count } of places) {
      if (index < count) return first + index * alignment;
      index -= count;
    }
    return this.#findPlace(size, place).start;
  }

  #findPlace(size: bigint, place: Placement): Range {
    const { alignment = PAGE_SIZE, fromTop = false } = place;
    const low = place.minimum ?? 0n;
    const limit = new Range(low, max(low, place.maximum === undefined ? ADDRESS_END : place.maximum + 1n));
    const free = this.availableRam();
    const options = { alignStart: max(alignment, PAGE_SIZE), alignSize: PAGE_SIZE, limit, fromTop };
    const found = free.minus([LOW_MEMORY]).findSpace(size, options) ?? free.findSpace(size, options);
    if (found !== null) return found;
    const largest = [...free.intersect([limit])].reduce((most, range) => max(most, range.size), 0n);
    const where = place.maximum === undefined && low === 0n ? "" : ` from 0x${low.toString(16)} to its limit`;
    const pool = this.#isCrash ? "the memory kept for a crash kernel" : "memory";
    throw new NoRoomError(
      `There is no range of ${pool}${where} large enough for the ${place.name}: it takes ${size} bytes, and the largest has ${largest}.`,
    );
  }

  addAt(address: bigint, content: Content, name: string, memorySize?: bigint): void {
    const size = takenBy(content, memorySize);
    if (size === 0n) return;
    if (address < 0n || address + size > ADDRESS_END) {
      throw new BatonError("refused", `The ${name} would lie at 0x${address.toString(16)}, where no memory can be.`);
    }
    const range = Range.ofSize(address, size);
    // Two parts of one file may share a page (ELF segments); that is sorted out by alignAndMerge.
    const other = this.#placed.find((placed) => placed.range.overlaps(range));
    if (other !== undefined) {
      throw new BatonError("refused", `The ${name} (${range}) would lie over the ${other.name} (${other.range}).`);
    }
    const pages = range.alignPage();
    const room = new Ranges([...this.#ram.intersect([this.#window]).minus(this.#reserved)]);
    if (!room.isSupersetOf(pages)) {
      const what = this.#isCrash ? "memory kept for a crash kernel" : "free memory";
      throw new BatonError("refused", `The ${name} must lie at ${range}, and not all of that is ${what} here.`);
    }
    this.#placed.push({ name, content, range });
  }

  /**
   * The segments as kexec_load wants them: in order of address, in whole pages, none over another, those that share
   * a page made one, and at most 16.
   * @throws BatonError `refused` where there are more
   */
  alignAndMerge(): Segment[] {
    const merged: Segment[] = [];
    let lastEnd = 0n;
    for (const placed of this.#placed.toSorted((a, b) => (a.range.start < b.range.start ? -1 : 1))) {
      const pages = placed.range.alignPage();
      const last = merged.at(-1);
      if (last !== undefined && pages.start < last.range.end) {
        // The pages that both have hold the end of one and the beginning of the other, with zeros between.
        const filled = last.range.start + BigInt(segmentSize(last));
        const gap = new Uint8Array(Number(placed.range.start - filled));
        merged[merged.length - 1] = {
          name: `${last.name}, ${placed.name}`,
          range: new Range(last.range.start, max(last.range.end, pages.end)),
          parts: [...last.parts, ...(gap.length > 0 ? [gap] : []), placed.content],
        };
      } else {
        const gap = new Uint8Array(Number(placed.range.start - pages.start));
        const parts = gap.length > 0 ? [gap, placed.content] : [placed.content];
        merged.push({ name: placed.name, range: pages, parts });
      }
      if (placed.range.end > lastEnd) lastEnd = placed.range.end;
    }
    if (merged.length > MAX_SEGMENTS) {
      throw new BatonError(
        "refused",
        `The kernel takes at most ${MAX_SEGMENTS} pieces, and this image has ${merged.length}.`,
      );
    }
    return merged;
  }
}

/** Bytes of memory that a content takes. */
function takenBy(content: Content, memorySize: bigint | undefined): bigint {
  return max(BigInt(contentSize(content)), memorySize ?? 0n, 0n);
}

function max(first: bigint, ...others: readonly bigint[]): bigint {
  let highest = first;
  for (const value of others) if (value > highest) highest = value;
  return highest;
}

/** Checks what the kernel doesn't: the entry lies within a segment, and no segment lies over another. */
export function checkSegments(entry: bigint, segments: readonly Segment[]): void {
  if (segments.length > MAX_SEGMENTS) {
    throw new BatonError("refused", `kexec_load takes at most ${MAX_SEGMENTS} segments, not ${segments.length}.`);
  }
  for (const [index, segment] of segments.entries()) {
    if (segment.range.start % PAGE_SIZE !== 0n || segment.range.end % PAGE_SIZE !== 0n) {
      throw new BatonError("refused", `The segment ${segment.name} (${segment.range}) is not in whole pages.`);
    }
    if (BigInt(segmentSize(segment)) > segment.range.size) {
      throw new BatonError("refused", `The segment ${segment.name} has more content than memory (${segment.range}).`);
    }
    const other = segments.slice(0, index).find(({ range }) => range.overlaps(segment.range));
    if (other !== undefined) {
      throw new BatonError(
        "refused",
        `The segments ${other.name} (${other.range}) and ${segment.name} (${segment.range}) overlap.`,
      );
    }
  }
  if (!segments.some(({ range }) => range.contains(entry))) {
    throw new BatonError(
      "refused",
      `The entry 0x${entry.toString(16)} lies in no segment: the machine would stop there.`,
    );
  }
}
