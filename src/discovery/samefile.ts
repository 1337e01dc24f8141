/**
 * One file by several names: through symbolic links (`/boot/boot -> .`, `grub2 -> grub`), by hard links, or in another
 * case on a filesystem that has none. It is one configuration, and listed once.
 */

import { baseName, folderOf } from "../formats/paths.ts";
import type { Reader } from "../formats/reader.ts";

/** Where a file or folder lies: the same for each of its names in a tree. */
export interface Place {
  readonly path: string;
  /** Of a file with hard links, else null. */
  readonly inode: string | null;
}

/** What can't be looked at lies where its name says: why, is told where it is read. Never rejects. */
export async function placeOf(reader: Reader, name: string): Promise<Place> {
  try {
    const path = (await reader.realPath?.(name)) ?? name;
    return { path, inode: (await reader.stat(path)).inode ?? null };
  } catch {
    return { path: name, inode: null };
  }
}

/** The configurations of one volume, each by one name. */
export class FileNames {
  /** By path and by inode. */
  readonly #names = new Map<string, string>();

  /**
   * Takes what a format has found.
   * @returns the same without repeats: of several names the one that is no link, else the first
   */
  async add(reader: Reader, names: readonly string[]): Promise<readonly string[]> {
    const places = await Promise.all(names.map((name) => placeOf(reader, name)));
    const isReal = (index: number): boolean => names[index] === places[index]!.path;
    const own = new Map<string, string>();
    for (const index of [...names.keys()].sort((a, b) => Number(isReal(b)) - Number(isReal(a)))) {
      const { path, inode } = places[index]!;
      const name = own.get(inode ?? path) ?? names[index]!;
      for (const key of [path, inode]) if (key !== null) own.set(key, name);
    }
    for (const [key, name] of own) this.#names.set(key, name);
    return names.filter((name) => [...own.values()].includes(name));
  }

  /** The name by which a file is listed, or by which the folder is that holds it; null where neither is. */
  nameAt({ path, inode }: Place): string | null {
    const own = this.#names.get(path) ?? (inode === null ? undefined : this.#names.get(inode));
    if (own !== undefined) return own;
    const folder = this.#names.get(folderOf(path));
    return folder === undefined ? null : `${folder === "/" ? "" : folder}/${baseName(path)}`;
  }
}
