/**
 * cpio archives in the "newc" form, as the kernel unpacks them into its initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst, init/initramfs.c).
 */

import { BatonError } from "../errors.ts";

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const S_IFIFO = 0o010000;

const HEADER_SIZE = 110;
const TRAILER = "TRAILER!!!";
/** PATH_MAX: the kernel skips an entry whose name, with its NUL, is longer. */
const MAX_NAME_SIZE = 4096;
const MAX_SIZE = 0xffffffff;

export interface CpioEntry {
  /** Without a leading slash: `usr/bin/busybox`. */
  readonly name: string;
  /** File type and permissions, as in st_mode. */
  readonly mode: number;
  /** A file's content or a symlink's target. */
  readonly data: Uint8Array;
  /** Device number, for device nodes only. */
  readonly device: { readonly major: number; readonly minor: number } | null;
}

const NOTHING = new Uint8Array(0);

export function cpioFile(name: string, data: Uint8Array, permissions = 0o644): CpioEntry {
  return { name, mode: S_IFREG | permissions, data, device: null };
}

export function cpioDirectory(name: string, permissions = 0o755): CpioEntry {
  return { name, mode: S_IFDIR | permissions, data: NOTHING, device: null };
}

export function cpioSymlink(name: string, target: string): CpioEntry {
  return { name, mode: S_IFLNK | 0o777, data: Buffer.from(target, "utf8"), device: null };
}

export function cpioDevice(
  name: string,
  type: "character" | "block",
  major: number,
  minor: number,
  permissions = 0o600,
): CpioEntry {
  const kind = type === "character" ? S_IFCHR : S_IFBLK;
  return { name, mode: kind | permissions, data: NOTHING, device: { major, minor } };
}

export function cpioFifo(name: string, permissions = 0o600): CpioEntry {
  return { name, mode: S_IFIFO | permissions, data: NOTHING, device: null };
}

type CpioType = "file" | "directory" | "symlink" | "character" | "block" | "fifo" | "other";

/** What kind of file an entry is. */
export function cpioType(entry: CpioEntry): CpioType {
  switch (entry.mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symlink";
    case S_IFCHR:
      return "character";
    case S_IFBLK:
      return "block";
    case S_IFIFO:
      return "fifo";
    default:
      return "other";
  }
}

/**
 * An archive piece by piece, so that one of hundreds of megabytes is never held twice. Entries keep their order;
 * everything else (owner root, mtime 0, inode numbers counted from 1) is fixed, so that the same entries always give
 * the same bytes. The end is aligned to 4 bytes, so that another archive may follow.
 * @throws BatonError `bad-format` for what the kernel would silently drop: a name twice, a parent directory that
 *   doesn't come before, a name that is absolute, too long or has `..` in it, a file of 4 GiB or more
 */
export function* cpioChunks(entries: Iterable<CpioEntry>): Generator<Uint8Array> {
  const directories = new Set<string>();
  const names = new Set<string>();
  let inode = 1;
  for (const entry of entries) {
    checkEntry(entry, directories, names);
    names.add(entry.name);
    if (cpioType(entry) === "directory") directories.add(entry.name);
    yield header(entry, inode++);
    if (entry.data.length > 0) {
      yield entry.data;
      const padding = -entry.data.length & 3;
      if (padding > 0) yield new Uint8Array(padding);
    }
  }
  yield header({ name: TRAILER, mode: 0, data: NOTHING, device: null }, 0);
}

/** {@link cpioChunks} in one piece. */
export function writeCpio(entries: Iterable<CpioEntry>): Uint8Array {
  return Buffer.concat([...cpioChunks(entries)]);
}

function checkEntry(entry: CpioEntry, directories: ReadonlySet<string>, names: ReadonlySet<string>): void {
  const { name } = entry;
  const refuse = (why: string): never => {
    throw new BatonError("bad-format", `${JSON.stringify(name)} can't go into a cpio archive: ${why}.`);
  };
  const parts = name.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) refuse("its path isn't relative and plain");
  if (name.includes("\0")) refuse("it has a NUL in it");
  if (name === TRAILER) refuse("this name marks the archive's end");
  if (Buffer.byteLength(name) + 1 > MAX_NAME_SIZE)
    refuse(`the kernel takes names of ${MAX_NAME_SIZE - 1} bytes at most`);
  if (entry.data.length > MAX_SIZE) refuse("it is 4 GiB or larger");
  if (names.has(name)) refuse("there is another entry of this name");
  const parent = parts.slice(0, -1).join("/");
  if (parent !== "" && !directories.has(parent))
    refuse(`its directory ${JSON.stringify(parent)} doesn't come before it`);
}

/** Header and name, padded together to 4 bytes. */
function header(entry: CpioEntry, inode: number): Uint8Array {
  const name = Buffer.from(`${entry.name}\0`, "utf8");
  const fields = [
    inode,
    entry.mode,
    0, // uid
    0, // gid
    cpioType(entry) === "directory" ? 2 : 1, // links
    0, // mtime
    entry.data.length,
    0, // the archive's own device, major
    0, // and minor
    entry.device?.major ?? 0,
    entry.device?.minor ?? 0,
    name.length,
    0, // checksum, unused in this form
  ];
  const size = HEADER_SIZE + name.length;
  const bytes = Buffer.alloc(size + (-size & 3));
  bytes.write(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`, "latin1");
  name.copy(bytes, HEADER_SIZE);
  return bytes;
}

/**
 * The entries of an archive, up to its trailer; `data` are views into `bytes`.
 * @param offset where it begins, a multiple of 4
 * @returns (of the generator) the offset behind the archive
 * @throws BatonError `bad-format` naming the offset
 */
export function* readCpio(bytes: Uint8Array, offset = 0): Generator<CpioEntry, number> {
  let at = offset;
  for (;;) {
    const start = at;
    const refuse = (why: string): never => {
      throw new BatonError("bad-format", `This is no complete cpio archive: at byte ${start} ${why}.`);
    };
    if (at + HEADER_SIZE > bytes.length) refuse("it ends within a header");
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, HEADER_SIZE).toString("latin1");
    if (!/^07070[12][0-9a-f]{104}$/i.test(text)) refuse('there is no header of the "newc" form');
    const field = (index: number): number => Number.parseInt(text.slice(6 + index * 8, 14 + index * 8), 16);
    const size = field(6);
    const nameSize = field(11);
    const dataAt = align4(at + HEADER_SIZE + nameSize - offset) + offset;
    if (nameSize < 1 || nameSize > MAX_NAME_SIZE) refuse(`there is a name of ${nameSize} bytes`);
    if (dataAt > bytes.length || size > bytes.length - dataAt) refuse("there is an entry that reaches beyond the end");
    const nameAt = bytes.byteOffset + at + HEADER_SIZE;
    if (bytes[at + HEADER_SIZE + nameSize - 1] !== 0) refuse("there is a name without a NUL at its end");
    const name = Buffer.from(bytes.buffer, nameAt, nameSize - 1).toString("utf8");
    at = Math.min(align4(dataAt + size - offset) + offset, bytes.length);
    if (name === TRAILER) return at;
    const mode = field(1);
    const isDevice = (mode & S_IFMT) === S_IFCHR || (mode & S_IFMT) === S_IFBLK;
    yield {
      name,
      mode,
      data: bytes.subarray(dataAt, dataAt + size),
      device: isDevice ? { major: field(9), minor: field(10) } : null,
    };
  }
}

function align4(value: number): number {
  return Math.ceil(value / 4) * 4;
}
