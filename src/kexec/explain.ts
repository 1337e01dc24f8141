/**
 * What a refusal of kexec means here, and what a person can do. The errors are those of kexec_file_load(2),
 * kexec_load(2) and reboot(2), and the ones that their pages don't name (kernel/kexec_file.c, crypto/asymmetric_keys,
 * certs/system_keyring.c, fs/kernel_read_file.c).
 */

import { BatonError } from "../errors.ts";
import type { LinuxError } from "../linux/error.ts";
import {
  KEXEC_ARCH,
  KEXEC_FILE_NO_INITRAMFS,
  KEXEC_FILE_ON_CRASH,
  KEXEC_FILE_UNLOAD,
  KEXEC_ON_CRASH,
  KEXEC_PRESERVE_CONTEXT,
  kexecFlagNames,
} from "../linux/kexec.ts";
import { MAX_SEGMENTS, type Segment } from "./memory.ts";
import type { KexecState } from "./state.ts";

/** COMMAND_LINE_SIZE of x86 less one. */
const DEFAULT_MAX_CMDLINE = 2047;
/**
 * The kernel keeps this many bytes of the header's limit for an "elfcorehdr=0x…" of a crash kernel, whether it is
 * one or not (MAX_ELFCOREHDR_STR_LEN in arch/x86/kernel/kexec-bzimage64.c).
 */
const CMDLINE_RESERVED = 30;

/** The most bytes of command line, with its NUL, of a kernel whose own limit is `limit` without it. */
export function cmdlineRoom(limit: number | null | undefined): number {
  return (limit ?? DEFAULT_MAX_CMDLINE) - CMDLINE_RESERVED;
}

/** What was asked of the kernel, as far as it decides about the reason. Sizes in bytes. */
export interface KexecAttempt {
  readonly kernelSize: number;
  readonly initrdSize: number;
  /** With its terminating NUL. */
  readonly cmdlineSize: number;
  /** The most of it that is taken, with its NUL. */
  readonly cmdlineLimit: number;
  /** The call's flags. */
  readonly flags?: number;
  /** For a panic, into the memory that is kept for that. */
  readonly isCrash?: boolean;
  /** kexec_load only: where the new kernel is entered. */
  readonly entry?: bigint;
  /** kexec_load only. */
  readonly segments?: readonly Segment[];
}

/** A kernel that was not loaded, or not jumped into. `message` is the sentence for a person. */
export class KexecError extends BatonError {
  /** `kexec_file_load` `kexec_load` `reboot`. */
  readonly call: string;
  /** What was asked for; null for a jump. */
  readonly attempt: KexecAttempt | null;
  readonly errno: number;
  /** `EPERM`. */
  readonly errnoName: string;

  constructor(cause: LinuxError, explanation: string, attempt: KexecAttempt | null = null) {
    super("refused", `${explanation} (${cause.call}: ${cause.errnoName})`, { cause });
    this.name = "KexecError";
    this.call = cause.call;
    this.attempt = attempt;
    this.errno = cause.errno;
    this.errnoName = cause.errnoName;
  }
}

interface Context {
  readonly state: KexecState;
  readonly attempt: KexecAttempt;
}

type Says = string | ((context: Context) => string);
type Case = readonly [when: (context: Context) => boolean, says: Says];

/** By errno: what it means, or in which case what: the first that holds, and the last where none does. */
type Explanations = Readonly<Record<string, Says | readonly (Case | Says)[]>>;

/** By kexec_load, which takes segments and no files. */
const isClassic = ({ attempt }: Context): boolean => attempt.segments !== undefined;

/** Those of the call's flags that no kernel knew when this was written. */
const unknownFlags = (context: Context): number => {
  const known = isClassic(context)
    ? KEXEC_ON_CRASH | KEXEC_PRESERVE_CONTEXT
    : KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH | KEXEC_FILE_NO_INITRAMFS;
  const flags = context.attempt.flags ?? 0;
  return (isClassic(context) ? flags % 0x10000 : flags) & ~known;
};

/** The flags' architecture, where it isn't this one; else 0. */
const foreignArch = ({ attempt: { flags = 0 } }: Context): number => {
  const arch = flags - (flags % 0x10000);
  const own = process.arch === "arm64" ? KEXEC_ARCH.AARCH64 : KEXEC_ARCH.X86_64;
  return arch === own ? 0 : arch;
};

const isLockedDown = ({ state }: Context): boolean => state.lockdown !== null && state.lockdown !== "none";

const lockdownReason = ({ state }: Context): string =>
  state.secureBoot ? "because Secure Boot is on" : "by its command line (lockdown=) or its configuration";

const demandsSignature = (context: Context): string =>
  context.state.secureBoot
    ? "Secure Boot is on, and this kernel loads only signed ones"
    : "this kernel loads only signed ones";

/** The kernel refuses what would take more than half of the memory (sanity_check_segment_list). */
const isOverHalfOfMemory = ({ state, attempt }: Context): boolean =>
  state.memoryTotal !== null && attempt.kernelSize + attempt.initrdSize > state.memoryTotal / 2;

const sizes = ({ state, attempt }: Context): string => {
  const total = state.memoryTotal === null ? "" : `, and this machine has ${mebibytes(state.memoryTotal)} of memory`;
  return `the kernel file has ${mebibytes(attempt.kernelSize)} and the initrd ${mebibytes(attempt.initrdSize)}${total}`;
};

/** Of the two policies that forbid it then, IMA's is asked first, and answers with another number. */
const FORBIDS_CLASSIC: Case = [
  (c) => isClassic(c) && isLockedDown(c),
  (c) =>
    `This kernel is locked down (${c.state.lockdown}) ${lockdownReason(c)}, which forbids kexec_load, since that takes memory whose signature nobody can check. Load the kernel's file by kexec_file_load.`,
];

const LOADING: Explanations = {
  EPERM: [
    [({ state }) => state.mayBoot === false, "Only root may load a kernel: run Baton as root (it needs CAP_SYS_BOOT)."],
    [
      ({ state }) => state.loadDisabled,
      "Loading kernels was switched off on this system (sysctl kernel.kexec_load_disabled=1); only a reboot undoes that.",
    ],
    FORBIDS_CLASSIC,
    [
      isLockedDown,
      (c) =>
        `This kernel is locked down (${c.state.lockdown}) ${lockdownReason(c)}, and takes only signed ones: this one has no signature, or one that doesn't hold (a changed file, an unknown key). Boot a signed kernel, or switch Secure Boot off in the firmware.`,
    ],
    "The kernel does not permit it, and doesn't say why: a security policy (SELinux, IMA, a container) may forbid kexec.",
  ],
  EACCES: [
    FORBIDS_CLASSIC,
    [
      isLockedDown,
      (c) =>
        `This kernel is locked down (${c.state.lockdown}) ${lockdownReason(c)}, which forbids this way of loading.`,
    ],
    [
      isClassic,
      "A security policy of this kernel (IMA appraisal, which Secure Boot switches on) forbids kexec_load, since that takes memory whose signature nobody can check. Load the kernel's file by kexec_file_load.",
    ],
    "A security policy of this kernel (IMA appraisal, SELinux) refuses the file: it would need a valid IMA signature or label.",
  ],
  ENOEXEC:
    "The kernel doesn't know this kind of file as a kernel. For x86 it must be a 64-bit bzImage (vmlinuz), for arm64 an unpacked Image.",
  ENOKEY: (c) =>
    `The kernel file is signed with a key that this kernel doesn't trust, and ${demandsSignature(c)}. Boot a kernel signed by this one's maker, or enrol that key.`,
  EKEYREJECTED:
    "The kernel file's signature is wrong: the file was changed after it was signed (or its key is revoked). Install that kernel again.",
  EKEYEXPIRED: "The key that signed the kernel file has expired. Install a kernel that is signed anew.",
  EKEYREVOKED: "The key that signed the kernel file was revoked. Install a kernel that is signed anew.",
  ENODATA: (c) =>
    `The kernel file has no signature, and ${demandsSignature(c)}. Boot a signed kernel, or ${c.state.secureBoot ? "switch Secure Boot off in the firmware" : "start this one without signature enforcement"}.`,
  ELIBBAD: "The kernel file's signature can't be read: its EFI headers are broken. Install that kernel again.",
  EBADMSG: "The kernel file's signature can't be read: it is malformed. Install that kernel again.",
  ENOPKG: "The kernel file is signed in a way (a hash or cipher) that this kernel was built without.",
  EINVAL: [
    [(c) => unknownFlags(c) !== 0, (c) => `This kernel knows no such flags (0x${unknownFlags(c).toString(16)}).`],
    [
      (c) => isClassic(c) && foreignArch(c) !== 0,
      (c) =>
        `The flags say that it is another architecture's (${kexecFlagNames(foreignArch(c))}), and a kernel only takes its own's.`,
    ],
    [
      (c) => isClassic(c) && ((c.attempt.flags ?? 0) & KEXEC_PRESERVE_CONTEXT) !== 0,
      "This kernel was built without CONFIG_KEXEC_JUMP, and so can't come back from another one (KEXEC_PRESERVE_CONTEXT). Debian's kernels are; leave --load-preserve-context out, or run a kernel that has it.",
    ],
    [
      ({ attempt }) => (attempt.segments?.length ?? 0) > MAX_SEGMENTS,
      ({ attempt }) => `It has ${attempt.segments!.length} segments, and the kernel takes ${MAX_SEGMENTS}.`,
    ],
    [
      (c) => isClassic(c) && isOverHalfOfMemory(c),
      ({ state, attempt }) =>
        `Its segments take ${mebibytes(attempt.kernelSize)}; the kernel takes no more than half of the memory, which is ${mebibytes(state.memoryTotal ?? 0)}.`,
    ],
    [
      isClassic,
      "The kernel refuses these segments or flags: flags that it doesn't know, another architecture than its own, or segments that overlap.",
    ],
    [
      ({ attempt }) => attempt.cmdlineSize > attempt.cmdlineLimit,
      ({ attempt }) =>
        `The command line has ${attempt.cmdlineSize - 1} bytes, and this kernel takes ${attempt.cmdlineLimit - 1}. Shorten it.`,
    ],
    [isOverHalfOfMemory, (c) => `It is more than half of the memory, which the kernel never takes: ${sizes(c)}.`],
    [({ attempt }) => attempt.kernelSize === 0, "The kernel file is empty. Copy it to the disk again."],
    "The kernel refuses what it was given and doesn't say why: the file may be a broken kernel, or one that needs what this machine's processor lacks. The kernel log (dmesg) may tell.",
  ],
  EADDRNOTAVAIL: [
    [
      (c) => isClassic(c) && c.attempt.isCrash === true,
      "A segment lies outside of the memory that is kept for a crash kernel (crashkernel=), or none is kept.",
    ],
    [
      isClassic,
      "A segment doesn't begin or end at a page, or lies beyond the addresses that this processor can reach.",
    ],
    [
      ({ attempt }) => attempt.isCrash === true,
      (c) =>
        `The memory that is kept for a crash kernel is too small for it, or none is kept: start this kernel with crashkernel=256M or more (${sizes(c)}).`,
    ],
    (c) => `There is no range of free memory large enough to put the new kernel into: ${sizes(c)}.`,
  ],
  ENOSYS: [
    [isClassic, "This kernel was built without kexec_load (CONFIG_KEXEC). Load the kernel's file by kexec_file_load."],
    "This kernel was built without kexec_file_load (CONFIG_KEXEC_FILE). Run Baton under a kernel that has it.",
  ],
  EFAULT: [
    [
      isClassic,
      "The kernel could not read a segment: the disk may have failed while it did, or this is a fault in Baton.",
    ],
    "The kernel could not read the command line from Baton's memory. This is a fault in Baton.",
  ],
  ENOMEM: [
    [
      isClassic,
      ({ state, attempt }) =>
        `There is not enough free memory: the segments take ${mebibytes(attempt.kernelSize)}${state.memoryAvailable === null ? "" : `, and ${mebibytes(state.memoryAvailable)} are free`}.`,
    ],
    (c) => `There is not enough free memory to hold the new kernel: ${sizes(c)}.`,
  ],
  EBUSY:
    "Another load of a kernel is going on right now, perhaps one that waits for a dead disk. Try again in a moment.",
  EBADF:
    "The kernel's file or its initrd's was closed, or isn't open for reading, when it was handed over. This is a fault in Baton.",
  EOPNOTSUPP: "This kernel can't load that kind of image on this architecture.",
  ENOTSUPP: "This kernel can't load that kind of image on this architecture.",
  EFBIG: (c) => `A file is larger than the kernel reads at once (2 GiB): ${sizes(c)}.`,
  E2BIG: (c) => `The kernel refuses it as too large: ${sizes(c)}.`,
  EIO: "The disk could not be read. It may be failing, or was pulled out.",
  EROFS: "The kernel's file could not be opened where it lies.",
  ETXTBSY: "The kernel's file or its initrd's is being written to by another program. Try again when that has ended.",
  EINTR: "The load was interrupted. Try again.",
  ETIMEDOUT: "The kernel gave up waiting while it read the file. The disk or network it lies on may be gone.",
};

const JUMPING: Explanations = {
  EPERM: [
    [
      ({ state }) => state.mayBoot === false,
      "Only root may start another kernel: run Baton as root (it needs CAP_SYS_BOOT).",
    ],
    "The kernel does not permit the jump: a security policy or a container forbids it.",
  ],
  EINVAL: "No kernel is loaded to jump into.",
  EBUSY: "The kernel is busy loading or starting another one. Try again in a moment.",
};

/** Makes a person's error of a failed load. */
export function explainLoad(error: LinuxError, state: KexecState, attempt: KexecAttempt): KexecError {
  return explain(LOADING, error, { state, attempt }, "The kernel refused to load it.");
}

/** Makes a person's error of a failed jump. */
export function explainJump(error: LinuxError, state: KexecState): KexecError {
  const attempt = { kernelSize: 0, initrdSize: 0, cmdlineSize: 0, cmdlineLimit: 0 };
  return explain(JUMPING, error, { state, attempt }, "The kernel did not jump into the one that was loaded.");
}

function explain(table: Explanations, error: LinuxError, context: Context, otherwise: string): KexecError {
  const known = [table[error.errnoName] ?? otherwise].flat(1) as readonly (Case | Says)[];
  const found = known.find((row) => typeof row !== "object" || row[0](context)) ?? otherwise;
  const says = typeof found === "object" ? found[1] : found;
  const attempt = table === LOADING ? context.attempt : null;
  return new KexecError(error, typeof says === "string" ? says : says(context), attempt);
}

/** `8.1 MiB`, `230 MiB`. */
export function mebibytes(bytes: number): string {
  const value = bytes / (1024 * 1024);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MiB`;
}
