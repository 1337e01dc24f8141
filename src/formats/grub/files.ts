/** What a script sees of the disks: files by GRUB path, patterns, environment blocks. Looks at each thing once. */

import { normalize } from "node:path/posix";
import { type FileRef, formatFileRef, type StateWrite } from "../../entry.ts";
import { BatonError } from "../../errors.ts";
import { globMatches } from "../../glob.ts";
import type { FormatVolume } from "../format.ts";
import type { FileStat } from "../reader.ts";
import type { Budget } from "./budget.ts";
import { type Device, type Devices, isServer, splitPath } from "./devices.ts";
import { type EnvironmentBlock, parseEnvironmentBlock } from "./envblk.ts";
import type { Environment } from "./environment.ts";
import type { Subvolumes } from "./subvolumes.ts";

/** A file that a command named. */
export interface NamedFile {
  readonly device: Device;
  /** With a `/` first. */
  readonly path: string;
  readonly ref: FileRef;
}

/** An environment block that was looked for: `missing` where there is no such file. */
export type LoadedBlock = EnvironmentBlock | "missing";

/** More than an environment block ever is. */
const MAX_BLOCK_SIZE = 64 * 1024;
const MAX_GLOB_MATCHES = 10_000;

/** What a path depends on in the script that names it, and what looking for it uses up. */
interface FileScope {
  /** The variables that are set now: `$root` among them. */
  readonly env: Environment;
  readonly devices: Devices;
  readonly subvolumes: Subvolumes;
  readonly budget: Budget;
  /** Notes something about a volume. */
  say(severity: "warning", at: null, message: string): void;
}

export class Files {
  readonly #scope: FileScope;
  readonly #stats = new Map<string, FileStat | null>();
  readonly #lists = new Map<string, Promise<readonly string[] | null>>();
  readonly #blocks = new Map<string, LoadedBlock>();
  /** By FileRef, what blocks hold besides what is in them: a value, or null for none. */
  readonly #saved = new Map<string, Map<string, string | null>>();

  constructor(scope: FileScope) {
    this.#scope = scope;
  }

  /** What a path means now: `(hd0,gpt2)/vmlinuz`, or `/vmlinuz` on `$root`. */
  name(text: string): NamedFile {
    const { device: name, path } = splitPath(text);
    const device = this.device(name);
    const rooted = path.startsWith("/") ? path : `/${path}`;
    // `$prefix` may end in a slash; on a disk that says nothing, and the same file must be known for the same.
    const isVolume = device.kind === "volume";
    const once = isVolume && rooted.includes("//") ? rooted.replace(/\/{2,}/g, "/") : rooted;
    // A server has no links that `..` could lead through.
    const plain = isVolume && isServer(device.volume) ? once.replace(/^[^?]*/, normalize) : once;
    const absolute = this.#scope.subvolumes.resolve(device, plain, this.#scope.env);
    return { device, path: absolute, ref: this.#scope.devices.fileRef(device, absolute) };
  }

  /** The device of a name between parentheses; null means `$root`. */
  device(name: string | null): Device {
    const { env, devices } = this.#scope;
    return devices.find(name ?? env.get("root") ?? "", env);
  }

  /** What was searched for in vain to be the `$root` on which this path lies, else null. */
  missedRootOf(text: string): string | null {
    const { env } = this.#scope;
    const { missedRoot } = env;
    if (missedRoot === null) return null;
    const { device } = splitPath(text);
    return device === null || device === env.get("root") ? missedRoot : null;
  }

  /** @returns null where there is no such file or directory. */
  stat(file: NamedFile): FileStat | null | Promise<FileStat | null> {
    if (file.device.kind !== "volume") return null;
    const { volume } = file.device;
    const key = `${volume.name}:${file.path}`;
    const known = this.#stats.get(key);
    if (known !== undefined) return known;
    this.#scope.budget.look();
    return this.#attempt(volume, () => volume.reader.stat(file.path)).then((stat) => {
      this.#stats.set(key, stat);
      return stat;
    });
  }

  /**
   * The bytes of a file.
   * @returns the reason in a sentence where it can't be read.
   */
  async read(file: NamedFile, limit?: number): Promise<Uint8Array | string> {
    if (file.device.kind !== "volume") return `${formatFileRef(file.ref)} is on no device that is attached`;
    try {
      const bytes = await file.device.volume.reader.read(file.path, limit);
      this.#scope.budget.file(bytes.length);
      return bytes;
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      if (error.code === "not-found" || error.code === "not-a-directory")
        return `${formatFileRef(file.ref)} is not there`;
      const isOwn = file.device.volume.name === this.#scope.devices.own.name;
      if (isOwn && (error.code === "timeout" || error.code === "io")) throw error;
      return error.message;
    }
  }

  /** The first bytes of a file, `length` of them at most; the reason in a sentence where it can't be read. */
  async readStart(file: NamedFile, length: number): Promise<Uint8Array | string> {
    const stat = await this.stat(file);
    if (file.device.kind !== "volume" || stat?.type !== "file") return `${formatFileRef(file.ref)} is not there`;
    const { volume } = file.device;
    const bytes = await this.#attempt(volume, () => volume.reader.readAt(file.path, 0, length));
    if (bytes === null) return `${formatFileRef(file.ref)} can't be read`;
    this.#scope.budget.file(bytes.length);
    return bytes;
  }

  async environmentBlock(file: NamedFile): Promise<LoadedBlock> {
    const key = formatFileRef(file.ref);
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    const bytes = await this.read(file, MAX_BLOCK_SIZE);
    const block: LoadedBlock =
      typeof bytes !== "string"
        ? parseEnvironmentBlock(bytes)
        : (await this.stat(file)) === null
          ? "missing"
          : { variables: null, problem: bytes };
    const saved = this.#saved.get(key);
    const shown = block === "missing" || saved === undefined ? block : withSaved(block, saved);
    this.#blocks.set(key, shown);
    return shown;
  }

  /** Environment blocks are read from now on as if these writes had been made. */
  pretendWritten(writes: readonly StateWrite[]): void {
    for (const write of writes) {
      if (!("set" in write)) continue;
      const key = formatFileRef(write.file);
      const saved = this.#saved.get(key) ?? new Map<string, string | null>();
      this.#saved.set(key, saved);
      for (const name of write.unset) saved.set(name, null);
      for (const [name, value] of Object.entries(write.set)) saved.set(name, value);
    }
  }

  /** Whether a write gives a block that was read other values than it has. */
  isChange(write: StateWrite): boolean {
    if (!("set" in write)) return false;
    const block = this.#blocks.get(formatFileRef(write.file));
    if (block === undefined || block === "missing" || block.variables === null) return false;
    const { variables } = block;
    return (
      write.unset.some((name) => variables.has(name)) ||
      Object.entries(write.set).some(([name, value]) => variables.get(name) !== value)
    );
  }

  /** Expands `*` and `?` in a path; `pattern` has backslashes before what is meant literally. */
  async glob(pattern: string): Promise<readonly string[]> {
    const literal = (text: string) => text.replace(/\\([\s\S])/g, "$1");
    const { device, path } = splitPath(pattern);
    let found: string[];
    if (device !== null && /(?<!\\)[*?]/.test(device)) {
      const wanted = withoutBrackets(device);
      const { devices, env } = this.#scope;
      found = [];
      for (const volume of devices.inSearchOrder()) {
        const name = devices.nameOf(volume);
        if (!globMatches(wanted, name)) continue;
        env.nameDevice(name, volume.name);
        found.push(`(${name})`);
      }
    } else {
      found = [device === null ? "" : `(${literal(device)})`];
    }
    if (path !== "" && !path.startsWith("/")) return [];
    for (const name of path === "" ? [] : path.slice(1).split("/")) {
      const isPattern = /[*?]/.test(name.replace(/\\[\s\S]/g, ""));
      const next: string[] = [];
      for (const directory of found) {
        if (!isPattern) {
          next.push(`${directory}/${literal(name)}`);
          continue;
        }
        const wanted = withoutBrackets(name);
        for (const item of (await this.list(directory === "" ? "/" : `${directory}/`)) ?? []) {
          if (globMatches(wanted, item)) next.push(`${directory}/${item}`);
          if (next.length > MAX_GLOB_MATCHES) return next;
        }
      }
      found = next;
    }
    // What follows the last pattern must be there.
    const there: string[] = [];
    for (const path of found) {
      this.#scope.budget.checkTime();
      if (splitPath(path).path === "" || (await this.stat(this.name(path))) !== null) there.push(path);
    }
    return there;
  }

  /** The names in a directory, null where there is none. */
  list(directory: string): Promise<readonly string[] | null> {
    const { device, path } = this.name(directory);
    if (device.kind !== "volume") return Promise.resolve(null);
    const { volume } = device;
    const key = `${volume.name}:${path}`;
    let names = this.#lists.get(key);
    if (names === undefined) {
      names = this.#attempt(volume, () => volume.reader.list(path)).then(
        (items) => items?.map(({ name }) => name) ?? null,
      );
      this.#lists.set(key, names);
    }
    return names;
  }

  /**
   * null where there is nothing at that path. A disk that can't be read is one that the caller must hear of if the
   * configuration lies on it; any other is no reason to lose the configuration.
   */
  async #attempt<T>(volume: FormatVolume, look: () => Promise<T>): Promise<T | null> {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      if (error.code !== "timeout" && error.code !== "io") return null;
      if (volume.name === this.#scope.devices.own.name) throw error;
      this.#scope.say("warning", null, `${volume.name} can't be read: ${error.message}`);
      return null;
    }
  }
}

function withSaved(block: EnvironmentBlock, saved: ReadonlyMap<string, string | null>): EnvironmentBlock {
  if (block.variables === null) return block;
  const variables = new Map(block.variables);
  for (const [name, value] of saved) {
    if (value === null) variables.delete(name);
    else variables.set(name, value);
  }
  return { variables, problem: null };
}

/** GRUB knows only `*` and `?`: a bracket is itself. */
function withoutBrackets(pattern: string): string {
  return pattern.replace(/\\[\s\S]|\[/g, (match) => (match === "[" ? "\\[" : match));
}
