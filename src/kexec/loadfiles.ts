/** Loading a kernel to jump into, by one of the methods. */

import { log } from "../log.ts";
import { fileLoadMethod } from "./fileload.ts";
import type { LoadMethod, LoadRequest } from "./method.ts";

/** How long a device may take to give the next mebibyte. */
const DEFAULT_READ_TIMEOUT_MS = 30_000;

export interface LoadProgress {
  /** What is being read: `vda1:/boot/vmlinuz`; null while the kernel takes it over, which can't be measured. */
  readonly detail: string | null;
  /** Bytes read of all files. */
  readonly done: number;
  readonly total: number;
}

export interface LoadOptions extends LoadRequest {
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Milliseconds for each mebibyte. */
  readonly readTimeoutMs?: number;
  readonly method?: LoadMethod;
}

export interface LoadResult {
  readonly method: LoadMethod["name"];
  /** Reading included. */
  readonly seconds: number;
}

/**
 * Loads a kernel with kexec_file_load. Empty initrds are left out, as bootloaders do. The files may be closed
 * afterwards.
 * @throws BatonError: `refused` (KexecError) with what the kernel's answer means and what to do; `timeout` and `io`
 *   from the disk
 */
export async function loadFile(options: LoadOptions): Promise<LoadResult> {
  const { kernel, onProgress = () => {}, method = fileLoadMethod() } = options;
  const started = performance.now();
  const initrds = options.initrds.filter((initrd) => {
    if (initrd.size === 0) log.warn(`${initrd.name} is empty: booting without it`);
    return initrd.size > 0;
  });
  const total = initrds.reduce((sum, initrd) => sum + initrd.size, kernel.size);
  let done = 0;
  await method.load(
    { ...options, initrds },
    {
      timeoutMs: options.readTimeoutMs ?? DEFAULT_READ_TIMEOUT_MS,
      onRead(file, bytes) {
        done += bytes;
        onProgress({ detail: done < total ? file.name : null, done, total });
      },
    },
  );
  return { method: method.name, seconds: (performance.now() - started) / 1000 };
}
