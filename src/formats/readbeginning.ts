/** Configurations that are longer than any that a person or a program wrote: what stands at their beginning counts. */

import { BatonError } from "../errors.ts";
import type { Reader } from "./reader.ts";

interface Beginning {
  readonly bytes: Uint8Array;
  /** What is to be said where that isn't the whole file; else null. */
  readonly fault: string | null;
}

/**
 * A file's bytes; of one that is longer than `limit` the beginning, to the end of a line. Rejects as `read` does, but for
 * `too-large`.
 */
export async function readBeginning(reader: Reader, path: string, limit: number): Promise<Beginning> {
  try {
    return { bytes: await reader.read(path, limit), fault: null };
  } catch (error) {
    if (!(error instanceof BatonError) || error.code !== "too-large") throw error;
    const bytes = await reader.readAt(path, 0, limit);
    return { bytes: bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1), fault: tooLong(limit) };
  }
}

const tooLong = (limit: number): string =>
  `it is longer than ${limit / 2 ** 20} MiB, as no configuration is that a person or a program wrote; what stands behind that is not read`;
