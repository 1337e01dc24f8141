/** The directories of an ISO image: their records as names, by Rock Ridge, Joliet or as they are; remembered within bounds. */

import { BatonError } from "../errors.ts";
import type { DirectoryItem } from "../formats/reader.ts";
import { log } from "../log.ts";
import { COSTS } from "./isobudget.ts";
import { SECTOR } from "./isodescriptors.ts";
import {
  type IsoExtent,
  type IsoRecord,
  isSelfOrParent,
  jolietName,
  plainName,
  readRecord,
  readRecords,
} from "./isorecord.ts";
import { type RockRidge, readFields } from "./isorockridge.ts";
import type { IsoSource } from "./isosource.ts";

/** Where the names come from. */
export type IsoNames = "rock-ridge" | "joliet" | "plain";

/** A file, directory or symlink. */
export interface IsoNode {
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

export interface Directory {
  readonly nodes: ReadonlyMap<string, IsoNode>;
  /** In the order of names. */
  readonly items: readonly DirectoryItem[];
  /** By name in lower case; null where names are told apart by case. */
  readonly folded: ReadonlyMap<string, IsoNode> | null;
  /** What it counts for of {@link MAX_REMEMBERED}. */
  readonly size: number;
}

/** Names of one directory: so many are put in order without a pause. */
const MAX_NAMES = 8192;
const MAX_DIRECTORY_SIZE = 16 * 1024 * 1024;
/** Of one, so much is read: as many names take less. */
const MAX_DIRECTORY_READ = 2 * 1024 * 1024;
/** What is remembered of all directories together, and what one of them may have: in characters of names and targets. */
const MAX_REMEMBERED = 16 * 1024 * 1024;
const MAX_DIRECTORY_NAMES = 8 * 1024 * 1024;
/** What a name costs besides its characters, counted in characters. */
const NODE_SIZE = 128;
/** 64 TiB in parts of 4 GiB. */
const MAX_EXTENTS = 16_384;

/** What directories are read by. */
interface Reading {
  readonly source: IsoSource;
  readonly blockSize: number;
  readonly names: IsoNames;
  readonly rockRidge: RockRidge | null;
  /** A path of the image, as messages have it. */
  display(path: string): string;
}

export class IsoDirectories {
  readonly #source: IsoSource;
  readonly #blockSize: number;
  readonly #names: IsoNames;
  readonly #rockRidge: RockRidge | null;
  readonly #display: Reading["display"];
  /** By where they lie. */
  readonly #directories = new Map<number, Promise<Directory>>();
  #remembered = 0;

  constructor({ source, blockSize, names, rockRidge, display }: Reading) {
    this.#source = source;
    this.#blockSize = blockSize;
    this.#names = names;
    this.#rockRidge = rockRidge;
    this.#display = display;
  }

  /**
   * A directory's names.
   * @param path as it was asked for, for messages
   * @throws BatonError `too-large`, `io`
   */
  read(node: IsoNode, path: string): Promise<Directory> {
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

  async #readDirectory({ extents: [extent] }: IsoNode, path: string): Promise<Directory> {
    const { budget } = this.#source;
    budget.check();
    const { offset, size } = extent!;
    if (size > MAX_DIRECTORY_SIZE) {
      throw new BatonError(
        "too-large",
        `${this.#display(path)}: a directory of ${size} bytes is none of a real image.`,
      );
    }
    if (size > MAX_DIRECTORY_READ) budget.cut();
    const bytes = await this.#source.metadata(offset, Math.min(size, MAX_DIRECTORY_READ));
    const nodes = new Map<string, IsoNode>();
    let remembered = 0;
    let begun: IsoNode | null = null;
    /** One message for a directory: a damaged one may have thousands of such places. */
    let damage: string | null = null;
    const onDamage = (what: string): void => {
      damage ??= what;
    };
    for (const record of readRecords(bytes, this.#blockSize, (at) => onDamage(`at byte ${offset + at} of the image`))) {
      if (budget.spend(COSTS.record)) await budget.turn();
      if (budget.isSpent) break;
      if (record.isAssociated || isSelfOrParent(record.rawName)) continue;
      const node: IsoNode | null = await this.#node(record, onDamage);
      if (node === null) continue;
      const joined: IsoNode = begun?.name === node.name ? join(begun, node) : node;
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
  async #node(record: IsoRecord, onDamage: (what: string) => void): Promise<IsoNode | null> {
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

  /** Lets go of what was remembered. */
  forget(): void {
    this.#directories.clear();
    this.#remembered = 0;
  }
}

/** In place: a file may have thousands of extents. */
function join(begun: IsoNode, next: IsoNode): IsoNode {
  begun.extents.push(...next.extents);
  begun.unreadable ??= next.unreadable;
  return begun;
}

function itemsOf(nodes: ReadonlyMap<string, IsoNode>): DirectoryItem[] {
  const items = [...nodes.values()].map(({ name, type }) => ({ name, type }));
  return items.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Where in the image a directory lies. */
export function placeOf(directory: IsoNode): number {
  return directory.extents[0]!.offset;
}

function isName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

function foldNames(nodes: ReadonlyMap<string, IsoNode>): Map<string, IsoNode> {
  const folded = new Map<string, IsoNode>();
  for (const [name, node] of nodes) {
    const key = name.toLowerCase();
    if (!folded.has(key)) folded.set(key, node);
  }
  return folded;
}
