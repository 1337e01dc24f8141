/** Looking for configuration files where bootloaders look for them. */

import { BatonError } from "../errors.ts";
import { Breath } from "./budget.ts";
import { listCache } from "./lookupcache.ts";
import type { DirectoryItem, Reader } from "./reader.ts";

/**
 * Finds files without asking for each name: lists a folder once, and answers in the spelling that is on the disk.
 * Bootloaders read vfat and iso9660, where `SYSLINUX.CFG` is `syslinux.cfg`; an exact match wins over a folded one.
 */
export class Lookup {
  readonly #reader: Reader;
  readonly #breath = new Breath();

  constructor(reader: Reader) {
    this.#reader = listCache(reader);
  }

  /** The names in `folder`; none where it isn't there or isn't a folder. Rejects where the volume can't be read. */
  async list(folder: string): Promise<readonly DirectoryItem[]> {
    try {
      return await this.#reader.list(folder);
    } catch (error) {
      if (isAbsence(error)) return [];
      throw error;
    }
  }

  /**
   * The path of a file or folder as spelled on the disk.
   * @param path absolute.
   * @returns null where it isn't there.
   */
  async find(path: string, type: "file" | "directory" = "file"): Promise<string | null> {
    let at = "";
    const names = path.split("/").filter((name) => name !== "");
    for (const [index, name] of names.entries()) {
      const items = await this.list(at || "/");
      // Putting thousands of names in order took its time, and so does what follows.
      if (items.length > MANY_NAMES && !indexed.has(items)) await this.#breath.take();
      const { exact, folded } = namesOf(items);
      const item = exact.get(name) ?? folded.get(name.toLowerCase());
      if (!item) return null;
      const wanted = index === names.length - 1 ? type : "directory";
      at = `${at}/${item.name}`;
      if (item.type === wanted) continue;
      if (item.type !== "symlink" || !(await this.#leadsTo(at, wanted))) return null;
    }
    return at || "/";
  }

  async #leadsTo(path: string, type: "file" | "directory"): Promise<boolean> {
    try {
      return (await this.#reader.stat(path)).type === type;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw error;
    }
  }
}

const MANY_NAMES = 1000;
/** Nobody has so many bootloaders. */
const MAX_EFI_FOLDERS = 100;

/** The folders of EFI programs, `/EFI/debian`, as spelled on the disk. Rejects where the volume can't be read. */
export async function efiFolders(lookup: Lookup): Promise<string[]> {
  const efi = await lookup.find("/EFI", "directory");
  const folders = efi === null ? [] : (await lookup.list(efi)).filter(({ type }) => type === "directory");
  return folders.slice(0, MAX_EFI_FOLDERS).map(({ name }) => `${efi}/${name}`);
}

type Names = ReadonlyMap<string, DirectoryItem>;

/** Of lists that are asked for many names: a folder may have thousands. */
const indexed = new WeakMap<readonly DirectoryItem[], { readonly exact: Names; readonly folded: Names }>();

function namesOf(items: readonly DirectoryItem[]): { readonly exact: Names; readonly folded: Names } {
  let names = indexed.get(items);
  if (names === undefined) {
    const exact = new Map<string, DirectoryItem>();
    const folded = new Map<string, DirectoryItem>();
    for (const item of items) {
      exact.set(item.name, item);
      const key = item.name.toLowerCase();
      if (!folded.has(key)) folded.set(key, item);
    }
    names = { exact, folded };
    indexed.set(items, names);
  }
  return names;
}

/** True where an error says that there is no such thing, as opposed to a volume that can't be read. */
export function isAbsence(error: unknown): boolean {
  return (
    error instanceof BatonError &&
    ["not-found", "not-a-file", "not-a-directory", "loop", "outside"].includes(error.code)
  );
}

/** True where `path` is a regular file. Rejects where the volume can't be read. */
export async function fileExists(reader: Reader, path: string): Promise<boolean> {
  try {
    return (await reader.stat(path)).type === "file";
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}
