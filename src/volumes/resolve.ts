/**
 * Path resolution inside a tree, done here and not by the kernel: for the kernel an absolute symlink on somebody's
 * disk leads into Baton's own root.
 */

import type { Stats } from "node:fs";
import { BatonError } from "../errors.ts";
import { fileError, type HostFiles } from "./files.ts";

/** What a path leads to. */
export interface Resolved {
  /** Within the tree, without symlinks or dots; "" for its root. */
  readonly path: string;
  readonly stats: Stats;
}

/** As Linux (path_resolution(7)). */
const MAX_SYMLINKS = 40;
/** PATH_MAX. */
const MAX_PATH_LENGTH = 4096;
/** Enough for every directory that configurations name; a flood of made-up ones must not fill memory. */
const MAX_CACHED = 4096;

interface Step extends Resolved {
  /** Symlinks followed so far. */
  readonly links: number;
}

/**
 * Resolves paths in one tree and remembers its directories. The tree is taken as not changing underneath (it is
 * mounted read-only): between a check and its use a writer on the host could swap a directory for a symlink.
 */
export class Resolver {
  readonly #files: HostFiles;
  readonly #root: string;
  readonly #display: (path: string) => string;
  readonly #caseInsensitive: boolean;
  /** As configurations spell them → where they are; also while they are being looked for. */
  readonly #directories = new Map<string, Promise<Step>>();
  /** Directory → folded name → name on disk; filled only where an exact name wasn't there. */
  readonly #folded = new Map<string, Map<string, string>>();

  /**
   * @param root host path of the tree's root, without `/` at its end.
   * @param display how to name a path of the tree in messages.
   * @param caseInsensitive the tree stands for a filesystem that folds case (vfat), on a host that doesn't.
   */
  constructor(files: HostFiles, root: string, display: (path: string) => string, caseInsensitive: boolean) {
    this.#files = files;
    this.#root = root;
    this.#display = display;
    this.#caseInsensitive = caseInsensitive;
  }

  /** Host path of a resolved path. The slash after the root makes a root that is itself a symlink be followed. */
  host(path: string): string {
    return this.#root + (path || "/");
  }

  /**
   * Follows `path` to its end, symlinks included.
   * @throws BatonError `not-found`, `loop`, `io`, `timeout`.
   */
  async resolve(path: string): Promise<Resolved> {
    if (path.length > MAX_PATH_LENGTH || path.includes("\0")) {
      throw new BatonError("not-found", `${this.#display(path.slice(0, 80))}…: no file can have this name`);
    }
    const cut = path.lastIndexOf("/");
    const parent = path.slice(0, Math.max(cut, 0));
    const directory = await this.#directory(parent);
    return this.#walk(directory, path.slice(cut + 1), path);
  }

  /**
   * The directory that this text leads to. Each on the way to it is looked up once, however many files are below;
   * its failure, which several may wait for, names the directory.
   */
  #directory(path: string): Promise<Step> {
    let directory = this.#directories.get(path);
    if (!directory) {
      directory = this.#findDirectory(path);
      if (this.#directories.size >= MAX_CACHED) this.#directories.clear();
      this.#directories.set(path, directory);
      // On a host it may come to be later.
      directory.catch(() => this.#directories.delete(path));
    }
    return directory;
  }

  async #findDirectory(path: string): Promise<Step> {
    if (path === "") return this.#step("", 0, "/");
    const cut = path.lastIndexOf("/");
    const parent = await this.#directory(path.slice(0, Math.max(cut, 0)));
    const step = await this.#walk(parent, path.slice(cut + 1), path);
    if (!step.stats.isDirectory()) throw this.#notDirectory(step.path, path);
    return step;
  }

  async #walk(from: Step, path: string, whole: string): Promise<Step> {
    let here = from;
    let links = from.links;
    // The names still to go, the next one last.
    const pending = path.split("/").reverse();
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "" || name === ".") continue;
      if (!here.stats.isDirectory()) throw this.#notDirectory(here.path, whole);
      if (name === "..") {
        // The root's parent is the root.
        here = await this.#step(here.path.slice(0, Math.max(here.path.lastIndexOf("/"), 0)), links, whole);
        continue;
      }
      const next = await this.#lookup(here.path, name, links, whole);
      if (!next.stats.isSymbolicLink()) {
        here = next;
        continue;
      }
      if (++links > MAX_SYMLINKS) {
        throw new BatonError(
          "loop",
          `${this.#display(whole)}: more than ${MAX_SYMLINKS} symlinks (at ${this.#display(next.path)})`,
        );
      }
      const target = await this.#try(next.path, () => this.#files.readlink(this.host(next.path)));
      pending.push(...target.split("/").reverse());
      if (target.startsWith("/")) here = await this.#step("", links, whole);
    }
    return { ...here, links };
  }

  /** A resolved path as its names are spelled on the disk; a name that isn't among them (a short one of FAT's) as it is. */
  async spelling(path: string): Promise<string> {
    let at = "";
    for (const name of path.split("/").slice(1)) {
      at += `/${(await this.#foldedNames(at)).get(fold(name)) ?? name}`;
    }
    return at;
  }

  /** One name in a directory, by its exact spelling first. */
  async #lookup(directory: string, name: string, links: number, whole: string): Promise<Step> {
    try {
      return await this.#step(`${directory}/${name}`, links, whole);
    } catch (error) {
      if (!this.#caseInsensitive || !(error instanceof BatonError) || error.code !== "not-found") throw error;
      const actual = (await this.#foldedNames(directory)).get(fold(name));
      if (actual === undefined) throw error;
      return this.#step(`${directory}/${actual}`, links, whole);
    }
  }

  async #foldedNames(directory: string): Promise<Map<string, string>> {
    const cached = this.#folded.get(directory);
    if (cached) return cached;
    const names = new Map<string, string>();
    const items = await this.#try(directory, () => this.#files.list(this.host(directory)));
    // Two names that differ by case alone can't be on such a filesystem: the first in code-unit order stands.
    for (const { name } of items.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (!names.has(fold(name))) names.set(fold(name), name);
    }
    if (this.#folded.size >= MAX_CACHED) this.#folded.clear();
    this.#folded.set(directory, names);
    return names;
  }

  async #step(path: string, links: number, whole: string): Promise<Step> {
    return { path, links, stats: await this.#try(whole, () => this.#files.lstat(this.host(path))) };
  }

  async #try<T>(path: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileError(this.#display(path), error);
    }
  }

  #notDirectory(path: string, whole: string): BatonError {
    const where = path === whole ? "" : `${this.#display(whole)}: `;
    return new BatonError("not-found", `${where}${this.#display(path)} is not a directory`);
  }
}

/** Near enough to what Windows' and Linux's tables fold, for the names that boot files have. */
export function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
