/** How pure code reads files that are too large to hold. */

/** At most `length` bytes from `offset`; fewer only at the end of the file. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

/** A {@link ReadAt} over bytes in memory. */
export function readAtOfBytes(bytes: Uint8Array): ReadAt {
  return async (offset, length) => bytes.subarray(offset, offset + length);
}
