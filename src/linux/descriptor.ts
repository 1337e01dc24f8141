/** Opening files without node:fs/promises, whose loading costs the start of Baton more than all it is needed for. */

import { close, open } from "node:fs";
import { LinuxError } from "./error.ts";

/**
 * open(2), on libuv's threads.
 * @param flags of node:fs's constants; O_CLOEXEC is added. @param word the one that matters when it fails, for the error
 * @throws LinuxError
 */
export function openDescriptor(path: string, flags: number, word?: string): Promise<number> {
  const shown = JSON.stringify(path) + (word === undefined ? "" : `, ${word}`);
  return new Promise((resolve, reject) => {
    open(path, flags, (error, fd) => {
      if (!error) resolve(fd);
      else reject(typeof error.errno === "number" ? new LinuxError("open", shown, -error.errno) : error);
    });
  });
}

/** close(2), on libuv's threads: the last close of a device can wait for it. Never rejects; mostly nobody waits. */
export function closeDescriptor(fd: number): Promise<void> {
  return new Promise((resolve) => close(fd, () => resolve()));
}
