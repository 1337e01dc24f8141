/** Getting kernel and initrd to where the kernel takes them from: read with progress, joined where they are several. */

import { read, write } from "node:fs";
import { promisify } from "node:util";
import { layOutInitrds } from "../binary/initrd.ts";
import type { ReadAt } from "../binary/readat.ts";
import { BatonError, describeError } from "../errors.ts";
import type { FilePart } from "../images/segment.ts";
import { withDeadline } from "../linux/deadline.ts";

const readAsync = promisify(read);
const writeAsync = promisify(write);

/** A file, or a part of one, that is open for reading. */
export interface KexecFile {
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
  /** Where the part begins, for a part of a file (a section of a unified kernel image). */
  readonly offset?: number;
  /** For messages: `vda1:/boot/vmlinuz`. */
  readonly name: string;
}

/** Reads an open file that is in memory. */
export function readAtOf(fd: number): ReadAt {
  return async (offset, length) => {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await readAsync(fd, bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  };
}

/** A file as an image's loader names its parts. */
export function filePart({ fd, size, offset, name }: KexecFile): FilePart {
  return { fd, size, offset: offset ?? 0, name };
}

/** All of a part, read into memory. */
export async function readWhole(part: FilePart, options: ReadOptions): Promise<Uint8Array> {
  const bytes = new Uint8Array(part.size);
  for await (const _piece of pieces(part, options, bytes)) {
    // It stands in its place already.
  }
  return bytes;
}

export interface ReadOptions {
  /** How long the device may take to give the next piece. */
  readonly timeoutMs: number;
  /** Called after each piece with the bytes it had. */
  readonly onRead: (file: KexecFile, bytes: number) => void;
  /** False once nobody wants it any more; the load then ends with BatonError `cancelled`. */
  readonly isWanted?: () => boolean;
}

/** @throws BatonError `cancelled` where nobody wants it any more */
export function checkWanted({ isWanted }: Pick<ReadOptions, "isWanted">): void {
  if (isWanted !== undefined && !isWanted()) throw new BatonError("cancelled", "The load was given up.");
}

const PIECE = 1024 * 1024;

/**
 * Reads a file to its end, which leaves it in the page cache, where the kernel takes it from. A dead disk is so
 * noticed here, with a deadline, and not within kexec_file_load, which can't be interrupted and blocks every later one.
 * @throws BatonError `timeout`, `io`
 */
export async function readThrough(file: KexecFile, options: ReadOptions): Promise<void> {
  for await (const _piece of pieces(file, options)) {
    // Read is all it must be.
  }
}

/**
 * Writes files behind each other into another, aligned as the kernel wants its initrds.
 * @param target of a new, empty file
 * @returns bytes written
 * @throws BatonError `timeout`, `io`
 */
export async function joinFiles(target: number, files: readonly KexecFile[], options: ReadOptions): Promise<number> {
  const parts = await Promise.all(
    files.map(async (file) => ({ size: file.size, start: await firstBytes(file, options) })),
  );
  const layout = layOutInitrds(parts);
  for (const [index, file] of files.entries()) {
    let at = layout.offsets[index]!;
    for await (const piece of pieces(file, options)) {
      for (let done = 0; done < piece.length; ) {
        const { bytesWritten } = await writeAsync(target, piece, done, piece.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
    }
  }
  return layout.size;
}

/** The first four bytes, by which archives and compressions are told apart. */
export async function firstBytes(file: KexecFile, { timeoutMs }: Pick<ReadOptions, "timeoutMs">): Promise<Uint8Array> {
  const buffer = new Uint8Array(Math.min(4, file.size));
  return buffer.subarray(0, await readPiece(file, buffer, 0, buffer.length, timeoutMs));
}

/** Reads from `at` of the file (or part); gives the bytes read. */
async function readPiece(
  file: KexecFile,
  buffer: Uint8Array,
  at: number,
  length: number,
  timeoutMs: number,
): Promise<number> {
  const reading = readAsync(file.fd, buffer, 0, length, (file.offset ?? 0) + at);
  try {
    return (await withDeadline(reading, timeoutMs, `reading ${file.name}`)).bytesRead;
  } catch (cause) {
    if (cause instanceof BatonError) throw cause;
    const isDisk = (cause as NodeJS.ErrnoException).code === "EIO";
    const reason = isDisk ? "its disk reports a read error (EIO)." : describeError(cause);
    throw new BatonError("io", `reading ${file.name} failed: ${reason}`, { cause });
  }
}

/**
 * A file's bytes.
 * @param whole takes all of them; without it, each piece is only good until the next is asked for
 */
async function* pieces(file: KexecFile, options: ReadOptions, whole?: Uint8Array): AsyncGenerator<Uint8Array> {
  const { timeoutMs, onRead } = options;
  const shared = new Uint8Array(whole === undefined ? Math.min(PIECE, file.size) : 0);
  for (let at = 0; at < file.size; ) {
    checkWanted(options);
    const length = Math.min(PIECE, file.size - at);
    const buffer = whole?.subarray(at, at + length) ?? shared;
    const bytesRead = await readPiece(file, buffer, at, length, timeoutMs);
    if (bytesRead === 0) {
      throw new BatonError("io", `${file.name} ends after ${at} of ${file.size} bytes: it is cut short.`);
    }
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
    onRead(file, bytesRead);
  }
}
