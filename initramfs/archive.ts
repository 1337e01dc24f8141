/** The image's archive: where it is cut for compression, and how image.json tells what is in it. */

import { createHash } from "node:crypto";
import { type CpioEntry, cpioChunks, cpioType } from "../src/binary/cpio.ts";

export const sha256 = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");

/**
 * One cpio archive in two pieces, cut behind its first `count` members. Each piece can be compressed by itself
 * (compress.ts): the first ends where a member does.
 */
export function splitArchive(entries: readonly CpioEntry[], count: number): { first: Buffer; second: Buffer } {
  const chunks: Uint8Array[] = [];
  let cut = 0;
  const members = function* () {
    for (const [index, entry] of entries.entries()) {
      // The writer asks for the next member when it has given away all of the last.
      if (index === count) cut = chunks.length;
      yield entry;
    }
    if (entries.length === count) cut = chunks.length;
  };
  for (const chunk of cpioChunks(members())) chunks.push(chunk);
  return { first: Buffer.concat(chunks.slice(0, cut)), second: Buffer.concat(chunks.slice(cut)) };
}

/** A member as it stands in image.json. */
export interface Described {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  /** `MAJOR:MINOR` */
  readonly device?: string;
}

export function describeEntry(entry: CpioEntry): Described {
  const type = cpioType(entry);
  const base = { path: `/${entry.name}`, type, mode: (entry.mode & 0o7777).toString(8).padStart(4, "0") };
  if (type === "file") return { ...base, size: entry.data.length, sha256: sha256(entry.data) };
  if (type === "symlink") return { ...base, target: Buffer.from(entry.data).toString() };
  if (entry.device) return { ...base, device: `${entry.device.major}:${entry.device.minor}` };
  return base;
}
