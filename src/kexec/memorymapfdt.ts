/** The memory map as a flattened devicetree has it (Devicetree Specification 0.4, sections 3.4, 3.5 and 5.3). */

import { readFile } from "node:fs/promises";
import { type Fdt, type FdtNode, readFdt } from "../binary/fdt.ts";
import { BatonError } from "../errors.ts";
import { MemoryMap, type MemoryRegion } from "./memorymap.ts";
import { ADDRESS_END, Range } from "./ranges.ts";

/** Cells of an address and of a size in the `reg` of a node's children, where the node doesn't say (section 2.3.5). */
const DEFAULT_CELLS = { address: 2, size: 1 };

/**
 * Reads RAM (`/memory` nodes), and what is reserved in it (`/reserved-memory` and the blob's own list).
 * @param blob /sys/firmware/fdt
 * @throws BatonError `bad-format`
 */
export function parseDevicetreeMap(blob: Uint8Array): MemoryMap {
  const tree: Fdt = readFdt(blob);
  const ram = tree.root.children.filter(isMemory).flatMap((node) => regions(tree.root, node, "ram"));
  const pools = tree.root.children.filter(({ name }) => nodeName(name) === "reserved-memory");
  const reserved = pools.flatMap((pool) => pool.children.flatMap((node) => regions(pool, node, "reserved")));
  const listed = tree.reservations.map(({ address, size }) => region(address, size, "reserved"));
  return new MemoryMap([...ram, ...reserved, ...listed]);
}

function isMemory(node: FdtNode): boolean {
  if (text(node, "status") !== null && !/^ok(ay)?$/.test(text(node, "status")!)) return false;
  return text(node, "device_type") === "memory" || nodeName(node.name) === "memory";
}

/** A node's name without its unit address. */
function nodeName(name: string): string {
  return name.split("@")[0]!;
}

function text(node: FdtNode, property: string): string | null {
  const value = node.properties.get(property);
  return value === undefined ? null : Buffer.from(value).toString("latin1").replace(/\0.*$/s, "");
}

/** A node's `reg`, in the cells that its parent tells. A node without one (a pool that is made at boot) has none. */
function regions(parent: FdtNode, node: FdtNode, type: MemoryRegion["type"]): MemoryRegion[] {
  const value = node.properties.get("reg");
  if (value === undefined) return [];
  const bytes = Buffer.from(value);
  const [address, size] = [
    cells(parent, "#address-cells", DEFAULT_CELLS.address),
    cells(parent, "#size-cells", DEFAULT_CELLS.size),
  ];
  const stride = (address + size) * 4;
  if (stride === 0 || bytes.length % stride !== 0) {
    throw new BatonError("bad-format", `The devicetree's ${node.name} has a reg of ${bytes.length} bytes.`);
  }
  const found: MemoryRegion[] = [];
  for (let at = 0; at < bytes.length; at += stride) {
    found.push(region(number(bytes, at, address), number(bytes, at + address * 4, size), type));
  }
  return found;
}

function cells(node: FdtNode, property: string, otherwise: number): number {
  const value = node.properties.get(property);
  if (value === undefined) return otherwise;
  const count = value.length === 4 ? Buffer.from(value).readUInt32BE() : -1;
  if (count < 0 || count > 2) {
    throw new BatonError("bad-format", `The devicetree's ${property} is neither 0 nor 1 nor 2.`);
  }
  return count;
}

function number(bytes: Buffer, at: number, count: number): bigint {
  if (count === 0) return 0n;
  return count === 1 ? BigInt(bytes.readUInt32BE(at)) : bytes.readBigUInt64BE(at);
}

function region(start: bigint, size: bigint, type: MemoryRegion["type"]): MemoryRegion {
  if (start + size > ADDRESS_END) {
    throw new BatonError("bad-format", `The devicetree has memory at 0x${start.toString(16)} beyond 64 bits.`);
  }
  return { range: Range.ofSize(start, size), type };
}

/**
 * Reads the memory map in the devicetree that the running kernel was given. Needs root.
 * @returns null where it was given none
 */
export async function readDevicetreeMap(path = "/sys/firmware/fdt"): Promise<MemoryMap | null> {
  const blob = await readFile(path).catch(() => null);
  return blob === null ? null : parseDevicetreeMap(blob);
}
