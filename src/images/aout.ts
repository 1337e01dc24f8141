/** Plan 9 kernels as a.out files, loaded as Plan 9's own loader does (9boot(8)). */

import { readAout } from "../binary/aout.ts";
import { BatonError } from "../errors.ts";
import { type Image, image, type Subject } from "./image.ts";
import type { SegmentMemory, Start } from "./segment.ts";

/** What of an entry is its physical address: kernels are linked at the top of memory. */
const PHYSICAL = 0x0fff_ffffn;
const PAGE = 4096n;

export function probeAout({ start, size }: Subject): Image | null {
  const aout = readAout(start, size);
  if (aout === null) return null;
  return image({
    format: "a.out",
    description: `a Plan 9 executable (a.out, ${aout.machine})`,
    arch: aout.machine,
    classic: aout.machine === "i386" || aout.machine === "x86_64" ? ["x86_64"] : [],
    reason: "It is a Plan 9 executable, which kexec_file_load doesn't take.",
  });
}

/** @throws BatonError `bad-format`, `refused` where there is no room */
export function loadAout(kernel: Uint8Array, memory: SegmentMemory): Start {
  const aout = readAout(kernel, kernel.length);
  if (aout === null) throw new BatonError("bad-format", "It is no Plan 9 executable.");
  const address = aout.entry & PHYSICAL;
  const dataAt = aout.textOffset + aout.textSize;
  memory.addAt(address, kernel.subarray(aout.textOffset, dataAt), "text");
  const dataAddress = ((address + BigInt(aout.textSize) + PAGE - 1n) / PAGE) * PAGE;
  const data = kernel.subarray(dataAt, dataAt + aout.dataSize);
  memory.addAt(dataAddress, data, "data", BigInt(aout.dataSize + aout.bssSize));
  // Kernels for amd64 switch to 64-bit mode themselves.
  return { cpu: "i386", address, registers: {} };
}
