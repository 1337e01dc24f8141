/**
 * FIT images: a devicetree whose nodes hold kernels, ramdisks and devicetrees, and say which of them belong together
 * (Flat Image Tree Specification 0.8; U-Boot's doc/usage/fit). Read in places: what it holds may be as large as memory.
 */

import { createHash } from "node:crypto";
import { crc32 } from "../binary/crc.ts";
import { readCompatible } from "../binary/fdtroot.ts";
import type { ReadAt } from "../binary/readat.ts";
import { BatonError } from "../errors.ts";
import { type Image, image, type Subject } from "./image.ts";
import { type Extent, readAtWithin } from "./uki.ts";

const MAGIC = 0xd00dfeed;
const HEADER_SIZE = 40;
const [BEGIN_NODE, END_NODE, PROPERTY, NOP, END] = [1, 2, 3, 4, 9];
/** Tokens of a tree: those of known images number some hundreds. */
const MAX_TOKENS = 10_000;
const MAX_DEPTH = 16;
const MAX_NAME = 256;
/** Of a configuration, and hashes of a part: nobody has more, and each is read from its beginning to its end. */
const MAX_OVERLAYS = 64;
const MAX_HASHES = 8;
/** Properties that say something are short; of data alone the place is kept. */
const MAX_TEXT = 4096;
const MAX_STRINGS = 64 * 1024;
const PIECE = 1 << 20;

interface Node {
  readonly name: string;
  readonly properties: Map<string, Extent>;
  readonly children: Node[];
}

/** One of its parts. */
export interface FitPart extends Extent {
  /** Its node's name: `kernel-1`. */
  readonly name: string;
}

/** What one of its configurations puts together. */
interface FitParts {
  /** The configuration's name. */
  readonly name: string;
  /** As `uname -m`; null for one that Baton doesn't know. */
  readonly arch: string | null;
  readonly kernel: FitPart;
  readonly ramdisk: FitPart | null;
  readonly devicetree: FitPart | null;
  /** Applied to the devicetree, in this order. */
  readonly overlays: readonly FitPart[];
}

/** The specification's names, as `uname -m`. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map(
  Object.entries({ arm64: "aarch64", x86_64: "x86_64", x86: "i386", arm: "arm", riscv: "riscv64" }),
);

/**
 * Takes a FIT image apart.
 * @param size of the file in bytes
 * @param wanted the configuration that is asked for (`#NAME` in U-Boot; `#NAME#MORE` adds the overlays of others); null for
 *   this machine's, else its default
 * @param compatible what the machine's devicetree calls it, the most exact name first
 * @returns null where the file is no FIT image: a devicetree, or none
 * @throws BatonError `bad-format`, `not-found` for a configuration that it lacks, `unsupported`; what `readAt` rejects with
 */
export async function readFit(
  readAt: ReadAt,
  size: number,
  wanted: string | null = null,
  compatible: readonly string[] = [],
): Promise<FitParts | null> {
  const tree = await Tree.read(readAt, size);
  if (tree === null) return null;
  const [named, ...more] = wanted?.split("#") ?? [];
  const name = named ?? (await tree.machines(compatible)) ?? (await tree.defaultName());
  const parts = await tree.parts(name);
  const added = await Promise.all(more.map((each) => tree.devicetrees(each)));
  return { ...parts, overlays: [...parts.overlays, ...added.flat()] };
}

/**
 * Compares parts with their hashes, each once.
 * @throws BatonError `bad-format` where one is another, or has a hash of a kind that Baton doesn't know; what `readAt`
 * rejects with
 */
export async function checkFitParts(readAt: ReadAt, size: number, parts: readonly FitPart[]): Promise<void> {
  const once = new Map(parts.map((part) => [part.name, part]));
  // Parts that lie upon one another would have one byte read thousands of times.
  const sum = [...once.values()].reduce((all, part) => all + part.size, 0);
  if (sum > size) throw broken("its parts together are larger than it is");
  const tree = await Tree.read(readAt, size);
  for (const part of once.values()) await tree?.check(part);
}

/** Recognises a FIT image that holds a kernel. What is inside is looked at once it is taken apart. */
export async function probeFit({ readAt, size, start }: Subject): Promise<Image | null> {
  if (start.length < HEADER_SIZE || start.readUInt32BE(0) !== MAGIC) return null;
  const found = await readFit(readAt, size).catch(() => null);
  if (found === null) return null;
  const reason = "It is a FIT image, of which the kernel must be taken out first.";
  return image({ format: "FIT", description: "a FIT image", arch: found.arch, reason });
}

class Tree {
  readonly #readAt: ReadAt;
  readonly #size: number;
  /** Where the tree itself ends: data outside of it is counted from there. */
  readonly #end: number;
  readonly #root: Node;

  private constructor(readAt: ReadAt, size: number, end: number, root: Node) {
    this.#readAt = readAt;
    this.#size = size;
    this.#end = end;
    this.#root = root;
  }

  static async read(readAt: ReadAt, size: number): Promise<Tree | null> {
    const header = Buffer.from(await readAt(0, HEADER_SIZE));
    if (header.length < HEADER_SIZE || header.readUInt32BE(0) !== MAGIC) return null;
    const [total, structAt, stringsAt] = [4, 8, 12].map((at) => header.readUInt32BE(at)) as [number, number, number];
    const [stringsSize, structSize] = [header.readUInt32BE(32), header.readUInt32BE(36)];
    if (total > size) throw broken(`it says that it has ${total} bytes, and ${size} are there: it is cut short`);
    if (structAt + structSize > total || stringsAt + stringsSize > total) throw broken("a part lies outside of it");
    if (stringsSize > MAX_STRINGS) throw broken("its names take more room than any");
    const strings = Buffer.from(await readAt(stringsAt, stringsSize));
    const root = await readNodes(readAt, structAt, structAt + structSize, strings);
    const isFit = root.children.some(({ name }) => name === "images");
    return isFit ? new Tree(readAt, size, Math.ceil(total / 4) * 4, root) : null;
  }

  /** The configuration whose `compatible`, else whose devicetree's, has this machine's most exact name. */
  async machines(compatible: readonly string[]): Promise<string | null> {
    let best: { readonly name: string; readonly rank: number } | null = null;
    for (const node of compatible.length === 0 ? [] : this.#folder("configurations").children) {
      const names = await this.#compatible(node);
      const rank = compatible.findIndex((name) => names.includes(name));
      if (rank >= 0 && (best === null || rank < best.rank)) best = { name: node.name, rank };
    }
    return best?.name ?? null;
  }

  async #compatible(configuration: Node): Promise<readonly string[]> {
    const own = await this.#texts(configuration, "compatible");
    const [fdt] = own.length > 0 ? [] : await this.#texts(configuration, "fdt");
    if (fdt === undefined) return own;
    return (await readCompatible(readAtWithin(this.#readAt, await this.#data(this.#image(fdt))))) ?? [];
  }

  async defaultName(): Promise<string> {
    const folder = this.#folder("configurations");
    const [named] = await this.#texts(folder, "default");
    const only = folder.children.length === 1 ? folder.children[0]!.name : null;
    const name = named ?? only;
    if (name === null) throw broken(`it names no default among its configurations (${namesOf(folder)})`);
    return name;
  }

  #configuration(name: string): Node {
    const folder = this.#folder("configurations");
    const node = folder.children.find((child) => child.name === name);
    if (node !== undefined) return node;
    throw new BatonError("not-found", `It has no configuration '${name}'; there are: ${namesOf(folder)}.`);
  }

  /** Those of a configuration: the machine's, and overlays in their order. */
  async devicetrees(name: string): Promise<FitPart[]> {
    const trees = await this.#texts(this.#configuration(name), "fdt");
    return Promise.all(trees.map((tree) => this.#plain(tree, "devicetree")));
  }

  async parts(name: string): Promise<FitParts> {
    const node = this.#configuration(name);
    const [kernel] = await this.#texts(node, "kernel");
    const [ramdisk] = await this.#texts(node, "ramdisk");
    if (kernel === undefined) throw broken(`its configuration '${name}' names no kernel`);
    if (node.properties.has("setup")) {
      const message = `Its configuration '${name}' has its kernel in two parts ('setup' beside 'kernel'), which Baton doesn't join: put the whole bzImage in one.`;
      throw new BatonError("unsupported", message);
    }
    const [arch] = await this.#texts(this.#image(kernel), "arch");
    const [devicetree = null, ...overlays] = await this.devicetrees(name);
    if (overlays.length > MAX_OVERLAYS) throw broken(`its configuration '${name}' names too many overlays`);
    return {
      name,
      arch: ARCHITECTURES.get(arch ?? "") ?? null,
      kernel: await this.#part(kernel),
      ramdisk: ramdisk === undefined ? null : await this.#part(ramdisk),
      devicetree,
      overlays,
    };
  }

  async #part(name: string): Promise<FitPart> {
    return { name, ...(await this.#data(this.#image(name))) };
  }

  /** A part that nobody unpacks behind the loader. */
  async #plain(name: string, what: string): Promise<FitPart> {
    const [compression = "none"] = await this.#texts(this.#image(name), "compression");
    if (compression === "none") return this.#part(name);
    throw new BatonError(
      "unsupported",
      `Its ${what} '${name}' is compressed (${compression}), which Baton doesn't unpack.`,
    );
  }

  async check(part: FitPart): Promise<void> {
    const hashes = this.#image(part.name).children.filter((child) => /^hash([@-]|$)/.test(child.name));
    if (hashes.length > MAX_HASHES) throw broken(`its part '${part.name}' has too many hashes`);
    for (const hash of hashes) {
      const [algorithm = ""] = await this.#texts(hash, "algo");
      const value = hash.properties.get("value");
      const computed = value === undefined ? null : await this.#hash(algorithm, part);
      if (value === undefined || computed === null) {
        throw broken(`its part '${part.name}' has a hash (${algorithm || "of no kind"}) that can't be checked`);
      }
      const expected = Buffer.from(await this.#readAt(value.offset, Math.min(value.size, MAX_TEXT))).toString("hex");
      if (computed !== expected) {
        throw broken(`its part '${part.name}' is not what its hash (${algorithm}) says. Copy it to the disk again`);
      }
    }
  }

  /** In hexadecimal; null for an algorithm that isn't known. */
  async #hash(algorithm: string, { offset, size }: Extent): Promise<string | null> {
    const isCrc = algorithm === "crc32";
    if (!isCrc && !/^(md5|sha1|sha256|sha384|sha512)$/.test(algorithm)) return null;
    const hash = createHash(isCrc ? "md5" : algorithm);
    let crc = 0;
    for (let at = 0; at < size; at += PIECE) {
      const piece = await this.#readAt(offset + at, Math.min(PIECE, size - at));
      if (isCrc) crc = crc32(piece, crc);
      else hash.update(piece);
    }
    return isCrc ? crc.toString(16).padStart(8, "0") : hash.digest("hex");
  }

  /** Where a part's data lies: in its node, or behind the tree. */
  async #data(image: Node): Promise<Extent> {
    const inside = image.properties.get("data");
    if (inside !== undefined) return inside;
    const [size, offset, position] = [
      await this.#number(image, "data-size"),
      await this.#number(image, "data-offset"),
      await this.#number(image, "data-position"),
    ];
    const at = position ?? (offset === null ? null : this.#end + offset);
    if (size === null || at === null) throw broken(`its part '${image.name}' has no data`);
    if (at + size > this.#size) throw broken(`its part '${image.name}' lies behind its end: it is cut short`);
    return { offset: at, size };
  }

  #folder(name: string): Node {
    const found = this.#root.children.find((child) => child.name === name);
    if (found === undefined) throw broken(`it has no node /${name}`);
    return found;
  }

  #image(name: string): Node {
    const found = this.#folder("images").children.find((child) => child.name === name);
    if (found === undefined) throw broken(`it has no part '${name}', which a configuration names`);
    return found;
  }

  /** A list of texts; none where the property is missing. */
  async #texts(node: Node, name: string): Promise<string[]> {
    const place = node.properties.get(name);
    if (place === undefined) return [];
    const text = Buffer.from(await this.#readAt(place.offset, Math.min(place.size, MAX_TEXT))).toString("latin1");
    return text.split("\0").filter((each) => each !== "");
  }

  async #number(node: Node, name: string): Promise<number | null> {
    const place = node.properties.get(name);
    if (place === undefined || place.size !== 4) return null;
    return Buffer.from(await this.#readAt(place.offset, 4)).readUInt32BE(0);
  }
}

const namesOf = (folder: Node): string => folder.children.map(({ name }) => name).join(", ") || "none";

/** The nodes of a tree, with the places of their properties. */
async function readNodes(readAt: ReadAt, start: number, end: number, strings: Buffer): Promise<Node> {
  let at = start;
  const take = async (length: number): Promise<Buffer> => {
    const bytes = Buffer.from(await readAt(at, Math.min(length, end - at)));
    if (bytes.length === 0) throw broken("it ends within its structure");
    return bytes;
  };
  const open: Node[] = [];
  let root: Node | null = null;
  for (let count = 0; ; count++) {
    if (count >= MAX_TOKENS) throw broken("it has more nodes and properties than any");
    const bytes = await take(12 + MAX_NAME);
    if (bytes.length < 4) throw broken("it ends within its structure");
    const token = bytes.readUInt32BE(0);
    at += 4;
    if (token === NOP) continue;
    if (token === END) break;
    const parent = open.at(-1);
    if (token === BEGIN_NODE) {
      const nameEnd = bytes.indexOf(0, 4);
      if (nameEnd === -1 || open.length >= MAX_DEPTH) throw broken("it is nested too deep, or a name doesn't end");
      const node: Node = { name: bytes.toString("latin1", 4, nameEnd), properties: new Map(), children: [] };
      at += Math.ceil((nameEnd - 3) / 4) * 4;
      if (parent !== undefined) parent.children.push(node);
      else if (root === null) root = node;
      else throw broken("it has two roots");
      open.push(node);
    } else if (token === END_NODE) {
      if (open.pop() === undefined) throw broken("a node ends that did not begin");
    } else if (token === PROPERTY && parent !== undefined && bytes.length >= 12) {
      const [size, nameAt] = [bytes.readUInt32BE(4), bytes.readUInt32BE(8)];
      const nameEnd = strings.indexOf(0, nameAt);
      if (nameAt >= strings.length || nameEnd === -1) throw broken("a name doesn't end");
      if (at + 8 + size > end) throw broken("a property is cut short");
      parent.properties.set(strings.toString("latin1", nameAt, nameEnd), { offset: at + 8, size });
      at += 8 + Math.ceil(size / 4) * 4;
    } else throw broken(`it has an unknown token ${token}`);
  }
  if (root === null || open.length > 0) throw broken("its nodes don't end");
  return root;
}

function broken(why: string): BatonError {
  return new BatonError("bad-format", `It is a FIT image that can't be used: ${why}.`);
}
