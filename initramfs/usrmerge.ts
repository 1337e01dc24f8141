/**
 * The layout of a root directory whatever release its packages are of: older ones have files in /bin and /lib, newer ones
 * in /usr/bin and /usr/lib alone, and on the installed system the first are links to the second.
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const MERGED = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/** Moves what one package has in these directories into /usr, and has its absolute links stay in the tree. */
export async function mergeUsr(tree: string): Promise<void> {
  for (const name of MERGED) {
    const status = await lstat(join(tree, name)).catch(() => null);
    if (status === null) continue;
    if (status.isDirectory()) {
      await mkdir(join(tree, "usr", name), { recursive: true });
      await run("cp", ["-al", "--no-target-directory", join(tree, name), join(tree, "usr", name)]);
    }
    await rm(join(tree, name), { recursive: true });
  }
  for (const path of await readdir(tree, { recursive: true })) {
    const link = join(tree, path);
    if (!(await lstat(link)).isSymbolicLink()) continue;
    const target = await readlink(link);
    if (!target.startsWith("/")) continue;
    await rm(link);
    await symlink(relative(dirname(link), join(tree, target)), link);
  }
}

/** Makes a directory with the files of merged packages, hard-linked, and the links from / into /usr. */
export async function mergedTree(parts: readonly string[], target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const part of parts) await run("cp", ["-al", "--no-target-directory", part, target]);
  for (const name of MERGED) {
    if (existsSync(join(target, "usr", name))) await symlink(`usr/${name}`, join(target, name));
  }
}
