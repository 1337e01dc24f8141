/**
 * ISO 9660 images as volumes (ECMA-119 with Rock Ridge, else Joliet, else the plain names), read without a kernel
 * driver or root: an `.iso` file on somebody's disk. What the image says is not trusted: sizes, links and cycles are
 * bounded.
 */

import type { ReadAt } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import { type DirectoryItem, type FileStat, MAX_CONFIG_SIZE, type Reader } from "../formats/reader.ts";
import { log } from "../log.ts";
import { COSTS } from "./isobudget.ts";
import { type IsoVolume, readDescriptors, SECTOR } from "./isodescriptors.ts";
import {
  type IsoExtent,
  type IsoRecord,
  isSelfOrParent,
  jolietName,
  plainName,
  readRecord,
  readRecords,
} from "./isorecord.ts";
import { findRockRidge, type RockRidge, readFields } from "./isorockridge.ts";
import { IsoSource } from "./isosource.ts";

/** Where the names come from. */
type IsoNames = "rock-ridge" | "joliet" | "plain";

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

/** A file, directory or symlink. */
interface Node {
  readonly name: string;
  readonly type: DirectoryItem["type"];
  /** Of a file that is longer than 4 GiB, several. */
  readonly extents: IsoExtent[];
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Where a symlink leads, else null. */
  readonly target: string | null;
  /** Why its contents can't be read, else null. */
  unreadable: string | null;
}

interface Directory {
  readonly nodes: ReadonlyMap<string, Node>;
  /** In the order of names. */
  readonly items: readonly DirectoryItem[];
  /** By name in lower case; null where names are told apart by case. */
  readonly folded: ReadonlyMap<string, Node> | null;
  /** What it counts for of {@link MAX_REMEMBERED}. */
  readonly size: number;
}

/** As Linux (path_resolution(7)). */
const MAX_SYMLINKS = 40;
/** PATH_MAX. */
const MAX_PATH_LENGTH = 4096;
/** Names of one directory: so many are put in order without a pause. */
const MAX_NAMES = 32_768;
const MAX_DIRECTORY_SIZE = 16 * 1024 * 1024;
/** Directories from the root to a file; Linux's own limit is what fits into a path. */
const MAX_DEPTH = 256;
/** What is remembered of all directories together, and what one of them may have: in characters of names and targets. */
const MAX_REMEMBERED = 16 * 1024 * 1024;
const MAX_DIRECTORY_NAMES = 8 * 1024 * 1024;
/** What a name costs besides its characters, counted in characters. */
const NODE_SIZE = 128;
/** 64 TiB in parts of 4 GiB. */
const MAX_EXTENTS = 16_384;

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
  readonly #blockSize: number;
  readonly #root: Node;
  readonly #names: IsoNames;
  readonly #rockRidge: RockRidge | null;
  readonly #name: string;
  /** By where they lie. */
  readonly #directories = new Map<number, Promise<Directory>>();
  #remembered = 0;

  constructor(
    source: IsoSource,
    volume: IsoVolume,
    root: IsoRecord,
    names: IsoNames,
    rockRidge: RockRidge | null,
    name: string,
  ) {
    this.#source = source;
    this.#blockSize = volume.blockSize;
    this.#names = names;
    this.#rockRidge = rockRidge;
    this.#name = name;
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
    return (await this.#directory(node, path)).items;
  }

  async stat(path: string): Promise<FileStat> {
    const node = await this.#resolve(path);
    if (node.type === "directory") return { type: "directory", size: 0, mtime: node.mtime };
    this.#checkFile(node, path);
    return { type: "file", size: sizeOf(node), mtime: node.mtime };
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
    this.#directories.clear();
    this.#remembered = 0;
    this.#source.forget();
  }

  async #file(path: string): Promise<Node> {
    const node = await this.#resolve(path);
    if (node.type === "directory") throw this.#notFile(path, "a directory");
    this.#checkFile(node, path);
    return node;
  }

  #checkFile(node: Node, path: string): void {
    if (node.type !== "file") throw this.#notFile(path, "a device, FIFO or socket");
    if (node.unreadable !== null) {
      throw new BatonError("io", `${this.#display(path)}: it is ${node.unreadable}, which Baton does not read.`);
    }
    for (const { offset, size } of node.extents) if (size > 0) this.#source.check(offset, size);
  }

  /** Follows a path to its end, symlinks included. */
  async #resolve(path: string): Promise<Node> {
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
    return stack.at(-1)!;
  }

  async #lookUp(directory: Node, name: string, path: string): Promise<Node> {
    const { nodes, folded } = await this.#directory(directory, path);
    const node = nodes.get(name) ?? folded?.get(name.toLowerCase());
    if (node !== undefined) return node;
    throw new BatonError("not-found", `${this.#display(path)}: no such file or directory.`);
  }

  #directory(node: Node, path: string): Promise<Directory> {
    const place = placeOf(node);
    let directory = this.#directories.get(place);
    if (directory === undefined) {
      if (this.#remembered > MAX_REMEMBERED) {
        this.#directories.clear();
        this.#remembered = 0;
      }
      directory = this.#readDirectory(node, path);
      directory.then(
        ({ size }) => {
          this.#remembered += size;
        },
        () => this.#directories.delete(place),
      );
      this.#directories.set(place, directory);
    }
    return directory;
  }

  async #readDirectory({ extents: [extent] }: Node, path: string): Promise<Directory> {
    const { budget } = this.#source;
    budget.check();
    const { offset, size } = extent!;
    if (size > MAX_DIRECTORY_SIZE) {
      throw new BatonError(
        "too-large",
        `${this.#display(path)}: a directory of ${size} bytes is none of a real image.`,
      );
    }
    const bytes = await this.#source.metadata(offset, size);
    const nodes = new Map<string, Node>();
    let remembered = 0;
    let begun: Node | null = null;
    /** One message for a directory: a damaged one may have thousands of such places. */
    let damage: string | null = null;
    const onDamage = (what: string): void => {
      damage ??= what;
    };
    for (const record of readRecords(bytes, this.#blockSize, (at) => onDamage(`at byte ${offset + at} of the image`))) {
      if (budget.spend(COSTS.record)) await budget.turn();
      if (budget.isSpent) break;
      if (record.isAssociated || isSelfOrParent(record.rawName)) continue;
      const node: Node | null = await this.#node(record, onDamage);
      if (node === null) continue;
      const joined: Node = begun?.name === node.name ? join(begun, node) : node;
      begun = record.isContinued && joined.extents.length < MAX_EXTENTS ? joined : null;
      // Of several versions of a file, the first is the newest.
      if (begun !== null || nodes.has(joined.name)) continue;
      nodes.set(joined.name, joined);
      remembered += NODE_SIZE * joined.extents.length + joined.name.length + (joined.target?.length ?? 0);
      if (nodes.size < MAX_NAMES && remembered < MAX_DIRECTORY_NAMES) continue;
      budget.cut();
      break;
    }
    if (damage !== null) log.warn(`${this.#display(path)}: damaged directory (${damage}); names may be missing`);
    if (budget.shortfall !== null) log.warn(`${this.#display(path)}: ${budget.shortfall}`);
    return {
      nodes,
      folded: this.#names === "rock-ridge" ? null : foldNames(nodes),
      items: itemsOf(nodes),
      size: remembered,
    };
  }

  /** @returns null for what isn't shown, or has a name that no file can have. */
  async #node(record: IsoRecord, onDamage: (what: string) => void): Promise<Node | null> {
    const { extent, mtime, rawName, isInterleaved } = record;
    const unreadable = isInterleaved ? "stored interleaved" : null;
    const type = record.isDirectory ? "directory" : "file";
    if (this.#rockRidge === null) {
      const name = this.#names === "joliet" ? jolietName(rawName) : plainName(rawName);
      return isName(name) ? { name, type, extents: [extent], mtime, target: null, unreadable } : null;
    }
    const fields = await readFields(record.systemUse, this.#rockRidge, this.#source, this.#blockSize);
    const name = fields.name ?? plainName(rawName);
    if (fields.isRelocated || !isName(name)) return null;
    const common = { name, mtime: fields.mtime ?? mtime, target: fields.target };
    if (fields.relocatedTo !== null) {
      const moved = await this.#relocated(fields.relocatedTo);
      if (moved === null) {
        onDamage(`${name} was moved to where no directory is`);
        return null;
      }
      return { ...common, type: "directory", extents: [moved], unreadable: null };
    }
    // Where the record says directory, its extent is one, whatever Rock Ridge says.
    const isLeaf = !record.isDirectory && fields.type !== null && fields.type !== "directory";
    return {
      ...common,
      type: isLeaf ? fields.type : type,
      extents: [extent],
      unreadable: unreadable ?? fields.encoding,
    };
  }

  /** A directory's own first record tells how long it is. */
  async #relocated(block: number): Promise<IsoExtent | null> {
    const offset = block * this.#blockSize;
    if (offset + SECTOR > this.#source.size) return null;
    this.#source.budget.spend(COSTS.elsewhere);
    const self = readRecord(await this.#source.metadata(offset, SECTOR), 0, this.#blockSize);
    return self?.isDirectory && self.extent.offset === offset ? self.extent : null;
  }

  #display(path: string): string {
    return `${this.#name}:${path.startsWith("/") ? "" : "/"}${path}`;
  }

  #notFile(path: string, what: string): BatonError {
    return new BatonError("not-a-file", `${this.#display(path)}: it is ${what}, and Baton reads regular files only.`);
  }
}

/** In place: a file may have thousands of extents. */
function join(begun: Node, next: Node): Node {
  begun.extents.push(...next.extents);
  begun.unreadable ??= next.unreadable;
  return begun;
}

function itemsOf(nodes: ReadonlyMap<string, Node>): DirectoryItem[] {
  const items = [...nodes.values()].map(({ name, type }) => ({ name, type }));
  return items.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function sizeOf(node: Node): number {
  return node.extents.reduce((sum, { size }) => sum + size, 0);
}

function placeOf(directory: Node): number {
  return directory.extents[0]!.offset;
}

function isName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

function foldNames(nodes: ReadonlyMap<string, Node>): Map<string, Node> {
  const folded = new Map<string, Node>();
  for (const [name, node] of nodes) {
    const key = name.toLowerCase();
    if (!folded.has(key)) folded.set(key, node);
  }
  return folded;
}
