/** Many small files at once: the entries of a folder, the kernels that they name. */

import { BatonError } from "../errors.ts";
import type { FileStat, Reader } from "./reader.ts";

/** Files in flight where a tree has no way of its own: enough to keep a disk's queue busy. */
const AT_ONCE = 64;

/**
 * For each path the file's bytes, or why it can't be read. Rejects only where the volume doesn't answer.
 * @param limit as Reader's `read` has it.
 */
export function readAll(
  reader: Reader,
  paths: readonly string[],
  limit: number,
): Promise<readonly (Uint8Array | BatonError)[]> {
  if (reader.readAll) return reader.readAll(paths, limit);
  return inBatches(paths, (path) => reader.read(path, limit).catch(ownFault));
}

/** For each path what it is, null where there is no such file, or why that can't be told. Rejects likewise. */
export function statAll(reader: Reader, paths: readonly string[]): Promise<readonly (FileStat | BatonError | null)[]> {
  if (reader.statAll) return reader.statAll(paths);
  return inBatches(paths, (path) =>
    reader.stat(path).catch((error: unknown) => {
      const fault = ownFault(error);
      return fault.code === "not-found" ? null : fault;
    }),
  );
}

/** What is wrong with one file; what is wrong with the volume is thrown on. */
function ownFault(error: unknown): BatonError {
  if (error instanceof BatonError && error.code !== "timeout") return error;
  throw error;
}

async function inBatches<T>(paths: readonly string[], work: (path: string) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    done.push(...(await Promise.all(paths.slice(at, at + AT_ONCE).map(work))));
  }
  return done;
}
