/** Loading by kexec_file_load(2): the kernel reads the files itself, and checks signatures where it must. */

import { closeSync } from "node:fs";
import { BatonError } from "../errors.ts";
import { LinuxError } from "../linux/error.ts";
import { kexecFileLoad } from "../linux/kexec.ts";
import { memfd } from "../linux/memfd.ts";
import { cmdlineRoom, explainLoad, type KexecAttempt, mebibytes } from "./explain.ts";
import { joinFiles, type KexecFile, type ReadOptions, readAtOf, readThrough } from "./files.ts";
import type { LoadMethod, LoadRequest } from "./method.ts";
import { readRevoked, refuseRevoked } from "./revoked.ts";
import { type KexecState, readKexecState } from "./state.ts";

/** What the method needs of the system, so that tests can stand in for it. */
export interface FileLoadSystem {
  kexecFileLoad(kernel: number, initrd: number | null, cmdline: string): Promise<void>;
  memfd(name: string): number;
  readState(): Promise<KexecState>;
  /** What firmware revokes; null for nothing. */
  readRevoked(): Promise<Uint8Array | null>;
}

const SYSTEM: FileLoadSystem = { kexecFileLoad, memfd, readState: () => readKexecState(), readRevoked };

/** @param system the real one unless given */
export function fileLoadMethod(system: FileLoadSystem = SYSTEM): LoadMethod {
  return {
    name: "kexec_file_load",
    async load(request, reading) {
      const attempt = checkRequest(request);
      const state = await system.readState();
      checkFilesFree(state, attempt);
      const copies: number[] = [];
      // The kernel reads whole files from their beginning: whatever isn't one is copied into memory first.
      const copy = async (name: string, files: readonly KexecFile[]): Promise<number> => {
        const fd = system.memfd(name);
        copies.push(fd);
        await joinFiles(fd, files, reading);
        return fd;
      };
      try {
        const copyKernel = (): Promise<number> => copy("kernel", [request.kernel]);
        const revoked = state.secureBoot ? await system.readRevoked() : null;
        // What is looked at is what is loaded.
        const kernel = revoked === null ? await whole(request.kernel, reading, copyKernel) : await copyKernel();
        if (revoked !== null) {
          const { size, name } = request.kernel;
          await refuseRevoked(readAtOf(kernel), size, name, revoked);
        }
        const [only, ...others] = request.initrds;
        let initrd: number | null = null;
        if (others.length > 0) initrd = await copy("initrd", request.initrds);
        else if (only !== undefined) initrd = await whole(only, reading, () => copy("initrd", [only]));
        await system.kexecFileLoad(kernel, initrd, request.cmdline).catch((error) => {
          throw error instanceof LinuxError ? explainLoad(error, state, attempt) : error;
        });
      } finally {
        for (const fd of copies) closeSync(fd);
      }
    },
  };
}

async function whole(file: KexecFile, reading: ReadOptions, copy: () => Promise<number>): Promise<number> {
  if (file.offset !== undefined) return copy();
  await readThrough(file, reading);
  return file.fd;
}

/** Only reads the files, which leaves them in the page cache; for what kexec_file_load will be given later. */
export const readAheadMethod: LoadMethod = {
  name: "kexec_file_load",
  async load(request, reading) {
    for (const file of [request.kernel, ...request.initrds]) await readThrough(file, reading);
  },
};

/** Refuses what the kernel would only answer with EINVAL to. */
function checkRequest({ kernel, initrds, cmdline, cmdlineLimit }: LoadRequest): KexecAttempt {
  if (kernel.size === 0) throw new BatonError("refused", `${kernel.name} is empty: there is no kernel in it.`);
  const attempt = {
    kernelSize: kernel.size,
    initrdSize: initrds.reduce((sum, initrd) => sum + initrd.size, 0),
    cmdlineSize: Buffer.byteLength(cmdline) + 1,
    cmdlineLimit: cmdlineRoom(cmdlineLimit),
  };
  if (attempt.cmdlineSize > attempt.cmdlineLimit) {
    const message = `The kernel command line has ${attempt.cmdlineSize - 1} bytes, and kexec_file_load takes ${attempt.cmdlineLimit - 1} for this kernel. Shorten it.`;
    throw new BatonError("refused", message);
  }
  return attempt;
}

/**
 * The kernel holds the files twice for a moment, as read and as placed; where there isn't that much, it would kill
 * processes to get it, Baton first.
 * @throws BatonError `refused` with the numbers
 */
export function checkFilesFree(
  state: Pick<KexecState, "memoryAvailable">,
  files: Pick<KexecAttempt, "kernelSize" | "initrdSize">,
): void {
  const needed = 2 * (files.kernelSize + files.initrdSize);
  if (state.memoryAvailable === null || needed <= state.memoryAvailable) return;
  const message = `There is not enough free memory to load it: kernel and initrd have ${mebibytes(needed / 2)}, which the kernel needs twice while it loads them, and ${mebibytes(state.memoryAvailable)} are free.`;
  throw new BatonError("refused", message);
}
