/** Small cpio archives from a list of files: what the test systems' initrds are made of. */

import {
  type CpioEntry,
  cpioDirectory,
  cpioFile,
  cpioSymlink,
  cpioType,
  readCpio,
  writeCpio,
} from "../../src/binary/cpio.ts";

export interface ArchiveFile {
  /** Without a leading slash. */
  readonly path: string;
  readonly bytes?: Uint8Array;
  readonly symlink?: string;
  readonly mode?: number;
}

/** An archive of these files and the directories that they lie in. */
export function archive(files: readonly ArchiveFile[]): Uint8Array {
  const entries: CpioEntry[] = [];
  const directories = new Set<string>();
  for (const file of files) {
    const names = file.path.split("/");
    for (let depth = 1; depth < names.length; depth++) {
      const directory = names.slice(0, depth).join("/");
      if (directories.has(directory)) continue;
      directories.add(directory);
      entries.push(cpioDirectory(directory));
    }
    if (file.symlink !== undefined) entries.push(cpioSymlink(file.path, file.symlink));
    else entries.push(cpioFile(file.path, file.bytes ?? new Uint8Array(), file.mode));
  }
  return writeCpio(entries);
}

/** The content of one file in an uncompressed archive. */
export function fileInArchive(bytes: Uint8Array, name: string): Buffer {
  for (const entry of readCpio(bytes)) {
    if (entry.name === name && cpioType(entry) === "file") return Buffer.from(entry.data);
  }
  throw new Error(`the archive has no file ${name}`);
}
