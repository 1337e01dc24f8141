/**
 * Rock Ridge: POSIX names, types and symlinks in the system use fields of directory records (IEEE P1282, on top of
 * the System Use Sharing Protocol, IEEE P1281).
 */

import type { DirectoryItem } from "../formats/reader.ts";
import { COSTS } from "./isobudget.ts";
import { recordedTime } from "./isorecord.ts";
import type { IsoSource } from "./isosource.ts";

/** A symlink of 4096 bytes needs three; a hostile image could chain them without end. */
const MAX_CONTINUATIONS = 16;
const MAX_NAME_LENGTH = 255;
const MAX_TARGET_LENGTH = 4096;

export interface RockRidge {
  /** How many bytes to skip at the beginning of every other system use field. */
  readonly skip: number;
}

/** What Rock Ridge says of one record; null where it says nothing. */
interface RockRidgeFields {
  readonly name: string | null;
  readonly type: DirectoryItem["type"] | null;
  /** Where a symlink leads. */
  readonly target: string | null;
  readonly mtime: number | null;
  /** The block where a directory lies that was moved up because the tree was too deep. */
  readonly relocatedTo: number | null;
  /** A directory that was moved: it is shown in its old place. */
  readonly isRelocated: boolean;
  /** Why its contents are not the bytes in its extent, else null. */
  readonly encoding: string | null;
}

interface SystemUseEntry {
  readonly signature: string;
  /** All of it, its header included: offsets are the specification's, from 0. */
  readonly bytes: Buffer;
}

/**
 * What the root directory's own record says.
 * @returns null where the image has no Rock Ridge.
 */
export async function findRockRidge(
  systemUse: Buffer,
  source: IsoSource,
  blockSize: number,
): Promise<RockRidge | null> {
  const entries = await readEntries(systemUse, source, blockSize);
  const [first] = entries;
  if (first?.signature !== "SP" || first.bytes.length < 7) return null;
  if (first.bytes[4] !== 0xbe || first.bytes[5] !== 0xef) return null;
  const isRockRidge = entries.some(
    ({ signature, bytes }) =>
      signature === "PX" || (signature === "ER" && /RRIP_1991A|IEEE_P?1282/.test(bytes.toString("latin1", 8))),
  );
  return isRockRidge ? { skip: first.bytes[6]! } : null;
}

export async function readFields(
  systemUse: Buffer,
  { skip }: RockRidge,
  source: IsoSource,
  blockSize: number,
): Promise<RockRidgeFields> {
  const names: Buffer[] = [];
  const links: Buffer[] = [];
  let type: RockRidgeFields["type"] = null;
  let mtime: number | null = null;
  let relocatedTo: number | null = null;
  let isRelocated = false;
  let encoding: string | null = null;
  for (const { signature, bytes } of await readEntries(systemUse.subarray(skip), source, blockSize)) {
    switch (signature) {
      case "NM":
        // Flags 2 and 4: the directory itself, its parent.
        if (bytes.length > 5 && (bytes[4]! & 6) === 0) names.push(bytes.subarray(5));
        break;
      case "SL":
        if (bytes.length > 5) links.push(bytes.subarray(5));
        break;
      case "PX":
        if (bytes.length >= 8) type = typeOf(bytes.readUInt32LE(4));
        break;
      case "TF":
        mtime = modificationTime(bytes);
        break;
      case "CL":
        if (bytes.length >= 8) relocatedTo = bytes.readUInt32LE(4);
        break;
      case "RE":
        isRelocated = true;
        break;
      case "ZF":
        encoding = "compressed (zisofs)";
        break;
      case "SF":
        encoding = "stored as a sparse file";
        break;
    }
  }
  const name = Buffer.concat(names);
  return {
    name: name.length > 0 && name.length <= MAX_NAME_LENGTH ? name.toString() : null,
    type: links.length > 0 ? "symlink" : type,
    target: links.length > 0 ? linkTarget(links) : null,
    mtime,
    relocatedTo,
    isRelocated,
    encoding,
  };
}

/** The entries of a system use field and of what continues it elsewhere; fewer where the budget ends among them. */
async function readEntries(systemUse: Buffer, source: IsoSource, blockSize: number): Promise<SystemUseEntry[]> {
  const { budget } = source;
  const entries: SystemUseEntry[] = [];
  /** Where continuations were read: each says the same again. */
  const seen = new Set<number>();
  let area: Buffer | null = systemUse;
  for (let count = 0; area !== null && count <= MAX_CONTINUATIONS; count++) {
    let next: { offset: number; length: number } | null = null;
    for (let at = 0; at + 4 <= area.length; ) {
      const length = area[at + 2]!;
      if (length < 4 || at + length > area.length) break;
      const signature = area.toString("latin1", at, at + 2);
      const bytes: Buffer = area.subarray(at, at + length);
      if (signature === "ST") break;
      if (signature === "CE" && length >= 28) {
        const offset: number = bytes.readUInt32LE(4) * blockSize + bytes.readUInt32LE(12);
        // The area lies within one block.
        const length = Math.min(bytes.readUInt32LE(20), blockSize);
        // One that lies nowhere costs what it would have said of this record, and not the directory.
        if (offset + length <= source.size && !seen.has(offset)) next = { offset, length };
      } else {
        entries.push({ signature, bytes });
      }
      at += length;
      budget.spend(COSTS.systemUse);
    }
    if (budget.spend(COSTS.elsewhere)) await budget.turn();
    if (next === null || budget.isSpent) break;
    seen.add(next.offset);
    area = await source.metadata(next.offset, next.length);
  }
  return entries;
}

function typeOf(mode: number): DirectoryItem["type"] {
  switch (mode & 0o170000) {
    case 0o040000:
      return "directory";
    case 0o120000:
      return "symlink";
    case 0o100000:
      return "file";
    default:
      return "other";
  }
}

/** TF: flag 1 creation, 2 modification, in that order; flag 0x80: each of 17 bytes in place of 7. */
function modificationTime(bytes: Buffer): number | null {
  const flags = bytes[4] ?? 0;
  if ((flags & 2) === 0) return null;
  const length = flags & 0x80 ? 17 : 7;
  const at = 5 + (flags & 1 ? length : 0);
  if (at + length > bytes.length) return null;
  if (length === 7) return recordedTime(bytes.subarray(at, at + 7));
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(bytes.toString("latin1", at, at + 16));
  if (digits === null) return null;
  const [, year, month, day, hour, minute, second] = digits.map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000 - bytes.readInt8(at + 16) * 15 * 60;
}

/** SL: components, each with flags; they go on in the next SL where the last one says so. */
function linkTarget(areas: readonly Buffer[]): string {
  const parts: string[] = [];
  /** The beginning of a component that goes on. */
  let begun = "";
  let isAbsolute = false;
  for (const area of areas) {
    for (let at = 0; at + 2 <= area.length; ) {
      const flags = area[at]!;
      const end = at + 2 + area[at + 1]!;
      if (end > area.length) break;
      if (flags & 8) {
        isAbsolute = true;
        parts.length = 0;
      } else if (flags & 4) parts.push("..");
      else if (flags & 2) parts.push(".");
      else {
        begun += area.toString("latin1", at + 2, end);
        if ((flags & 1) === 0) {
          parts.push(begun);
          begun = "";
        }
      }
      at = end;
    }
  }
  if (begun !== "") parts.push(begun);
  // Collected byte by byte, since a component may be cut within a character.
  const target = Buffer.from(parts.join("/"), "latin1").toString();
  return (isAbsolute ? `/${target}` : target).slice(0, MAX_TARGET_LENGTH);
}
