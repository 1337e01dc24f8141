/**
 * Whole files into memory that kexec reads: hashed as they arrive, resumed where they break off, tried elsewhere where
 * a server fails. What is not complete, or not what its digest says, is never handed out.
 */

import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BatonError, describeError } from "../errors.ts";
import { log } from "../log.ts";
import type { Fetcher } from "./fetcher.ts";
import { checkDigest, type Digest, fragmentOf } from "./fragment.ts";
import { awaitMemory, checkMemory, releaseMemory } from "./memory.ts";
import { MemoryFile } from "./memoryfile.ts";
import type { Opened } from "./transport.ts";
import { parseFetchUrl } from "./transports.ts";
import { shownUrl } from "./url.ts";

export interface DownloadOptions {
  /** The same file elsewhere, tried in order when `url` fails; after those that the URL itself names (`#mirror=`). */
  readonly mirrors?: readonly string[];
  /** What the file must be, beside what the URL itself says (`#sha256=`). */
  readonly digests?: readonly Digest[];
  /** Bytes that it must have. */
  readonly size?: number | null;
  /** Only so much of the file is wanted; digest and size are those of the part. */
  readonly part?: { readonly offset: number; readonly size: number };
  readonly signal?: AbortSignal;
  /** Milliseconds before the second try of a URL, and twice as long before each further one; 500 unless given. */
  readonly pauseMs?: number;
  /**
   * Bytes so far, and in all where that is known; also called while nothing comes. Where it throws, the download ends
   * with that.
   */
  readonly onProgress?: (done: number, total: number | null) => void;
}

export interface Download {
  /** At the file's beginning; the caller closes it. */
  readonly handle: FileHandle;
  readonly size: number;
  readonly sha256: string;
  /** Where it came from. */
  readonly url: string;
}

/** One file of one server, on its way. */
interface Job extends Omit<DownloadOptions, "mirrors"> {
  readonly url: URL;
  /** For messages. */
  readonly name: string;
  readonly digests: readonly Digest[];
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number | null) => void;
}

/** Tries of one URL that break off in the middle or don't answer. */
const TRIES = 4;
const PAUSE_MS = 500;
/** Bytes that a try must bring for it not to count among {@link TRIES}. */
const GOOD_PART = 1024 * 1024;
const CHECK_EVERY = 16 * 1024 * 1024;
/** Between two questions to the caller whether it still waits, in milliseconds. */
const TICK_MS = 200;

/** Failures that may pass. */
const PASSING: readonly string[] = ["timeout", "io"];

/** @throws BatonError with what was tried where, and why each failed */
export async function download(fetcher: Fetcher, address: string, options: DownloadOptions = {}): Promise<Download> {
  const url = parseFetchUrl(address);
  const fragment = fragmentOf(url);
  const addresses = [address, ...fragment.mirrors, ...(options.mirrors ?? [])];
  const digests = [...fragment.digests, ...(options.digests ?? [])];
  const failures: BatonError[] = [];
  for (const one of addresses) {
    try {
      return await downloadFrom(fetcher, one, { ...options, digests });
    } catch (error) {
      // Another server has no person who hasn't changed their mind. But what is too large may be so in a liar's words only.
      const isFinal = !(error instanceof BatonError) || error.code === "cancelled";
      if (isFinal || addresses.length === 1) throw error;
      failures.push(error);
      log.warn(error.message);
    }
  }
  const isTooLarge = failures.every(({ code }) => code === "too-large");
  throw new BatonError(isTooLarge ? "too-large" : "io", failures.map(({ message }) => message).join("; "));
}

async function downloadFrom(fetcher: Fetcher, address: string, options: DownloadOptions): Promise<Download> {
  const url = parseFetchUrl(address);
  const name = shownUrl(url);
  const file = new MemoryFile(name);
  // Nothing may come for a long time: the caller is asked meanwhile, too.
  let total: number | null = null;
  let ended: { readonly error: unknown } | null = null;
  const stop = new AbortController();
  const onProgress: Job["onProgress"] = (done, all) => {
    total = all;
    options.onProgress?.(done, all);
  };
  const ticking = setInterval(() => {
    try {
      onProgress(file.size, total);
    } catch (error) {
      ended ??= { error };
      stop.abort();
    }
  }, TICK_MS);
  const onAbort = (): void => stop.abort();
  options.signal?.addEventListener("abort", onAbort);
  if (options.signal?.aborted) onAbort();
  try {
    const digests = [...(options.digests ?? []), ...fragmentOf(url).digests];
    const job = { ...options, url, name, digests, signal: stop.signal, onProgress };
    await receiveWhole(fetcher, file, job);
    const digest = await checked(file, job);
    return { handle: await file.handle(), size: file.size, sha256: digest, url: name };
  } catch (error) {
    file.discard();
    throw ended === null ? error : (ended as { readonly error: unknown }).error;
  } finally {
    clearInterval(ticking);
    options.signal?.removeEventListener("abort", onAbort);
    releaseMemory(file);
  }
}

/** Tries again where a failure may pass, and as often as each try brings a good part of the file. */
async function receiveWhole(fetcher: Fetcher, file: MemoryFile, job: Job): Promise<void> {
  let pause = job.pauseMs ?? PAUSE_MS;
  let reached = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await receive(fetcher, file, job);
    } catch (error) {
      const passes = error instanceof BatonError && PASSING.includes(error.code);
      if (file.size >= reached + GOOD_PART) {
        attempt = 1;
        pause = job.pauseMs ?? PAUSE_MS;
      }
      reached = Math.max(reached, file.size);
      // After so many vain waits another is not likely to help.
      if (error instanceof BatonError && error.code === "timeout") attempt++;
      if (!passes || attempt >= TRIES || job.signal.aborted) throw error;
      log.info(`${describeError(error)}; trying again (${attempt + 1} of ${TRIES})`);
      await sleep(pause, undefined, { signal: job.signal }).catch(() => {});
      pause *= 2;
    }
  }
}

/** One transfer, from where the last one broke off if that is known to be the same file, and the server can do it. */
async function receive(fetcher: Fetcher, file: MemoryFile, job: Job): Promise<void> {
  const { url, name, signal, onProgress, part } = job;
  const transport = await fetcher.transport(url);
  const start = part?.offset ?? 0;
  if (file.size > 0 && file.validator === null && job.digests.length === 0) file.restart();
  const opened = await fetcher.open(url.href, {
    offset: transport.ranges ? start + file.size : 0,
    ...(part ? { length: part.size - file.size } : {}),
    validator: file.validator,
    signal,
  });
  try {
    if (opened.offset !== start + file.size) file.restart();
    // A part of a file of another length is a part of another file.
    if (file.size > 0 && file.whole !== null && opened.size !== null && opened.size !== file.whole) {
      const message = `${name}: the file had ${file.whole} bytes and has ${opened.size} now: it was changed meanwhile`;
      file.restart();
      throw new BatonError("io", message);
    }
    file.whole = opened.size ?? file.whole;
    // A server that sends files whole sends what comes before a part as well.
    let skip = start + file.size - opened.offset;
    if (skip < 0) throw new BatonError("io", `${name}: the server sent another part than was asked for`);
    file.validator = opened.validator;
    const total = part?.size ?? job.size ?? opened.size;
    awaitMemory(file, () => (total ?? 0) - file.size);
    await checkMemory(name, file, (total ?? 0) - file.size);
    onProgress(file.size, total);
    let checkedAt = file.size;
    for await (const whole of opened.body) {
      if (signal.aborted) throw new BatonError("cancelled", `${name}: cancelled`);
      const skipped = Math.min(skip, whole.length);
      skip -= skipped;
      file.append(whole.subarray(skipped, part ? skipped + part.size - file.size : whole.length));
      if (total !== null && file.size > total) throw tooLong(name, total, job);
      if (total === null && file.size - checkedAt >= CHECK_EVERY) {
        checkedAt = file.size;
        await checkMemory(name, file, CHECK_EVERY);
      }
      onProgress(file.size, total);
      if (part && file.size >= part.size) return;
    }
    if (part) throw new BatonError("io", `${name}: it ends before byte ${start + part.size}, which is needed`);
    checkComplete(name, file, opened);
  } finally {
    opened.close();
  }
}

function tooLong(name: string, total: number, { size }: Job): BatonError {
  if (size != null)
    return new BatonError("bad-format", `${name}: it is longer than the ${size} bytes that it must have`);
  return new BatonError("io", `${name}: the server announced ${total} bytes and goes on after them`);
}

function checkComplete(name: string, file: MemoryFile, { size }: Opened): void {
  if (size === null || file.size === size) return;
  throw new BatonError("io", `${name}: the transfer ended after ${file.size} bytes; the file has ${size}`);
}

/** @returns its SHA-256. @throws BatonError where it is another file than the one that is meant */
async function checked(file: MemoryFile, { name, size, digests }: Job): Promise<string> {
  if (size != null && file.size !== size) {
    throw new BatonError(
      "bad-format",
      `${name}: it has ${file.size} bytes and must have ${size}; nothing of it is used`,
    );
  }
  for (const digest of digests) checkDigest(name, await file.digest(digest.algorithm), digest);
  return file.digest("sha256");
}
