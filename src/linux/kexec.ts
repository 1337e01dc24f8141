/** kexec_file_load(2), off the main thread: it reads both files from their disk and hashes them. */

import { describeFlags } from "./error.ts";
import { callBlocking, syscallNumber } from "./libc.ts";

// include/uapi/linux/kexec.h
export const KEXEC_FILE_UNLOAD = 0x1;
export const KEXEC_FILE_ON_CRASH = 0x2;
export const KEXEC_FILE_NO_INITRAMFS = 0x4;

const KEXEC_FILE_FLAGS = { KEXEC_FILE_UNLOAD, KEXEC_FILE_ON_CRASH, KEXEC_FILE_NO_INITRAMFS };

interface Options {
  /** Milliseconds; unless given, as long as it takes. */
  readonly timeoutMs?: number;
}

/**
 * Loads a kernel to be jumped into by `reboot("kexec")`, or with KEXEC_FILE_ON_CRASH when this one panics.
 * @param kernelFd open for reading
 * @param initrdFd open for reading; null for none, which sets KEXEC_FILE_NO_INITRAMFS
 * @param cmdline without its terminating NUL; the kernel takes no more bytes than the boot protocol of that kernel
 * @throws LinuxError; BatonError `timeout`
 */
export async function kexecFileLoad(
  kernelFd: number,
  initrdFd: number | null,
  cmdline: string,
  flags = 0,
  options: Options = {},
): Promise<void> {
  const all = initrdFd === null ? flags | KEXEC_FILE_NO_INITRAMFS : flags;
  // The length counts the NUL at the end.
  const length = Buffer.byteLength(cmdline) + 1;
  await callBlocking(
    "kexecFileLoad",
    [syscallNumber("kexecFileLoad"), kernelFd, initrdFd ?? -1, length, cmdline, all],
    {
      call: "kexec_file_load",
      args: [kernelFd, initrdFd ?? -1, length, cmdline, describeFlags(all, KEXEC_FILE_FLAGS)],
    },
    { timeoutMs: options.timeoutMs ?? null, timeoutReason: "the disk on which the files lie does not answer" },
  );
}

/**
 * Forgets the kernel that was loaded; no failure where none is.
 * @param flags KEXEC_FILE_ON_CRASH for the crash kernel
 */
export async function kexecFileUnload(flags = 0): Promise<void> {
  const all = flags | KEXEC_FILE_UNLOAD;
  await callBlocking(
    "kexecFileLoad",
    [syscallNumber("kexecFileLoad"), -1, -1, 0, null, all],
    { call: "kexec_file_load", args: [-1, -1, 0, null, describeFlags(all, KEXEC_FILE_FLAGS)] },
    { timeoutMs: null, timeoutReason: "" },
  );
}
