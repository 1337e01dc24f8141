/** Files as memory of this process: what the kernel takes from there goes from its page cache without a copy. */

import { callBlocking, callNow } from "./libc.ts";

const PROT_READ = 1;
const MAP_PRIVATE = 0x02;
const MAP_POPULATE = 0x8000;
const PAGE = 4096;

export interface FileMapping {
  /** Of the first byte that was asked for. */
  readonly address: bigint;
  /** Not before every call that looks there has returned. */
  unmap(): void;
}

/**
 * Maps a part of a file, and reads it from its disk now, so that a disk which fails or hangs is noticed here and not
 * where the mapping is used. This process itself never looks into it: a file that is cut short would kill it.
 * @param offset any, in bytes
 * @param size bytes, at least 1
 * @param name for the message of a deadline
 * @throws LinuxError; BatonError `timeout`
 */
export async function mapFile(
  fd: number,
  offset: number,
  size: number,
  name: string,
  timeoutMs: number | null = null,
): Promise<FileMapping> {
  const before = offset % PAGE;
  const length = before + size;
  const unmap = (address: number): void => {
    callNow("munmap", [address, length], { call: "munmap", args: [name] });
  };
  const address = await callBlocking(
    "mmap",
    [null, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, offset - before],
    { call: "mmap", args: [name] },
    { timeoutMs, timeoutReason: "the disk on which the file lies does not answer", onLateSuccess: unmap },
  );
  return { address: BigInt(address + before), unmap: () => unmap(address) };
}
