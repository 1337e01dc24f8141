/**
 * Applies devicetree overlays as U-Boot, fdtoverlay(1) and the firmware of single-board computers do: labels that the
 * overlay refers to are looked up in the base's `__symbols__`, its own phandles are moved out of the base's way, and
 * each fragment is merged into the node that it names (dtc's Documentation/dt-object-internal.txt).
 */

import { Buffer } from "node:buffer";
import { BatonError } from "../errors.ts";
import { type Fdt, type FdtNode, fdtText } from "./fdt.ts";

const NO_PHANDLE = 0xffffffff;
/** Nodes with a meaning of their own at an overlay's root. */
const MARKS = new Set(["__symbols__", "__fixups__", "__local_fixups__"]);

/**
 * Steps that one overlay may take: nodes compared, sixteen bytes copied. Those of Raspberry Pi OS take a few thousand;
 * fixups of a crafted one multiply with the base's nodes.
 */
const MAX_STEPS = 4_000_000;
/** Left for the overlay at hand; there is one at a time, for nothing here waits. */
let stepsLeft = 0;

function step(count: number): void {
  stepsLeft -= count;
  if (stepsLeft < 0) broken("to apply it takes more work than any real one does");
}

/**
 * Changes `base`; the overlay is used up.
 * @throws BatonError `bad-format` with what the two don't agree on; `base` may then be half changed
 */
export function applyOverlay(base: Fdt, overlay: Fdt): void {
  stepsLeft = MAX_STEPS;
  const labels = child(base.root, "__symbols__");
  const delta = highestPhandle(base.root);
  movePhandles(overlay.root, delta);
  const local = child(overlay.root, "__local_fixups__");
  if (local !== null) fixLocal(local, overlay.root, delta);
  const fixups = child(overlay.root, "__fixups__");
  for (const [label, places] of fixups?.properties ?? []) {
    const phandle = phandleOfLabel(base, labels, label);
    for (const place of textsOf(places)) setCell(overlay, place, phandle);
  }
  const targets = new Map<string, string>();
  for (const fragment of overlay.root.children) {
    const content = MARKS.has(fragment.name) ? null : child(fragment, "__overlay__");
    if (content === null) continue;
    const { node, path } = targetOf(base, fragment);
    merge(node, content);
    targets.set(fragment.name, path);
  }
  mergeSymbols(base, labels, child(overlay.root, "__symbols__"), targets);
}

function child(node: FdtNode, name: string): FdtNode | null {
  step(node.children.length);
  return node.children.find((one) => one.name === name) ?? null;
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString("latin1").replace(/\0.*$/s, "");
}

function textsOf(value: Uint8Array): string[] {
  const texts = Buffer.from(value).toString("latin1").split("\0");
  return texts.filter((text) => text !== "");
}

function cell(value: Uint8Array | undefined): number | null {
  return value?.length === 4 ? Buffer.from(value).readUInt32BE(0) : null;
}

/** 0 where a node has none. */
function phandleOf({ properties }: FdtNode): number {
  return cell(properties.get("phandle")) ?? cell(properties.get("linux,phandle")) ?? 0;
}

function highestPhandle(node: FdtNode): number {
  step(1);
  const own = phandleOf(node);
  return node.children.reduce((most, one) => Math.max(most, highestPhandle(one)), own === NO_PHANDLE ? 0 : own);
}

function movePhandles(node: FdtNode, delta: number): void {
  for (const name of ["phandle", "linux,phandle"]) {
    const own = cell(node.properties.get(name));
    if (own !== null) node.properties.set(name, cellOf(own + delta));
  }
  for (const one of node.children) movePhandles(one, delta);
}

function cellOf(value: number): Uint8Array {
  if (value >= NO_PHANDLE) broken("its phandles and the base's together are more than there can be");
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** `__local_fixups__` mirrors the tree: each property lists the offsets at which another has phandles of the overlay. */
function fixLocal(fixup: FdtNode, node: FdtNode, delta: number): void {
  for (const [name, offsets] of fixup.properties) {
    const value = node.properties.get(name);
    if (value === undefined) broken(`__local_fixups__ names a property ${name} that is not there`);
    const cells = Buffer.from(offsets.buffer, offsets.byteOffset, offsets.length);
    for (let at = 0; at + 4 <= cells.length; at += 4) {
      const offset = cells.readUInt32BE(at);
      changeCell(node, name, offset, (old) => old + delta);
    }
  }
  for (const one of fixup.children) {
    const same = child(node, one.name);
    if (same === null) broken(`__local_fixups__ names a node ${one.name} that is not there`);
    fixLocal(one, same, delta);
  }
}

function changeCell(node: FdtNode, name: string, offset: number, change: (old: number) => number): void {
  const value = node.properties.get(name);
  if (value === undefined || offset + 4 > value.length) broken(`a fixup lies outside of the property ${name}`);
  step(1 + (value.length >> 4));
  const bytes = Buffer.from(value);
  bytes.set(cellOf(change(bytes.readUInt32BE(offset))), offset);
  node.properties.set(name, bytes);
}

function phandleOfLabel(base: Fdt, labels: FdtNode | null, label: string): number {
  const path = labels?.properties.get(label);
  if (path === undefined) broken(`the base has no label ${label} (compiled without -@, or for another board)`);
  const node = findPath(base, textOf(path));
  if (node === null) broken(`the base's label ${label} leads to no node`);
  const own = phandleOf(node);
  if (own !== 0) return own;
  // libfdt refuses that; a number of its own is what dtc would have given the node.
  const next = highestPhandle(base.root) + 1;
  node.properties.set("phandle", cellOf(next));
  return next;
}

/** @param place `/fragment@0:target:0`: path, property, offset */
function setCell(overlay: Fdt, place: string, value: number): void {
  const [, path, name, offset] = /^(.*):([^:]*):(\d{1,9})$/s.exec(place) ?? [];
  const node = path === undefined ? null : findPath(overlay, path);
  if (node === null) broken(`__fixups__ names a place that is not there: ${place}`);
  changeCell(node, name!, Number(offset), () => value);
}

function targetOf(base: Fdt, fragment: FdtNode): { node: FdtNode; path: string } {
  const phandle = cell(fragment.properties.get("target"));
  const named = fragment.properties.get("target-path");
  if (phandle !== null && phandle !== NO_PHANDLE) {
    const found = findPhandle(base.root, phandle, "");
    if (found === null) broken(`${fragment.name} is for a node that the base has not`);
    return found;
  }
  if (named === undefined) broken(`${fragment.name} names no target`);
  const path = withoutAlias(base, textOf(named));
  const node = findPath(base, path);
  if (node === null) broken(`${fragment.name} is for ${path}, which the base has not`);
  return { node, path: path === "/" ? "" : path };
}

function findPhandle(node: FdtNode, phandle: number, path: string): { node: FdtNode; path: string } | null {
  step(1);
  if (phandleOf(node) === phandle) return { node, path };
  for (const one of node.children) {
    const found = findPhandle(one, phandle, `${path}/${one.name}`);
    if (found !== null) return found;
  }
  return null;
}

/** A path may begin with an alias: `i2c1/rtc`. */
function withoutAlias(base: Fdt, path: string): string {
  if (path.startsWith("/")) return path;
  const [first, ...rest] = path.split("/");
  const alias = child(base.root, "aliases")?.properties.get(first!);
  return alias === undefined ? path : [textOf(alias), ...rest].join("/");
}

function findPath(tree: Fdt, path: string): FdtNode | null {
  let node: FdtNode = tree.root;
  for (const name of path.split("/").filter(Boolean)) {
    const exact = child(node, name);
    const found = exact ?? node.children.find((one) => !name.includes("@") && one.name.split("@")[0] === name);
    if (found === undefined) return null;
    node = found;
  }
  return node;
}

function merge(into: FdtNode, from: FdtNode): void {
  for (const [name, value] of from.properties) into.properties.set(name, value);
  for (const one of from.children) {
    const same = child(into, one.name);
    if (same === null) into.children.push(one);
    else merge(same, one);
  }
}

/** The overlay's labels are the base's from now on: a later overlay may refer to them. */
function mergeSymbols(
  base: Fdt,
  labels: FdtNode | null,
  own: FdtNode | null,
  targets: ReadonlyMap<string, string>,
): void {
  if (own === null || labels === null) return;
  for (const [label, value] of own.properties) {
    const [, fragment, rest] = /^\/([^/]*)\/__overlay__(\/.*)?$/s.exec(textOf(value)) ?? [];
    const target = fragment === undefined ? undefined : targets.get(fragment);
    if (target === undefined) continue;
    const path = `${target}${rest ?? ""}` || "/";
    if (findPath(base, path) !== null) labels.properties.set(label, fdtText(path));
  }
}

function broken(why: string): never {
  throw new BatonError("bad-format", `The devicetree overlay does not fit: ${why}.`);
}
