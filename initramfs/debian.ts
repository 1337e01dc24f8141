/**
 * Debian packages, fetched and unpacked into .cache/debian without root and without touching the host's own packages.
 *
 * The host gives three things only: where its Debian mirror is, the archive's keys, and its apt's network settings
 * (proxies). Everything else (state, indexes, downloads) lives in the cache, so what comes out depends on the archive
 * and not on the machine. A package once unpacked is used again; where nothing is missing, nothing is fetched.
 */

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BatonError, describeError } from "../src/errors.ts";
import { Apt, type Architecture, type Archive } from "./apt.ts";
import { say } from "./cache.ts";
import { hostSuite } from "./debian-sources.ts";
import { withLock } from "./lock.ts";
import { neededPackages } from "./package-index.ts";
import { type PackageLock, type Pin, pinOf } from "./package-lock.ts";
import { mergedTree, mergeUsr } from "./usrmerge.ts";

const run = promisify(execFile);

/** What this machine's own programs are built for. */
export const HOST_ARCHITECTURE: Architecture = process.arch === "arm64" ? "arm64" : "amd64";

/** Packages unpacked over one another, as in a root directory. Read only: its files are shared with other trees. */
export interface DebianTree {
  /** The directory that stands for `/`; as on Debian since 12, /bin, /sbin, /lib and /lib64 are links into /usr. */
  readonly root: string;
  /** Version of each package, those that others brought in included. */
  readonly versions: Readonly<Record<string, string>>;
}

/** A package as it was taken; the notes of last time have these. */
interface Download extends Pin {
  readonly name: string;
}

/**
 * Fetches and unpacks the named packages, and what {@link neededPackages} says that they need.
 *
 * @param options.suite the host's own unless given, for programs that run here
 * @param options.lock what was taken before; it is told what is taken now
 * @throws BatonError "not-found" for a name that the archive does not have, "io" where the mirror cannot be reached,
 *   "refused" where the lock says otherwise
 */
export async function debianPackages(
  names: readonly string[],
  options: Partial<Archive> & { readonly lock?: PackageLock | undefined } = {},
): Promise<DebianTree> {
  const { arch = "amd64", component = "main", mirrors = [], lock } = options;
  const apt = new Apt({ suite: options.suite ?? (await hostSuite()), arch, component, mirrors });
  await mkdir(apt.home, { recursive: true });
  return withLock(join(apt.home, "lock"), "another process to finish fetching Debian packages", async () => {
    const downloads = await resolve(apt, [...new Set(names)].sort(), lock);
    const versions: Record<string, string> = {};
    for (const { name, version } of downloads) versions[name] = version;
    lock?.take(arch, downloads);
    return { root: await joinTrees(apt, downloads), versions };
  });
}

/** Names → versions and unpacked directories, from a note of last time where the index is still the same. */
async function resolve(apt: Apt, names: readonly string[], lock: PackageLock | undefined): Promise<Download[]> {
  const note = join(apt.home, "resolved", `${digest(names.join(" "))}.json`);
  if (apt.isIndexed) {
    try {
      const known = JSON.parse(await readFile(note, "utf8")) as Download[];
      const isStill = (one: Download) =>
        existsSync(unpackedPath(apt, one)) &&
        (lock?.version(apt.archive.arch, one.name) ?? one.version) === one.version;
      if (known.every(isStill)) {
        lock?.check(apt.archive.arch, known);
        return known;
      }
    } catch (error) {
      // No note, or a broken one: find out anew.
      if (error instanceof BatonError) throw error;
    }
  }
  await apt.update();
  let downloads: Download[];
  try {
    downloads = await fetchAll(apt, names, lock);
  } catch (error) {
    if (error instanceof BatonError && error.code !== "io") throw error;
    // An index of some days ago names files that the mirror has replaced since.
    say(`${describeError(error).slice(0, 300)}`);
    await apt.forgetIndex();
    await apt.update();
    downloads = await fetchAll(apt, names, lock);
  }
  await mkdir(join(apt.home, "resolved"), { recursive: true });
  await writeFile(note, JSON.stringify(downloads, null, 1));
  return downloads;
}

async function fetchAll(apt: Apt, names: readonly string[], lock: PackageLock | undefined): Promise<Download[]> {
  const { arch } = apt.archive;
  const records = await neededPackages(names, (some) => apt.records(some, lock?.versions(arch) ?? new Map()));
  const downloads = records.map((record) => ({ name: record.name, ...pinOf(record) }));
  // Before anything is fetched that may not be used.
  lock?.check(arch, downloads);
  for (const download of downloads) await fetchAndUnpack(apt, download);
  return downloads;
}

function unpackedPath(apt: Apt, { name, version }: Download): string {
  return join(apt.home, "unpacked", `${name}_${version.replace(/:/g, "%3a")}`);
}

async function fetchAndUnpack(apt: Apt, download: Download): Promise<void> {
  const target = unpackedPath(apt, download);
  if (existsSync(target)) return;
  const { name, version } = download;
  say(`fetching ${name} ${version} (${apt.archive.suite}, ${apt.archive.arch})`);
  const work = `${target}.${randomBytes(4).toString("hex")}`;
  await mkdir(join(work, "deb"), { recursive: true });
  try {
    // apt checks the file against the signed index.
    await apt.call("apt-get", ["download", `${name}=${version}`], join(work, "deb"));
    const [deb] = await readdir(join(work, "deb"));
    if (deb === undefined) throw new BatonError("io", `apt-get download ${name}=${version} left no file`);
    await run("dpkg-deb", ["-x", join(work, "deb", deb), join(work, "tree")]);
    await mergeUsr(join(work, "tree"));
    await rename(join(work, "tree"), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** One directory with all packages' files, hard-linked. */
async function joinTrees(apt: Apt, downloads: readonly Download[]): Promise<string> {
  const parts = downloads.map((one) => unpackedPath(apt, one)).sort();
  const target = join(apt.home, "trees", digest(parts.join("\n")));
  if (existsSync(target)) return target;
  const work = `${target}.${randomBytes(4).toString("hex")}`;
  await mergedTree(parts, work);
  await rename(work, target);
  return target;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 20);
}
