/**
 * Lays a bzImage out in memory for kexec_load: the 64-bit entry of the x86 boot protocol, or for kernels that have none
 * the 32-bit one (Documentation/arch/x86/boot.rst, "64-bit Boot Protocol", "32-bit Boot Protocol").
 */

import { layOutInitrds } from "../binary/initrd.ts";
import { type BootParamsInput, bootParams, bootParamsSize } from "./bootparams.ts";
import type { SetupHeader } from "./bzimage.ts";
import { type Content, contentSize, type SegmentMemory, type Start } from "./segment.ts";
import { type E820Entry, firmwareTables, type X86Machine } from "./x86boot.ts";

/** The 64-bit entry lies this far behind the protected-mode code's start (boot.rst). */
const ENTRY_64 = 0x200n;
const BELOW_4G = 0xffff_ffffn;
/** Kernels that say nothing of the memory they unpack into get this many times their size. */
const ROOM_FACTOR = 8n;

export interface LinuxInput {
  readonly cmdline: string;
  /** Content whose parts each begin a page (`initrdParts`); empty for none. */
  readonly initrds: readonly Content[];
  readonly machine: X86Machine;
  readonly e820?: readonly E820Entry[];
  readonly seed?: Uint8Array;
}

interface BzImageInput extends LinuxInput {
  readonly header: SetupHeader;
  /** The file's first bytes, as for {@link BootParamsInput.setup}. */
  readonly setup: Uint8Array;
  /** The whole file. */
  readonly file: Content;
  /** Enter it in 32-bit mode though it has a 64-bit entry (`kexec --entry-32bit`). */
  readonly entry32?: boolean;
}

/**
 * Puts kernel, initrds and boot_params into memory.
 *
 * The segment of the kernel is only as large as its file, though the kernel needs init_size bytes there to unpack
 * itself: those are kept free, and neither cleared nor copied, which saves a second on a slow machine. The unpacker
 * clears what it takes for granted itself.
 * @throws BatonError `refused` where it doesn't fit
 */
export function layOutBzImage(input: BzImageInput, memory: SegmentMemory): Start {
  const { header, file } = input;
  const offset = header.setupSize;
  const size = Math.min(header.kernelSize, contentSize(file) - offset);
  const kernel: Content =
    file instanceof Uint8Array ? file.subarray(offset, offset + size) : { ...file, offset: file.offset + offset, size };
  const room = header.initSize > 0 ? BigInt(header.initSize) : BigInt(size) * ROOM_FACTOR;
  // One that can't lie anywhere is entered as boot loaders have always done: the other way may never have been tried
  // (Memtest86+ doesn't come up by it).
  const is32 = !header.entry64 || !header.above4g || input.entry32 === true;
  const maximum = is32 ? BigInt(header.initrdAddressMax) : null;
  // A kernel for i386 must lie in what it maps of memory at once, which is where its initrd must lie, too.
  const highest = is32 && header.entry64 ? BELOW_4G : maximum;
  const limit = highest === null ? {} : { maximum: highest };
  const place = { name: "kernel", room, alignment: BigInt(header.kernelAlignment || 0x200000) };
  const preferred = header.prefAddress;
  let address: bigint;
  if (!header.relocatable) {
    memory.addAt(preferred, kernel, "kernel", room);
    address = preferred;
  } else {
    // Below it, a kernel moves itself up to it, whatever lies there.
    address = memory.add(kernel, { ...place, ...limit, minimum: preferred });
  }
  const params = layOutParams({ ...input, kernelAddress: address }, memory, maximum);
  if (is32) return { cpu: "i386", address, registers: { esi: params } };
  const reads = firmwareTables(input.machine);
  return { cpu: "x86_64", address: address + ENTRY_64, registers: { rsi: params }, reads };
}

/**
 * Puts initrds and boot_params into memory, for whichever form of kernel.
 * @param maximum highest address that they may touch; null for any
 * @returns the address of boot_params
 */
export function layOutParams(
  input: LinuxInput & Pick<BootParamsInput, "setup" | "kernelAddress" | "loadflags">,
  memory: SegmentMemory,
  maximum: bigint | null,
): bigint {
  const limit = maximum === null ? {} : { maximum };
  let initrd: BootParamsInput["initrd"] = null;
  if (input.initrds.length > 0) {
    const { addresses, end } = memory.addRow(input.initrds, { name: "initrd", fromTop: true, ...limit });
    initrd = { address: addresses[0]!, size: end - addresses[0]! };
  }
  const whole: BootParamsInput = { ...input, initrd };
  const content = new Uint8Array(bootParamsSize(whole));
  const at = memory.add(content, { name: "boot_params", fromTop: true, ...limit });
  content.set(bootParams(whole, at));
  return at;
}

/** Beside initrds there are the kernel (unpacked: in up to five parts), boot_params and the trampoline or purgatory. */
const MAX_PARTS = 9;
const PAGE = 4096;

/** An initrd and its first four bytes. */
interface InitrdFile {
  readonly content: Content;
  readonly start: Uint8Array;
}

/**
 * Initrds as parts that may each begin a page: the kernel skips the zeros between archives, so that files need not be
 * joined in memory. What can't begin a page (more files than segments, an archive that needs zeros behind it and ends
 * with its page) is read and joined with what precedes it.
 * @param read gives all bytes of a file
 */
export async function initrdParts(
  files: readonly InitrdFile[],
  read: (content: Content) => Promise<Uint8Array>,
): Promise<Content[]> {
  const groups: InitrdFile[][] = [];
  for (const file of files) {
    const last = groups.at(-1);
    if (last !== undefined && (groups.length >= MAX_PARTS || !endsWithRoom(last))) last.push(file);
    else groups.push([file]);
  }
  return Promise.all(groups.map((group) => (group.length === 1 ? group[0]!.content : join(group, read))));
}

/** The zeros that the format of a group's last archive needs (layOutInitrds) fit behind it on its page. */
function endsWithRoom(group: readonly InitrdFile[]): boolean {
  if (group.length > 1) return true;
  const [{ content, start }] = group as [InitrdFile];
  const size = contentSize(content);
  const { offsets } = layOutInitrds([
    { size, start },
    { size: 1, start: new Uint8Array() },
  ]);
  return offsets[1]! <= Math.ceil(size / PAGE) * PAGE;
}

async function join(
  group: readonly InitrdFile[],
  read: (content: Content) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const layout = layOutInitrds(group.map(({ content, start }) => ({ size: contentSize(content), start })));
  const joined = new Uint8Array(layout.size);
  for (const [index, { content }] of group.entries()) joined.set(await read(content), layout.offsets[index]!);
  return joined;
}
