/**
 * Writes an image over a whole disk: the only place in Baton that writes to a device and not into a filesystem. Who calls
 * it has shown the disk to a person and had its name typed (src/commands/flash/).
 */

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { BatonError, describeError } from "../errors.ts";
import { dropCache } from "../linux/blkdev.ts";

/** One write, each of which reaches the disk before the next. */
const CHUNK = 4 * 1024 * 1024;
/** Cleared at the end of the disk, where the backup of the old GPT and the superblocks of RAID and ZFS lie. */
const END = 1024 * 1024;

export interface DiskToWrite {
  readonly node: string;
  /** `8:16`, as sysfs says it: what was looked at must be what is written. */
  readonly device: string;
  /** Bytes. */
  readonly size: number;
}

/** @param share of all that is to be done, 0 to 1 */
export type OnWritten = (step: "write" | "verify", share: number) => void;

/**
 * Writes the image from the disk's beginning on, clears the disk's end, and reads both back from the disk itself.
 * @param image a regular file; it is read as long as it was when this began
 * @throws BatonError `refused` where the disk is in use or another one, `io` with how far it came
 */
export async function writeImage(image: FileHandle, disk: DiskToWrite, onWritten: OnWritten): Promise<void> {
  const { size } = await image.stat();
  if (size > disk.size) throw new BatonError("refused", `${disk.node} is smaller than the image`);
  const handle = await openExclusively(disk);
  try {
    const end = Math.max(size, disk.size - END);
    const pieces = [...cut(0, size), ...cut(end, disk.size)];
    const digests: string[] = [];
    // The end first: a stick that pretends to be larger than it is writes it over the image's place, not over the image.
    for (const [index, piece] of [...pieces.entries()].reverse()) {
      const bytes = piece.at < size ? await readPiece(image, piece, "the image") : Buffer.alloc(piece.length);
      await writePiece(handle, piece.at, bytes, disk.node);
      digests[index] = digest(bytes);
      onWritten("write", (pieces.length - index) / pieces.length);
    }
    await handle.sync();
    await dropCache(disk.node, { timeoutMs: 60_000 });
    for (const [index, piece] of pieces.entries()) {
      const bytes = await readPiece(handle, piece, disk.node);
      if (digest(bytes) !== digests[index]) {
        throw new BatonError(
          "io",
          `${disk.node} doesn't hold what was written to it, between ${piece.at} and ${piece.at + piece.length} bytes: it is broken, or smaller than it says; use another one`,
        );
      }
      onWritten("verify", (index + 1) / pieces.length);
    }
  } finally {
    await handle.close();
  }
}

interface Piece {
  readonly at: number;
  readonly length: number;
}

function* cut(start: number, end: number): Generator<Piece> {
  for (let at = start; at < end; at += CHUNK) yield { at, length: Math.min(CHUNK, end - at) };
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** O_EXCL: the kernel refuses a disk of which anything is mounted, or held by an array, a mapping or as swap (open(2)). */
async function openExclusively({ node, device }: DiskToWrite): Promise<FileHandle> {
  const { O_RDWR, O_EXCL, O_DSYNC, O_NOFOLLOW } = constants;
  const handle = await open(node, O_RDWR | O_EXCL | O_DSYNC | O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === "EBUSY"
        ? "it is in use; unmount what is on it, in other containers as well"
        : `${describeError(error)}${process.getuid?.() === 0 ? "" : "; this needs root"}`;
    throw new BatonError("refused", `${node} can't be opened for writing: ${why}`, { cause: error });
  });
  const status = await handle.stat();
  if (status.isBlockDevice() && deviceNumber(status.rdev) === device) return handle;
  await handle.close();
  throw new BatonError("refused", `${node} is another device than a moment ago; look again which one is meant`);
}

/** `8:16` of a dev_t (gnu_dev_makedev in glibc). */
export function deviceNumber(rdev: number): string {
  const value = BigInt(rdev);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn);
  const minor = (value & 0xffn) | ((value >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

async function readPiece(handle: FileHandle, { at, length }: Piece, name: string): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await failing(handle.read(bytes, done, length - done, at + done), `read ${name}`, at + done);
    if (bytesRead === 0) throw new BatonError("io", `${name} ends after ${at + done} bytes, and was longer before`);
    done += bytesRead;
  }
  return bytes;
}

async function writePiece(handle: FileHandle, at: number, bytes: Uint8Array, node: string): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const written = handle.write(bytes, done, bytes.length - done, at + done);
    done += (await failing(written, `write to ${node}`, at + done)).bytesWritten;
  }
}

async function failing<T>(work: Promise<T>, what: string, at: number): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new BatonError("io", `can't ${what} at byte ${at}: ${describeError(error)}`, { cause: error });
  }
}
