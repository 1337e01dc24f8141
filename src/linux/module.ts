/** finit_module(2), off the main thread: a driver looks for its hardware before the call returns. */

import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import * as zlib from "node:zlib";
import { BatonError } from "../errors.ts";
import { closeDescriptor, openDescriptor } from "./descriptor.ts";
import { LinuxError } from "./error.ts";
import { callBlocking, syscallNumber } from "./libc.ts";
import { memfd } from "./memfd.ts";

/** include/uapi/linux/module.h: the kernel unpacks the file itself (CONFIG_MODULE_DECOMPRESS, since 5.17). */
const MODULE_INIT_COMPRESSED_FILE = 4;

/** A driver may wait for its hardware, but the boot doesn't wait for it any longer than this. */
const DEFAULT_MODULE_TIMEOUT_MS = 60_000;

/**
 * Loads a kernel module. One that is loaded already is no failure.
 * @param path of the module, also compressed: `.ko.zst`, as the image has those that few machines need, is unpacked
 *   here, the rest by kernels that can
 * @param parameters as after the name in modprobe: `async_probe=1`
 * @throws LinuxError (ENOENT for a symbol that no loaded module has, ENOEXEC for another kernel's module, ENOKEY for
 *   an unsigned one); BatonError `timeout` when the driver waits for its hardware (it goes on waiting)
 */
export async function finitModule(
  path: string,
  parameters = "",
  options: { readonly timeoutMs?: number } = {},
): Promise<void> {
  const fd = path.endsWith(".zst") ? unpacked(path) : await openDescriptor(path, constants.O_RDONLY);
  const flags = /\.(gz|xz)$/.test(path) ? MODULE_INIT_COMPRESSED_FILE : 0;
  try {
    await callBlocking(
      "finitModule",
      [syscallNumber("finitModule"), fd, parameters, flags],
      { call: "finit_module", args: [path, parameters] },
      {
        timeoutMs: options.timeoutMs ?? DEFAULT_MODULE_TIMEOUT_MS,
        timeoutReason: "the driver is still waiting for its hardware",
      },
    );
  } catch (error) {
    if (!(error instanceof LinuxError && error.errnoName === "EEXIST")) throw error;
  } finally {
    void closeDescriptor(fd);
  }
}

/** A descriptor of the unpacked module, in memory. */
function unpacked(path: string): number {
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (packed: Uint8Array) => Buffer };
  if (zstdDecompressSync === undefined) {
    throw new BatonError("unsupported", `${path}: this Node cannot unpack zstd; Node 24 can`);
  }
  const module = zstdDecompressSync(readFileSync(path));
  const writable = memfd(path);
  try {
    for (let at = 0; at < module.length; ) at += writeSync(writable, module, at);
    // The kernel takes nothing that is open for writing (ETXTBSY).
    return openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY);
  } finally {
    closeSync(writable);
  }
}
