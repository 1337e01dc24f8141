/** Files that are put beside an installed system, so that a power cut leaves the old one or the new one, never a part. */

import { constants } from "node:fs";
import { copyFile, lstat, mkdir, open, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { BatonError, describeError } from "../errors.ts";

/** What a file is called until it is whole. */
const NEW = ".baton-new";

/** Copies a file; its folder is made where it isn't there. @throws BatonError `io`, and nothing has changed then */
export async function putFile(source: string, target: string): Promise<void> {
  await put(target, (path) => copyFile(source, path));
}

/** Writes a text file, with the permissions of the one whose place it takes. @throws BatonError as {@link putFile} */
export async function putText(text: string, target: string): Promise<void> {
  const before = await lstat(target).catch(() => null);
  if (before !== null && !before.isFile()) throw new BatonError("refused", `${target} is no regular file: left alone`);
  await put(target, (path) => writeFile(path, text, { mode: before === null ? 0o644 : before.mode & 0o777 }));
}

async function put(target: string, write: (path: string) => Promise<void>): Promise<void> {
  const path = `${target}${NEW}`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await rm(path, { force: true });
    await write(path);
    await flush(path);
    await rename(path, target);
    await flush(dirname(target));
  } catch (error) {
    await rm(path, { force: true }).catch(() => {});
    throw new BatonError("io", `${target} can't be written: ${describeError(error)}`, { cause: error });
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a file, and what an interrupted {@link putFile} left of it; not being there is no failure. */
export async function removeFile(path: string): Promise<void> {
  for (const one of [path, `${path}${NEW}`]) await rm(one, { force: true });
}

/** Removes a folder. @returns what lies in it, for which it stays; empty where it is gone */
export async function removeFolder(path: string): Promise<readonly string[]> {
  const names = await readdir(path).catch(() => null);
  if (names === null) return [];
  if (names.length === 0) await rmdir(path);
  return names;
}
