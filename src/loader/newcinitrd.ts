/**
 * Composes entries, cpio and memory for initrds that are a file's content alone: GRUB's `initrd newc:NAME:FILE` has
 * the kernel find FILE as NAME in its initial file system (grub-core/loader/linux.c).
 */

import { closeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type CpioEntry, cpioDirectory, cpioFile, writeCpio } from "../binary/cpio.ts";
import { BatonError } from "../errors.ts";
import { availableMemory } from "../linux/availablememory.ts";
import { memfd } from "../linux/memfd.ts";

/** As GRUB makes them, where a configuration says no others. */
const PERMISSIONS = 0o777;
/** More than anybody hands to a kernel in one file. Bytes. */
const MAX_MEMBER_SIZE = 512 * 1024 * 1024;
/** The file, the archive, and the archive as a file of its own. */
const COPIES = 3;

/**
 * The archive that holds one file under a name, with the folders that it needs.
 * @param name with or without slashes at its beginning
 * @param mode the file's permissions
 * @throws BatonError `bad-format` for a name that no archive can have
 */
export function newcArchive(name: string, data: Uint8Array, mode = PERMISSIONS): Uint8Array {
  const plain = name.replace(/^\/+/, "");
  const entries: CpioEntry[] = [];
  for (let at = plain.indexOf("/"); at !== -1; at = plain.indexOf("/", at + 1)) {
    entries.push(cpioDirectory(plain.slice(0, at), PERMISSIONS));
  }
  entries.push(cpioFile(plain, data, mode));
  return writeCpio(entries);
}

/**
 * The same as a file of its own, in memory.
 * @param file for messages: `vda1:/etc/keyfile`
 * @param read gives all of the file's bytes
 * @param available asked for the bytes of memory that are free
 * @throws BatonError as `read` does, `too-large`, and as {@link newcArchive}
 */
export async function newcFile(
  name: string,
  file: { readonly name: string; readonly size: number; readonly mode?: number | null },
  read: () => Promise<Uint8Array>,
  available: () => Promise<number> = availableMemory,
): Promise<{ readonly handle: FileHandle; readonly size: number }> {
  if (file.size > MAX_MEMBER_SIZE) {
    throw new BatonError("too-large", `${file.name} has ${file.size} bytes: too many to be put into an initrd`);
  }
  const free = await available();
  if (file.size * COPIES > free) {
    const mib = (bytes: number): string => `${Math.ceil(bytes / (1 << 20))} MiB`;
    const message = `${file.name}: to put its ${mib(file.size)} into an initrd takes ${mib(file.size * COPIES)} of memory, and ${mib(free)} are free`;
    throw new BatonError("too-large", message);
  }
  const archive = newcArchive(name, await read(), file.mode ?? PERMISSIONS);
  const fd = memfd("initrd-member");
  try {
    const handle = await open(`/proc/self/fd/${fd}`, "r+");
    try {
      await handle.writeFile(archive);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { handle, size: archive.length };
  } finally {
    closeSync(fd);
  }
}
