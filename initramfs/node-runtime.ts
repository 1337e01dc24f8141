/** The Node that ships: fetched as an npm package into the cache, checked, and made small. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BatonError, describeError } from "../src/errors.ts";
import { cacheDirectory, say } from "./cache.ts";
import { stripProgram } from "./elf.ts";
import { reduceIcu } from "./icu.ts";
import { withLock } from "./lock.ts";
import type { NodeSource } from "./profile.ts";

const run = promisify(execFile);

/** Counted up when the steps below change, so that programs made by the old ones are not used. */
const RECIPE = 1;

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
    const original = await fetchNode(source, home);
    say(`reducing Node ${source.version}`);
    const reduced = stripProgram(reduceIcu(await readFile(original)));
    await writeFile(`${target}.new`, reduced);
    await chmod(`${target}.new`, 0o755);
    await rename(`${target}.new`, target);
    await rm(original);
    return target;
  });
}

/** Fetches the package with `npm pack`, checks it, and unpacks its program. */
async function fetchNode(source: NodeSource, home: string): Promise<string> {
  const name = `${source.package}@${source.version}`;
  const folder = join(home, "fetched");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  say(`fetching Node ${source.version} (npm pack ${name})`);
  try {
    // --force: npm refuses a package for another architecture otherwise.
    await run("npm", ["pack", name, "--force", "--silent", "--pack-destination", folder], { maxBuffer: 1 << 24 });
  } catch (error) {
    throw new BatonError("io", `npm pack ${name} failed: ${describeError(error)}`, { cause: error });
  }
  const [file] = (await readdir(folder)).filter((one) => one.endsWith(".tgz"));
  if (file === undefined) throw new BatonError("io", `npm pack ${name} left no package`);
  const packed = await readFile(join(folder, file));
  const integrity = `sha512-${createHash("sha512").update(packed).digest("base64")}`;
  if (integrity !== source.integrity) {
    throw new BatonError(
      "refused",
      `the npm package ${name} is not the one that the board profile names: it has ${integrity}, not ${source.integrity}`,
    );
  }
  await run("tar", ["-xzf", join(folder, file), "-C", folder, "package/bin/node"]);
  await rm(join(folder, file));
  return join(folder, "package", "bin", "node");
}
