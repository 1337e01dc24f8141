/**
 * Page tables that map memory to itself, for the way from the trampoline to a kernel's own (Intel's manual, volume 3,
 * "4-level paging and 5-level paging"). The old kernel's lie in pages of its choice, which may be any that no segment has:
 * also where the new kernel unpacks itself, clears its memory or is moved to.
 */

import { alignDown, alignUp, PAGE_SIZE, Range, Ranges } from "./ranges.ts";

const TABLE = Number(PAGE_SIZE);
/** What one entry of each kind of table maps. */
const LARGE_PAGE = 1n << 21n;
const DIRECTORY = 1n << 30n;
const POINTERS = 1n << 39n;
/** What four levels reach. */
const REACH = 1n << 48n;

/** Present, writable, accessed: the processor has nothing to note in them. */
const POINTS = 0x23n;
/** The same, written to, and a page of 2 MiB. */
const MAPS = 0xe3n;

/** Always mapped: what firmware, devices and a kernel's first steps use. */
const LOW = new Range(0n, 1n << 32n);

/** Where the top table of four levels lies in them; that of five is at their start. */
export const FOUR_LEVELS_AT = TABLE;

/**
 * Tables that map the first 4 GiB and these ranges, in pages of 2 MiB. Either top table is there, since a processor with
 * five levels on can't leave them without leaving 64-bit mode.
 * @param ranges none beyond 2^48
 * @param at their physical address, a multiple of a page; their size doesn't depend on it
 */
export function identityTables(ranges: Iterable<Range>, at: bigint): Buffer {
  const mapped = [...new Ranges([LOW, ...ranges]).intersect([new Range(0n, REACH)])];
  const directories = units(mapped, DIRECTORY);
  const pointers = units(mapped, POINTERS);
  const bytes = Buffer.alloc((2 + pointers.length + directories.length) * TABLE);
  /** Address of a table by its number in `bytes`, as an entry. */
  const entry = (index: number): bigint => (at + BigInt(index * TABLE)) | POINTS;
  const set = (table: number, address: bigint, size: bigint, value: bigint): void => {
    bytes.writeBigUInt64LE(value, table * TABLE + Number((address / size) % 512n) * 8);
  };
  set(0, 0n, REACH, entry(1));
  for (const [index, address] of pointers.entries()) set(1, address, POINTERS, entry(2 + index));
  for (const [index, address] of directories.entries()) {
    const table = 2 + pointers.length + index;
    set(2 + pointers.indexOf(alignDown(address, POINTERS)), address, DIRECTORY, entry(table));
  }
  for (const address of units(mapped, LARGE_PAGE)) {
    const table = 2 + pointers.length + directories.indexOf(alignDown(address, DIRECTORY));
    set(table, address, LARGE_PAGE, address | MAPS);
  }
  return bytes;
}

/** The starts of all pieces of this size that the ranges touch, in order. */
function units(ranges: readonly Range[], size: bigint): bigint[] {
  const starts = new Set<bigint>();
  for (const { start, end } of ranges) {
    for (let at = alignDown(start, size); at < alignUp(end, size); at += size) starts.add(at);
  }
  return [...starts];
}
