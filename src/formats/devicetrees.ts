/**
 * Which of a folder's devicetrees is this machine's. U-Boot knows its board's by name (FDTDIR in extlinux.conf); Baton
 * knows what the devicetree that it runs with calls the machine, and looks for the file that is for the same.
 */

import { readCompatible } from "../binary/fdtroot.ts";
import { isAbsence } from "./lookup.ts";
import type { DirectoryItem, Reader } from "./reader.ts";

/** Kernel packages for arm64 have a thousand and more, in one folder for each vendor. */
const MAX_FILES = 4000;
const MAX_DEPTH = 3;

/**
 * The file in `folder` (and below) whose root node says that it is for this machine.
 * @param compatible of the machine, the most exact name first.
 * @returns null where there is none. Of several with the same first name, the one that shares most of the others.
 */
export async function findDevicetree(
  reader: Reader,
  folder: string,
  compatible: readonly string[],
): Promise<string | null> {
  const [exact] = compatible;
  if (exact === undefined) return null;
  const files = await devicetreesIn(reader, folder);
  // Files mostly have the board's name in theirs: those are looked into first.
  const board = exact.slice(exact.indexOf(",") + 1);
  const likely = files.filter((path) => path.includes(board));
  const rest = files.filter((path) => !path.includes(board));
  for (const group of [likely, rest]) {
    const found = await bestOf(reader, group, compatible);
    if (found !== null) return found;
  }
  return null;
}

async function bestOf(reader: Reader, paths: readonly string[], wanted: readonly string[]): Promise<string | null> {
  let best: { path: string; score: number } | null = null;
  for (const path of paths) {
    const names = await readCompatible((offset, length) => reader.readAt(path, offset, length)).catch((error) => {
      if (isAbsence(error)) return null;
      throw error;
    });
    if (names === null || names[0] !== wanted[0]) continue;
    const shared = names.filter((name) => wanted.includes(name)).length;
    const score = shared - (names.length - shared);
    if (best === null || score > best.score) best = { path, score };
    if (names.length === wanted.length && shared === names.length) break;
  }
  return best?.path ?? null;
}

async function devicetreesIn(reader: Reader, folder: string): Promise<string[]> {
  const files: string[] = [];
  let level = [folder];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const next: string[] = [];
    for (const path of level) {
      for (const { name, type } of await listOrNothing(reader, path)) {
        const inside = `${path === "/" ? "" : path}/${name}`;
        if (type === "directory") next.push(inside);
        else if (/\.dtb$/i.test(name) && files.length < MAX_FILES) files.push(inside);
      }
    }
    level = next;
  }
  return files;
}

async function listOrNothing(reader: Reader, folder: string): Promise<readonly DirectoryItem[]> {
  try {
    return await reader.list(folder);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
