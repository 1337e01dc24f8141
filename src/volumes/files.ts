/**
 * The few file operations that a volume needs from the host, in two flavours: at once on this thread (a plain
 * directory) and on libuv's threads with a deadline (a device that may hang).
 */

import type { Stats } from "node:fs";
import * as fs from "node:fs";
import { promisify } from "node:util";
import { BatonError, type ErrorCode } from "../errors.ts";
import type { DirectoryItem } from "../formats/reader.ts";
import { withDeadline } from "../linux/deadline.ts";

type Awaitable<T> = T | Promise<T>;

/** An open file. */
export interface HostFile {
  stat(): Awaitable<Stats>;
  /** Reads into `buffer` from its byte `at`, from the file's byte `position`; 0 at the end. */
  read(buffer: Uint8Array, at: number, length: number, position: number): Awaitable<number>;
  close(): Awaitable<void>;
}

/** Throws what node:fs throws (`code` is the errno's name), or BatonError `timeout`. */
export interface HostFiles {
  lstat(path: string): Awaitable<Stats>;
  readlink(path: string): Awaitable<string>;
  /** In no particular order; rejects with `too-large` beyond {@link MAX_NAMES}. */
  list(path: string): Awaitable<DirectoryItem[]>;
  /** Never follows a symlink in the last place, never waits for the other end of a FIFO. */
  open(path: string): Awaitable<HostFile>;
}

/**
 * More names than any directory that somebody boots from, and as many as are put in order without keeping the menu
 * waiting; a hostile filesystem can claim more than fit in memory.
 */
export const MAX_NAMES = 32_768;

// Descriptors and not FileHandles: those would be closed, with a warning, when a hung one is collected.
// Nor node:fs/promises, which is twelve more of Node's modules to load.
const lstat = promisify(fs.lstat) as (path: string) => Promise<Stats>;
const readlink = promisify(fs.readlink) as (path: string) => Promise<string>;
const openFd = promisify(fs.open);
const openDirectory = promisify(fs.opendir) as (path: string, options: fs.OpenDirOptions) => Promise<fs.Dir>;
const statFd = promisify(fs.fstat);
const readFd = promisify(fs.read);
const closeFd = promisify(fs.close);

/** Read only; a symlink in the last place is refused, and nothing waits for the other end of a FIFO. */
export const OPEN_FLAGS =
  fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY;

function itemType(entry: fs.Dirent | Stats): DirectoryItem["type"] {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "symlink" : "other";
}

/** True where the filesystem doesn't say in the directory what an entry is (DT_UNKNOWN). */
function typeUnknown(entry: fs.Dirent): boolean {
  return (
    itemType(entry) === "other" &&
    !entry.isFIFO() &&
    !entry.isSocket() &&
    !entry.isBlockDevice() &&
    !entry.isCharacterDevice()
  );
}

function tooManyNames(path: string): BatonError {
  return new BatonError("too-large", `${path} holds more than ${MAX_NAMES} names; Baton reads no such directory`);
}

/**
 * Synchronous: for thousands of small files three times as fast as promises, and on a host's own directories
 * nothing hangs that wouldn't hang the whole host.
 */
export const syncFiles: HostFiles = {
  lstat: (path) => fs.lstatSync(path),
  readlink: (path) => fs.readlinkSync(path),
  list(path) {
    const items: DirectoryItem[] = [];
    const directory = fs.opendirSync(path, { bufferSize: 512 });
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        if (items.length >= MAX_NAMES) throw tooManyNames(path);
        const type = typeUnknown(entry) ? itemType(fs.lstatSync(`${path}/${entry.name}`)) : itemType(entry);
        items.push({ name: entry.name, type });
      }
    } finally {
      directory.closeSync();
    }
    return items;
  },
  open(path) {
    const fd = fs.openSync(path, OPEN_FLAGS);
    return {
      stat: () => fs.fstatSync(fd),
      read: (buffer, at, length, position) => fs.readSync(fd, buffer, at, length, position),
      close: () => fs.closeSync(fd),
    };
  },
};

/** The names in a directory, read on libuv's threads. */
async function listNames(path: string): Promise<DirectoryItem[]> {
  const directory = await openDirectory(path, { bufferSize: 512 });
  const items: DirectoryItem[] = [];
  try {
    for (let entry = await directory.read(); entry !== null; entry = await directory.read()) {
      if (items.length >= MAX_NAMES) throw tooManyNames(path);
      const type = typeUnknown(entry) ? itemType(await lstat(`${path}/${entry.name}`)) : itemType(entry);
      items.push({ name: entry.name, type });
    }
  } finally {
    await directory.close();
  }
  return items;
}

/**
 * On libuv's threads, each operation with a deadline. After the first that misses it everything fails at once:
 * every further attempt would leave one more thread behind in the kernel.
 * @param timeoutMs for one operation.
 * @param device for the message: `vda1`.
 */
export function deadlineFiles(timeoutMs: number, device: string): HostFiles {
  let dead: BatonError | null = null;

  function limited<T>(work: () => Promise<T>, discard?: (late: T) => void): Promise<T> {
    if (dead) return Promise.reject(dead);
    const late = (): BatonError => {
      dead ??= new BatonError("timeout", `${device} did not answer within ${timeoutMs / 1000} s`);
      return dead;
    };
    return withDeadline(work(), timeoutMs, late, discard);
  }

  /** What is being asked already isn't asked again: every format begins with the same folders. */
  function once<T>(work: (path: string) => Promise<T>): (path: string) => Promise<T> {
    const asked = new Map<string, Promise<T>>();
    return (path) => {
      let answer = asked.get(path);
      if (!answer) {
        answer = limited(() => work(path)).finally(() => asked.delete(path));
        asked.set(path, answer);
      }
      return answer;
    };
  }

  return {
    lstat: once(lstat),
    readlink: (path) => limited(() => readlink(path)),
    list: once(listNames),
    async open(path) {
      const fd = await limited(
        () => openFd(path, OPEN_FLAGS),
        (late) => fs.close(late, () => {}),
      );
      return {
        stat: () => limited(() => statFd(fd)),
        read: async (buffer, at, length, position) =>
          (await limited(() => readFd(fd, buffer, at, length, position))).bytesRead,
        // A descriptor that an operation is stuck in stays open.
        close: () => (dead ? undefined : limited(() => closeFd(fd))),
      };
    },
  };
}

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ["not-found", "no such file or directory"],
  ENOTDIR: ["not-found", "a part of this path is not a directory"],
  ENAMETOOLONG: ["not-found", "the name is too long"],
  ELOOP: ["loop", "too many levels of symlinks"],
  EISDIR: ["not-a-file", "it is a directory"],
  ENXIO: ["not-a-file", "it is a socket, or a device that is not there"],
  EACCES: ["io", "permission denied"],
  EPERM: ["io", "permission denied"],
  EIO: ["io", "the device reports a read error"],
  EUCLEAN: ["io", "the filesystem is damaged here"],
  EBADMSG: ["io", "the filesystem is damaged here (checksum)"],
  EMFILE: ["io", "too many open files"],
  ENODEV: ["io", "the device is gone"],
  ESTALE: ["io", "the device is gone"],
};

const UNKNOWN_TO_NODE: Readonly<Record<string, string>> = { 74: "EBADMSG", 117: "EUCLEAN" };

/** An error of node:fs as a BatonError about `where` (`vda1:/boot/grub/grub.cfg`). */
export function fileError(where: string, error: unknown): BatonError {
  if (error instanceof BatonError) return error;
  const name = (error as NodeJS.ErrnoException | null)?.code ?? "";
  // What Node doesn't know by name it writes as a number.
  const number = /^Unknown system error -(\d+)$/.exec(name)?.[1] ?? "";
  const code = UNKNOWN_TO_NODE[number] ?? name;
  const known = CODES[code];
  if (known) return new BatonError(known[0], `${where}: ${known[1]} (${code})`, { cause: error });
  return new BatonError("io", `${where}: cannot be read (${code || String(error)})`, { cause: error });
}
