/** Reads from a device that may hang: off the main thread, with a deadline for everything together. */

import * as fs from "node:fs";
import { BatonError } from "../errors.ts";
import { withDeadline } from "../linux/deadline.ts";
import { closeDescriptor, openDescriptor } from "../linux/descriptor.ts";
import { LinuxError } from "../linux/error.ts";
import type { ReadDevice } from "./probes/window.ts";

/**
 * O_NONBLOCK: a drive without a medium is opened without waiting for one, and its tray stays as it is. (Node itself
 * adds O_CLOEXEC.)
 */
const FLAGS = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;

const ENOMEDIUM = 123;
const ENXIO = 6;
const ENODEV = 19;
const ENOENT = 2;
const EACCES = 13;
const EPERM = 1;

/** What a single step gets where the processor was busy with something else until all the time was over, and how often. */
const MIN_MS = 1000;
const MAX_GRACES = 4;

/** When a pass over a device has to be over. */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #end: number;
  #graces = MAX_GRACES;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#end = performance.now() + timeoutMs;
  }

  /** Milliseconds for the next step. */
  #rest(): number {
    const rest = this.#end - performance.now();
    const least = Math.min(MIN_MS, this.#timeoutMs / 2);
    return rest < least && this.#graces-- > 0 ? least : Math.max(0, rest);
  }

  /**
   * Waits for `work` until the deadline.
   * @param discard gets what comes too late.
   * @throws BatonError `timeout`, or what `work` rejects with.
   */
  limit<T>(work: Promise<T>, discard?: (late: T) => void): Promise<T> {
    const late = (): BatonError => new BatonError("timeout", `did not answer within ${this.#timeoutMs / 1000} s`);
    return withDeadline(work, this.#rest(), late, discard);
  }
}

/**
 * Opens a device, hands `use` a function that reads from it, and closes it again. After the deadline nothing of the
 * device is touched any more: a thread that waits in the kernel stays there, and its descriptor open.
 * @throws BatonError `timeout`, `io`, or what `use` throws.
 */
export async function withDevice<T>(
  node: string,
  deadline: Deadline,
  use: (read: ReadDevice) => Promise<T>,
): Promise<T> {
  const opened = openDescriptor(node, FLAGS);
  const fd = await explained(deadline.limit(opened, closeDescriptor), "cannot be opened");
  // Descriptors and not FileHandles: those would be closed, with a warning, when a hung one is collected.
  let busy = 0;
  const read: ReadDevice = async (offset, length) => {
    busy++;
    const finished = readFd(fd, offset, length).finally(() => busy--);
    return explained(deadline.limit(finished), "cannot be read");
  };
  try {
    return await use(read);
  } finally {
    if (busy === 0) void closeDescriptor(fd);
  }
}

function readFd(fd: number, offset: number, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  return new Promise((resolve, reject) => {
    const more = (filled: number): void => {
      fs.read(fd, buffer, filled, length - filled, offset + filled, (error, got) => {
        // What came before a bad sector is good.
        if (error && filled === 0) reject(error);
        else if (error || got === 0 || filled + got === length) resolve(buffer.subarray(0, filled + (got || 0)));
        else more(filled + got);
      });
    };
    more(0);
  });
}

async function explained<T>(work: Promise<T>, failure: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BatonError && !(error instanceof LinuxError)) throw error;
    const { errno = 0, code = "" } = error as NodeJS.ErrnoException;
    const why = error instanceof LinuxError ? explainErrno(error.errno, error.errnoName) : explainErrno(-errno, code);
    throw new BatonError("io", `${failure}: ${why}`, { cause: error });
  }
}

function explainErrno(errno: number, name: string): string {
  switch (errno) {
    case ENOMEDIUM:
      return "there is no medium in it";
    case ENXIO:
    case ENODEV:
    case ENOENT:
      return `the device is gone, or has no medium (${name})`;
    case EACCES:
    case EPERM:
      return `permission denied (${name})${process.getuid?.() === 0 ? "" : "; reading devices needs root"}`;
    default:
      return `the device reports an error (${name})`;
  }
}
