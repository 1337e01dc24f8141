/** Files as memory of this process: what the kernel takes from there goes from its page cache without a copy. */

import { closeSync, openSync } from "node:fs";
import { BatonError } from "../errors.ts";
import { LinuxError } from "./error.ts";
import { callBlocking, callNow } from "./libc.ts";

const PROT_READ = 1;
const MAP_PRIVATE = 0x02;
/** Linux 5.14; include/uapi/asm-generic/mman-common.h */
const MADV_POPULATE_READ = 22;
const PAGE = 4096;
/** What one deadline is for. */
const PIECE = 4 * 1024 * 1024;

export interface FileMapping {
  /** Of the first byte that was asked for. */
  readonly address: bigint;
  /** Not before every call that looks there has returned. */
  unmap(): void;
}

interface MapOptions {
  /** Milliseconds for each piece; null for no end. */
  readonly timeoutMs: number | null;
  /** Called after each piece with its bytes. */
  readonly onRead?: (bytes: number) => void;
  /** False once nobody wants it any more: what is left is not read. */
  readonly isWanted?: () => boolean;
}

/**
 * Maps a part of a file, and reads it from its disk now, so that a disk which fails or hangs is noticed here and not
 * where the mapping is used. This process itself never looks into it: a file that is cut short would kill it.
 * @param offset any, in bytes
 * @param size bytes, at least 1
 * @param name for messages
 * @throws LinuxError (EIO or EFAULT where the file can't be read); BatonError `timeout`
 */
export async function mapFile(
  fd: number,
  offset: number,
  size: number,
  name: string,
  options: MapOptions,
): Promise<FileMapping> {
  const before = offset % PAGE;
  const length = before + size;
  const start = callNow("mmap", [null, length, PROT_READ, MAP_PRIVATE, fd, offset - before], {
    call: "mmap",
    args: [name],
  });
  const unmap = (): void => {
    callNow("munmap", [start, length], { call: "munmap", args: [name] });
  };
  const isWanted = options.isWanted ?? (() => true);
  const nowhere = openSync("/dev/null", "w");
  try {
    for (let at = 0; at < length && isWanted(); at += PIECE) {
      const piece = Math.min(PIECE, length - at);
      await readThrough(fd, nowhere, offset - before + at, piece, name, options.timeoutMs);
      await populate(start + at, piece, name, options.timeoutMs);
      options.onRead?.(at === 0 ? piece - before : piece);
    }
  } catch (error) {
    // A call that was given up still looks there.
    if (!(error instanceof BatonError && error.code === "timeout")) unmap();
    throw error;
  } finally {
    closeSync(nowhere);
  }
  return { address: BigInt(start + before), unmap };
}

/**
 * Has the kernel read a piece into its page cache, without a copy. A sector that can't be read is EIO here; where the
 * mapping is populated, kernels before 6.9 try for ever (commit 631426ba1d45, "make MADV_POPULATE_(READ|WRITE) handle
 * VM_FAULT_RETRY properly").
 */
async function readThrough(
  fd: number,
  nowhere: number,
  offset: number,
  length: number,
  name: string,
  timeoutMs: number | null,
): Promise<void> {
  const place = Buffer.alloc(8);
  for (let done = 0; done < length; ) {
    place.writeBigInt64LE(BigInt(offset + done));
    let moved: number;
    try {
      moved = await callBlocking(
        "sendfile",
        [nowhere, fd, place, length - done],
        { call: "sendfile", args: [name] },
        { timeoutMs, timeoutReason: "the disk on which the file lies does not answer" },
      );
    } catch (error) {
      // A filesystem that can't do this: errors show, if later.
      if (error instanceof LinuxError && error.errnoName === "EINVAL") return;
      throw error;
    }
    // The file is shorter than its size said. Using the mapping reports it.
    if (moved === 0) return;
    done += moved;
  }
}

/** Kernels before 5.14 don't know the advice, and read when the mapping is used. */
async function populate(address: number, length: number, name: string, timeoutMs: number | null): Promise<void> {
  try {
    await callBlocking(
      "madvise",
      [address, length, MADV_POPULATE_READ],
      { call: "madvise", args: [name, { word: "MADV_POPULATE_READ" }] },
      { timeoutMs, timeoutReason: "the disk on which the file lies does not answer" },
    );
  } catch (error) {
    if (!(error instanceof LinuxError && error.errnoName === "EINVAL")) throw error;
  }
}
