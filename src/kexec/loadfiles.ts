/** Loads a kernel to jump into: by the first method, or by the next one where that may follow. */

import { BatonError, describeError } from "../errors.ts";
import { log } from "../log.ts";
import { KexecError } from "./explain.ts";
import { fileLoadMethod } from "./fileload.ts";
import type { LoadMethod, LoadRequest } from "./method.ts";
import type { KexecState } from "./state.ts";

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
  /** In the order in which they are tried; kexec_file_load alone unless given. */
  readonly methods?: readonly LoadMethod[];
  /** False once nobody wants it any more: the load ends with BatonError `cancelled`. */
  readonly isWanted?: () => boolean;
}

export interface LoadResult {
  readonly method: LoadMethod["name"];
  /** Reading included. */
  readonly seconds: number;
}

/**
 * Whether this machine demands signatures. Only kexec_file_load has the kernel check them; under lockdown the kernel
 * refuses kexec_load.
 */
export function demandsSignatures(state: Pick<KexecState, "lockdown" | "secureBoot">): boolean {
  return state.secureBoot === true || (state.lockdown !== null && state.lockdown !== "none");
}

/**
 * Errors of kexec_file_load after which kexec-tools (`kexec -a`) tries kexec_load: they say that the call can't load the
 * file. A refused signature has others.
 */
const TO_CLASSIC = ["ENOSYS", "EINVAL", "ENOEXEC", "EOPNOTSUPP", "ENOTSUPP"];

/**
 * Whether another method may be tried after a failure. After kexec_load, which checks no signature, it may, unless a disk
 * failed or the load was given up. After kexec_file_load it may not where a signature could be the reason.
 */
export function mayFallBack(from: LoadMethod["name"], error: unknown): boolean {
  if (!(error instanceof BatonError)) return false;
  if (from === "kexec_file_load") return error instanceof KexecError && TO_CLASSIC.includes(error.errnoName);
  return error.code === "refused" || error.code === "unsupported" || error.code === "bad-format";
}

/**
 * Loads a kernel. Empty initrds are left out, as bootloaders do. The files may be closed afterwards.
 * @throws BatonError: `refused` (KexecError) with what the kernel's answer means and what to do; `timeout` and `io`
 *   from the disk; `cancelled`. Where several methods failed, the last one's error.
 */
export async function loadFile(options: LoadOptions): Promise<LoadResult> {
  const { kernel, onProgress = () => {}, methods = [fileLoadMethod()] } = options;
  const started = performance.now();
  const initrds = options.initrds.filter((initrd) => {
    if (initrd.size === 0) log.warn(`${initrd.name} is empty: booting without it`);
    return initrd.size > 0;
  });
  if (kernel.size === 0) throw new BatonError("refused", `${kernel.name} is empty: there is no kernel in it.`);
  const total = initrds.reduce((sum, initrd) => sum + initrd.size, kernel.size);
  for (const [index, method] of methods.entries()) {
    let done = 0;
    try {
      await method.load(
        { ...options, initrds },
        {
          timeoutMs: options.readTimeoutMs ?? DEFAULT_READ_TIMEOUT_MS,
          ...(options.isWanted ? { isWanted: options.isWanted } : {}),
          onRead(file, bytes) {
            done = Math.min(done + bytes, total);
            onProgress({ detail: done < total ? file.name : null, done, total });
          },
        },
      );
      return { method: method.name, seconds: (performance.now() - started) / 1000 };
    } catch (error) {
      const next = methods[index + 1];
      if (next === undefined || !mayFallBack(method.name, error)) throw error;
      log.warn(`${method.name} failed, trying ${next.name}: ${describeError(error)}`);
    }
  }
  throw new BatonError("unsupported", `There is no way to load ${kernel.name} on this machine.`);
}
