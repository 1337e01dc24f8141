/** Opening files without node:fs/promises, whose loading costs the start of Baton more than all it is needed for. */

import { close, open } from "node:fs";
import { LinuxError } from "./error.ts";

/**
 * open(2), on libuv's threads.
 * @param flags of node:fs's constants; O_CLOEXEC is added
 * @throws LinuxError
 */
export function openDescriptor(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, (error, fd) => {
      if (!error) resolve(fd);
      else reject(typeof error.errno === "number" ? new LinuxError("open", JSON.stringify(path), -error.errno) : error);
    });
  });
}

/** close(2), on libuv's threads: nothing waits for it, and nothing depends on it. */
export function closeDescriptor(fd: number): void {
  close(fd, () => {});
}
