/** ELF kernels: vmlinux, and what asks for a multiboot loader (Xen, memtest86+, other systems). */

import { looksLikeElf, readElf } from "../binary/elf.ts";
import { describeError } from "../errors.ts";
import { type Image, image, type Subject } from "./image.ts";
import { findMultiboot } from "./multiboot.ts";

/** VMware's own successor of multiboot ("mutiboot", ESXBootInfo), in the first 8 KiB, aligned to 8. */
const ESXBOOTINFO_MAGIC = 0x1badb005;
const ESXBOOTINFO_WINDOW = 8192;

const TYPES: Readonly<Record<number, string>> = { 1: "object file", 2: "executable", 3: "executable", 4: "core dump" };
/** Machines whose multiboot kernels and vmlinux an x86-64 kernel can start. */
const X86 = ["i386", "x86_64"];

export function probeMultiboot({ start, size }: Subject): Image | null {
  const found = findMultiboot(start);
  if (found === null) return null;
  const format = found.version === 1 ? "multiboot" : "multiboot2";
  const arch = machineOf(start, size);
  return image({
    format,
    description: `a ${format} kernel (no Linux: Xen, a memory test, another system)`,
    arch,
    // One that is no ELF file is for i386 by the specification.
    classic: arch === null || X86.includes(arch) ? ["x86_64"] : [],
    reason: `It is a ${format} kernel, which kexec_file_load doesn't take.`,
  });
}

/** Asked before multiboot: newer kernels of ESXi have headers of both kinds, and the other one leads nowhere. */
export function probeEsxBootInfo({ start, size }: Subject): Image | null {
  for (let at = 0; at + 8 <= Math.min(start.length, ESXBOOTINFO_WINDOW); at += 8) {
    if (start.readUInt32LE(at) !== ESXBOOTINFO_MAGIC) continue;
    return image({
      format: "ESXBootInfo",
      description: "a VMware ESXi kernel",
      arch: machineOf(start, size),
      reason:
        "It is a VMware ESXi kernel, which needs its own boot loader and the firmware's services: those are gone once Linux runs.",
    });
  }
  return null;
}

export function probeElf({ start, size }: Subject): Image | null {
  if (!looksLikeElf(start)) return null;
  const machine = machineOf(start, size);
  const bits = start.length > 4 && start.readUInt8(4) === 2 ? 64 : 32;
  const type = start.length > 17 ? start.readUInt16LE(16) : 0;
  const found = image({
    format: "ELF",
    description: `an ELF ${TYPES[type] ?? "file"} (${machine ?? "unknown architecture"}, ${bits} bits), as an unpacked kernel (vmlinux) is one`,
    arch: machine,
    reason: "It is an ELF file; kexec_file_load takes the packed form of a kernel, which distributions name vmlinuz.",
  });
  try {
    const elf = readElf(start, size);
    const loads = type === 2 && elf !== null && elf.segments.length > 0 && X86.includes(machine ?? "");
    return loads ? { ...found, classic: ["x86_64"] } : found;
  } catch (error) {
    return { ...found, reason: describeError(error) };
  }
}

function machineOf(start: Buffer, size: number): string | null {
  try {
    return readElf(start, size)?.machine ?? null;
  } catch {
    return null;
  }
}
