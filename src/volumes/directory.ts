/** A plain directory that stands for a filesystem's root: `--disk` on any host, and tests. */

import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import { resolve } from "node:path";
import { BatonError } from "../errors.ts";
import type { FileStat } from "../formats/reader.ts";
import { OPEN_FLAGS, syncFiles } from "./files.ts";
import { fold } from "./resolve.ts";
import { type HostReader, HostTree, type TreeOptions } from "./tree.ts";

/**
 * Opens nothing yet; a directory that isn't there fails at the first call with `not-found`.
 * @param dir host path; relative ones are taken from the current directory now.
 */
export function openDirectory(dir: string, options: TreeOptions = {}): HostReader {
  return new PlainDirectory(resolve(dir).replace(/\/+$/, ""), options);
}

/**
 * Reads many files without a promise for each step of each. Only what is quite plain is done that way: a symlink, a
 * name in another case, an error to be explained goes the usual one.
 */
class PlainDirectory extends HostTree {
  readonly #root: string;
  readonly #caseInsensitive: boolean;

  constructor(root: string, options: TreeOptions) {
    super(root, syncFiles, options);
    this.#root = root;
    this.#caseInsensitive = options.caseInsensitive ?? false;
  }

  async readAll(paths: readonly string[], limit: number): Promise<readonly (Uint8Array | BatonError)[]> {
    const walk = new PlainWalk(this.#root, this.#caseInsensitive);
    const all: (Uint8Array | BatonError)[] = [];
    for (const path of paths) all.push(walk.read(path, limit) ?? (await this.read(path, limit).catch(asError)));
    return all;
  }

  async statAll(paths: readonly string[]): Promise<readonly (FileStat | BatonError | null)[]> {
    const walk = new PlainWalk(this.#root, this.#caseInsensitive);
    const all: (FileStat | BatonError | null)[] = [];
    for (const path of paths) {
      const found = walk.stat(path);
      all.push(found !== undefined ? found : await this.stat(path).catch(asMissing));
    }
    return all;
  }
}

function asError(error: unknown): BatonError {
  if (error instanceof BatonError) return error;
  throw error;
}

function asMissing(error: unknown): BatonError | null {
  const known = asError(error);
  return known.code === "not-found" ? null : known;
}

/** Looks each folder up once, and only as long as one batch lasts: on a host it may change afterwards. */
class PlainWalk {
  readonly #root: string;
  readonly #caseInsensitive: boolean;
  readonly #folders = new Map<string, "there" | "missing" | "unusual">([["", "there"]]);
  readonly #folded = new Map<string, ReadonlySet<string>>();

  constructor(root: string, caseInsensitive: boolean) {
    this.#root = root;
    this.#caseInsensitive = caseInsensitive;
  }

  /** Null where it is not there; undefined where that isn't plain. */
  stat(path: string): FileStat | null | undefined {
    const stats = this.#find(path);
    if (!stats) return stats;
    if (!stats.isFile() && !stats.isDirectory()) return undefined;
    return {
      type: stats.isFile() ? "file" : "directory",
      size: stats.isFile() ? stats.size : 0,
      mtime: Math.floor(stats.mtimeMs / 1000),
    };
  }

  /** Null where it isn't plain that this is a small regular file. */
  read(path: string, limit: number): Uint8Array | null {
    const cut = path.lastIndexOf("/");
    if (cut < 0 || isSpecial(path.slice(cut + 1)) || this.#folder(path.slice(0, cut)) !== "there") return null;
    let fd: number;
    try {
      fd = fs.openSync(this.#root + path, OPEN_FLAGS);
    } catch {
      return null;
    }
    try {
      const stats = fs.fstatSync(fd);
      if (!stats.isFile() || stats.size > limit || stats.size === 0) return null;
      const buffer = Buffer.allocUnsafe(stats.size);
      return fs.readSync(fd, buffer, 0, stats.size, 0) === stats.size ? buffer : null;
    } catch {
      return null;
    } finally {
      fs.closeSync(fd);
    }
  }

  #find(path: string): fs.Stats | null | undefined {
    const cut = path.lastIndexOf("/");
    const name = path.slice(cut + 1);
    if (cut < 0 || isSpecial(name)) return undefined;
    const folder = path.slice(0, cut);
    const state = this.#folder(folder);
    if (state !== "there") return state === "missing" ? null : undefined;
    let stats: fs.Stats | undefined;
    try {
      stats = fs.lstatSync(this.#root + path, { throwIfNoEntry: false });
    } catch {
      return undefined;
    }
    if (stats === undefined) return this.#caseInsensitive && this.#isSpelledOtherwise(folder, name) ? undefined : null;
    return stats.isSymbolicLink() ? undefined : stats;
  }

  #folder(path: string): "there" | "missing" | "unusual" {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const stats = this.#find(path);
    const state = stats === undefined ? "unusual" : stats === null || !stats.isDirectory() ? "missing" : "there";
    this.#folders.set(path, state);
    return state;
  }

  #isSpelledOtherwise(folder: string, name: string): boolean {
    let names = this.#folded.get(folder);
    if (names === undefined) {
      try {
        names = new Set(fs.readdirSync(`${this.#root}${folder}/`).map(fold));
      } catch {
        return true;
      }
      this.#folded.set(folder, names);
    }
    return names.has(fold(name));
  }
}

/** Names that mean something else than themselves, and those that no file can have. */
const isSpecial = (name: string): boolean => name === "" || name === "." || name === ".." || name.includes("\0");
