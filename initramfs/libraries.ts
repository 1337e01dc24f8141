/** The shared libraries that programs need: exactly these go into the image. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BatonError } from "../src/errors.ts";
import type { Architecture } from "./apt.ts";
import { needs } from "./elfprogram.ts";

/** Debian's directory for an architecture's libraries, where its dynamic linker looks without being told. */
export const LIBRARY_FOLDER: Readonly<Record<Architecture, string>> = {
  amd64: "/lib/x86_64-linux-gnu",
  arm64: "/lib/aarch64-linux-gnu",
};

export interface Library {
  /** Where it belongs in the image. */
  readonly path: string;
  /** Where its bytes are now. */
  readonly source: string;
}

/**
 * The closure of DT_NEEDED and the dynamic linker of `programs`, found below `root` (unpacked Debian packages).
 * @param ownFolders below `root`, where programs look besides (DT_RUNPATH)
 * @throws BatonError "not-found" naming the library and who needs it
 */
export async function sharedLibraries(
  programs: readonly string[],
  root: string,
  arch: Architecture,
  ownFolders: readonly string[] = [],
): Promise<Library[]> {
  const folder = LIBRARY_FOLDER[arch];
  const places = [folder, "/lib64", "/lib", ...ownFolders];
  const find = (name: string, by: string): string => {
    for (const place of places) if (existsSync(join(root, place, name))) return join(root, place, name);
    throw new BatonError("not-found", `${by} needs ${name}, which none of the profile's packages has`);
  };
  const found = new Map<string, Library>();
  const queue = [...programs];
  let interpreter: string | null = null;
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const { needed, interpreter: named } = needs(await readFile(file));
    interpreter ??= named;
    for (const name of needed) {
      if (found.has(name)) continue;
      const source = find(name, file);
      found.set(name, { path: `${folder}/${name}`, source });
      queue.push(source);
    }
  }
  if (interpreter !== null) {
    // Programs name the linker by path; libraries by name.
    const name = interpreter.split("/").pop()!;
    found.set(name, { path: interpreter, source: find(name, programs[0]!) });
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
