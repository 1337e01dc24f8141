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
import { cacheDirectory, say } from "./cache.ts";
import { debianSources } from "./debian-sources.ts";
import { withLock } from "./lock.ts";

const run = promisify(execFile);

/** Debian's name of an architecture. */
export type Architecture = "amd64" | "arm64";

/** What of Debian's archive: its own programs, or firmware that is not free. */
export type Component = "main" | "non-free-firmware";

/** Packages unpacked over one another, as in a root directory. Read only: its files are shared with other trees. */
export interface DebianTree {
  /** The directory that stands for `/`. */
  readonly root: string;
  /** Version of each package, those that a meta-package brought in included. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Packages that hold nothing but a dependency on the newest of their kind: followed, one step at a time. */
const META_PACKAGES = /^linux-(image|headers)-(amd64|arm64|cloud-amd64|cloud-arm64|rt-amd64)$/;

interface Download {
  readonly name: string;
  readonly version: string;
  readonly file: string;
}

/**
 * Fetches and unpacks exactly the named packages (dependencies are not followed, but a meta-package such as
 * `linux-image-amd64` leads to the package that it stands for).
 *
 * @throws BatonError "not-found" for a name that the archive does not have, "io" where the mirror cannot be reached.
 */
export async function debianPackages(
  names: readonly string[],
  options: { arch?: Architecture; component?: Component } = {},
): Promise<DebianTree> {
  const apt = new Apt(options.arch ?? "amd64", options.component);
  await mkdir(apt.home, { recursive: true });
  return withLock(join(apt.home, "lock"), "another process to finish fetching Debian packages", async () => {
    const downloads = await resolve(apt, [...new Set(names)].sort());
    const versions: Record<string, string> = {};
    for (const { name, version } of downloads) versions[name] = version;
    return { root: await joinTrees(apt, downloads), versions };
  });
}

/** Forgets which versions are current: the next {@link debianPackages} asks the archive again. */
export async function refreshDebianIndex(arch: Architecture = "amd64"): Promise<void> {
  const apt = new Apt(arch);
  await rm(apt.stamp, { force: true });
  await rm(join(apt.home, "resolved"), { recursive: true, force: true });
}

/** apt-get and apt-cache for one architecture with everything but the mirror's address in the cache. */
class Apt {
  readonly arch: Architecture;
  readonly component: Component;
  readonly home: string;
  /** Exists once the indexes were fetched. */
  readonly stamp: string;

  constructor(arch: Architecture, component: Component = "main") {
    this.arch = arch;
    this.component = component;
    this.home = join(cacheDirectory, "debian", component === "main" ? arch : `${arch}-${component}`);
    this.stamp = join(this.home, "indexed");
  }

  /** Writes apt's configuration, once per process start of work (the host's proxies may have changed). */
  async configure(): Promise<void> {
    const path = (name: string) => join(this.home, "apt", name);
    for (const name of ["lists/partial", "archives/partial", "empty", "state"]) {
      await mkdir(path(name), { recursive: true });
    }
    // Of the host's own configuration only how to reach the network is taken: no hooks, no index targets.
    const host = await run("apt-config", ["dump"], { maxBuffer: 1 << 24 });
    const network = host.stdout
      .split("\n")
      .filter((line) => /^Acquire::(?!IndexTargets|Languages|GzipIndexes)/.test(line))
      .join("\n");
    await writeFile(path("status"), "");
    await writeFile(path("sources.list"), await debianSources("/etc", this.component));
    await writeFile(
      path("apt.conf"),
      [
        network,
        `APT::Architecture "${this.arch}";`,
        `APT::Architectures { "${this.arch}"; };`,
        // Downloads go to the cache of whoever runs this; root's apt would try to hand them to the user _apt.
        'APT::Sandbox::User "root";',
        'Acquire::Languages "none";',
        'Acquire::Retries "3";',
        `Dir::State "${path("state")}";`,
        `Dir::State::lists "${path("lists")}";`,
        `Dir::State::status "${path("status")}";`,
        `Dir::Cache "${path("")}";`,
        `Dir::Cache::archives "${path("archives")}";`,
        `Dir::Etc::sourcelist "${path("sources.list")}";`,
        `Dir::Etc::sourceparts "${path("empty")}";`,
        `Dir::Etc::main "${path("empty/none")}";`,
        `Dir::Etc::parts "${path("empty")}";`,
        `Dir::Etc::preferences "${path("empty/none")}";`,
        `Dir::Etc::preferencesparts "${path("empty")}";`,
        "",
      ].join("\n"),
    );
  }

  async call(program: "apt-get" | "apt-cache", args: readonly string[], cwd = this.home): Promise<string> {
    try {
      const env = { ...process.env, LC_ALL: "C", APT_CONFIG: join(this.home, "apt", "apt.conf") };
      const { stdout } = await run(program, ["-q", ...args], { cwd, env, maxBuffer: 1 << 26 });
      return stdout;
    } catch (error) {
      const stderr = (error as { stderr?: string }).stderr?.trim().replace(/\s*\n\s*/g, "; ");
      throw new BatonError("io", `${program} ${args.join(" ")} failed: ${stderr || describeError(error)}`, {
        cause: error,
      });
    }
  }

  /** Fetches the indexes unless that was done before. */
  async update(): Promise<void> {
    if (existsSync(this.stamp)) return;
    say(`fetching Debian's package index (${this.arch})`);
    await this.configure();
    await this.call("apt-get", ["update", "-o", "APT::Update::Error-Mode=any"]);
    await writeFile(this.stamp, new Date().toISOString());
  }
}

/** Names → versions and unpacked directories, from a note of last time where the index is still the same. */
async function resolve(apt: Apt, names: readonly string[]): Promise<Download[]> {
  const note = join(apt.home, "resolved", `${digest(names.join(" "))}.json`);
  if (existsSync(apt.stamp)) {
    try {
      const known = JSON.parse(await readFile(note, "utf8")) as Download[];
      if (known.every((one) => existsSync(unpackedPath(apt, one)))) return known;
    } catch {
      // No note, or a broken one: find out anew.
    }
  }
  await apt.update();
  await apt.configure();
  let downloads: Download[];
  try {
    downloads = await fetchAll(apt, names);
  } catch (error) {
    if (error instanceof BatonError && error.code === "not-found") throw error;
    // An index of some days ago names files that the mirror has replaced since.
    say(`${describeError(error).slice(0, 300)}`);
    await rm(apt.stamp, { force: true });
    await apt.update();
    downloads = await fetchAll(apt, names);
  }
  await mkdir(join(apt.home, "resolved"), { recursive: true });
  await writeFile(note, JSON.stringify(downloads, null, 1));
  return downloads;
}

async function fetchAll(apt: Apt, names: readonly string[]): Promise<Download[]> {
  const found: Download[] = [];
  const wanted = [...names];
  for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
    const record = await packageRecord(apt, name);
    const version = field(record, "Version")!;
    const file = field(record, "Filename")?.split("/").pop();
    if (file === undefined) throw new BatonError("bad-format", `apt-cache show ${name} names no file`);
    if (META_PACKAGES.test(name)) {
      const target = field(record, "Depends")
        ?.split(",")
        .map((part) => part.trim().split(/[ (]/)[0]!)
        .find((part) => /^linux-/.test(part));
      if (target !== undefined) wanted.push(target);
    }
    const download = { name, version, file };
    await fetchAndUnpack(apt, download);
    found.push(download);
  }
  return found;
}

async function packageRecord(apt: Apt, name: string): Promise<string> {
  try {
    const record = await apt.call("apt-cache", ["show", "--no-all-versions", name]);
    if (field(record, "Version") !== undefined) return record;
  } catch (error) {
    if (!/No packages found/.test(describeError(error))) throw error;
  }
  throw new BatonError("not-found", `Debian's index (${apt.arch}) has no package ${name}`);
}

function field(record: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, "m").exec(record)?.[1];
}

function unpackedPath(apt: Apt, { name, version }: Download): string {
  return join(apt.home, "unpacked", `${name}_${version.replace(/:/g, "%3a")}`);
}

async function fetchAndUnpack(apt: Apt, download: Download): Promise<void> {
  const target = unpackedPath(apt, download);
  if (existsSync(target)) return;
  const { name, version } = download;
  say(`fetching ${name} ${version} (${apt.arch})`);
  const work = `${target}.${randomBytes(4).toString("hex")}`;
  await mkdir(join(work, "deb"), { recursive: true });
  try {
    // apt checks the file against the signed index.
    await apt.call("apt-get", ["download", `${name}=${version}`], join(work, "deb"));
    const [deb] = await readdir(join(work, "deb"));
    if (deb === undefined) throw new BatonError("io", `apt-get download ${name}=${version} left no file`);
    await run("dpkg-deb", ["-x", join(work, "deb", deb), join(work, "tree")]);
    await rename(join(work, "tree"), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** One directory with all packages' files, hard-linked; for a single package its own. */
async function joinTrees(apt: Apt, downloads: readonly Download[]): Promise<string> {
  if (downloads.length === 1) return unpackedPath(apt, downloads[0]!);
  const parts = downloads.map((one) => unpackedPath(apt, one)).sort();
  const target = join(apt.home, "trees", digest(parts.join("\n")));
  if (existsSync(target)) return target;
  const work = `${target}.${randomBytes(4).toString("hex")}`;
  await mkdir(work, { recursive: true });
  for (const part of parts) await run("cp", ["-al", "--no-target-directory", part, work]);
  await rename(work, target);
  return target;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 20);
}
