/** liblzma, where it is there: unpacks off the main thread and into memory that is given. */

import { addressOf, callLibrary } from "./libc.ts";

const LZMA_OK = 0;
const CHECKED = 0;

/** Memory that liblzma may take for its window. Bytes. */
const MAX_MEMORY_SIZE = 256 * 1024 * 1024;

/**
 * Unpacks a whole .xz stream.
 * @param target as large as what comes out
 * @returns bytes that came out, or null where there is no liblzma on this machine or it refuses the stream
 */
export async function unpackXzNatively(packed: Uint8Array, target: Uint8Array): Promise<number | null> {
  // lzma_stream_buffer_decode(): limit and both positions are read and written in memory.
  const numbers = Buffer.alloc(24);
  numbers.writeBigUInt64LE(BigInt(MAX_MEMORY_SIZE), 0);
  const at = addressOf(numbers);
  const result = await callLibrary(
    "liblzma.so.5",
    "int lzma_stream_buffer_decode(uint64_t limit, uint32_t flags, void *allocator, void *in, uint64_t inAt, size_t inSize, void *out, uint64_t outAt, size_t outSize)",
    [at, CHECKED, null, packed, at + 8n, packed.length, target, at + 16n, target.length],
    [numbers],
  );
  return result === LZMA_OK ? Number(numbers.readBigUInt64LE(16)) : null;
}
