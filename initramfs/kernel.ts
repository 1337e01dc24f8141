/** The kernel that an image is made for, and its modules: Debian's, or one that is given. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import { BatonError, describeError } from "../src/errors.ts";
import { cacheDirectory } from "./cache.ts";
import { type DebianTree, debianPackages } from "./debian.ts";
import { type ModuleTables, parseTables } from "./kernel-modules.ts";
import type { PackageLock } from "./package-lock.ts";
import type { Profile } from "./profile.ts";

const run = promisify(execFile);

export interface Kernel {
  /** Path of the image, as a boot loader would load it. */
  readonly image: string;
  /** `uname -r`. */
  readonly release: string;
  /** The directory that is /lib/modules/RELEASE. */
  readonly modules: string;
  /** The packages it came from; null where it was given, and may change at any time. */
  readonly versions: DebianTree["versions"] | null;
}

/** The profile's kernel from its Debian package, or packages: newer ones have the image beside their modules. */
export async function debianKernel(profile: Profile, lock?: PackageLock): Promise<Kernel> {
  const { suite, arch, mirrors } = profile;
  const { root, versions } = await debianPackages([profile.kernelPackage], { suite, arch, mirrors, lock });
  const modules = join(root, "usr", "lib", "modules");
  const releases = await readdir(modules).catch(() => []);
  const found = releases.flatMap((release) => {
    const images = [join(root, "boot", `vmlinuz-${release}`), join(modules, release, "vmlinuz")];
    const image = images.find((path) => existsSync(path));
    return image === undefined ? [] : [{ image, release, modules: join(modules, release), versions }];
  });
  if (found.length !== 1) {
    const names = Object.keys(versions).join(", ");
    throw new BatonError(
      "not-found",
      `the package ${profile.kernelPackage} (${names}) has ${found.length} kernels, not one`,
    );
  }
  return found[0]!;
}

/**
 * A kernel of the user's own.
 * @param modules its /lib/modules/RELEASE, or a directory that has this at lib/modules/RELEASE; the release is its name
 */
export async function givenKernel(image: string, modules: string): Promise<Kernel> {
  if (!existsSync(image)) throw new BatonError("not-found", `--kernel ${image}: there is no such file`);
  let folder = resolve(modules);
  const above = join(folder, "lib", "modules");
  if (existsSync(above)) {
    const releases = await readdir(above);
    if (releases.length !== 1) {
      throw new BatonError(
        "usage",
        `--modules ${modules}: lib/modules has ${releases.length} kernels; name one of them`,
      );
    }
    folder = join(above, releases[0]!);
  }
  if (!existsSync(join(folder, "kernel"))) {
    throw new BatonError("not-found", `--modules ${modules}: neither kernel/ nor lib/modules/RELEASE/kernel is in it`);
  }
  return { image: resolve(image), release: basename(folder), modules: folder, versions: null };
}

/** depmod's tables for a kernel's modules; Debian's packages come without them. */
export async function moduleTables(kernel: Kernel): Promise<ModuleTables> {
  const key = createHash("sha256").update(kernel.modules).update(JSON.stringify(kernel.versions)).digest("hex");
  const base = join(cacheDirectory, "depmod", key.slice(0, 20));
  const tables = join(base, "usr", "lib", "modules", kernel.release);
  // Debian's are made once; a directory that was given may have changed since.
  if (kernel.versions === null) await rm(base, { recursive: true, force: true });
  if (!existsSync(join(base, "done"))) {
    await rm(base, { recursive: true, force: true });
    await mkdir(tables, { recursive: true });
    // Where depmod looks depends on its version.
    await symlink("usr/lib", join(base, "lib"));
    // depmod writes beside what it reads, which isn't ours to change.
    for (const name of ["kernel", "updates", "extra", "modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
      if (existsSync(join(kernel.modules, name))) await symlink(join(kernel.modules, name), join(tables, name));
    }
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    await run("depmod", ["-b", base, kernel.release], { env }).catch((error) => {
      throw new BatonError("io", `depmod for ${kernel.modules} failed: ${describeError(error)}`, { cause: error });
    });
    await writeFile(join(base, "done"), "");
  }
  const text = (name: string) => readFile(join(tables, name), "utf8");
  return parseTables({
    dep: await text("modules.dep"),
    alias: await text("modules.alias"),
    softdep: await text("modules.softdep"),
    builtin: await text("modules.builtin").catch(() => ""),
  });
}

/** A module's bytes as the kernel loads them: compressed ones are unpacked, since busybox's modprobe can't. */
export async function readModule(kernel: Kernel, path: string): Promise<Uint8Array> {
  const file = join(kernel.modules, path);
  const unpack = { ".xz": "xz", ".zst": "zstd", ".gz": "gzip" }[/\.(xz|zst|gz)$/.exec(path)?.[0] ?? ""];
  if (unpack === undefined) return readFile(file);
  const { stdout } = await run(unpack, ["-dc", file], { encoding: "buffer", maxBuffer: 1 << 28 });
  return stdout;
}
