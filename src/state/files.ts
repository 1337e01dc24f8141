/** What is written into a filesystem that is mounted for it: GRUB's files in place, boot counters by renaming. */

import { constants, existsSync } from "node:fs";
import { lstat, open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BatonError } from "../errors.ts";
import { rewriteEnvBlock, rewriteLegacyDefault } from "./envblock.ts";

/**
 * Rewrites an environment block, or GRUB legacy's `default`, within the blocks that it has on the disk: same size, no new
 * file, no renaming, so that a power cut leaves the old text or the new one.
 * @param path of the file on this machine
 * @throws BatonError with why it was left alone
 */
export async function rewriteFile(
  path: string,
  set: Readonly<Record<string, string>>,
  unset: readonly string[],
  form?: "default",
): Promise<void> {
  const { O_RDWR, O_NOFOLLOW, O_SYNC } = constants;
  const handle = await open(path, O_RDWR | O_NOFOLLOW | O_SYNC).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ELOOP"
      ? new BatonError("refused", "it is a symbolic link, which GRUB would not follow")
      : error;
  });
  try {
    const { size, blocks, nlink } = await handle.stat();
    if (nlink > 1) throw new BatonError("refused", "another name leads to the same file");
    if (blocks * 512 < size) throw new BatonError("refused", "it has holes, which would need new blocks on the disk");
    const before = Buffer.alloc(size);
    const { bytesRead } = await handle.read(before, 0, size, 0);
    if (bytesRead !== size) throw new BatonError("io", `only ${bytesRead} of its ${size} bytes could be read`);
    const after =
      form === "default" ? rewriteLegacyDefault(before, set.default ?? "") : rewriteEnvBlock(before, set, unset);
    if (before.equals(after)) return;
    await handle.write(after, 0, size, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Renames a file in its folder: how systemd-boot counts boots (`name+3-0.conf` becomes `name+2-1.conf`).
 * @throws BatonError where that would replace another file
 */
export async function renameFile(from: string, to: string): Promise<void> {
  if (dirname(from) !== dirname(to)) throw new BatonError("refused", "a boot counter's file stays in its folder");
  if (!(await lstat(from)).isFile()) throw new BatonError("not-a-file", "it is no regular file");
  if (existsSync(to)) throw new BatonError("refused", `${to} is there already`);
  await rename(from, to);
  const folder = await open(dirname(from), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A path of a filesystem below where that is mounted; `..` and what would lead out of it are refused. */
export function below(root: string, path: string): string {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.some((part) => part === ".." || part === "." || part.includes("\0"))) {
    throw new BatonError("outside", `${path} may lead out of its filesystem`);
  }
  return join(root, ...parts);
}
