/**
 * The window through which formats and images see bytes: one filesystem tree, read-only.
 * Implemented by `volumes/`; pure code sees nothing else of a machine.
 */

import type { BatonError } from "../errors.ts";

export interface FileStat {
  readonly type: "file" | "directory";
  /** Bytes; 0 for a directory. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Of a file that has several names (hard links): the same for each of them. Left out for any other. */
  readonly inode?: string;
}

export interface DirectoryItem {
  readonly name: string;
  /** `other`: neither a regular file nor a directory (devices and FIFOs), which a Reader refuses to open. */
  readonly type: "file" | "directory" | "symlink" | "other";
}

/**
 * Paths are absolute within the tree, with `/` between names; `.` and `..` and symlinks are resolved inside the
 * tree and can't leave it. Every method rejects with a BatonError: `not-found`, `not-a-file`, `not-a-directory`,
 * `loop` (symlinks), `too-large`, `timeout` (the device didn't answer), `io`.
 */
export interface Reader {
  /**
   * The bytes of a regular file.
   * @param limit refuse (`too-large`) a file of more bytes than this; 16 MiB unless given.
   */
  read(path: string, limit?: number): Promise<Uint8Array>;
  /** At most `length` bytes from `offset`; fewer at the end of the file. */
  readAt(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** The names in a directory, sorted by code unit. */
  list(path: string): Promise<readonly DirectoryItem[]>;
  /** Follows symlinks. */
  stat(path: string): Promise<FileStat>;
  /** Where a file or directory lies: its path without symlinks, as it is spelled on the disk. Left out where that can't be told. */
  realPath?(path: string): Promise<string>;
  /**
   * Many small files together, where a tree has a faster way for that: for each path what `read` gives or rejects
   * with. Call it through {@link readAll}.
   */
  readAll?(paths: readonly string[], limit: number): Promise<readonly (Uint8Array | BatonError)[]>;
  /** Likewise for `stat`; null where there is no such file. Call it through {@link statAll}. */
  statAll?(paths: readonly string[]): Promise<readonly (FileStat | BatonError | null)[]>;
}

/** 16 MiB: more than any configuration that a person or a generator writes. */
export const MAX_CONFIG_SIZE = 16 * 1024 * 1024;
