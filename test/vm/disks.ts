/**
 * Disk images made by the real tools (sfdisk, mkfs.*, mtools, xorriso) without root, partition by partition. An
 * image is cached by what it was made of, so a test that changes nothing costs nothing.
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import {
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { CACHE, run } from "./host.ts";

/** What a file holds: text, bytes, a file of the host, or a symlink. */
export type Content = string | Uint8Array | { readonly host: string } | { readonly symlink: string };

export interface Filesystem {
  readonly type: "ext4" | "xfs" | "btrfs" | "vfat" | "iso9660" | "swap" | "raw";
  readonly sizeMiB: number;
  /** As blkid prints it (vfat: `1234-ABCD`); not for iso9660 and raw. */
  readonly uuid?: string;
  readonly label?: string;
  /** By absolute path; directories come with their files. Of `raw`, what stands at the beginning. */
  readonly files?: Readonly<Record<string, Content>>;
  /** Of btrfs: paths of folders at which there is a read-only snapshot of all that. Needs loop devices. */
  readonly snapshots?: readonly string[];
}

export interface Partition extends Filesystem {
  /** GPT type GUID or MBR type byte; Linux unless given. */
  readonly partitionType?: string;
  readonly partuuid?: string;
  readonly partlabel?: string;
}

export interface Disk {
  /** Part of the image's file name. */
  readonly name: string;
  /** `none`: the one filesystem lies on the whole disk. */
  readonly scheme: "gpt" | "dos" | "none";
  /** GPT's GUID, MBR's 0x12345678. */
  readonly diskId?: string;
  readonly partitions: readonly Partition[];
}

export const ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
export const XBOOTLDR = "BC13C2FF-59E6-4262-A352-B275FD6F7172";
const MIB = 1 << 20;
/** Changes whenever the same description gives another image. */
const RECIPE = "2";

/** The image's path; made unless it is in the cache. */
export async function diskImage(disk: Disk): Promise<string> {
  const image = join(CACHE, `${disk.name}-${await descriptionHash(disk)}.img`);
  await makeOnce(image, async (work) => {
    const target = join(work, "disk.img");
    if (disk.scheme === "none") {
      await makeFilesystem(disk.partitions[0]!, target, work);
      return target;
    }
    const sizes = disk.partitions.map((partition) => partition.sizeMiB);
    await writeFile(target, "");
    await truncate(target, (sizes.reduce((sum, size) => sum + size, 0) + 2) * MIB);
    await run("sfdisk", ["-q", "--no-tell-kernel", "--no-reread", target], { input: tableScript(disk) });
    let start = 1;
    for (const partition of disk.partitions) {
      const piece = join(work, "piece");
      await makeFilesystem(partition, piece, work);
      await run("dd", [
        ...[`if=${piece}`, `of=${target}`, "bs=1M", `seek=${start}`, "conv=sparse,notrunc", "status=none"],
      ]);
      await rm(piece);
      start += partition.sizeMiB;
    }
    return target;
  });
  return image;
}

/**
 * Runs `make` in a scratch directory and moves the file or folder that it names to `target`, unless `target` is there.
 * Two processes that make the same do no harm: of files the last one stays, of folders the first.
 */
export async function makeOnce(target: string, make: (work: string) => Promise<string>): Promise<void> {
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), "work-"));
  try {
    const made = await make(work);
    await rename(made, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY") throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

export function hashOf(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

async function descriptionHash(disk: Disk): Promise<string> {
  const parts: (string | Uint8Array)[] = [RECIPE, disk.scheme, disk.diskId ?? ""];
  for (const { files, ...rest } of disk.partitions) {
    parts.push(JSON.stringify(rest));
    for (const [path, content] of Object.entries(files ?? {})) {
      parts.push(path);
      if (typeof content === "string" || content instanceof Uint8Array) parts.push(content);
      else if ("symlink" in content) parts.push(`-> ${content.symlink}`);
      else parts.push(await readFile(content.host));
    }
  }
  return hashOf(...parts).slice(0, 16);
}

function tableScript(disk: Disk): string {
  const lines = [`label: ${disk.scheme}`];
  if (disk.diskId) lines.push(`label-id: ${disk.diskId}`);
  if (disk.partitions.length > 128) lines.push("table-length: 256");
  let start = 1;
  for (const partition of disk.partitions) {
    const fields = [`start=${start * 2048}`, `size=${partition.sizeMiB * 2048}`];
    const linux = disk.scheme === "gpt" ? "0FC63DAF-8483-4772-8E79-3D69D8477DE4" : "83";
    fields.push(`type=${partition.partitionType ?? linux}`);
    if (disk.scheme === "gpt" && partition.partuuid) fields.push(`uuid=${partition.partuuid}`);
    if (disk.scheme === "gpt" && partition.partlabel) fields.push(`name="${partition.partlabel}"`);
    lines.push(fields.join(", "));
    start += partition.sizeMiB;
  }
  return `${lines.join("\n")}\n`;
}

async function makeFilesystem(filesystem: Filesystem, target: string, work: string): Promise<void> {
  const tree = await mkdtemp(join(work, "tree-"));
  if (filesystem.type !== "raw") await writeTree(tree, filesystem.files ?? {});
  if (filesystem.type !== "iso9660") {
    await writeFile(target, "");
    await truncate(target, filesystem.sizeMiB * MIB);
  }
  const { uuid, label } = filesystem;
  switch (filesystem.type) {
    case "ext4":
      await run("mkfs.ext4", [
        ...["-q", "-F", "-d", tree, "-E", "root_owner=0:0,lazy_itable_init=0"],
        ...(uuid ? ["-U", uuid] : []),
        ...(label ? ["-L", label] : []),
        target,
      ]);
      break;
    case "xfs": {
      const prototype = join(work, "prototype");
      await writeFile(prototype, await xfsPrototype(tree));
      await run("mkfs.xfs", [
        ...["-q", "-f", "-p", prototype],
        ...(uuid ? ["-m", `uuid=${uuid}`] : []),
        ...(label ? ["-L", label] : []),
        target,
      ]);
      break;
    }
    case "btrfs":
      await run("mkfs.btrfs", [
        ...["-q", "-f", "--rootdir", tree],
        ...(uuid ? ["-U", uuid] : []),
        ...(label ? ["-L", label] : []),
        target,
      ]);
      // --rootdir may leave the file at its own size; the partition's is what the table says.
      await truncate(target, filesystem.sizeMiB * MIB);
      if (filesystem.snapshots) await takeSnapshots(target, join(work, "mounted"), filesystem.snapshots);
      break;
    case "vfat":
      await run("mkfs.vfat", [...(uuid ? ["-i", uuid.replace("-", "")] : []), ...(label ? ["-n", label] : []), target]);
      for (const name of (await readdir(tree)).sort()) await run("mcopy", ["-s", "-i", target, join(tree, name), "::"]);
      break;
    case "iso9660":
      await run("xorriso", [...["-as", "mkisofs", "-quiet", "-r", "-J", "-V", label ?? "ISO", "-o", target, tree]]);
      break;
    case "swap":
      await run("mkswap", ["-q", ...(uuid ? ["-U", uuid] : []), ...(label ? ["-L", label] : []), target]);
      break;
    case "raw":
      for (const content of Object.values(filesystem.files ?? {})) {
        const file = await open(target, "r+");
        await file.write(content as Uint8Array, 0);
        await file.close();
      }
      break;
  }
  await rm(tree, { recursive: true });
}

async function writeTree(root: string, files: Readonly<Record<string, Content>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    if (typeof content === "string" || content instanceof Uint8Array) await writeFile(target, content);
    else if ("symlink" in content) await symlink(content.symlink, target);
    else await cp(content.host, target);
  }
}

/** mkfs.xfs takes a directory tree as the prototype file of mkfs(8) in Version 7 Unix. */
async function xfsPrototype(tree: string): Promise<string> {
  const directory = async (path: string, indent: string): Promise<string> => {
    let text = "";
    const items = await readdir(path, { withFileTypes: true });
    for (const item of items.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const full = join(path, item.name);
      if (item.isDirectory()) text += `${indent}${item.name} d--755 0 0\n${await directory(full, `${indent} `)}`;
      else if (item.isSymbolicLink()) text += `${indent}${item.name} l--777 0 0 ${await readlink(full)}\n`;
      else text += `${indent}${item.name} ---644 0 0 ${full}\n`;
    }
    return `${text}${indent}$\n`;
  };
  return `/\n0 0\nd--755 0 0\n${await directory(tree, "")}`;
}

async function takeSnapshots(image: string, at: string, paths: readonly string[]): Promise<void> {
  await mkdir(at);
  await run("mount", ["-o", "loop", image, at]);
  try {
    for (const path of paths) {
      await mkdir(dirname(at + path), { recursive: true });
      await run("btrfs", ["-q", "subvolume", "snapshot", "-r", at, at + path]);
    }
  } finally {
    await run("umount", [at]);
  }
}
