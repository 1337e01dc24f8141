/**
 * Makes the image, in dist/ unless told otherwise: `npm run image -- --help`.
 *
 * What is in it comes from the board profile (configs/pc.yaml unless given); where nothing has changed since the last
 * time, nothing is done.
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { BatonError, describeError } from "../src/errors.ts";
import { describeEntry, sha256, splitArchive } from "./archive.ts";
import { buildProgram, bundle } from "./build.ts";
import { cacheDirectory, distDirectory, projectRoot, say } from "./cache.ts";
import { checkImage } from "./check.ts";
import { codeCache } from "./code-cache.ts";
import { compress, xz, ZSTD } from "./compress.ts";
import { changingFiles, lastingFiles } from "./contents.ts";
import { debianPackages } from "./debian.ts";
import { diskImage } from "./disk-image.ts";
import { unifiedKernelImage } from "./efi.ts";
import { flashKernel } from "./flash-kernel.ts";
import { isoImage } from "./iso-image.ts";
import { debianKernel, givenKernel, type Kernel } from "./kernel.ts";
import { withLock } from "./lock.ts";
import { nodeProgram } from "./node-runtime.ts";
import { FORMATS, type Format, type Options, readOptions, usage } from "./options.ts";
import { PackageLock } from "./package-lock.ts";
import { type Profile, readProfile } from "./profile.ts";
import { describeSigner, signProgram } from "./signer.ts";

/** Files whose change means another image: this program, Baton itself, its packages, and what was asked for. */
async function sourceDigest(profile: Profile, { formats, added, signer }: Options): Promise<string> {
  const hash = createHash("sha256");
  const add = async (path: string) => hash.update(relative(projectRoot, path)).update(await readFile(path));
  for (const folder of ["src", "initramfs"]) {
    for (const { path } of await filesBelow(join(projectRoot, folder))) await add(path);
  }
  await add(join(projectRoot, "package-lock.json"));
  const files = added.map(({ path, mode, data }) => [path, mode, sha256(data)]);
  hash.update(JSON.stringify([profile, formats, files, signer && describeSigner(signer)]));
  return hash.digest("hex");
}

/** The files in a folder and its folders, sorted. */
async function filesBelow(folder: string): Promise<{ path: string; size: number; mtimeMs: number }[]> {
  const found = [];
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    const status = await stat(path);
    if (status.isFile()) found.push({ path, size: status.size, mtimeMs: status.mtimeMs });
  }
  return found;
}

/** What of a kernel is looked at to see whether it is still the same. */
async function kernelDigest(kernel: Kernel): Promise<string> {
  if (kernel.versions !== null) return JSON.stringify(kernel.versions);
  const { mtimeMs, size } = await stat(kernel.image);
  return JSON.stringify([kernel.image, mtimeMs, size, await filesBelow(join(kernel.modules, "kernel"))]);
}

interface Made {
  readonly stamp: string;
  readonly outputs: Record<string, number>;
}

/** True where the output holds what `stamp` stands for, whole. */
async function isUpToDate(output: string, stamp: string): Promise<boolean> {
  try {
    const made = JSON.parse(await readFile(join(output, ".image-stamp"), "utf8")) as Made;
    if (made.stamp !== stamp) return false;
    for (const [name, size] of Object.entries(made.outputs)) {
      if ((await stat(join(output, name))).size !== size) return false;
    }
    return true;
  } catch {
    return false;
  }
}

async function profileOf(options: Options): Promise<Profile> {
  const profile = await readProfile(options.profile, options.features);
  return {
    ...profile,
    ...(options.suite === null ? {} : { suite: options.suite }),
    ...(options.cmdline === null ? {} : { cmdline: options.cmdline }),
  };
}

async function makeImage(options: Options, profile: Profile): Promise<void> {
  const { output, formats } = options;
  const { suite, arch, mirrors } = profile;
  if (options.signer && (!profile.stub || formats.every((format) => format === "initramfs"))) {
    throw new BatonError("usage", "--sign: of these formats, and with this profile, nothing is an EFI program");
  }
  // Beside the profile, so that it can be kept together with it.
  const lockFile = `${options.profile.replace(/\.ya?ml$/, "")}.${suite}.lock.json`;
  const lock = await PackageLock.read(lockFile, { isStrict: options.locked });
  const archive = { suite, arch, mirrors, lock };
  const flash = formats.includes("flash") ? await flashKernel(profile, options.kernelConfig, lock) : null;
  const kernel = flash
    ? flash
    : options.kernel
      ? await givenKernel(options.kernel.image, options.kernel.modules)
      : await debianKernel(profile, lock);
  const packages = await debianPackages(profile.packages, archive);
  const firmware =
    profile.firmware.length > 0
      ? await debianPackages(profile.firmware, { ...archive, component: "non-free-firmware" })
      : null;
  const stub = profile.stub && (await debianPackages([profile.stub.package], archive));
  const versions = { ...kernel.versions, ...packages.versions, ...firmware?.versions, ...stub?.versions };
  const stamp = sha256(
    JSON.stringify([
      ...[await sourceDigest(profile, options), await kernelDigest(kernel), versions, kernel.release],
      // Its folder is named by the fragments.
      flash && [flash.modules, options.mostBytes],
    ]),
  );
  if (options.uncompressed === null && existsSync(lock.path) && (await isUpToDate(output, stamp))) {
    if (!options.quiet) say(`${shown(output)} is up to date`);
    return;
  }

  const node = await nodeProgram(profile.node);
  say("bundling Baton");
  const program = output === distDirectory && options.uncompressed === null ? await buildProgram() : await bundle();
  const cache = await codeCache({ program, node, libraries: packages.root, arch });
  const tools = { suite, mirrors, lock };
  const from = { profile, kernel, packages: packages.root, firmware: firmware?.root ?? null, node, tools };
  const { tree, modules, firmware: files } = await lastingFiles(from);
  const lasting = tree.entries.length;
  await changingFiles(tree, { program, cache, added: options.added });
  const parts = splitArchive(tree.entries, lasting);
  const raw = parts.first.length + parts.second.length;
  if (options.uncompressed !== null) {
    await writeFile(options.uncompressed, Buffer.concat([parts.first, parts.second]));
    return;
  }

  const isMade = (format: Format) => formats.includes(format);
  say(`compressing ${megabytes(raw)} (the first time takes minutes)`);
  const pack = async (compressor: typeof ZSTD) => {
    const first = await compress(compressor, parts.first, { keep: true });
    return Buffer.concat([first, await compress(compressor, parts.second, { keep: false })]);
  };
  const [zst, xzs] = await Promise.all([pack(ZSTD), isMade("initramfs") ? pack(xz(arch)) : null]);
  const vmlinuz = await readFile(kernel.image);
  const outputs = new Map<string, Uint8Array>();
  if (flash) {
    const built = await flash.withInitramfs(zst);
    if (options.mostBytes !== null && built.length > options.mostBytes) {
      const [size, most] = [built.length, options.mostBytes].map((bytes) => (bytes / 1024 / 1024).toFixed(2));
      throw new BatonError("too-large", `baton-flash.bzImage has ${size} MiB and does not fit into ${most} MiB`);
    }
    outputs.set("baton-flash.bzImage", built);
  }
  if (xzs) outputs.set("initramfs.cpio.zst", zst).set("initramfs.cpio.xz", xzs).set("vmlinuz", vmlinuz);
  let efi: Uint8Array | null = null;
  if (stub && profile.stub && formats.some((format) => format !== "initramfs" && format !== "flash")) {
    const stubFile = await readFile(join(stub.root, profile.stub.file));
    const { release } = kernel;
    efi = unifiedKernelImage(stubFile, { kernel: vmlinuz, release, initrd: zst, cmdline: profile.cmdline });
    if (options.signer) efi = await signProgram(efi, options.signer, tools);
    if (isMade("efi")) outputs.set("baton.efi", efi);
  }
  const bootable = { arch, cmdline: profile.cmdline, kernel: vmlinuz, initrd: zst, efi, tools };
  if (isMade("disk")) outputs.set("baton.img", await diskImage(bootable));
  if (isMade("iso")) outputs.set("baton.iso", await isoImage(bootable));
  const description = {
    profile: profile.name,
    suite,
    arch,
    kernel: kernel.release,
    cmdline: profile.cmdline,
    node: { version: profile.node.version, package: profile.node.package, integrity: profile.node.integrity },
    packages: versions,
    ...(efi && options.signer ? { signedBy: describeSigner(options.signer) } : {}),
    modules: { included: modules.modules, builtin: modules.builtin, missing: modules.missing },
    firmware: files,
    totals: {
      files: tree.entries.length,
      raw,
      zst: zst.length,
      ...(xzs ? { xz: xzs.length, withKernelXz: vmlinuz.length + xzs.length } : {}),
      withKernelZst: vmlinuz.length + zst.length,
    },
    outputs: Object.fromEntries(
      [...outputs].map(([name, data]) => [name, { size: data.length, sha256: sha256(data) }]),
    ),
    files: tree.entries.map(describeEntry),
  };
  outputs.set("image.json", Buffer.from(`${JSON.stringify(description, null, 1)}\n`));
  await writeOutputs(output, outputs, stamp);
  await lock.write();
  const sizes = [...outputs].map(([name, data]) => `${name} ${megabytes(data.length)}`);
  say(`${shown(output)}: ${tree.entries.length} files, ${megabytes(raw)} raw; ${sizes.join(", ")}`);
}

async function writeOutputs(output: string, outputs: ReadonlyMap<string, Uint8Array>, stamp: string): Promise<void> {
  await mkdir(output, { recursive: true });
  // Of another profile, with another kernel.
  for (const name of Object.values(FORMATS).flat()) {
    if (!outputs.has(name)) await rm(join(output, name), { force: true });
  }
  for (const [name, data] of outputs) {
    await writeFile(join(output, `${name}.new`), data);
    await rename(join(output, `${name}.new`), join(output, name));
  }
  const sizes = Object.fromEntries([...outputs].map(([name, data]) => [name, data.length]));
  await writeFile(join(output, ".image-stamp"), JSON.stringify({ stamp, outputs: sizes } satisfies Made));
}

const megabytes = (size: number): string => `${(size / 1e6).toFixed(1)} MB`;

function shown(output: string): string {
  return output === distDirectory ? "dist/" : output;
}

try {
  const options = await readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(usage());
  else {
    const profile = await profileOf(options);
    // Tests of several people may want the image at the same time.
    await withLock(join(cacheDirectory, "image.lock"), "another process to make the image", () =>
      makeImage(options, profile),
    );
    if (options.check) await checkImage(options.output, options.formats, profile);
  }
} catch (error) {
  console.error(`image: ${describeError(error)}`);
  if (error instanceof BatonError && error.code === "usage") console.error(usage());
  if (process.env.BATON_DEBUG) console.error(error);
  process.exitCode = error instanceof BatonError && error.code === "usage" ? 2 : 1;
}
