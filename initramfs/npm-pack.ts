/** Files out of npm packages that are no dependencies: for another architecture, or too large to install everywhere. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BatonError, describeError } from "../src/errors.ts";

const run = promisify(execFile);

export interface NpmFile {
  readonly package: string;
  readonly version: string;
  /** sha512 of the package's file, in npm's notation. */
  readonly integrity: string;
  /** Within the package: `bin/node`. */
  readonly path: string;
  /** Who says what the integrity should be, for messages: `the board profile`. */
  readonly source: string;
}

/**
 * Fetches a package with `npm pack`, checks it, and unpacks one file.
 * @param folder is emptied first
 * @returns the file's path, in `folder`
 * @throws BatonError "io", "refused" where the package is another one than expected
 */
export async function fetchNpmFile(wanted: NpmFile, folder: string): Promise<string> {
  const name = `${wanted.package}@${wanted.version}`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
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
  if (integrity !== wanted.integrity) {
    throw new BatonError(
      "refused",
      `the npm package ${name} is not the one that ${wanted.source} names: it has ${integrity}, not ${wanted.integrity}`,
    );
  }
  await run("tar", ["-xzf", join(folder, file), "-C", folder, `package/${wanted.path}`]);
  await rm(join(folder, file));
  return join(folder, "package", wanted.path);
}
