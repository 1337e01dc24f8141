/**
 * SHA-256 of a file in memory while it grows. Of a large one by a thread of its own, which reads what has been written:
 * hashing takes longer than fetching on a fast network, and machines have more than one processor.
 */

import { createHash, type Hash } from "node:crypto";
import { readSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setImmediate as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { BatonError } from "../errors.ts";
import { log } from "../log.ts";
import type { Algorithm } from "./fragment.ts";

/** Bytes after which a thread is worth its start. */
const LARGE = 8 * 1024 * 1024;
/** Bytes that are hashed at once, and after which the thread is notified of more. */
const PIECE = 256 * 1024;

export class FileHash {
  readonly #fd: number;
  #hash: Hash = createHash("sha256");
  #thread: HashThread | null = null;
  #size = 0;

  /** @param fd of the file, which is empty now; it must stay open until `stop` */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @param piece that has been written at the file's end */
  append(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.#thread === null && this.#size >= LARGE && availableParallelism() > 1) {
      this.#thread = new HashThread(this.#fd);
    }
    if (this.#thread === null) this.#hash.update(piece);
    else this.#thread.grow(this.#size);
  }

  /** Of all that was appended. */
  async digest(): Promise<string> {
    if (this.#thread === null) return this.#hash.copy().digest("hex");
    const digest = await this.#thread.finish(this.#size);
    return digest ?? hashOf(this.#fd, this.#size, "sha256");
  }

  /** Ends the thread. */
  stop(): void {
    this.#thread?.stop();
    this.#thread = null;
  }
}

/**
 * All of a file once more: by another algorithm, or where the thread has failed.
 * @param size bytes. @returns lower-case hexadecimal
 */
export async function hashOf(fd: number, size: number, algorithm: Algorithm): Promise<string> {
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafeSlow(PIECE);
  for (let at = 0; at < size; ) {
    const length = readSync(fd, buffer, 0, Math.min(PIECE, size - at), at);
    if (length === 0) throw new BatonError("io", "a file in memory is shorter than what was written to it");
    hash.update(buffer.subarray(0, length));
    at += length;
    await pause();
  }
  return hash.digest("hex");
}

class HashThread {
  readonly #worker: Worker;
  readonly #result: Promise<string | null>;
  #told = 0;

  constructor(fd: number) {
    // Sent as text, for Baton is one file. Its own options and environment (a test's loader) are not for the thread.
    this.#worker = new Worker(`(${hashWhatGrows})(require)`, {
      eval: true,
      workerData: { fd, piece: PIECE },
      execArgv: [],
      env: {},
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 },
    });
    this.#worker.unref();
    this.#result = new Promise((resolve) => {
      this.#worker.once("message", resolve);
      this.#worker.once("exit", () => resolve(null));
      this.#worker.once("error", (error) => {
        log.warn(`hashing in a thread failed, so it is done without: ${error.message}`);
        resolve(null);
      });
    });
  }

  grow(size: number): void {
    if (size - this.#told < PIECE) return;
    this.#told = size;
    this.#worker.postMessage({ size, isWhole: false });
  }

  /** @returns null where the thread has failed */
  finish(size: number): Promise<string | null> {
    this.#worker.ref();
    this.#worker.postMessage({ size, isWhole: true });
    return this.#result;
  }

  stop(): void {
    void this.#worker.terminate();
  }
}

/**
 * What the thread does. It stands alone: nothing of this file is there when it runs.
 * @param load the thread's `require`
 */
function hashWhatGrows(load: NodeJS.Require): void {
  const { createHash } = load("node:crypto") as typeof import("node:crypto");
  const { readSync } = load("node:fs") as typeof import("node:fs");
  const { parentPort, workerData } = load("node:worker_threads") as typeof import("node:worker_threads");
  const { fd, piece } = workerData as { fd: number; piece: number };
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(piece);
  let done = 0;
  parentPort!.on("message", ({ size, isWhole }: { size: number; isWhole: boolean }) => {
    while (done < size) {
      const length = readSync(fd, buffer, 0, Math.min(piece, size - done), done);
      if (length === 0) throw new Error("the file is shorter than what was written to it");
      hash.update(buffer.subarray(0, length));
      done += length;
    }
    if (isWhole) parentPort!.postMessage(hash.digest("hex"));
  });
}
