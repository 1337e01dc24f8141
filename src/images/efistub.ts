/**
 * Kernels that are recognised by what stands behind their MZ: arm64's and RISC-V's Image
 * (Documentation/arch/arm64/booting.rst, arch/riscv/boot-image-header.rst), and the EFI zboot form, which wraps one
 * of them compressed (drivers/firmware/efi/libstub/zboot-header.S).
 */

import { looksLikePe, readPe } from "../binary/pe.ts";
import { type Image, image, type Subject } from "./image.ts";

const ARM64_MAGIC = 0x644d5241; // "ARM\x64" at 56
const RISCV_MAGIC = 0x05435352; // "RSC\x05" at 56
const IMAGE_HEADER_SIZE = 64;

/** The header of an arm64 Image. */
interface Arm64Header {
  /** From a 2 MiB boundary. */
  readonly textOffset: number;
  /** Bytes in memory; 0 for kernels before 3.17. */
  readonly imageSize: number;
}

/** @returns null where the file is no arm64 Image */
export function readArm64Header(start: Buffer): Arm64Header | null {
  if (start.length < IMAGE_HEADER_SIZE || start.readUInt32LE(56) !== ARM64_MAGIC) return null;
  return {
    textOffset: Number(start.readBigUInt64LE(8)),
    imageSize: Number(start.readBigUInt64LE(16)),
  };
}

export function probeArm64({ start }: Subject): Image | null {
  const header = readArm64Header(start);
  if (header === null) return null;
  const found = image({ format: "arm64 Image", description: "Linux (arm64 Image)", arch: "aarch64" });
  if (header.imageSize === 0) {
    return { ...found, reason: "It is from before Linux 3.17 and doesn't say how much memory it needs." };
  }
  return { ...found, fileLoad: ["aarch64"], classic: ["aarch64"] };
}

export function probeRiscv({ start }: Subject): Image | null {
  if (start.length < IMAGE_HEADER_SIZE || start.readUInt32LE(56) !== RISCV_MAGIC) return null;
  return image({ format: "riscv Image", description: "Linux (RISC-V Image)", arch: "riscv64", fileLoad: ["riscv64"] });
}

/** What an EFI zboot file wraps. */
interface Zboot {
  /** `gzip`, `zstd22`, `xzkern`…, as the kernel's build names it. */
  readonly compression: string;
  readonly payloadOffset: number;
  readonly payloadSize: number;
}

/** @returns null where the file is no EFI zboot image */
export function readZboot(start: Buffer): Zboot | null {
  if (start.length < IMAGE_HEADER_SIZE || start.toString("latin1", 0, 8) !== "MZ\0\0zimg") return null;
  return {
    payloadOffset: start.readUInt32LE(8),
    payloadSize: start.readUInt32LE(12),
    compression: /^[a-z0-9]*/.exec(start.toString("latin1", 24, 56))![0],
  };
}

export async function probeZboot(subject: Subject): Promise<Image | null> {
  const zboot = readZboot(subject.start);
  if (zboot === null) return null;
  const arch = looksLikePe(subject.start) ? await machineOf(subject) : null;
  return image({
    format: "EFI zboot",
    description: `Linux (${arch ?? "unknown architecture"}, EFI zboot, ${zboot.compression})`,
    arch,
    isPacked: true,
    classic: arch === "aarch64" ? [arch] : [],
    reason: `It is a kernel packed for EFI firmware (${zboot.compression}), which kexec_file_load doesn't unpack.`,
  });
}

async function machineOf({ readAt, size }: Subject): Promise<string | null> {
  try {
    return (await readPe(readAt, size))?.machine ?? null;
  } catch {
    // Broken headers: the architecture stays unknown, and the loader says what is wrong with the file.
    return null;
  }
}
