/** arm64 kernels by kexec_load: where the parts go, and what the devicetree says (Documentation/arch/arm64/booting.rst). */

import { type Fdt, fdtText, fdtU64, makeNode, readFdt, writeFdt } from "../binary/fdt.ts";
import { BatonError } from "../errors.ts";
import { readArm64Header } from "./efistub.ts";
import type { Content, Placement, SegmentMemory, Start } from "./segment.ts";

const MIB = 1n << 20n;
/** The Image's base is a multiple of this. */
const IMAGE_ALIGNMENT = 2n * MIB;
/** Kernel and initrd lie within one window of this size, aligned to 1 GiB. */
const WINDOW = 32n << 30n;
const WINDOW_ALIGNMENT = 1n << 30n;
/** The most that a devicetree may have; it must not cross a multiple of this. */
const MAX_DEVICETREE_SIZE = 2n * MIB;

interface Arm64Request {
  /** An Image, unpacked. */
  readonly kernel: Uint8Array;
  /** Parts that each begin a page (`initrdParts`); empty for none. */
  readonly initrds: readonly Content[];
  readonly cmdline: string;
  /** The blob that the new kernel gets, with /chosen changed: the running kernel's, or the one that was named. */
  readonly devicetree: Uint8Array;
  /** 8 bytes by which the kernel chooses its place in virtual memory (KASLR). */
  readonly kaslrSeed: Uint8Array;
  /** Bytes for the kernel's random numbers; the kernel takes them for its own. */
  readonly rngSeed: Uint8Array;
}

/**
 * Lays the kernel, its initrd and its devicetree out in memory.
 * @throws BatonError `bad-format`, `refused` where there is no room
 */
export function loadArm64(request: Arm64Request, memory: SegmentMemory): Start {
  const { kernel, initrds } = request;
  const header = readArm64Header(Buffer.from(kernel.buffer, kernel.byteOffset, kernel.length));
  if (header === null) throw new BatonError("bad-format", "It is no arm64 Image.");
  if (header.imageSize === 0) {
    throw new BatonError("unsupported", "It is from before Linux 3.17 and doesn't say how much memory it needs.");
  }
  const textOffset = BigInt(header.textOffset);
  const memorySize = textOffset + BigInt(header.imageSize);
  // Zeros stand before the kernel where its offset isn't 0 (before Linux 5.10); those are its own to use.
  const content = textOffset === 0n ? kernel : Buffer.concat([Buffer.alloc(header.textOffset), kernel]);
  const base = memory.add(content, { name: "kernel", memorySize, alignment: IMAGE_ALIGNMENT });

  let initrd: { start: bigint; end: bigint } | null = null;
  if (initrds.length > 0) {
    const windowStart = (base / WINDOW_ALIGNMENT) * WINDOW_ALIGNMENT;
    const place = { name: "initrd", minimum: base + memorySize, maximum: windowStart + WINDOW - 1n };
    const { addresses, end } = addNear(memory, initrds, place, windowStart);
    initrd = { start: addresses[0]!, end };
  }
  const tree = editDevicetree(readFdt(request.devicetree), request, initrd);
  const blob = writeFdt(tree);
  if (BigInt(blob.length) > MAX_DEVICETREE_SIZE) {
    throw new BatonError("refused", `The devicetree has ${blob.length} bytes, and the kernel takes 2 MiB at most.`);
  }
  // A power of two that holds it keeps it from crossing a 2 MiB boundary.
  let alignment = 4096n;
  while (alignment < BigInt(blob.length)) alignment *= 2n;
  const x0 = memory.add(blob, { name: "devicetree", alignment });
  return { cpu: "aarch64", address: base + textOffset, registers: { x0 } };
}

type Row = ReturnType<SegmentMemory["addRow"]>;

/** Behind the kernel, else before it in the same window. */
function addNear(memory: SegmentMemory, initrds: readonly Content[], place: Placement, windowStart: bigint): Row {
  try {
    return memory.addRow(initrds, place);
  } catch (error) {
    if (!(error instanceof BatonError) || error.code !== "refused") throw error;
    return memory.addRow(initrds, { ...place, minimum: windowStart });
  }
}

/** Puts what the new kernel must know into /chosen, and takes out what was said to the old one alone. */
function editDevicetree(
  tree: Fdt,
  request: Pick<Arm64Request, "cmdline" | "kaslrSeed" | "rngSeed">,
  initrd: { readonly start: bigint; readonly end: bigint } | null,
): Fdt {
  const { properties } = makeNode(tree, "/chosen");
  for (const name of ["linux,initrd-start", "linux,initrd-end", "linux,elfcorehdr", "linux,usable-memory-range"]) {
    properties.delete(name);
  }
  properties.set("bootargs", fdtText(request.cmdline));
  if (initrd !== null) {
    properties.set("linux,initrd-start", fdtU64(initrd.start));
    properties.set("linux,initrd-end", fdtU64(initrd.end));
  }
  // The running kernel has wiped its own: without new ones the next would do without KASLR.
  properties.set("kaslr-seed", request.kaslrSeed);
  properties.set("rng-seed", request.rngSeed);
  return tree;
}
