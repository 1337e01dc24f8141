/** Directory records (ECMA-119, section 9.1) and their names. */

import { SECTOR } from "./isodescriptors.ts";

const DIRECTORY = 0x02;
const ASSOCIATED = 0x04;
const MULTI_EXTENT = 0x80;

/** A run of bytes in the image. */
export interface IsoExtent {
  /** Bytes from the beginning of the image. */
  readonly offset: number;
  readonly size: number;
}

export interface IsoRecord {
  readonly extent: IsoExtent;
  readonly isDirectory: boolean;
  /** A part of something that only its own system understands: no file of its own. */
  readonly isAssociated: boolean;
  /** The next record of the same name goes on with this file. */
  readonly isContinued: boolean;
  /** Its blocks lie apart, with gaps. */
  readonly isInterleaved: boolean;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** As recorded; one byte 0 or 1 for the directory itself and its parent. */
  readonly rawName: Buffer;
  /** What extensions may use (SUSP). */
  readonly systemUse: Buffer;
}

/**
 * The record at `at`.
 * @returns null where what stands there can't be one.
 */
export function readRecord(bytes: Buffer, at: number, blockSize: number): IsoRecord | null {
  const length = bytes[at] ?? 0;
  const nameLength = bytes[at + 32] ?? 0;
  // Of an odd name's length, the record goes on at once; else a padding byte makes it even.
  const nameEnd = 33 + nameLength;
  if (length < 34 || nameLength === 0 || nameEnd > length || at + length > bytes.length) return null;
  const flags = bytes[at + 25]!;
  const block = bytes.readUInt32LE(at + 2) + bytes[at + 1]!;
  return {
    extent: { offset: block * blockSize, size: bytes.readUInt32LE(at + 10) },
    isDirectory: (flags & DIRECTORY) !== 0,
    isAssociated: (flags & ASSOCIATED) !== 0,
    isContinued: (flags & MULTI_EXTENT) !== 0,
    isInterleaved: bytes[at + 26] !== 0 || bytes[at + 27] !== 0,
    mtime: recordedTime(bytes.subarray(at + 18, at + 25)),
    rawName: bytes.subarray(at + 33, at + nameEnd),
    systemUse: bytes.subarray(at + Math.min(length, nameEnd + (1 - (nameLength % 2))), at + length),
  };
}

/**
 * Every record of a directory's extent, in order.
 * @param onDamage called with the offset where something stands that is no record; what follows in its sector is lost.
 */
export function* readRecords(bytes: Buffer, blockSize: number, onDamage: (at: number) => void): Generator<IsoRecord> {
  for (let sector = 0; sector < bytes.length; sector += SECTOR) {
    const end = Math.min(sector + SECTOR, bytes.length);
    // No record crosses a sector; a length of 0 fills the rest.
    const inSector = bytes.subarray(0, end);
    for (let at = sector; at < end && bytes[at] !== 0; at += bytes[at]!) {
      const record = readRecord(inSector, at, blockSize);
      if (record === null) {
        onDamage(at);
        break;
      }
      yield record;
    }
  }
}

/** Section 9.1.5: years since 1900, month, day, hour, minute, second, and the offset from UTC in quarters of an hour. */
export function recordedTime(bytes: Buffer): number {
  if (bytes.length < 7 || bytes.every((byte) => byte === 0)) return 0;
  const [year, month, day, hour, minute, second] = bytes as unknown as [number, number, number, number, number, number];
  const utc = Date.UTC(1900 + year, month - 1, day, hour, minute, second) / 1000;
  return utc - bytes.readInt8(6) * 15 * 60;
}

/** True for the records of the directory itself and of its parent. */
export function isSelfOrParent(rawName: Buffer): boolean {
  return rawName.length === 1 && rawName[0]! <= 1;
}

/** As Linux shows names without extensions (`map=normal`): `vmlinuz` for `VMLINUZ.;1`. */
export function plainName(rawName: Buffer): string {
  return withoutVersion(rawName.toString("latin1")).replace(/\.$/, "").toLowerCase();
}

/** Joliet's names are UCS-2, the high byte first. */
export function jolietName(rawName: Buffer): string {
  const even = Buffer.from(rawName.subarray(0, rawName.length & ~1));
  return withoutVersion(even.swap16().toString("utf16le")).replace(/\.$/, "");
}

function withoutVersion(name: string): string {
  return name.replace(/;\d*$/, "");
}
