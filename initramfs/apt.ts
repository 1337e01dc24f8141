/** apt-get and apt-cache with everything but the mirror's address in the cache: the host's own packages play no part. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BatonError, describeError } from "../src/errors.ts";
import { cacheDirectory, say } from "./cache.ts";
import { debianSources, guessedSecurity } from "./debian-sources.ts";
import { type PackageRecord, parsePackages } from "./package-index.ts";

const run = promisify(execFile);

/** Debian's name of an architecture. */
export type Architecture = "amd64" | "arm64";

/** What of Debian's archive: its own programs, or firmware that is not free. */
export type Component = "main" | "non-free-firmware";

/** A part of Debian's archive. */
export interface Archive {
  readonly suite: string;
  readonly arch: Architecture;
  readonly component: Component;
  /** Addresses in place of the host's own mirrors; none: these. */
  readonly mirrors: readonly string[];
}

export class Apt {
  readonly archive: Archive;
  /** Of this part of the archive alone. */
  readonly home: string;
  /** Exists once the indexes were fetched. */
  readonly #stamp: string;

  constructor(archive: Archive) {
    this.archive = archive;
    const { suite, arch, component } = archive;
    const name = [suite, arch, ...(component === "main" ? [] : [component])].join("-");
    this.home = join(cacheDirectory, "debian", name);
    this.#stamp = join(this.home, "indexed");
  }

  get isIndexed(): boolean {
    return existsSync(this.#stamp);
  }

  /** Fetches the indexes unless that was done before. */
  async update(): Promise<void> {
    // The host's proxies may have changed since the last time.
    const security = await guessedSecurity(this.archive);
    await this.#configure(security);
    if (this.isIndexed) return;
    say(`fetching Debian's package index (${this.archive.suite}, ${this.archive.arch})`);
    const update = () => this.call("apt-get", ["update", "-o", "APT::Update::Error-Mode=any"]);
    try {
      await update();
    } catch (error) {
      if (security === "") throw error;
      await this.#configure("");
      await update();
      say(`there are no security updates in the image: no archive of them was found (${describeError(error)})`);
    }
    await writeFile(this.#stamp, new Date().toISOString());
  }

  /** Has the next {@link update} fetch the indexes again. */
  async forgetIndex(): Promise<void> {
    await rm(this.#stamp, { force: true });
  }

  /**
   * The records of packages, each in the version that apt would install or in the one that is given.
   * @param versions by name; a version that the archive no longer has leads to the one that it has
   */
  async records(names: readonly string[], versions: ReadonlyMap<string, string>): Promise<Map<string, PackageRecord>> {
    const found = new Map<string, PackageRecord>();
    for (const record of await this.#show(names)) found.set(record.name, record);
    const others = names.filter(
      (name) => (versions.get(name) ?? found.get(name)?.version) !== found.get(name)?.version,
    );
    for (const name of others) {
      const [record] = await this.#show([`${name}=${versions.get(name)}`]);
      if (record) found.set(name, record);
    }
    for (const name of names.filter((one) => !found.has(one))) {
      const [record] = await this.#show(await this.#providers(name));
      if (record) found.set(name, record);
    }
    return found;
  }

  async #show(names: readonly string[]): Promise<PackageRecord[]> {
    if (names.length === 0) return [];
    try {
      return parsePackages(await this.call("apt-cache", ["show", "--no-all-versions", ...names]));
    } catch (error) {
      if (/No packages found|Unable to locate package|was not found/.test(describeError(error))) return [];
      throw error;
    }
  }

  /** The packages that stand in for one of another name. */
  async #providers(name: string): Promise<string[]> {
    const said = await this.call("apt-cache", ["showpkg", name]).catch(() => "");
    const lines =
      said
        .split(/^Reverse Provides: *$/m)[1]
        ?.trim()
        .split("\n") ?? [];
    return lines.map((line) => line.split(" ")[0]!).filter(Boolean);
  }

  /** @param more sources besides the archive's own */
  async #configure(more: string): Promise<void> {
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
    await writeFile(path("sources.list"), (await debianSources(this.archive)) + more);
    await writeFile(
      path("apt.conf"),
      [
        network,
        `APT::Architecture "${this.archive.arch}";`,
        `APT::Architectures { "${this.archive.arch}"; };`,
        // Nothing is taken from backports unless it is asked for.
        ...(/-backports/.test(this.archive.suite) ? [`APT::Default-Release "${this.archive.suite}";`] : []),
        // Downloads go to the cache of the user who runs this; root's apt would try to hand them to the user _apt.
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
}
