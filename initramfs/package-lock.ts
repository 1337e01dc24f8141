/** What an image was made from: each Debian package's version and sha256, so that another day gives the same image. */

import { readFile, writeFile } from "node:fs/promises";
import { BatonError, describeError } from "../src/errors.ts";
import { say } from "./cache.ts";
import type { PackageRecord } from "./package-index.ts";

/** Which package it is, to the byte. */
export interface Pin {
  readonly version: string;
  readonly sha256: string;
}

export const pinOf = ({ version, sha256 }: PackageRecord): Pin => ({ version, sha256 });

/** The lock file of a profile and a suite. Packages are named as dpkg does: `libc6:amd64`. */
export class PackageLock {
  readonly path: string;
  /** Whether all must be as the file says. */
  readonly isStrict: boolean;
  readonly #before: ReadonlyMap<string, Pin>;
  readonly #now = new Map<string, Pin>();

  private constructor(path: string, isStrict: boolean, before: ReadonlyMap<string, Pin>) {
    this.path = path;
    this.isStrict = isStrict;
    this.#before = before;
  }

  /** @throws BatonError "not-found", "bad-format": without the file nothing can be demanded of it */
  static async read(path: string, { isStrict }: { readonly isStrict: boolean }): Promise<PackageLock> {
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT" && !isStrict)
        return new PackageLock(path, false, new Map());
      throw new BatonError("not-found", `the lock file ${path} can't be read: ${describeError(error)}`);
    }
    return new PackageLock(path, isStrict, parseLock(text, path));
  }

  /** The version that the file names; undefined where it doesn't name the package. */
  version(arch: string, name: string): string | undefined {
    return this.#before.get(`${name}:${arch}`)?.version;
  }

  /** All that it names for an architecture, by package. */
  versions(arch: string): ReadonlyMap<string, string> {
    const own = [...this.#before].filter(([key]) => key.endsWith(`:${arch}`));
    return new Map(own.map(([key, pin]) => [key.slice(0, -arch.length - 1), pin.version]));
  }

  /**
   * Compares what is about to be taken with what the file says; a version that is gone is warned of.
   * @throws BatonError "refused" where all must be as the file says and isn't, or a version has other content than it had
   */
  check(arch: string, packages: readonly (Pin & { readonly name: string })[]): void {
    const differing: string[] = [];
    for (const { name, version, sha256 } of packages) {
      const before = this.#before.get(`${name}:${arch}`);
      if (before?.version === version && before.sha256 !== sha256) {
        throw new BatonError(
          "refused",
          `${name} ${version} is not the package that ${this.path} names: it has sha256 ${sha256}, not ${before.sha256}`,
        );
      }
      if (before && before.version !== version) differing.push(`${name} ${before.version} (now ${version})`);
      if (!before && this.isStrict) differing.push(`${name} ${version} (not in the file)`);
    }
    if (differing.length === 0) return;
    const what = `not as ${this.path} says, since the archive has no such version: ${differing.join(", ")}`;
    if (this.isStrict) throw new BatonError("refused", what);
    say(`warning: ${what}`);
  }

  /** Keeps in mind what was taken. */
  take(arch: string, packages: readonly (Pin & { readonly name: string })[]): void {
    for (const { name, version, sha256 } of packages) this.#now.set(`${name}:${arch}`, { version, sha256 });
  }

  /** Writes what was taken, beside what the file has for other images of the profile; unless all was demanded to be so. */
  async write(): Promise<void> {
    if (this.isStrict) return;
    const text = formatLock(new Map([...this.#before, ...this.#now]));
    if (text !== (await readFile(this.path, "utf8").catch(() => ""))) await writeFile(this.path, text);
  }
}

function formatLock(pins: ReadonlyMap<string, Pin>): string {
  const sorted = [...pins].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify({ packages: Object.fromEntries(sorted) }, null, 1)}\n`;
}

function parseLock(text: string, path: string): Map<string, Pin> {
  try {
    const { packages } = JSON.parse(text) as { packages: Record<string, Partial<Pin>> };
    return new Map(
      Object.entries(packages).map(([name, { version, sha256 }]) => {
        if (typeof version !== "string" || typeof sha256 !== "string")
          throw new Error(`${name} has no version and sha256`);
        return [name, { version, sha256 }];
      }),
    );
  } catch (error) {
    throw new BatonError("bad-format", `${path} is no lock file: ${describeError(error)}`, { cause: error });
  }
}
