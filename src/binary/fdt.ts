/** Flattened devicetrees, read and written (Devicetree Specification 0.4, chapter 5). */

import { BatonError } from "../errors.ts";

const MAGIC = 0xd00dfeed;
const HEADER_SIZE = 40;
/** Of the tokens and properties: the version of 2005, which everything reads and writes. */
const VERSION = 17;
const LAST_COMPATIBLE = 16;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const NOP = 4;
const END = 9;
/** Larger than what a boot protocol takes (arm64: 2 MiB). */
const MAX_SIZE = 16 << 20;
const MAX_DEPTH = 64;

export interface FdtNode {
  /** With its unit address: `memory@40000000`; the root's is empty. */
  name: string;
  readonly properties: Map<string, Uint8Array>;
  readonly children: FdtNode[];
}

/** Memory that must not be used. */
interface FdtReservation {
  readonly address: bigint;
  readonly size: bigint;
}

export interface Fdt {
  readonly root: FdtNode;
  readonly reservations: FdtReservation[];
  readonly bootCpu: number;
}

/** A tree of which nothing is known: an empty root. */
export function emptyFdt(): Fdt {
  return { root: fdtNode(""), reservations: [], bootCpu: 0 };
}

function fdtNode(name: string): FdtNode {
  return { name, properties: new Map(), children: [] };
}

/**
 * Reads a devicetree blob.
 * @throws BatonError `bad-format`
 */
export function readFdt(blob: Uint8Array): Fdt {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.length);
  if (bytes.length < HEADER_SIZE || bytes.readUInt32BE(0) !== MAGIC) broken("it does not begin as one");
  const field = (index: number): number => bytes.readUInt32BE(index * 4);
  const [totalSize, structAt, stringsAt, reservationsAt] = [field(1), field(2), field(3), field(4)];
  if (totalSize > bytes.length || totalSize > MAX_SIZE) broken(`it says that it has ${totalSize} bytes`);
  if (field(6) > VERSION) broken(`it is of version ${field(5)}, for readers of ${field(6)} at least`);
  const [stringsSize, structSize] = [field(8), field(9)];
  const structEnd = Math.min(totalSize, structAt + structSize);
  if (stringsAt + stringsSize > totalSize || structAt + structSize > totalSize) broken("a part lies outside of it");
  const strings = bytes.subarray(stringsAt, stringsAt + stringsSize);
  const text = (from: Buffer, at: number): string => {
    const end = from.indexOf(0, at);
    if (at >= from.length || end === -1) broken("a name does not end");
    return from.toString("latin1", at, end);
  };

  let at = structAt;
  const word = (): number => {
    if (at + 4 > structEnd) broken("it ends within its structure");
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const align = (): void => {
    at = Math.ceil(at / 4) * 4;
  };
  const open: FdtNode[] = [];
  let root: FdtNode | null = null;
  for (let token = word(); token !== END; token = word()) {
    const parent = open.at(-1);
    if (token === BEGIN_NODE) {
      const node = fdtNode(text(bytes.subarray(0, structEnd), at));
      at += node.name.length + 1;
      align();
      if (open.length >= MAX_DEPTH) broken(`it is nested deeper than ${MAX_DEPTH}`);
      if (parent !== undefined) parent.children.push(node);
      else if (root === null) root = node;
      else broken("it has two roots");
      open.push(node);
    } else if (token === END_NODE) {
      if (open.pop() === undefined) broken("a node ends that did not begin");
    } else if (token === PROPERTY) {
      const [size, name] = [word(), word()];
      if (parent === undefined) broken("a property stands outside of every node");
      if (at + size > structEnd) broken("a property is cut short");
      parent.properties.set(text(strings, name), bytes.subarray(at, at + size));
      at += size;
      align();
    } else if (token !== NOP) broken(`it has an unknown token ${token}`);
  }
  if (root === null || open.length > 0) broken("its nodes don't end");
  return { root, reservations: readReservations(bytes.subarray(0, totalSize), reservationsAt), bootCpu: field(7) };
}

function readReservations(bytes: Buffer, start: number): FdtReservation[] {
  const found: FdtReservation[] = [];
  for (let at = start; ; at += 16) {
    if (at + 16 > bytes.length) broken("its list of reservations does not end");
    const [address, size] = [bytes.readBigUInt64BE(at), bytes.readBigUInt64BE(at + 8)];
    if (address === 0n && size === 0n) return found;
    found.push({ address, size });
  }
}

/** Makes a blob. */
export function writeFdt(tree: Fdt): Uint8Array {
  const strings = new Map<string, number>();
  let stringsSize = 0;
  const parts: Buffer[] = [];
  const word = (value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    parts.push(bytes);
  };
  const padded = (bytes: Uint8Array): void => {
    parts.push(Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]));
  };
  const node = ({ name, properties, children }: FdtNode): void => {
    word(BEGIN_NODE);
    padded(Buffer.from(`${name}\0`, "latin1"));
    for (const [key, value] of properties) {
      if (!strings.has(key)) {
        strings.set(key, stringsSize);
        stringsSize += key.length + 1;
      }
      word(PROPERTY);
      word(value.length);
      word(strings.get(key)!);
      padded(value);
    }
    for (const child of children) node(child);
    word(END_NODE);
  };
  node(tree.root);
  word(END);
  const struct = Buffer.concat(parts);
  const reservations = Buffer.alloc((tree.reservations.length + 1) * 16);
  for (const [index, { address, size }] of tree.reservations.entries()) {
    reservations.writeBigUInt64BE(address, index * 16);
    reservations.writeBigUInt64BE(size, index * 16 + 8);
  }
  const names = Buffer.from([...strings.keys()].map((name) => `${name}\0`).join(""), "latin1");
  const structAt = HEADER_SIZE + reservations.length;
  const stringsAt = structAt + struct.length;
  const header = Buffer.alloc(HEADER_SIZE);
  const fields = [MAGIC, stringsAt + names.length, structAt, stringsAt, HEADER_SIZE, VERSION, LAST_COMPATIBLE];
  for (const [index, value] of [...fields, tree.bootCpu, names.length, struct.length].entries()) {
    header.writeUInt32BE(value >>> 0, index * 4);
  }
  return Buffer.concat([header, reservations, struct, names]);
}

/** The node at a path such as `/chosen`; null where there is none. A name may leave its unit address out. */
export function findNode(tree: Fdt, path: string): FdtNode | null {
  let node: FdtNode = tree.root;
  for (const name of path.split("/").filter(Boolean)) {
    const found = node.children.find((child) => child.name === name || child.name.split("@")[0] === name);
    if (found === undefined) return null;
    node = found;
  }
  return node;
}

/** The node at a path; it and those above it are made where they are missing. */
export function makeNode(tree: Fdt, path: string): FdtNode {
  let node: FdtNode = tree.root;
  for (const name of path.split("/").filter(Boolean)) {
    let child = node.children.find((one) => one.name === name);
    if (child === undefined) {
      child = fdtNode(name);
      node.children.push(child);
    }
    node = child;
  }
  return node;
}

/** A property's value: text with its NUL. */
export function fdtText(text: string): Uint8Array {
  return Buffer.from(`${text}\0`);
}

/** A property's value: two cells. */
export function fdtU64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function broken(why: string): never {
  throw new BatonError("bad-format", `This is no usable devicetree: ${why}.`);
}
