/** Files in memory. */

import { callNow } from "./libc.ts";

const MFD_CLOEXEC = 1;

/**
 * An anonymous file in memory (memfd_create(2)), open for reading and writing, closed on exec.
 * @param name shown in /proc/self/fd only, at most 249 bytes
 * @returns the file descriptor; its owner closes it
 * @throws LinuxError
 */
export function memfd(name: string): number {
  return callNow("memfdCreate", [name, MFD_CLOEXEC], { call: "memfd_create", args: [name, { word: "MFD_CLOEXEC" }] });
}
