/** Unpacks bzip2. The package for it doesn't pause, and a block may unpack to fifty times its size: see src/thread.ts. */

import bunzip from "seek-bzip";

export interface Unpacked {
  readonly bytes: Uint8Array;
  /** There is more, for which there was no room. */
  readonly isCut: boolean;
  /** What says that it is damaged behind these bytes; else null. */
  readonly fault: string | null;
}

const FULL = Symbol("there is no room for more");

/** @param limit bytes of the result */
export function unpackBzip2({ packed, limit }: { packed: Uint8Array; limit: number }): Unpacked {
  // All of the limit: the operating system gives memory only to what has been written.
  const bytes = Buffer.allocUnsafeSlow(limit);
  let length = 0;
  let isCut = false;
  let fault: string | null = null;
  try {
    bunzip.decode(Buffer.from(packed.buffer, packed.byteOffset, packed.length), {
      writeByte(byte) {
        if (length === limit) throw FULL;
        bytes[length++] = byte;
      },
    });
  } catch (error) {
    isCut = error === FULL;
    if (!isCut) fault = error instanceof Error ? error.message : String(error);
  }
  return { bytes: bytes.subarray(0, length), isCut, fault };
}
