/** Images made by the real tools, small and sparse, and what blkid says of them. */

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** mkfs and its kin are in sbin, which isn't in everybody's PATH. */
const ENVIRONMENT = {
  ...process.env,
  PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  LC_ALL: "C.UTF-8",
  MTOOLS_SKIP_CHECK: "1",
  LVM_SUPPRESS_FD_WARNINGS: "1",
};

export async function run(command: string, ...args: string[]): Promise<string> {
  try {
    return (await execute(command, args, { env: ENVIRONMENT, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    // Debian's xorriso crashes one time in some hundreds, and does the same at the next try.
    if (command === "xorriso" && stderr?.includes("SIGSEGV")) return run("env", command, ...args);
    throw new Error(`${command} ${args.join(" ")}: ${stderr || message}`);
  }
}

export interface Workshop {
  /** Its own folder. */
  readonly folder: string;
  path(name: string): string;
  /** An empty sparse file. */
  blank(name: string, size: number): Promise<string>;
  remove(): void;
}

export function makeWorkshop(): Workshop {
  // In memory where that is possible: mkfs and mounts wait for what they write.
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "baton-images-"));
  const path = (name: string): string => join(folder, name);
  return {
    folder,
    path,
    async blank(name, size) {
      writeFileSync(path(name), "");
      await truncate(path(name), size);
      return path(name);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export type Tags = Readonly<Record<string, string>>;

/** `blkid -p -o export`; empty where blkid finds nothing or can't decide. */
export async function blkid(path: string): Promise<Tags> {
  let output: string;
  try {
    output = (await execute("blkid", ["-p", "-o", "export", path], { env: ENVIRONMENT })).stdout;
  } catch (error) {
    const { code } = error as { code?: number };
    // 2: nothing found; 8: ambiguous.
    if (code === 2 || code === 8) return {};
    throw error;
  }
  const tags: Record<string, string> = {};
  for (const line of output.split("\n")) {
    const equals = line.indexOf("=");
    const name = line.slice(0, equals);
    // A UUID may well have "M-" in it.
    if (equals > 0)
      tags[name] = name === "LABEL" ? unescaped(line.slice(equals + 1)) : line.slice(equals + 1).replaceAll("\\", "");
  }
  return tags;
}

/** Spaces and quotes are written with a backslash, bytes beyond ASCII as `cat -v` does. */
function unescaped(value: string): string {
  const bytes: number[] = [];
  for (const [, meta, caret, character] of value.matchAll(/(?:\\(?!M-))?(M-)?(\^(?=.))?\\?(.)/gs)) {
    bytes.push((character!.charCodeAt(0) ^ (caret ? 0x40 : 0)) | (meta ? 0x80 : 0));
  }
  return Buffer.from(bytes).toString();
}

/** Reads a file as probes read a device; counts how often and how much. */
export async function openImage(path: string) {
  const handle = await open(path, "r");
  const counts = { reads: 0, bytes: 0 };
  return {
    size: (await handle.stat()).size,
    counts,
    async read(offset: number, length: number): Promise<Uint8Array> {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, offset);
      counts.reads++;
      counts.bytes += bytesRead;
      return buffer.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}

const MiB = 1024 * 1024;
export const isRoot = process.getuid?.() === 0;

type Maker = (shop: Workshop, name: string) => Promise<unknown>;

function byTool(size: number, command: string, ...args: string[]): Maker {
  return async (shop, name) => {
    const path = await shop.blank(name, size);
    await run(command, ...args.map((arg) => (arg === "@" ? path : arg)));
  };
}

function isoTree(shop: Workshop, name: string): string {
  const tree = shop.path(`${name}.tree`);
  mkdirSync(tree);
  writeFileSync(join(tree, "hello.txt"), "hello");
  return tree;
}

function iso(...args: string[]): Maker {
  return (shop, name) =>
    run("xorriso", "-as", "mkisofs", "-quiet", ...args, "-o", shop.path(name), isoTree(shop, name));
}

function packed(...command: string[]): Maker {
  return async (shop, name) => {
    const tree = isoTree(shop, name);
    const [tool, ...args] = command.map((arg) => (arg === "@" ? shop.path(name) : arg === "<" ? tree : arg));
    await run(tool!, ...args);
  };
}

/** With a device's name instead of the file's, for tools that take nothing else; root only. */
export async function withLoop<T>(path: string, use: (device: string) => Promise<T>, ...options: string[]): Promise<T> {
  const device = (await run("losetup", "--find", "--show", ...options, path)).trim();
  try {
    // A loop device keeps the read-only mark of whoever had it before.
    await run("blockdev", "--setrw", device);
    return await use(device);
  } finally {
    await run("losetup", "--detach", device);
  }
}

const FAST_KDF = ["--batch-mode", "--key-file", "KEY", "--pbkdf-force-iterations"];

function luks(version: "1" | "2", ...args: string[]): Maker {
  return async (shop, name) => {
    const path = await shop.blank(name, 20 * MiB);
    writeFileSync(shop.path(`${name}.key`), "secret");
    chmodSync(shop.path(`${name}.key`), 0o600);
    const kdf =
      version === "1" ? ["1000"] : ["4", "--pbkdf", "argon2id", "--pbkdf-memory", "32", "--pbkdf-parallel", "1"];
    const fast = [...FAST_KDF, ...kdf].map((arg) => (arg === "KEY" ? shop.path(`${name}.key`) : arg));
    await run("cryptsetup", "luksFormat", "--type", `luks${version}`, ...fast, ...args, path);
  };
}

/** Every image that its tool makes from nothing. Long names and odd characters in labels on purpose. */
export const MAKERS: Readonly<Record<string, Maker>> = {
  ext2: byTool(2 * MiB, "mkfs.ext2", "-q", "-F", "-L", "two words", "@"),
  ext3: byTool(4 * MiB, "mkfs.ext3", "-q", "-F", "-L", "ext3", "@"),
  ext4: byTool(4 * MiB, "mkfs.ext4", "-q", "-F", "-L", "sixteen-bytes-xx", "@"),
  "ext4 without metadata_csum": byTool(4 * MiB, "mkfs.ext4", "-q", "-F", "-O", "^metadata_csum", "-L", "Wurzel ü", "@"),
  "ext4 without a journal": byTool(2 * MiB, "mkfs.ext4", "-q", "-F", "-O", "^has_journal", "@"),
  "ext4, 64 KiB blocks": byTool(32 * MiB, "mkfs.ext4", "-q", "-F", "-b", "65536", "@"),
  "ext4 of revision 0": async (shop, name) => {
    const by = (...option: string[]) => byTool(2 * MiB, "mkfs.ext2", "-q", "-F", ...option, "@")(shop, name);
    // Newer ones of e2fsprogs have the second option in place of the first.
    await by("-r", "0").catch(() => by("-E", "revision=0"));
  },
  "an external journal": byTool(4 * MiB, "mkfs.ext4", "-q", "-F", "-O", "journal_dev", "-L", "journal", "@"),
  fat12: byTool(2 * MiB, "mkfs.vfat", "-F", "12", "-i", "0012abcd", "-n", "FLOPPY", "@"),
  fat16: byTool(16 * MiB, "mkfs.vfat", "-F", "16", "-n", "A LABEL", "@"),
  fat32: byTool(64 * MiB, "mkfs.vfat", "-F", "32", "-n", "ELEVENCHARS", "@"),
  "fat32 without a label": byTool(64 * MiB, "mkfs.vfat", "-F", "32", "@"),
  "fat32 with 4096-byte sectors": byTool(512 * MiB, "mkfs.vfat", "-F", "32", "-S", "4096", "-n", "BIG", "@"),
  "fat12 on a floppy": byTool(1440 * 1024, "mkfs.vfat", "-n", "FD", "@"),
  "fat16 with a label in the boot sector only": async (shop, name) => {
    await byTool(16 * MiB, "mkfs.vfat", "-F", "16", "-n", "BOOTONLY", "@")(shop, name);
    await run("mlabel", "-c", "-i", shop.path(name), "::");
    const handle = await open(shop.path(name), "r+");
    await handle.write("BOOTONLY   ", 0x2b, "latin1");
    await handle.close();
  },
  "fat32 with its label behind long names": async (shop, name) => {
    await byTool(64 * MiB, "mkfs.vfat", "-F", "32", "-s", "1", "@")(shop, name);
    const folders = Array.from({ length: 24 }, (_, i) => `::/a rather long name of a folder ${i}`);
    await run("mmd", "-i", shop.path(name), ...folders);
    await run("mlabel", "-i", shop.path(name), "::LATE");
  },
  exfat: byTool(8 * MiB, "mkfs.exfat", "-L", "Größe 文", "@"),
  "exfat without a label": byTool(8 * MiB, "mkfs.exfat", "@"),
  xfs: byTool(300 * MiB, "mkfs.xfs", "-q", "-L", "xfs label", "@"),
  "xfs of version 4": byTool(300 * MiB, "mkfs.xfs", "-q", "-m", "crc=0", "@"),
  "xfs with 4096-byte sectors": byTool(300 * MiB, "mkfs.xfs", "-q", "-s", "size=4096", "-L", "sectors", "@"),
  btrfs: byTool(110 * MiB, "mkfs.btrfs", "-q", "-L", "btrfs label", "@"),
  "btrfs with sha256": byTool(110 * MiB, "mkfs.btrfs", "-q", "--csum", "sha256", "@"),
  "btrfs with xxhash": byTool(110 * MiB, "mkfs.btrfs", "-q", "--csum", "xxhash", "@"),
  "btrfs with blake2": byTool(110 * MiB, "mkfs.btrfs", "-q", "--csum", "blake2", "@"),
  f2fs: byTool(64 * MiB, "mkfs.f2fs", "-q", "-l", "f2fs Größe", "@"),
  "f2fs with a checksum": byTool(64 * MiB, "mkfs.f2fs", "-q", "-O", "extra_attr,sb_checksum", "@"),
  iso9660: iso("-V", "DEBIAN_12"),
  "iso9660 with Joliet": iso("-J", "-V", "A label longer than 16"),
  "iso9660 with another Joliet label": async (shop, name) => {
    await iso("-J", "-V", "PLAIN")(shop, name);
    const handle = await open(shop.path(name), "r+");
    const label = Buffer.from("Größe".padEnd(16), "utf16le").swap16();
    await handle.write(label, 0, 32, 17 * 2048 + 40);
    await handle.close();
  },
  "iso9660 with a set date": iso("-V", "DATED", "--modification-date=2024020312345678"),
  "iso9660 hybrid": iso("-V", "HYBRID", "-partition_offset", "16", "-append_partition", "2", "0x83", "/etc/passwd"),
  squashfs: packed("mksquashfs", "<", "@", "-quiet", "-no-progress"),
  erofs: packed("mkfs.erofs", "--quiet", "-Enosbcrc", "@", "<"),
  "erofs with a checksum": packed("mkfs.erofs", "--quiet", "-U", randomUUID(), "@", "<"),
  swap: byTool(2 * MiB, "mkswap", "-L", "swap label", "@"),
  "swap of a machine with 64 KiB pages": byTool(2 * MiB, "mkswap", "-p", "65536", "@"),
  "LUKS 1": luks("1"),
  "LUKS 2": luks("2", "--label", "vault"),
  "LUKS 2 with its first header lost": async (shop, name) => {
    await luks("2", "--label", "vault")(shop, name);
    const handle = await open(shop.path(name), "r+");
    await handle.write(Buffer.alloc(4096), 0, 4096, 0);
    await handle.close();
  },
  ...(isRoot && existsSync("/dev/loop-control")
    ? {
        "LVM2 physical volume": async (shop: Workshop, name: string) => {
          const path = await shop.blank(name, 8 * MiB);
          await withLoop(path, (device) =>
            run("pvcreate", "-q", "-y", "--config", "devices{use_devicesfile=0}", device),
          );
        },
        "LVM2 physical volume in its second sector": async (shop: Workshop, name: string) => {
          const path = await shop.blank(name, 8 * MiB);
          await withLoop(path, (device) =>
            run("pvcreate", "-q", "-y", "--config", "devices{use_devicesfile=0}", "--labelsector", "2", device),
          );
        },
      }
    : {}),
};
