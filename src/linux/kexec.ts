/**
 * kexec_file_load(2) and kexec_load(2), off the main thread: the one reads both files from their disk and hashes them,
 * the other copies the whole new kernel.
 */

import { endsWithin } from "./deadline.ts";
import { describeFlags } from "./error.ts";
import { addressOf, callBlocking, syscallNumber } from "./libc.ts";

// include/uapi/linux/kexec.h
export const KEXEC_FILE_UNLOAD = 0x1;
export const KEXEC_FILE_ON_CRASH = 0x2;
export const KEXEC_FILE_NO_INITRAMFS = 0x4;

const KEXEC_FILE_FLAGS = { KEXEC_FILE_UNLOAD, KEXEC_FILE_ON_CRASH, KEXEC_FILE_NO_INITRAMFS };

interface Options {
  /** Milliseconds; unless given, as long as it takes. */
  readonly timeoutMs?: number;
}

/** The load that this process is in, and those that wait for it: the kernel answers a second one with EBUSY. */
let before: Promise<void> = Promise.resolve();
const NO_ANSWER = "the disk on which the files lie does not answer, or this kernel has failed itself (its log says so)";
/** How long a load waits for one that was given up. Milliseconds. */
const TURN_MS = 30_000;

/** Resolves when no load of this process is going on, or those that are had their time; a jump is refused before. */
export async function loadsEnded(): Promise<void> {
  await endsWithin(before, TURN_MS);
}

/** Runs `call` when every load before it has ended, or had its time. */
async function inTurn(call: () => Promise<unknown>): Promise<void> {
  const mine = endsWithin(before, TURN_MS).then(call);
  before = mine.then(
    () => {},
    () => {},
  );
  await mine;
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
  await inTurn(() =>
    callBlocking(
      "kexecFileLoad",
      [syscallNumber("kexecFileLoad"), kernelFd, initrdFd ?? -1, length, cmdline, all],
      {
        call: "kexec_file_load",
        args: [kernelFd, initrdFd ?? -1, length, cmdline, describeFlags(all, KEXEC_FILE_FLAGS)],
      },
      { timeoutMs: options.timeoutMs ?? null, timeoutReason: NO_ANSWER },
    ),
  );
}

/**
 * Forgets the kernel that was loaded; no failure where none is.
 * @param flags KEXEC_FILE_ON_CRASH for the crash kernel
 */
export async function kexecFileUnload(flags = 0): Promise<void> {
  const all = flags | KEXEC_FILE_UNLOAD;
  await inTurn(() =>
    callBlocking(
      "kexecFileLoad",
      [syscallNumber("kexecFileLoad"), -1, -1, 0, null, all],
      { call: "kexec_file_load", args: [-1, -1, 0, null, describeFlags(all, KEXEC_FILE_FLAGS)] },
      { timeoutMs: null, timeoutReason: "" },
    ),
  );
}

/** Flags of kexec_load(2). */
export const KEXEC_ON_CRASH = 0x1;
export const KEXEC_PRESERVE_CONTEXT = 0x2;

/** For which architecture a kernel is, in the flags' upper half: ELF's machine numbers. */
export const KEXEC_ARCH = {
  DEFAULT: 0,
  "386": 3 << 16,
  "68K": 4 << 16,
  MIPS_LE: 10 << 16,
  MIPS: 8 << 16,
  PARISC: 15 << 16,
  PPC: 20 << 16,
  PPC64: 21 << 16,
  S390: 22 << 16,
  ARM: 40 << 16,
  SH: 42 << 16,
  IA_64: 50 << 16,
  X86_64: 62 << 16,
  AARCH64: 183 << 16,
  RISCV: 243 << 16,
  LOONGARCH: 258 * 2 ** 16,
} as const;

/** `KEXEC_ON_CRASH|KEXEC_ARCH_X86_64`, `0` for none. */
export function kexecFlagNames(flags: number): string {
  const arch = flags - (flags % 65536);
  const named = Object.entries(KEXEC_ARCH).find(([, value]) => value === arch && value !== 0);
  const low = describeFlags(flags % 65536, { KEXEC_ON_CRASH, KEXEC_PRESERVE_CONTEXT });
  const words = [
    ...(typeof low === "object" && low !== null ? [low.word] : []),
    ...(named ? [`KEXEC_ARCH_${named[0]}`] : arch === 0 ? [] : [`0x${arch.toString(16)}`]),
  ];
  return words.join("|") || "0";
}

/** struct kexec_segment, its content in this process's memory. */
export interface KexecSegment {
  /** Bytes of this process, or the address of what is mapped. */
  readonly buffer: Uint8Array | bigint;
  readonly bufferSize: number;
  /** Physical, whole pages. */
  readonly address: bigint;
  readonly memorySize: bigint;
}

/**
 * Loads a kernel that was laid out by the caller: kexec_load(2). The kernel copies the segments now, and moves them to
 * their addresses when it jumps. With no segments it forgets what was loaded.
 * @param entry physical address of the first instruction
 * @throws LinuxError; BatonError `timeout`
 */
export async function kexecLoad(
  entry: bigint,
  segments: readonly KexecSegment[],
  flags = 0,
  options: Options = {},
): Promise<void> {
  const table = Buffer.alloc(segments.length * 32);
  const keep: Uint8Array[] = [table];
  for (const [index, { buffer, bufferSize, address, memorySize }] of segments.entries()) {
    if (typeof buffer !== "bigint") keep.push(buffer);
    // koffi gives the address 0 for what has no bytes, which is as good as any: none are read.
    table.writeBigUInt64LE(typeof buffer === "bigint" ? buffer : addressOf(buffer), index * 32);
    table.writeBigUInt64LE(BigInt(bufferSize), index * 32 + 8);
    table.writeBigUInt64LE(address, index * 32 + 16);
    table.writeBigUInt64LE(memorySize, index * 32 + 24);
  }
  await inTurn(() =>
    callBlocking(
      "kexecLoad",
      [syscallNumber("kexecLoad"), entry, segments.length, segments.length === 0 ? null : table, flags],
      {
        call: "kexec_load",
        args: [
          { word: `0x${entry.toString(16)}` },
          segments.length,
          { word: "segments" },
          { word: kexecFlagNames(flags) },
        ],
      },
      { timeoutMs: options.timeoutMs ?? null, timeoutReason: NO_ANSWER, keep },
    ),
  );
}
