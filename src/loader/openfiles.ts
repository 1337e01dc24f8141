/** The files that an entry names, open: from a disk, from within an ISO file, from a network. */

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { ReadAt } from "../binary/readat.ts";
import { type FileDigest, type FileRef, shownFileRef } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import type { KexecFile } from "../kexec/files.ts";
import { endsWithin, withDeadline } from "../linux/deadline.ts";
import { log } from "../log.ts";
import type { Volume } from "../volumes/volume.ts";
import { type EntryFiles, listFiles, mapFiles } from "./refs.ts";

/** How long a device may take to open a file or to give the next mebibyte. */
export const READ_MS = 30_000;
/** How long the closing of files may keep the hand-over. */
const CLOSE_MS = 3000;
const PIECE = 1024 * 1024;

/** A file of an entry, open. */
export interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  /** Bytes. */
  readonly size: number;
  /** Where it begins in what is open: above 0 for a file within an ISO file. */
  readonly offset: number;
}

/** Where an entry's files are: what discovery knows of volumes and of the network. */
export interface FileSource {
  /** @throws BatonError `not-found` where the device is not attached any more */
  volume(device: string): Pick<Volume, "hostPath" | "extent">;
  /**
   * Fetches a file whole into memory.
   * @param onProgress gets bytes so far, and in all where that is known
   * @returns a handle on it, at its beginning, for the caller to close
   * @throws BatonError
   */
  fetch(
    url: string,
    onProgress: (done: number, total: number | null) => void,
    signal: AbortSignal,
  ): Promise<FileHandle>;
}

/**
 * Opens all files at once; what is fetched is fetched side by side.
 * @param onFetch gets the file that is being fetched, and bytes of all of them so far and in all
 */
export async function openFiles(
  source: FileSource,
  refs: EntryFiles<FileRef>,
  onFetch: (name: string, done: number, total: number | null) => void = () => {},
): Promise<EntryFiles<OpenFile>> {
  const fetched = new Map<FileRef, { done: number; total: number | null }>();
  const progress = (ref: FileRef) => (done: number, total: number | null) => {
    fetched.set(ref, { done, total });
    const all = [...fetched.values()];
    const totals = all.flatMap((file) => file.total ?? []);
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    onFetch(shownFileRef(ref), sum(all.map((file) => file.done)), totals.length < all.length ? null : sum(totals));
  };
  // One that fails ends the others: without it they are of no use, and fetching them may take long.
  const stop = new AbortController();
  const opening: Promise<OpenFile>[] = [];
  try {
    return await mapFiles(refs, (ref) => {
      const file = openFile(source, ref, progress(ref), stop.signal);
      opening.push(file);
      return file;
    });
  } catch (error) {
    stop.abort();
    const results = await Promise.allSettled(opening);
    await closeFiles(results.flatMap((result) => (result.status === "fulfilled" ? result.value : [])));
    throw error;
  }
}

async function openFile(
  source: FileSource,
  ref: FileRef,
  onFetch: (done: number, total: number | null) => void,
  signal: AbortSignal,
): Promise<OpenFile> {
  const name = shownFileRef(ref);
  if ("selector" in ref) throw new BatonError("not-found", `${name}: no attached device answers to ${ref.selector}`);
  if ("url" in ref) {
    const handle = await source.fetch(ref.url, onFetch, signal);
    return { name, handle, size: (await handle.stat()).size, offset: 0 };
  }
  const volume = source.volume(ref.device);
  if (volume.extent === undefined) return openPath(await volume.hostPath(ref.path), name);
  const { hostPath, offset, size } = await volume.extent(ref.path);
  const whole = await openPath(hostPath, name, offset + size);
  if (offset + size <= whole.size) return { ...whole, offset, size };
  await whole.handle.close();
  throw new BatonError("io", `${name}: the file that it is in ends before it: ${hostPath} is cut short`);
}

/**
 * @param name for messages: the path as the user knows it
 * @param blockSize bytes of a block device, which may be opened, too; null where only a file may
 */
export async function openPath(path: string, name: string, blockSize: number | null = null): Promise<OpenFile> {
  const opening = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const handle = await withDeadline(opening, READ_MS, `opening ${name}`, (late) => void late.close()).catch((error) => {
    throw error.code === "ENOENT" ? new BatonError("not-found", `${name}: there is no such file`) : error;
  });
  const stat = await handle.stat();
  if (stat.isFile()) return { name, handle, size: stat.size, offset: 0 };
  if (stat.isBlockDevice() && blockSize !== null) return { name, handle, size: blockSize, offset: 0 };
  await handle.close();
  throw new BatonError("not-a-file", `${name}: it is no regular file`);
}

/** Closing waits for reads that are under way, and one of them may wait for a dead disk: it is left behind then. */
export async function closeFiles(files: readonly OpenFile[]): Promise<void> {
  const closed = Promise.all(files.map(({ handle }) => handle.close())).catch((error) =>
    log.warn(`closing files failed: ${describeError(error)}`),
  );
  await endsWithin(closed, CLOSE_MS);
}

/**
 * Makes archives of the initrds that are files for the initial file system; the others stay as they are.
 * @param files the entry's own; closed where it fails
 */
export async function withMembers(files: EntryFiles<OpenFile>): Promise<EntryFiles<OpenFile>> {
  if (files.initrds.every(({ path }) => path === null)) return files;
  const { newcFile } = await import("./newcinitrd.ts");
  const initrds = [...files.initrds];
  try {
    for (const [index, { file, path, mode = null }] of files.initrds.entries()) {
      if (path === null) continue;
      const member = await newcFile(path, { ...file, mode }, () => readAtOfFile(file)(0, file.size));
      initrds[index] = { file: { name: `${file.name} (as ${path})`, ...member, offset: 0 }, path: null };
      await file.handle.close();
    }
    return { ...files, initrds };
  } catch (error) {
    await closeFiles(listFiles({ ...files, initrds }));
    throw error;
  }
}

/** As kexec takes it. A file that is whole is taken as it is; a part has to be copied first by kexec_file_load. */
export const plain = ({ name, handle, size, offset }: OpenFile): KexecFile => ({
  ...{ name, fd: handle.fd, size },
  ...(offset === 0 ? {} : { offset }),
});

/** A {@link ReadAt} over an open file, or the part of it that counts. @throws BatonError `timeout` */
export const readAtOfFile =
  (file: OpenFile): ReadAt =>
  async (offset, length) => {
    const buffer = new Uint8Array(Math.max(0, Math.min(length, file.size - offset)));
    let filled = 0;
    while (filled < buffer.length) {
      const reading = file.handle.read(
        buffer,
        filled,
        Math.min(PIECE, buffer.length - filled),
        file.offset + offset + filled,
      );
      const { bytesRead } = await withDeadline(reading, READ_MS, `reading ${file.name}`);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  };

/** In hexadecimal. @param algorithm as OpenSSL names it */
export async function digestOf(file: OpenFile, algorithm: "sha256" | FileDigest["algorithm"]): Promise<string> {
  const hash = createHash(algorithm);
  const readAt = readAtOfFile(file);
  for (let at = 0; at < file.size; ) {
    const piece = await readAt(at, PIECE);
    if (piece.length === 0) throw new BatonError("io", `${file.name} ends after ${at} of ${file.size} bytes`);
    hash.update(piece);
    at += piece.length;
  }
  return hash.digest("hex");
}

/**
 * Compares files with what their configuration says of them.
 * @throws BatonError `refused` where one is another; all of them are closed then
 */
export async function checkDigests(files: readonly OpenFile[], digests: readonly FileDigest[]): Promise<void> {
  try {
    for (const { file: ref, algorithm, hex } of digests) {
      const file = files.find(({ name }) => name === shownFileRef(ref));
      // A person may have put another file in its place.
      if (file === undefined || (await digestOf(file, algorithm)) === hex) continue;
      throw new BatonError(
        "refused",
        `${file.name}: its ${algorithm} digest is not the one in the configuration, so it was changed or damaged. ` +
          "Restore the file, or make the entry anew with the tool that wrote it.",
      );
    }
  } catch (error) {
    await closeFiles(files);
    throw error;
  }
}
