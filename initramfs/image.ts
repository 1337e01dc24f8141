/**
 * Makes the image in dist/: `tsx initramfs/image.ts [--quiet] [--profile FILE] [--kernel FILE --modules DIR]
 * [--uncompressed FILE]`.
 *
 * What is in it comes from the board profile (configs/pc.yaml unless given); where nothing has changed since the last
 * time, nothing is done.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeError } from "../src/errors.ts";
import { describeEntry, sha256, splitArchive } from "./archive.ts";
import { buildProgram, bundle } from "./build.ts";
import { distDirectory, projectRoot, say } from "./cache.ts";
import { codeCache } from "./code-cache.ts";
import { compress, xz, ZSTD } from "./compress.ts";
import { changingFiles, lastingFiles } from "./contents.ts";
import { debianPackages } from "./debian.ts";
import { appendSections } from "./efi.ts";
import { debianKernel, givenKernel, type Kernel } from "./kernel.ts";
import { withLock } from "./lock.ts";
import { nodeProgram } from "./node-runtime.ts";
import { type Profile, readProfile } from "./profile.ts";

const USAGE =
  "usage: tsx initramfs/image.ts [--quiet] [--profile FILE] [--kernel FILE --modules DIR] [--uncompressed FILE]";

interface Options {
  readonly quiet: boolean;
  readonly profile: string;
  /** Another kernel than the profile's, and its modules. */
  readonly kernel: { readonly image: string; readonly modules: string } | null;
  /** Where to write the bare archive, and nothing else anywhere; null: dist/ is made. */
  readonly uncompressed: string | null;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quiet: { type: "boolean", default: false },
      profile: { type: "string", default: join(projectRoot, "configs", "pc.yaml") },
      kernel: { type: "string" },
      modules: { type: "string" },
      uncompressed: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if ((values.kernel === undefined) !== (values.modules === undefined)) {
    throw new Error(`--kernel and --modules go together\n${USAGE}`);
  }
  const kernel = values.kernel === undefined ? null : { image: values.kernel, modules: values.modules! };
  const uncompressed = values.uncompressed ?? null;
  return { quiet: values.quiet, profile: resolve(values.profile), kernel, uncompressed };
}

/** Files whose change means another image: this program, Baton itself, its packages. */
async function sourceDigest(profile: Profile): Promise<string> {
  const hash = createHash("sha256");
  const add = async (path: string) => hash.update(relative(projectRoot, path)).update(await readFile(path));
  for (const folder of ["src", "initramfs"]) {
    for (const { path } of await filesBelow(join(projectRoot, folder))) await add(path);
  }
  await add(join(projectRoot, "package-lock.json"));
  hash.update(JSON.stringify(profile));
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

/** True where dist/ holds what `stamp` stands for, whole. */
async function isUpToDate(stamp: string): Promise<boolean> {
  try {
    const made = JSON.parse(await readFile(join(distDirectory, ".image-stamp"), "utf8")) as Made;
    if (made.stamp !== stamp) return false;
    for (const [name, size] of Object.entries(made.outputs)) {
      if ((await stat(join(distDirectory, name))).size !== size) return false;
    }
    return true;
  } catch {
    return false;
  }
}

async function makeImage(options: Options): Promise<void> {
  const profile = await readProfile(options.profile);
  const kernel = options.kernel
    ? await givenKernel(options.kernel.image, options.kernel.modules)
    : await debianKernel(profile);
  const packages = await debianPackages(profile.packages, { arch: profile.arch });
  const firmware =
    profile.firmware.length > 0
      ? await debianPackages(profile.firmware, { arch: profile.arch, component: "non-free-firmware" })
      : null;
  const stub = profile.stub && (await debianPackages([profile.stub.package], { arch: profile.arch }));
  const versions = { ...kernel.versions, ...packages.versions, ...firmware?.versions, ...stub?.versions };
  const stamp = sha256(
    JSON.stringify([await sourceDigest(profile), await kernelDigest(kernel), versions, kernel.release]),
  );
  if (options.uncompressed === null && (await isUpToDate(stamp))) {
    if (!options.quiet) say("dist/ is up to date");
    return;
  }

  const node = await nodeProgram(profile.node);
  say("bundling Baton");
  const program = options.uncompressed === null ? await buildProgram() : await bundle();
  const cache = await codeCache({ program, node, libraries: packages.root, arch: profile.arch });
  const from = { profile, kernel, packages: packages.root, firmware: firmware?.root ?? null, node };
  const { tree, modules, firmware: files } = await lastingFiles(from);
  const lasting = tree.entries.length;
  await changingFiles(tree, { program, cache });
  const archive = splitArchive(tree.entries, lasting);
  if (options.uncompressed !== null) {
    await writeFile(options.uncompressed, Buffer.concat([archive.first, archive.second]));
    return;
  }

  const compressors = [ZSTD, xz(profile.arch)] as const;
  say(
    `compressing ${Math.round((archive.first.length + archive.second.length) / 1e6)} MB (the first time takes minutes)`,
  );
  const [zst, xzs] = await Promise.all(
    compressors.map(async (compressor) => {
      const first = await compress(compressor, archive.first, { keep: true });
      return Buffer.concat([first, await compress(compressor, archive.second, { keep: false })]);
    }),
  );
  const vmlinuz = await readFile(kernel.image);
  const outputs: Record<string, Uint8Array> = {
    "initramfs.cpio.zst": zst!,
    "initramfs.cpio.xz": xzs!,
    vmlinuz,
  };
  if (stub && profile.stub) {
    const sections = [
      { name: ".osrel", data: Buffer.from('ID=baton\nNAME=Baton\nPRETTY_NAME="Baton"\n') },
      { name: ".cmdline", data: Buffer.from(`${profile.cmdline}\0`) },
      { name: ".uname", data: Buffer.from(`${kernel.release}\0`) },
      { name: ".initrd", data: zst! },
      { name: ".linux", data: vmlinuz },
    ];
    outputs["baton.efi"] = appendSections(await readFile(join(stub.root, profile.stub.file)), sections);
  }
  outputs["image.json"] = Buffer.from(
    `${JSON.stringify(
      {
        profile: profile.name,
        arch: profile.arch,
        kernel: kernel.release,
        node: { version: profile.node.version, package: profile.node.package, integrity: profile.node.integrity },
        packages: versions,
        modules: { included: modules.modules, builtin: modules.builtin, missing: modules.missing },
        firmware: files,
        totals: {
          files: tree.entries.length,
          raw: archive.first.length + archive.second.length,
          zst: zst!.length,
          xz: xzs!.length,
          withKernelZst: vmlinuz.length + zst!.length,
          withKernelXz: vmlinuz.length + xzs!.length,
        },
        outputs: Object.fromEntries(
          Object.entries(outputs).map(([name, data]) => [name, { size: data.length, sha256: sha256(data) }]),
        ),
        files: tree.entries.map(describeEntry),
      },
      null,
      1,
    )}\n`,
  );
  await mkdir(distDirectory, { recursive: true });
  // Of another profile, with another kernel.
  if (!("baton.efi" in outputs)) await rm(join(distDirectory, "baton.efi"), { force: true });
  for (const [name, data] of Object.entries(outputs)) {
    await writeFile(join(distDirectory, `${name}.new`), data);
    await rename(join(distDirectory, `${name}.new`), join(distDirectory, name));
  }
  const sizes = Object.fromEntries(Object.entries(outputs).map(([name, data]) => [name, data.length]));
  await writeFile(join(distDirectory, ".image-stamp"), JSON.stringify({ stamp, outputs: sizes } satisfies Made));
  const megabytes = (size: number) => `${(size / 1e6).toFixed(1)} MB`;
  say(
    `dist/: ${tree.entries.length} files, ${megabytes(archive.first.length + archive.second.length)} raw, ` +
      `${megabytes(zst!.length)} zstd, ${megabytes(xzs!.length)} xz, ${megabytes(vmlinuz.length)} kernel`,
  );
}

try {
  const options = readOptions();
  // Tests of several people may want the image at the same time.
  await withLock(join(projectRoot, ".cache", "image.lock"), "another process to make the image", () =>
    makeImage(options),
  );
} catch (error) {
  console.error(`image: ${describeError(error)}`);
  if (process.env.BATON_DEBUG) console.error(error);
  process.exitCode = 1;
}
