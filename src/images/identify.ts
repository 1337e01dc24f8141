/** The probe table: which kinds of image Baton knows. A new one is a file and a line here. */

import type { ReadAt } from "../binary/readat.ts";
import { probeAout } from "./aout.ts";
import { probeBzImage } from "./bzimage.ts";
import { probeCompressed } from "./compressed.ts";
import { probeArm64, probeRiscv, probeZboot } from "./efistub.ts";
import { probeElf, probeEsxBootInfo, probeMultiboot } from "./elf.ts";
import { type Image, type Probe, START_SIZE, type Subject } from "./image.ts";
import { probeUki } from "./uki.ts";
import { describeOther, probeEfiProgram } from "./unrecognised.ts";

/** What can stand inside another: in a unified kernel image, in a gzip file. */
const KERNELS: readonly Probe[] = [
  probeBzImage,
  probeArm64,
  probeRiscv,
  probeZboot,
  probeEsxBootInfo,
  probeMultiboot,
  probeElf,
  probeAout,
];

/** In this order: kernels with an EFI stub are EFI programs too, and must be asked about before. */
const PROBES: readonly Probe[] = [
  ...KERNELS,
  probeUki(identifyKernel),
  probeCompressed(identifyKernel),
  probeEfiProgram,
];

async function firstAnswer(probes: readonly Probe[], subject: Subject): Promise<Image> {
  for (const probe of probes) {
    const found = await probe(subject);
    if (found !== null) return found;
  }
  return describeOther(subject);
}

async function identifyKernel(subject: Subject): Promise<Image> {
  return firstAnswer(KERNELS, subject);
}

/**
 * Says what a file is that should be a kernel. It is read in a few places only, never whole.
 * @param size of the file in bytes
 * @throws only what `readAt` rejects with
 */
export async function identifyImage(readAt: ReadAt, size: number): Promise<Image> {
  const start = Buffer.from(await readAt(0, Math.min(START_SIZE, size)));
  return firstAnswer(PROBES, { readAt, size, start });
}

/**
 * Why kexec_file_load on this machine would not take an image.
 * @param arch of this machine, as `uname -m`
 * @returns a sentence or two, or null where it would take it
 */
export function fileLoadRefusal(found: Image, arch: string): string | null {
  if (found.fileLoad.includes(arch)) return null;
  if (found.fileLoad.length === 0) return found.reason ?? `It is ${found.description}.`;
  return `It is a kernel for ${found.fileLoad.join(" and ")}, and this machine is ${arch}.`;
}

/**
 * Why Baton can't load an image on this machine, by either system call.
 * @param arch of this machine, as `uname -m`
 * @returns a sentence or two, or null where it can; of what is packed, whether that holds is known once it is unpacked
 */
export function loadRefusal(found: Image, arch: string): string | null {
  if (found.fileLoad.includes(arch) || found.classic.includes(arch)) return null;
  if (found.isPacked && found.arch === null) return null;
  const makers = [...new Set([...found.fileLoad, ...found.classic])];
  if (makers.length > 0) return `It is a kernel for ${makers.join(" and ")}, and this machine is ${arch}.`;
  return found.reason ?? `It is ${found.description}.`;
}
