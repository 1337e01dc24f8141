/**
 * Whole files into memory that kexec reads: hashed as they arrive, resumed where they break off, tried elsewhere where
 * a server fails. What is not complete, or not what its digest says, is never handed out.
 */

import { type FileHandle, readFile } from "node:fs/promises";
import { freemem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { BatonError, describeError } from "../errors.ts";
import { log } from "../log.ts";
import type { Fetcher } from "./fetcher.ts";
import { MemoryFile } from "./memoryfile.ts";
import type { Opened } from "./transport.ts";
import { digestOf, parseFetchUrl, shownUrl } from "./url.ts";

export interface DownloadOptions {
  /** The same file elsewhere, tried in order when `url` fails. */
  readonly mirrors?: readonly string[];
  /** Lower-case hexadecimal; `#sha256=` on the URL says the same. */
  readonly sha256?: string | null;
  /** Bytes that it must have. */
  readonly size?: number | null;
  /** Only so much of the file is wanted; digest and size are those of the part. */
  readonly part?: { readonly offset: number; readonly size: number };
  readonly signal?: AbortSignal;
  /** Milliseconds before the second try of a URL, and twice as long before each further one; 500 unless given. */
  readonly pauseMs?: number;
  /** Bytes so far, and in all where that is known. */
  readonly onProgress?: (done: number, total: number | null) => void;
}

export interface Download {
  /** At the file's beginning; whoever gets it closes it. */
  readonly handle: FileHandle;
  readonly size: number;
  readonly sha256: string;
  /** Where it came from. */
  readonly url: string;
}

/** Tries of one URL that break off in the middle or don't answer. */
const TRIES = 4;
const PAUSE_MS = 500;
/** Left for the kernel that loads, and for Baton. */
const SPARE_BYTES = 48 * 1024 * 1024;
const CHECK_EVERY = 16 * 1024 * 1024;

/** Failures that may pass. */
const PASSING: readonly string[] = ["timeout", "io"];

/** @throws BatonError with what was tried where, and why each failed */
export async function download(fetcher: Fetcher, url: string, options: DownloadOptions = {}): Promise<Download> {
  const failures: string[] = [];
  for (const address of [url, ...(options.mirrors ?? [])]) {
    try {
      return await downloadFrom(fetcher, address, options);
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      // Another server has neither more memory here nor a person who has changed their mind.
      if (error.code === "cancelled" || error.code === "too-large") throw error;
      failures.push(error.message);
      log.warn(error.message);
      if ((options.mirrors ?? []).length === 0) throw error;
    }
  }
  throw new BatonError("io", failures.join("; "));
}

async function downloadFrom(fetcher: Fetcher, address: string, options: DownloadOptions): Promise<Download> {
  const url = parseFetchUrl(address);
  const expected = options.sha256 ?? digestOf(url);
  const name = shownUrl(url);
  const file = new MemoryFile(name);
  try {
    let pause = options.pauseMs ?? PAUSE_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        await receive(fetcher, url, file, options);
        break;
      } catch (error) {
        const passes = error instanceof BatonError && PASSING.includes(error.code);
        if (!passes || attempt >= TRIES || options.signal?.aborted) throw error;
        log.info(`${describeError(error)}; trying again (${attempt + 1} of ${TRIES})`);
        await sleep(pause, undefined, options.signal ? { signal: options.signal } : {}).catch(() => {});
        pause *= 2;
      }
    }
    const { size } = file;
    if (options.size != null && size !== options.size) {
      throw new BatonError(
        "bad-format",
        `${name}: it has ${size} bytes and must have ${options.size}; nothing of it is used`,
      );
    }
    const sha256 = await file.digest();
    if (expected !== null && sha256 !== expected) {
      throw new BatonError(
        "bad-format",
        `${name}: its SHA-256 is ${sha256} and must be ${expected}: it is not the file that is meant, or was changed on ` +
          "its way; nothing of it is used",
      );
    }
    return { handle: await file.handle(), size, sha256, url: name };
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** One transfer, from where the last one broke off if the server can do that. */
async function receive(fetcher: Fetcher, url: URL, file: MemoryFile, options: DownloadOptions): Promise<void> {
  const { signal, onProgress, part } = options;
  const name = shownUrl(url);
  const transport = await fetcher.transport(url);
  const start = part?.offset ?? 0;
  const offset = transport.ranges ? start + file.size : 0;
  const length = part ? { length: part.size - file.size } : {};
  const opened = await transport.open(url, {
    offset,
    ...length,
    validator: file.validator,
    ...(signal ? { signal } : {}),
  });
  try {
    if (opened.offset !== start + file.size) file.restart();
    // A server that sends files whole sends what comes before a part as well.
    let skip = start + file.size - opened.offset;
    if (skip < 0) throw new BatonError("io", `${name}: the server sent another part than was asked for`);
    file.validator = opened.validator;
    const total = part?.size ?? options.size ?? opened.size;
    await checkMemory(name, total === null ? 0 : total - file.size);
    onProgress?.(file.size, total);
    let checked = file.size;
    for await (const whole of opened.body) {
      if (signal?.aborted) throw new BatonError("cancelled", `${name}: cancelled`);
      const skipped = Math.min(skip, whole.length);
      skip -= skipped;
      file.append(whole.subarray(skipped, part ? skipped + part.size - file.size : whole.length));
      if (options.size != null && file.size > options.size) {
        throw new BatonError("bad-format", `${name}: it is longer than the ${options.size} bytes that it must have`);
      }
      if (file.size - checked >= CHECK_EVERY) {
        checked = file.size;
        if (total === null) await checkMemory(name, CHECK_EVERY);
      }
      onProgress?.(file.size, total);
      if (part && file.size >= part.size) return;
    }
    if (part) throw new BatonError("io", `${name}: it ends before byte ${start + part.size}, which is needed`);
    checkComplete(name, file, opened);
  } finally {
    opened.close();
  }
}

function checkComplete(name: string, file: MemoryFile, { size }: Opened): void {
  if (size === null || file.size === size) return;
  const what = file.size < size ? "ended after" : "went on after";
  throw new BatonError("io", `${name}: the transfer ${what} ${file.size} bytes; the file has ${size}`);
}

/** @throws BatonError `too-large` before memory runs out, which would end Baton */
async function checkMemory(name: string, bytes: number): Promise<void> {
  let available = freemem();
  try {
    const line = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile("/proc/meminfo", "utf8"));
    if (line !== null) available = Number(line[1]) * 1024;
  } catch {
    // A host without /proc: what Node says will do.
  }
  if (bytes + SPARE_BYTES <= available) return;
  const mib = (count: number): string => `${Math.ceil(count / 1024 / 1024)} MiB`;
  throw new BatonError(
    "too-large",
    `${name}: it needs ${mib(bytes)} of memory and there are ${mib(Math.max(0, available - SPARE_BYTES))} left for it`,
  );
}
