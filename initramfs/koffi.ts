/** koffi's binary for the image's architecture, which need not be this machine's. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Architecture } from "./apt.ts";
import { koffiBinary } from "./build.ts";
import { cacheDirectory, projectRoot, say } from "./cache.ts";
import { withLock } from "./lock.ts";
import { fetchNpmFile } from "./npm-pack.ts";

/** The binary that npm installed, else the one of the lock file's package for that architecture, kept in the cache. */
export async function koffiFor(arch: Architecture): Promise<string> {
  const nodeArch = arch === "arm64" ? "arm64" : "x64";
  const installed = koffiBinary(nodeArch);
  if (existsSync(installed)) return installed;
  const name = `@koromix/koffi-linux-${nodeArch}`;
  const lock = JSON.parse(await readFile(join(projectRoot, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  const { version, integrity } = lock.packages[`node_modules/${name}`]!;
  const home = join(cacheDirectory, "koffi");
  const key = createHash("sha256").update(integrity).digest("hex").slice(0, 12);
  const target = join(home, `koffi-linux-${nodeArch}-${version}-${key}.node`);
  if (existsSync(target)) return target;
  await mkdir(home, { recursive: true });
  return withLock(join(home, "lock"), "another process to fetch koffi", async () => {
    if (existsSync(target)) return target;
    say(`fetching koffi ${version} for ${arch} (npm pack ${name}@${version})`);
    const path = `linux_${nodeArch}/koffi.node`;
    const wanted = { package: name, version, integrity, path, source: "package-lock.json" };
    await rename(await fetchNpmFile(wanted, join(home, "fetched")), target);
    return target;
  });
}
