/**
 * A kernel of Baton's own for flash, from Debian's source: everything that Baton needs is built in, the initramfs too, and
 * nothing else. Its objects stay in the cache, so that another initramfs costs a link and no compiling.
 */

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BatonError, describeError } from "../src/errors.ts";
import { TIME } from "./bootable.ts";
import { cacheDirectory, projectRoot, say } from "./cache.ts";
import { debianPackages } from "./debian.ts";
import type { Kernel } from "./kernel.ts";
import { configText, type Demand, parseFragment, unmet } from "./kernel-config.ts";
import type { PackageLock } from "./package-lock.ts";
import type { Profile } from "./profile.ts";

const run = promisify(execFile);

const FRAGMENTS = join(projectRoot, "configs", "kernel");
/** Where the kernel's build looks for the initramfs, from its folder. The ending says that it is compressed already. */
const INITRAMFS = "baton.cpio.zst";
const BZIMAGE = "arch/x86/boot/bzImage";
/** What its build would else take from the clock and from this machine. */
const REPRODUCIBLE = [
  `KBUILD_BUILD_TIMESTAMP=${new Date(TIME * 1000).toUTCString()}`,
  ...["KBUILD_BUILD_USER=baton", "KBUILD_BUILD_HOST=baton", "KBUILD_BUILD_VERSION=1"],
];

/** What unpacks the initramfs, a third of the start, is built for speed; all else for size. */
const FAST = ["huf_decompress", "zstd_decompress", "zstd_decompress_block"].map(
  (name) => `CFLAGS_decompress/${name}.o=-O2`,
);

export interface FlashKernel extends Kernel {
  /** The kernel with an initramfs (zstd) inside: the file that goes into flash. */
  withInitramfs(archive: Uint8Array): Promise<Uint8Array>;
}

/** The names that may be given, beside `base`, which every kernel has. */
export async function kernelConfigs(): Promise<readonly string[]> {
  const names = (await readdir(FRAGMENTS)).map((name) => name.replace(/\.config$/, ""));
  return names.filter((name) => name !== "base").sort();
}

/**
 * Builds the kernel, or takes it from the cache.
 * @param config the fragment beside `base`: `server`
 * @throws BatonError "usage"; "unsupported" with the demands that the kernel's configuration doesn't meet; "io" with make's
 *   last words
 */
export async function flashKernel(profile: Profile, config: string, lock: PackageLock): Promise<FlashKernel> {
  if (profile.arch !== "amd64") {
    throw new BatonError(
      "unsupported",
      `--format flash: the fragments in configs/kernel are for amd64, not ${profile.arch}`,
    );
  }
  const { source, version, versions } = await kernelSource(profile, lock);
  const texts = await Promise.all(
    ["base", config].map(async (name) => {
      const file = join(FRAGMENTS, `${name}.config`);
      return parseFragment(await readFile(file, "utf8"), file, version);
    }),
  );
  const own: Demand[] = [
    { symbol: "CONFIG_CMDLINE_BOOL", value: "y" },
    { symbol: "CONFIG_CMDLINE", value: JSON.stringify(profile.cmdline) },
    { symbol: "CONFIG_INITRAMFS_SOURCE", value: JSON.stringify(INITRAMFS) },
  ];
  const demands = [...texts.flat(), ...own];
  const key = createHash("sha256")
    .update(configText(demands))
    .update(JSON.stringify([versions, FAST]))
    .digest("hex");
  const home = join(cacheDirectory, "flash-kernel", key.slice(0, 20));
  const words = ["-s", "-C", source, `O=${home}`, ...REPRODUCIBLE, ...FAST];
  if (!existsSync(join(home, "done"))) {
    await mkdir(home, { recursive: true });
    await writeFile(join(home, "demands"), configText(demands));
    await make([...words, `KCONFIG_ALLCONFIG=${join(home, "demands")}`, "allnoconfig"]);
    const missing = unmet(demands, await readFile(join(home, ".config"), "utf8"));
    if (missing.length > 0) {
      const list = missing.map(({ symbol, value }) => `${symbol}=${value}`).join(", ");
      throw new BatonError("unsupported", `Linux ${version} does not take from configs/kernel: ${list}`);
    }
    // Of an archive that is no more than its end: the first build has no initramfs yet.
    await writeFile(join(home, INITRAMFS), "");
    say(`building Linux ${version} with configs/kernel/${config}.config (the first time takes about ten minutes)`);
    await make([...words, `-j${availableParallelism()}`, "bzImage"]);
    await writeFile(join(home, "done"), "");
  }
  const { stdout } = await run("make", [...words, "kernelrelease"]);
  return {
    image: join(home, BZIMAGE),
    release: stdout.trim(),
    modules: await builtinModules(home),
    versions,
    withInitramfs: async (archive) => {
      await writeFile(join(home, INITRAMFS), archive);
      await make([...words, `-j${availableParallelism()}`, "bzImage"]);
      return readFile(join(home, BZIMAGE));
    },
  };
}

/** Debian's source of its own kernel, unpacked into the cache; never changed there. */
async function kernelSource({ suite, mirrors }: Profile, lock: PackageLock) {
  const { root, versions } = await debianPackages(["linux-source"], { suite, mirrors, lock });
  const name = Object.keys(versions).find((one) => /^linux-source-\d/.test(one));
  if (name === undefined) throw new BatonError("not-found", `${suite} has no package linux-source-VERSION`);
  const version = versions[name]!.replace(/[-~].*$/, "");
  const source = join(cacheDirectory, "flash-kernel", `${name}_${versions[name]}`);
  if (!existsSync(source)) {
    say(`unpacking ${name} ${versions[name]}`);
    const work = `${source}.${randomBytes(4).toString("hex")}`;
    await mkdir(work, { recursive: true });
    await run("tar", ["-C", work, "--strip-components=1", "-xf", join(root, "usr/src", `${name}.tar.xz`)]);
    await rename(work, source);
  }
  return { source, version, versions: { [name]: versions[name]! } };
}

/** What stands for /lib/modules/RELEASE: the table of what is built in, and no module. */
async function builtinModules(home: string): Promise<string> {
  const folder = join(home, "modules-folder");
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "kernel"), { recursive: true });
  for (const name of ["modules.builtin", "modules.builtin.modinfo"]) {
    if (existsSync(join(home, name))) await writeFile(join(folder, name), await readFile(join(home, name)));
  }
  await writeFile(join(folder, "modules.order"), "");
  return folder;
}

async function make(words: readonly string[]): Promise<void> {
  try {
    await run("make", words, { maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: "C" } });
  } catch (error) {
    const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT") {
      throw new BatonError(
        "not-found",
        "make is not installed; node initramfs/setup.mjs kernel installs what a kernel's build needs",
      );
    }
    const said = stderr.trim().split("\n").slice(-5).join("\n");
    throw new BatonError("io", `the kernel's build failed: ${said || describeError(error)}`, { cause: error });
  }
}
