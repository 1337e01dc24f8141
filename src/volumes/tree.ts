/** A Reader over files that the host's kernel shows under some directory. */

import { BatonError } from "../errors.ts";
import { type DirectoryItem, type FileStat, MAX_CONFIG_SIZE, type Reader } from "../formats/reader.ts";
import { fileError, type HostFile, type HostFiles } from "./files.ts";
import { type Resolved, Resolver } from "./resolve.ts";

/** A Reader whose files also have a path on this machine. */
export interface HostReader extends Reader {
  /**
   * The path through which this machine's kernel opens a regular file of the tree, after all symlinks.
   * @throws BatonError as Reader's methods.
   */
  hostPath(path: string): Promise<string>;
}

export interface TreeOptions {
  /** Names fold case (the tree stands for vfat) although the host's filesystem doesn't. */
  readonly caseInsensitive?: boolean;
  /** The host's filesystem itself finds a name in any case (a mounted vfat). */
  readonly isCaseless?: boolean;
  /** The device's name for messages: `vda1`. */
  readonly name?: string;
}

/** Bytes read at once: what one operation's deadline has to suffice for. */
const CHUNK = 1024 * 1024;

export class HostTree implements HostReader {
  readonly #files: HostFiles;
  readonly #resolver: Resolver;
  readonly #prefix: string;
  readonly #isCaseless: boolean;

  /** @param root host path of the tree's root. */
  constructor(root: string, files: HostFiles, options: TreeOptions = {}) {
    this.#files = files;
    this.#isCaseless = options.isCaseless ?? false;
    this.#prefix = options.name === undefined ? "" : `${options.name}:`;
    this.#resolver = new Resolver(
      files,
      root.replace(/\/+$/, ""),
      (path) => this.#display(path),
      options.caseInsensitive ?? false,
    );
  }

  async read(path: string, limit = MAX_CONFIG_SIZE): Promise<Uint8Array> {
    return this.#withFile(path, async (file, size) => {
      if (size > limit) throw this.#tooLarge(path, limit);
      // A byte more than it claims to have: /proc's files say 0, and a file may grow.
      let buffer = new Uint8Array(size + 1);
      let filled = 0;
      for (;;) {
        const got = await file.read(buffer, filled, Math.min(buffer.length - filled, CHUNK), filled);
        filled += got;
        if (got === 0 || (size > 0 && filled === size)) return buffer.subarray(0, filled);
        if (filled > limit) throw this.#tooLarge(path, limit);
        if (filled === buffer.length) {
          const larger = new Uint8Array(Math.min(buffer.length * 2 + CHUNK, limit + 1));
          larger.set(buffer);
          buffer = larger;
        }
      }
    });
  }

  async readAt(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#withFile(path, async (file, size) => {
      const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      let filled = 0;
      while (filled < buffer.length) {
        const got = await file.read(buffer, filled, Math.min(buffer.length - filled, CHUNK), offset + filled);
        if (got === 0) break;
        filled += got;
      }
      return buffer.subarray(0, filled);
    });
  }

  async list(path: string): Promise<readonly DirectoryItem[]> {
    const found = await this.#resolver.resolve(path);
    if (!found.stats.isDirectory()) {
      throw new BatonError("not-a-directory", `${this.#display(path)}: it is not a directory`);
    }
    try {
      const items = await this.#files.list(this.#resolver.host(found.path));
      return items.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    } catch (error) {
      throw fileError(this.#display(path), error);
    }
  }

  async stat(path: string): Promise<FileStat> {
    const { stats } = await this.#resolver.resolve(path);
    const mtime = Math.floor(stats.mtimeMs / 1000);
    if (stats.isDirectory()) return { type: "directory", size: 0, mtime };
    if (stats.isFile()) {
      const inode = stats.nlink > 1 ? { inode: `${stats.dev}:${stats.ino}` } : {};
      return { type: "file", size: stats.size, mtime, ...inode };
    }
    throw this.#notFile(path, "a device, FIFO or socket");
  }

  async realPath(path: string): Promise<string> {
    const { path: found } = await this.#resolver.resolve(path);
    return (this.#isCaseless ? await this.#resolver.spelling(found) : found) || "/";
  }

  async hostPath(path: string): Promise<string> {
    return this.#resolver.host((await this.#file(path)).path);
  }

  /** A path that leads to a regular file. */
  async #file(path: string): Promise<Resolved> {
    const found = await this.#resolver.resolve(path);
    if (found.stats.isDirectory()) throw this.#notFile(path, "a directory");
    if (!found.stats.isFile()) throw this.#notFile(path, "a device, FIFO or socket");
    return found;
  }

  async #withFile<T>(path: string, use: (file: HostFile, size: number) => Promise<T>): Promise<T> {
    const { path: inside } = await this.#file(path);
    try {
      const file = await this.#files.open(this.#resolver.host(inside));
      try {
        // What was looked at and what was opened may differ on a host where others write.
        const stats = await file.stat();
        if (!stats.isFile()) throw this.#notFile(path, "not a regular file any more");
        return await use(file, stats.size);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw fileError(this.#display(path), error);
    }
  }

  #display(path: string): string {
    return `${this.#prefix}${path.startsWith("/") ? "" : "/"}${path}`;
  }

  #notFile(path: string, what: string): BatonError {
    return new BatonError("not-a-file", `${this.#display(path)}: it is ${what}, and Baton reads regular files only`);
  }

  #tooLarge(path: string, limit: number): BatonError {
    return new BatonError("too-large", `${this.#display(path)}: larger than the ${limit} bytes that are allowed here`);
  }
}
