/** Composes images and kexec for kernels in packed form: what is inside becomes a file of its own, in memory. */

import { closeSync, write } from "node:fs";
import { promisify } from "node:util";
import type { ReadAt } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import type { Image } from "../images/image.ts";
import type { KexecFile } from "../kexec/files.ts";
import { availableMemory } from "../linux/availablememory.ts";
import { memfd } from "../linux/memfd.ts";
import { log } from "../log.ts";

const writeAsync = promisify(write);

/** Bytes that are left for the kernel that loads, and for Baton. */
const SPARE = 48 << 20;

interface KernelFile {
  readonly image: Image;
  /** Holds the kernel as it is loaded. */
  readonly file: KexecFile;
  /** Lets go of what was unpacked, once it is loaded. */
  release(): void;
}

/**
 * Finds the kernel in a file that may be packed. One that isn't is given back as it is.
 * @param image what the file is
 * @param readAt reads the file, from its own beginning
 * @param available asked for the bytes of memory that are free: what is unpacked is held twice for a moment
 * @throws BatonError with the file's name and what is wrong with it, `too-large` with the numbers where memory is short
 */
export async function unpackKernel(
  file: KexecFile,
  image: Image,
  readAt: ReadAt,
  available: () => Promise<number> = availableMemory,
): Promise<KernelFile> {
  if (!image.isPacked) return { image, file, release: () => {} };
  const { unwrapKernel } = await import("../images/unwrap.ts");
  const started = performance.now();
  const free = await available();
  const { image: inner, bytes } = await unwrapKernel(
    readAt,
    file.size,
    Math.floor(Math.max(0, free - SPARE) / 2),
  ).catch((error) => {
    if (!(error instanceof BatonError)) throw error;
    const memory = error.code === "too-large" ? ` ${Math.floor(free / (1 << 20))} MiB of memory are free.` : "";
    throw new BatonError(error.code, `${file.name}: ${error.message}${memory}`);
  });
  if (bytes === null) return { image: inner, file, release: () => {} };
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  log.info(`${file.name}: unpacked to ${bytes.length} bytes in ${seconds} s: ${inner.description}`);
  const fd = memfd("kernel");
  try {
    for (let at = 0; at < bytes.length; ) at += (await writeAsync(fd, bytes, at, bytes.length - at, at)).bytesWritten;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { image: inner, file: { fd, size: bytes.length, name: file.name }, release: () => closeSync(fd) };
}
