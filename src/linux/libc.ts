/**
 * The C library through koffi: the only file that loads it, on the first call and not before, so that commands
 * which need no system call (`baton list --disk`) never do.
 *
 * koffi's native module is opened by itself (`process.dlopen`), without koffi's JavaScript: that only looks for
 * this file and adds deprecated names, and it costs 10 ms on the host and several times that on a slow machine.
 */

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type * as Koffi from "koffi";
import { BatonError } from "../errors.ts";
import { noAnswer, withDeadline } from "./deadline.ts";
import { describeArguments, LinuxError, type ShownArgument } from "./error.ts";

/**
 * Every C function that Baton calls. Those that are variadic in C (`ioctl`, `fcntl`, `syscall`) are declared with
 * the arguments they get here: integers and pointers travel the same way in both on x86-64 and arm64, and koffi
 * calls variadic functions only on the main thread.
 */
const PROTOTYPES = {
  mount: "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
  umount2: "int umount2(const char *target, int flags)",
  ioctl: "int ioctl(int fd, unsigned long request, void *argument)",
  sync: "void sync(void)",
  reboot: "int reboot(int command)",
  memfdCreate: "int memfd_create(const char *name, unsigned int flags)",
  exit: "void _exit(int status)",
  socket: "int socket(int domain, int type, int protocol)",
  bind: "int bind(int fd, void *address, uint32_t length)",
  setsockopt: "int setsockopt(int fd, int level, int name, void *value, uint32_t length)",
  send: "long send(int fd, void *buffer, size_t length, int flags)",
  sendto: "long sendto(int fd, void *buffer, size_t length, int flags, void *address, uint32_t addressLength)",
  recvfrom: "long recvfrom(int fd, void *buffer, size_t length, int flags, void *address, void *addressLength)",
  recvmmsg: "int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)",
  close: "int close(int fd)",
  mmap: "int64_t mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)",
  munmap: "int munmap(int64_t address, size_t length)",
  sendfile: "long sendfile(int out, int in, void *offset, size_t count)",
  madvise: "int madvise(int64_t address, size_t length, int advice)",
  // glibc has no wrapper for these three.
  finitModule: "long syscall(long number, long fd, const char *parameters, long flags)",
  kexecFileLoad:
    "long syscall(long number, long kernel, long initrd, size_t length, const char *cmdline, unsigned long flags)",
  kexecLoad: "long syscall(long number, uint64_t entry, unsigned long count, void *segments, unsigned long flags)",
} as const;

type LibcFunction = keyof typeof PROTOTYPES;
type Argument = string | number | bigint | null | Uint8Array;

/** System call numbers (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h). */
const SYSCALL_NUMBERS = {
  x64: { finitModule: 313, kexecFileLoad: 320, kexecLoad: 246 },
  arm64: { finitModule: 273, kexecFileLoad: 294, kexecLoad: 104 },
} as const;

/** The number of a system call on this architecture. */
export function syscallNumber(name: keyof (typeof SYSCALL_NUMBERS)["x64"]): number {
  const numbers = process.arch === "x64" || process.arch === "arm64" ? SYSCALL_NUMBERS[process.arch] : undefined;
  if (numbers === undefined) {
    throw new BatonError("unsupported", `Baton makes system calls on x64 and arm64 only, and this is ${process.arch}.`);
  }
  return numbers[name];
}

/**
 * koffi.node: beside the program where Baton was bundled, else in the node_modules of the checkout that the running
 * program (or test) belongs to.
 */
function nativeModulePath(): string {
  const program = process.argv[1];
  let folder = program === undefined ? process.cwd() : dirname(existsSync(program) ? realpathSync(program) : program);
  const start = folder;
  const beside = join(folder, "koffi.node");
  if (existsSync(beside)) return beside;
  const packaged = join("node_modules/@koromix", `koffi-linux-${process.arch}`, `linux_${process.arch}`, "koffi.node");
  for (;;) {
    const path = join(folder, packaged);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) break;
    folder = dirname(folder);
  }
  throw new BatonError(
    "not-found",
    `Baton can't make system calls: there is no koffi.node beside it (in ${start}) and no node_modules above it.`,
  );
}

type CFunction = ReturnType<Koffi.LibraryHandle["func"]>;

let koffi: typeof Koffi | null = null;
let libc: Koffi.LibraryHandle | null = null;
const functions = new Map<LibcFunction, CFunction>();

/** koffi itself, loaded now if it wasn't yet. */
export function loadKoffi(): typeof Koffi {
  if (koffi === null) {
    const holder = { exports: {} };
    const path = nativeModulePath();
    try {
      process.dlopen(holder, path);
    } catch (cause) {
      throw new BatonError("unsupported", `Baton can't make system calls: loading ${path} failed: ${cause}`, { cause });
    }
    koffi = holder.exports as typeof Koffi;
  }
  return koffi;
}

function declare(name: LibcFunction): CFunction {
  let declared = functions.get(name);
  if (declared === undefined) {
    libc ??= loadKoffi().load("libc.so.6");
    declared = libc.func(PROTOTYPES[name]);
    functions.set(name, declared);
  }
  return declared;
}

/** A NUL would silently cut a C string short, so that another file or cmdline than the one meant is used. */
function refuseNul(call: string, args: readonly Argument[]): void {
  for (const argument of args) {
    if (typeof argument === "string" && argument.includes("\0")) {
      throw new BatonError(
        "usage",
        `${call}: ${JSON.stringify(argument)} has a NUL in it, which no C string can hold.`,
      );
    }
  }
}

/** How a call is named in errors. */
interface CallDescription {
  readonly call: string;
  readonly args: readonly ShownArgument[];
}

/**
 * Calls a function that can't block, on the main thread.
 * @returns what it returned, not negative
 * @throws LinuxError where it returned a negative number
 */
export function callNow(name: LibcFunction, args: readonly Argument[], description: CallDescription): number {
  refuseNul(description.call, args);
  const result = Number(declare(name)(...args) ?? 0);
  // errno is this thread's, and nothing runs between the two calls.
  if (result < 0) throw new LinuxError(description.call, describeArguments(description.args), loadKoffi().errno());
  return result;
}

/**
 * A function as it is, for those that are called a hundred thousand times and can't block: what it returns is its
 * caller's to look at, and why it failed is not told.
 */
export function directFunction(name: LibcFunction): (...args: readonly Argument[]) => number {
  return declare(name);
}

/** As {@link callNow}, but gives -errno instead of throwing: for callers to whom some failures are news, not faults. */
export function callForErrno(name: LibcFunction, args: readonly Argument[]): number {
  const result = Number(declare(name)(...args) ?? 0);
  return result < 0 ? -loadKoffi().errno() : result;
}

/**
 * Where bytes lie in this process's memory, for structures that hold pointers. They must be kept alive for as long as
 * the kernel may look there (`BlockingOptions.keep`).
 */
export function addressOf(bytes: Uint8Array): bigint {
  return loadKoffi().address(bytes);
}

/** What the calls that other threads are in read or write. */
const inFlight = new Set<object>();

interface BlockingOptions {
  /** Milliseconds until the caller stops waiting; null to wait for ever. */
  readonly timeoutMs: number | null;
  /** Said when the time is over: `the device does not answer`. */
  readonly timeoutReason: string;
  /** Runs if the call succeeds after all, when its caller has long been told that it didn't. */
  readonly onLateSuccess?: (result: number) => void;
  /** Buffers that the arguments point to by their addresses only. */
  readonly keep?: readonly Uint8Array[];
}

/**
 * Calls a function that may block on a device, on a thread of libuv's pool. A call can't be taken back: after the
 * deadline its thread is left behind with it, which is why the image gives the pool many threads.
 * @returns what it returned, not negative
 * @throws LinuxError, or BatonError `timeout`
 */
export function callBlocking(
  name: LibcFunction,
  args: readonly Argument[],
  description: CallDescription,
  options: BlockingOptions,
): Promise<number> {
  const shown = (): string => `${description.call}(${describeArguments(description.args)})`;
  const call = new Promise<number>((resolve, reject) => {
    refuseNul(description.call, args);
    const kept = { args, keep: options.keep };
    try {
      // koffi copies strings, but takes buffers by address: they must live as long as the call, however long that is.
      inFlight.add(kept);
      declare(name).async(...args, (error: unknown, value: unknown) => {
        // koffi sets errno to what the worker thread had, for the time of this callback.
        const errno = loadKoffi().errno();
        const result = Number(value ?? 0);
        inFlight.delete(kept);
        if (error !== null) reject(new BatonError("io", `${shown()}: ${String(error)}`, { cause: error }));
        else if (result < 0) reject(new LinuxError(description.call, describeArguments(description.args), errno));
        else resolve(result);
      });
    } catch (cause) {
      inFlight.delete(kept);
      reject(cause);
    }
  });
  const { timeoutMs, timeoutReason, onLateSuccess } = options;
  return timeoutMs === null
    ? call
    : withDeadline(call, timeoutMs, () => noAnswer(shown(), timeoutMs, timeoutReason), onLateSuccess);
}

/**
 * Calls a function of another library on a thread of libuv's pool.
 * @param keep buffers that the arguments point to by their addresses only
 * @returns what it returned; null where the library isn't there
 */
export function callLibrary(
  library: string,
  prototype: string,
  args: readonly Argument[],
  keep: readonly Uint8Array[],
): Promise<number | null> {
  return new Promise((resolve) => {
    const kept = { args, keep };
    try {
      const called = loadKoffi().load(library).func(prototype);
      inFlight.add(kept);
      called.async(...args, (error: unknown, value: unknown) => {
        inFlight.delete(kept);
        resolve(error === null ? Number(value) : null);
      });
    } catch {
      inFlight.delete(kept);
      resolve(null);
    }
  });
}
