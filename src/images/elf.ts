/** ELF kernels: vmlinux, and what asks for a multiboot loader (Xen, memtest86+, other systems). */

import { type Image, image, type Subject } from "./image.ts";

const MULTIBOOT_MAGIC = 0x1badb002;
/** The header stands in the first 8 KiB, aligned to 4 (Multiboot Specification 0.6.96, section 3.1). */
const MULTIBOOT_WINDOW = 8192;
const MULTIBOOT2_MAGIC = 0xe85250d6;
/** In the first 32 KiB, aligned to 8 (Multiboot2 Specification, section 3.1). */
const MULTIBOOT2_WINDOW = 32768;

const MACHINES: Readonly<Record<number, string>> = {
  3: "i386",
  40: "arm",
  62: "x86_64",
  183: "aarch64",
  243: "riscv64",
};
const TYPES: Readonly<Record<number, string>> = { 1: "object file", 2: "executable", 3: "executable", 4: "core dump" };

/** Where a multiboot header stands, by its magic number and checksum; null where there is none. */
function findMultiboot(start: Buffer): { version: 1 | 2; offset: number } | null {
  for (let at = 0; at + 16 <= Math.min(start.length, MULTIBOOT2_WINDOW); at += 8) {
    if (start.readUInt32LE(at) !== MULTIBOOT2_MAGIC) continue;
    const sum =
      MULTIBOOT2_MAGIC + start.readUInt32LE(at + 4) + start.readUInt32LE(at + 8) + start.readUInt32LE(at + 12);
    if (sum % 2 ** 32 === 0) return { version: 2, offset: at };
  }
  for (let at = 0; at + 12 <= Math.min(start.length, MULTIBOOT_WINDOW); at += 4) {
    if (start.readUInt32LE(at) !== MULTIBOOT_MAGIC) continue;
    const sum = MULTIBOOT_MAGIC + start.readUInt32LE(at + 4) + start.readUInt32LE(at + 8);
    if (sum % 2 ** 32 === 0) return { version: 1, offset: at };
  }
  return null;
}

export function probeMultiboot({ start }: Subject): Image | null {
  const found = findMultiboot(start);
  if (found === null) return null;
  const format = found.version === 1 ? "multiboot" : "multiboot2";
  return image({
    format,
    description: `a ${format} kernel (no Linux: Xen, a memory test, another system)`,
    arch: elfMachine(start),
    reason: `It is a ${format} kernel, which kexec_file_load doesn't take.`,
  });
}

export function probeElf({ start }: Subject): Image | null {
  if (start.length < 64 || start.readUInt32BE(0) !== 0x7f454c46) return null;
  const arch = elfMachine(start);
  const bits = start.readUInt8(4) === 2 ? 64 : 32;
  const kind = TYPES[start.readUInt16LE(16)] ?? "file";
  return image({
    format: "ELF",
    description: `an ELF ${kind} (${arch ?? "unknown architecture"}, ${bits} bits), as an unpacked kernel (vmlinux) is one`,
    arch,
    reason: "It is an ELF file; kexec_file_load takes the packed form of a kernel, which distributions name vmlinuz.",
  });
}

function elfMachine(start: Buffer): string | null {
  if (start.length < 20 || start.readUInt32BE(0) !== 0x7f454c46 || start.readUInt8(5) !== 1) return null;
  return MACHINES[start.readUInt16LE(18)] ?? null;
}
