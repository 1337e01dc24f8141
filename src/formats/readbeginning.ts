/** Configurations that are longer than any that a person or a program wrote: what stands at their beginning counts. */

import { BatonError } from "../errors.ts";
import type { SharedBudget } from "./budget.ts";
import { MAX_CONFIG_SIZE, type Reader } from "./reader.ts";

interface Beginning {
  readonly bytes: Uint8Array;
  /** What is to be said where that isn't the whole file; else null. */
  readonly fault: string | null;
}

/** Bytes of one configuration on a stick. 200 KB are a long one; people and generators write more to their own disks only. */
const MAX_REMOVABLE_SIZE = 512 << 10;

/** Bytes of one configuration of a volume that are read. */
export function configLimit({ removable }: { readonly removable: boolean }, most = MAX_CONFIG_SIZE): number {
  return removable ? Math.min(most, MAX_REMOVABLE_SIZE) : most;
}

/** A configuration's bytes, as {@link readBeginning}, within what its volume and its device may have. */
export async function readConfig(
  { volume, share }: { volume: { reader: Reader; removable: boolean }; share?: SharedBudget | undefined },
  path: string,
  most?: number,
): Promise<Beginning> {
  const beginning = await readBeginning(volume.reader, path, configLimit(volume, most));
  const why = share?.read(beginning.bytes.length) ?? null;
  return why === null ? beginning : { bytes: new Uint8Array(), fault: `it is not read: ${why}` };
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
  `it is longer than ${limit < 1 << 20 ? `${limit / 2 ** 10} KiB` : `${limit / 2 ** 20} MiB`}, as no configuration is that a person or a program wrote; what stands behind that is not read`;
