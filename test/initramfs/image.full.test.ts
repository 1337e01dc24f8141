/** The real image, made from nothing in two places: it must not depend on where or when. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { cacheDirectory, projectRoot } from "../../initramfs/cache.ts";
import { debianPackages } from "../../initramfs/debian.ts";
import { readProfile } from "../../initramfs/profile.ts";

const run = promisify(execFile);
await mkdir(cacheDirectory, { recursive: true });
const directory = await mkdtemp(join(cacheDirectory, "reproducible-"));
after(() => rm(directory, { recursive: true, force: true }));

/** Makes the archive in a copy of the checkout that shares nothing with this one but Debian's packages. */
async function makeArchive(home: string): Promise<string> {
  await mkdir(join(home, ".cache"), { recursive: true });
  for (const name of ["src", "initramfs", "configs", "package.json", "package-lock.json", "tsconfig.json"]) {
    await cp(join(projectRoot, name), join(home, name), { recursive: true });
  }
  // Linked, since there are many, and none is written to.
  await run("cp", ["-alH", join(projectRoot, "node_modules"), home]);
  await run("cp", ["-al", join(cacheDirectory, "debian"), join(home, ".cache")]);
  const archive = join(home, "archive.cpio");
  const tsx = join(home, "node_modules", "tsx", "dist", "cli.mjs");
  await run(process.execPath, [tsx, join(home, "initramfs", "image.ts"), "--uncompressed", archive], { cwd: home });
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(archive)) hash.update(chunk);
  return hash.digest("hex");
}

test("the image's archive, made from scratch in two places, is the same to the byte", async () => {
  const profile = await readProfile(join(projectRoot, "configs", "pc.yaml"));
  const { suite, arch } = profile;
  await debianPackages([profile.kernelPackage], { suite, arch });
  await debianPackages(profile.packages, { suite, arch });
  const one = await makeArchive(join(directory, "one"));
  const other = await makeArchive(join(directory, "other", "and deeper"));
  assert.equal(one, other);
});
