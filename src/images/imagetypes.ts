/**
 * The table of image types. A new type is a file beside this one, its name in {@link ImageFormat} and a row here: the
 * row says how it is recognised, what kexec(8) and the network call it, and how it is laid out.
 */

import { BatonError } from "../errors.ts";
import { probeAout } from "./aout.ts";
import { probeBzImage } from "./bzimage.ts";
import { probeCompressed } from "./compressed.ts";
import { probeArm64, probeRiscv, probeZboot } from "./efistub.ts";
import { probeElf, probeEsxBootInfo, probeMultiboot } from "./elf.ts";
import { probeFit } from "./fit.ts";
import type { Image, ImageFormat, Probe, Subject } from "./image.ts";
import { type LayoutInput, type Loader, layOutAout, layOutArm64, layOutElf, layOutMultiboot } from "./layout.ts";
import type { SegmentMemory, Start } from "./segment.ts";
import { probeUimage } from "./uimage.ts";
import { probeUki } from "./uki.ts";
import { describeUnrecognised, probeEfiProgram } from "./unrecognised.ts";

/** What a file on a server is, for a URL that names it. */
export type BootContent = "kernel" | "uki" | "program";

export interface ImageType {
  /** Recognises the type; several types may share one, which is asked once. */
  readonly probe: Probe;
  /** It can stand inside another: in a unified kernel image, in a gzip file. */
  readonly isInner?: boolean;
  /** kexec(8)'s names for it (`--type`). */
  readonly kexecTypes?: readonly string[];
  /** Which of them this image has; the first unless given. Null for none. */
  kexecType?(image: Image): string | null;
  /** What it is on a server; null for an image of this type that boots nothing. */
  content?(image: Image): BootContent | null;
  /** Lays it out for kexec_load. A bzImage's way is shorter (bzimageload.ts); where there is none, nothing loads it. */
  readonly layOut?: Loader;
}

const kernel = (): BootContent => "kernel";
const packed = probeCompressed(identifyKernel);
/** Some kernels are packed as a whole (arm64's Image.gz); of anything else that is packed, nobody knows what it is. */
const PACKED: ImageType = { probe: packed, content: ({ arch }) => (arch === null ? null : "kernel") };

/** In the order in which they are asked: kernels with an EFI stub are EFI programs too, and must be asked before. */
export const IMAGE_TYPES: Readonly<Record<ImageFormat, ImageType>> = {
  bzImage: {
    probe: probeBzImage,
    isInner: true,
    kexecTypes: ["bzImage64", "bzImage"],
    // kexec(8)'s bzImage64 can lie anywhere, as kexec_file_load wants it too.
    kexecType: ({ fileLoad }) => (fileLoad.includes("x86_64") ? "bzImage64" : "bzImage"),
    content: kernel,
  },
  "arm64 Image": {
    probe: probeArm64,
    isInner: true,
    kexecTypes: ["Image"],
    content: kernel,
    layOut: layOutArm64,
  },
  "riscv Image": { probe: probeRiscv, isInner: true, content: kernel },
  "EFI zboot": { probe: probeZboot, isInner: true, content: kernel },
  ESXBootInfo: { probe: probeEsxBootInfo, isInner: true },
  multiboot: { probe: probeMultiboot, isInner: true, kexecTypes: ["multiboot-x86"], layOut: layOutMultiboot },
  multiboot2: { probe: probeMultiboot, isInner: true, kexecTypes: ["multiboot2-x86"], layOut: layOutMultiboot },
  ELF: {
    probe: probeElf,
    isInner: true,
    kexecTypes: ["elf-x86_64", "elf-x86", "vmlinux"],
    // Programs of this system are ELF files, too.
    kexecType: ({ arch, classic }) =>
      classic.length === 0 ? null : arch === "i386" ? "elf-x86" : arch === "x86_64" ? "elf-x86_64" : "vmlinux",
    content: kernel,
    layOut: layOutElf,
  },
  "a.out": { probe: probeAout, isInner: true, kexecTypes: ["a.out"], layOut: layOutAout },
  UKI: { probe: probeUki(identifyKernel), content: () => "uki" },
  gzip: PACKED,
  zstd: PACKED,
  xz: PACKED,
  lz4: PACKED,
  lzma: PACKED,
  bzip2: PACKED,
  // What is loaded is the kernel inside.
  uImage: { probe: probeUimage, kexecTypes: ["uImage"], kexecType: () => null, content: kernel },
  FIT: { probe: probeFit, content: kernel },
  "EFI program": { probe: probeEfiProgram, content: () => "program" },
  other: { probe: describeUnrecognised },
};

const ROWS = Object.values(IMAGE_TYPES);
const PROBES: readonly Probe[] = [...new Set(ROWS.map(({ probe }) => probe))];
const INNER: readonly Probe[] = [...new Set(ROWS.filter(({ isInner }) => isInner === true).map(({ probe }) => probe))];

async function firstAnswer(probes: readonly Probe[], subject: Subject): Promise<Image> {
  for (const probe of probes) {
    const found = await probe(subject);
    if (found !== null) return found;
  }
  return describeUnrecognised(subject);
}

/** What a file is. @throws what its `readAt` rejects with */
export function identifySubject(subject: Subject): Promise<Image> {
  return firstAnswer(PROBES, subject);
}

/** What stands inside another file. */
function identifyKernel(subject: Subject): Promise<Image> {
  return firstAnswer(INNER, subject);
}

/** kexec(8)'s names of types, and the formats that each stands for. */
export function kexecTypes(): ReadonlyMap<string, ImageFormat> {
  const rows = Object.entries(IMAGE_TYPES) as [ImageFormat, ImageType][];
  return new Map(rows.flatMap(([format, { kexecTypes = [] }]) => kexecTypes.map((name) => [name, format])));
}

/** kexec(8)'s name of an image's type; null where it has none. */
export function kexecTypeOf(image: Image): string | null {
  const { kexecType, kexecTypes } = IMAGE_TYPES[image.format];
  return kexecType === undefined ? (kexecTypes?.[0] ?? null) : kexecType(image);
}

/** What an image is on a server; null for nothing that boots. */
export function bootContentOf(image: Image): BootContent | null {
  return IMAGE_TYPES[image.format].content?.(image) ?? null;
}

/**
 * Puts an image and all that belongs to it into memory.
 * @throws BatonError `unsupported` for a type that has no loader, `bad-format`, `refused` where there is no room
 */
export async function layOut(input: LayoutInput, memory: SegmentMemory): Promise<Start> {
  const { image } = input;
  const loader = IMAGE_TYPES[image.format].layOut;
  if (loader === undefined) {
    throw new BatonError("unsupported", image.reason ?? `It is ${image.description}.`);
  }
  return loader(input, memory);
}
