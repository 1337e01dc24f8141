/** ISO images made by xorriso, for tests. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { readAtOfBytes } from "../../src/binary/readat.ts";
import { type IsoImage, openIso } from "../../src/volumes/iso.ts";

/** Why tests that make images are skipped; false where they can be made. */
export const NO_XORRISO = spawnSync("xorriso", ["-version"]).error !== undefined && "xorriso is not installed";

/** A path and what is there: a file's contents, or `-> target` for a symlink. */
export type Tree = Readonly<Record<string, string | Uint8Array>>;

/** A folder for images that is removed after the tests. */
export function isoFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "baton-iso-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a tree into a directory. */
export function writeTree(directory: string, tree: Tree): void {
  mkdirSync(directory, { recursive: true });
  for (const [path, contents] of Object.entries(tree)) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    if (typeof contents === "string" && contents.startsWith("-> ")) symlinkSync(contents.slice(3), target);
    else writeFileSync(target, contents);
  }
}

/**
 * Makes an image.
 * @param image path of the file to make
 * @param options of `xorriso -as mkisofs`; Rock Ridge with plain owners unless given
 */
export function makeIso(image: string, tree: Tree, options: readonly string[] = ["-r"]): void {
  const directory = `${image}.tree`;
  writeTree(directory, tree);
  try {
    mkdirSync(dirname(image), { recursive: true });
    const words = ["-as", "mkisofs", "-quiet", ...options, "-o", image, directory];
    const run = (): Buffer => execFileSync("xorriso", words, { stdio: "pipe" });
    try {
      run();
    } catch (error) {
      // Debian's xorriso crashes one time in some hundreds, and does the same at the next try.
      if (!String((error as { stderr?: Buffer }).stderr).includes("SIGSEGV")) throw error;
      run();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export function openBytes(bytes: Uint8Array, name = "vda1:/x.iso"): Promise<IsoImage> {
  return openIso(readAtOfBytes(bytes), bytes.length, name, "x");
}

export function openFile(image: string): Promise<IsoImage> {
  return openBytes(readFileSync(image));
}

/** Every path below `/` with its type, in order; stops after `most`. */
export async function walk(image: IsoImage, most = 2000): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const pending = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const { name, type } of await image.reader.list(path || "/")) {
      if (found.size >= most) return found;
      found.set(`${path}/${name}`, type);
      if (type === "directory") pending.push(`${path}/${name}`);
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
