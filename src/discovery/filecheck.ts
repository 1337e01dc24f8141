/**
 * Whether the files that entries name are there. A configuration may name tens of thousands: where many lie in one
 * folder it is listed once, which answers for all of them at the price of a few.
 */

import { BatonError, describeError } from "../errors.ts";
import { statAll } from "../formats/readall.ts";
import type { DirectoryItem, FileStat, Reader } from "../formats/reader.ts";

/** From so many files in one folder on, listing it is cheaper than asking for each. */
const WORTH_LISTING = 16;
const MISSING = "the file is missing";

/** Gets the answer for each file: null where it is there, else why it can't be read. */
type Answer = (path: string, reason: string | null) => void;

/** Looks for files by absolute path in one tree. Never rejects. */
export async function checkFiles(reader: Reader, paths: readonly string[], answer: Answer): Promise<void> {
  const folders = new Map<string, string[]>();
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const inFolder = folders.get(folder);
    if (inFolder === undefined) folders.set(folder, [path]);
    else inFolder.push(path);
  }
  const unclear: string[] = [];
  for (const [folder, inFolder] of folders) {
    const listed = inFolder.length < WORTH_LISTING ? null : await listFolder(reader, folder);
    for (const path of inFolder) {
      const known = listed === null ? "unclear" : listed.look(path.slice(folder.length));
      if (known === "unclear") unclear.push(path);
      else answer(path, known);
    }
  }
  try {
    const found = await statAll(reader, unclear);
    for (const [index, path] of unclear.entries()) answer(path, reasonOf(found[index]!));
  } catch (error) {
    for (const path of unclear) answer(path, describeError(error));
  }
}

function reasonOf(found: FileStat | BatonError | null): string | null {
  if (found === null) return MISSING;
  if (found instanceof BatonError) return describeError(found);
  return found.type === "file" ? null : "it is a directory, not a file";
}

/** null where the folder can't be listed: then each file says why. */
async function listFolder(reader: Reader, folder: string): Promise<FolderNames | null> {
  try {
    return new FolderNames(await reader.list(folder));
  } catch (error) {
    const isAbsent = error instanceof BatonError && (error.code === "not-found" || error.code === "not-a-directory");
    return isAbsent ? new FolderNames([]) : null;
  }
}

/** What a folder's list of names says about one of them. */
class FolderNames {
  readonly #types = new Map<string, DirectoryItem["type"]>();
  /** Of every name in lower case. */
  readonly #folded = new Set<string>();

  constructor(items: readonly DirectoryItem[]) {
    for (const { name, type } of items) {
      this.#types.set(name, type);
      this.#folded.add(name.toLowerCase());
    }
  }

  /** null: a file is there. What a filesystem might find under another spelling is unclear. */
  look(name: string): string | null | "unclear" {
    const type = this.#types.get(name);
    if (type !== undefined) return type === "file" ? null : "unclear";
    if (this.#folded.size === 0) return MISSING;
    // FAT's short names and ends, names in other scripts, dots: for the filesystem itself to say.
    if (!/^[\w+,=@%-][\w+,=@%. -]*$/.test(name) || /[ .]$/.test(name)) return "unclear";
    return this.#folded.has(name.toLowerCase()) ? "unclear" : MISSING;
  }
}
