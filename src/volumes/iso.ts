/**
 * ISO 9660 images as volumes (ECMA-119 with Rock Ridge, else Joliet, else the plain names), read without a kernel
 * driver or root: an `.iso` file on somebody's disk. What the image says is not trusted: sizes, links and cycles are
 * bounded.
 */

import type { ReadAt } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import { type DirectoryItem, type FileStat, MAX_CONFIG_SIZE, type Reader } from "../formats/reader.ts";
import { COSTS } from "./isobudget.ts";
import { type IsoVolume, readDescriptors, SECTOR } from "./isodescriptors.ts";
import { IsoDirectories, type IsoNames, type IsoNode, placeOf } from "./isodirectories.ts";
import { type IsoExtent, type IsoRecord, readRecord } from "./isorecord.ts";
import { findRockRidge, type RockRidge } from "./isorockridge.ts";
import { IsoSource } from "./isosource.ts";

export interface IsoImage {
  readonly reader: Reader;
  readonly names: IsoNames;
  /** There is a UDF filesystem as well, which may hold files that this one doesn't show. */
  readonly hasUdf: boolean;
  /**
   * Where in the image a file's bytes lie, so that they can be read from there without this reader.
   * @throws BatonError as Reader's methods; `unsupported` where they don't lie in one piece, or not as they are.
   */
  extent(path: string): Promise<IsoExtent>;
  /** Why not everything in it was read, which people are told; null where nothing was left out so far. */
  readonly shortfall: string | null;
  /** Lets go of what was remembered; it is read again when it is needed. */
  forget(): void;
}

/** As Linux (path_resolution(7)). */
const MAX_SYMLINKS = 40;
/** PATH_MAX. */
const MAX_PATH_LENGTH = 4096;
/** Directories from the root to a file; Linux's own limit is what fits into a path. */
const MAX_DEPTH = 256;
/**
 * Reads the descriptors and the root directory's own record.
 * @param size of the image in bytes
 * @param file the image, for messages about it: `vda1:/iso/debian.iso`
 * @param name what stands before paths in messages, without the colon
 * @throws BatonError `bad-format`, `unsupported` (UDF alone), `io`, and what `readAt` throws
 */
export async function openIso(readAt: ReadAt, size: number, file: string, name = file): Promise<IsoImage> {
  const source = new IsoSource(readAt, size, file);
  const { primary, joliet, hasUdf } = await readDescriptors(source);
  const root = rootOf(primary, source);
  source.check(root.extent.offset, root.extent.size);
  const self = readRecord(await source.metadata(root.extent.offset, SECTOR), 0, primary.blockSize);
  const rockRidge = self === null ? null : await findRockRidge(self.systemUse, source, primary.blockSize);
  const volume = rockRidge === null && joliet !== null ? joliet : primary;
  const names = rockRidge !== null ? "rock-ridge" : joliet !== null ? "joliet" : "plain";
  const tree = new IsoTree(source, volume, rootOf(volume, source), names, rockRidge, name);
  return {
    reader: tree,
    names,
    hasUdf,
    extent: (path) => tree.extent(path),
    get shortfall() {
      return source.budget.shortfall;
    },
    forget: () => tree.forget(),
  };
}

function rootOf(volume: IsoVolume, source: IsoSource): IsoRecord {
  const record = readRecord(volume.root, 0, volume.blockSize);
  if (record?.isDirectory && record.extent.size >= SECTOR) return record;
  throw new BatonError("bad-format", `${source.name}: its descriptor has no root directory: it is damaged.`);
}

class IsoTree implements Reader {
  readonly #source: IsoSource;
  readonly #root: IsoNode;
  readonly #name: string;
  readonly #directories: IsoDirectories;

  constructor(
    source: IsoSource,
    volume: IsoVolume,
    root: IsoRecord,
    names: IsoNames,
    rockRidge: RockRidge | null,
    name: string,
  ) {
    this.#source = source;
    this.#name = name;
    const { blockSize } = volume;
    const display = (path: string): string => this.#display(path);
    this.#directories = new IsoDirectories({ source, blockSize, names, rockRidge, display });
    const { extent, mtime } = root;
    this.#root = { name: "", type: "directory", extents: [extent], mtime, target: null, unreadable: null };
  }

  async read(path: string, limit = MAX_CONFIG_SIZE): Promise<Uint8Array> {
    const { size } = await this.stat(path);
    if (size > limit) {
      throw new BatonError(
        "too-large",
        `${this.#display(path)}: larger than the ${limit} bytes that are allowed here.`,
      );
    }
    return this.readAt(path, 0, size);
  }

  async readAt(path: string, offset: number, length: number): Promise<Uint8Array> {
    const node = await this.#file(path);
    const bytes = new Uint8Array(Math.max(0, Math.min(length, sizeOf(node) - offset)));
    let start = 0;
    for (const extent of node.extents) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + bytes.length, start + extent.size);
      if (from < to) {
        const part = await this.#source.data(extent.offset + from - start, to - from);
        if (part.length < to - from) throw new BatonError("io", `${this.#display(path)}: the image ends within it.`);
        bytes.set(part, from - offset);
      }
      start += extent.size;
    }
    return bytes;
  }

  async list(path: string): Promise<readonly DirectoryItem[]> {
    const node = await this.#resolve(path);
    if (node.type !== "directory") {
      throw new BatonError("not-a-directory", `${this.#display(path)}: it is not a directory.`);
    }
    return (await this.#directories.read(node, path)).items;
  }

  async stat(path: string): Promise<FileStat> {
    const node = await this.#resolve(path);
    if (node.type === "directory") return { type: "directory", size: 0, mtime: node.mtime };
    this.#checkFile(node, path);
    return { type: "file", size: sizeOf(node), mtime: node.mtime };
  }

  async realPath(path: string): Promise<string> {
    const [, ...nodes] = await this.#walk(path);
    return `/${nodes.map(({ name }) => name).join("/")}`;
  }

  async extent(path: string): Promise<IsoExtent> {
    const node = await this.#file(path);
    const [first, ...others] = node.extents.filter(({ size }) => size > 0);
    let size = first?.size ?? 0;
    for (const extent of others) {
      if (extent.offset !== first!.offset + size) {
        throw new BatonError("unsupported", `${this.#display(path)}: it lies in the image in several pieces.`);
      }
      size += extent.size;
    }
    return { offset: first?.offset ?? 0, size };
  }

  forget(): void {
    this.#directories.forget();
    this.#source.forget();
  }

  async #file(path: string): Promise<IsoNode> {
    const node = await this.#resolve(path);
    if (node.type === "directory") throw this.#notFile(path, "a directory");
    this.#checkFile(node, path);
    return node;
  }

  #checkFile(node: IsoNode, path: string): void {
    if (node.type !== "file") throw this.#notFile(path, "a device, FIFO or socket");
    if (node.unreadable !== null) {
      throw new BatonError("io", `${this.#display(path)}: it is ${node.unreadable}, which Baton does not read.`);
    }
    for (const { offset, size } of node.extents) if (size > 0) this.#source.check(offset, size);
  }

  async #resolve(path: string): Promise<IsoNode> {
    return (await this.#walk(path)).at(-1)!;
  }

  /** Follows a path to its end, symlinks included. @returns what is on the way there, from the root */
  async #walk(path: string): Promise<readonly IsoNode[]> {
    if (path.length > MAX_PATH_LENGTH || path.includes("\0")) {
      throw new BatonError("not-found", `${this.#display(path.slice(0, 80))}…: no file can have this name.`);
    }
    // From the root to where the walk is.
    const stack = [this.#root];
    const pending = path.split("/").reverse();
    const { budget } = this.#source;
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      const here = stack.at(-1)!;
      if (budget.spend(COSTS.name)) await budget.turn();
      if (name === "" || name === ".") continue;
      if (here.type !== "directory") {
        throw new BatonError("not-found", `${this.#display(path)}: ${here.name} is not a directory.`);
      }
      if (name === "..") {
        // The root's parent is the root.
        if (stack.length > 1) stack.pop();
        continue;
      }
      const node = await this.#lookUp(here, name, path);
      if (node.type !== "symlink") {
        if (node.type === "directory" && stack.some((above) => placeOf(above) === placeOf(node))) {
          throw new BatonError("loop", `${this.#display(path)}: the directory ${name} holds itself: damaged.`);
        }
        if (stack.length > MAX_DEPTH) {
          throw new BatonError(
            "loop",
            `${this.#display(path)}: more than ${MAX_DEPTH} folders in each other: damaged.`,
          );
        }
        stack.push(node);
        continue;
      }
      if (++links > MAX_SYMLINKS) {
        throw new BatonError("loop", `${this.#display(path)}: more than ${MAX_SYMLINKS} symlinks (at ${name}).`);
      }
      const target = node.target ?? "";
      if (target.startsWith("/")) stack.length = 1;
      pending.push(...target.split("/").reverse());
    }
    return stack;
  }

  async #lookUp(directory: IsoNode, name: string, path: string): Promise<IsoNode> {
    const { nodes, folded } = await this.#directories.read(directory, path);
    const node = nodes.get(name) ?? folded?.get(name.toLowerCase());
    if (node !== undefined) return node;
    throw new BatonError("not-found", `${this.#display(path)}: no such file or directory.`);
  }

  #display(path: string): string {
    return `${this.#name}:${path.startsWith("/") ? "" : "/"}${path}`;
  }

  #notFile(path: string, what: string): BatonError {
    return new BatonError("not-a-file", `${this.#display(path)}: it is ${what}, and Baton reads regular files only.`);
  }
}

function sizeOf(node: IsoNode): number {
  return node.extents.reduce((sum, { size }) => sum + size, 0);
}
