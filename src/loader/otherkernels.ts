/**
 * Composes images and kexec for the kernels that are no bzImage: brings a loader of images/imagetypes.ts together with an
 * entry's open files and the facts about this machine.
 */

import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { readFdt, writeFdt } from "../binary/fdt.ts";
import { readAtOfBytes } from "../binary/readat.ts";
import { BatonError, describeError } from "../errors.ts";
import { identifyImage } from "../images/identify.ts";
import { layOut } from "../images/imagetypes.ts";
import type { MachineFacts } from "../images/layout.ts";
import type { SegmentMemory, Start } from "../images/segment.ts";
import { filePart, type KexecFile, type ReadOptions, readWhole } from "../kexec/files.ts";
import type { LoadRequest } from "../kexec/method.ts";
import { readX86MachineFor } from "../kexec/x86machine.ts";
import { log } from "../log.ts";
import { crashLayout, initrdContents } from "./segments.ts";

/** The devicetree that the running kernel was given. */
const RUNNING_DEVICETREE = "/sys/firmware/fdt";
const MAX_DEVICETREE_SIZE = 2 << 20;
/** Of ACPI's root pointer structure, since ACPI 2.0. */
const RSDP_SIZE = 36;
/** More than the buffer of any kernel has. */
const KERNEL_LOG_RECORDS = 20_000;

/**
 * Lays out any kernel that `Image.classic` names this architecture for.
 * @param arch of this machine, as `uname -m`
 */
export async function layOutOther(
  arch: string,
  request: LoadRequest,
  memory: SegmentMemory,
  reading: ReadOptions,
): Promise<Start> {
  const kernel = await readWhole(filePart(request.kernel), reading);
  const image = await identifyImage(readAtOfBytes(kernel), kernel.length);
  if (request.crash && image.format !== "ELF") {
    const message = `${request.kernel.name}: for a panic Baton loads bzImages and vmlinux, and by kexec_file_load what this kernel takes; others have no way to be told which memory is theirs.`;
    throw new BatonError("unsupported", message);
  }
  const crash = request.crash ? await crashLayout(request.cmdline, memory) : null;
  const [initrds, machine] = await Promise.all([
    initrdContents(request.initrds, reading),
    readMachineFacts(arch, request, reading),
  ]);
  const modules = (request.modules ?? []).map(({ file, cmdline }) => ({ content: filePart(file), cmdline }));
  const { cmdline, loaderName = "Baton" } = { ...request, ...crash };
  const e820 = crash === null ? {} : { e820: crash.e820 };
  const facts = { machine, modules, loaderName, cmdline, seed: randomBytes(32), ...e820 };
  return layOut({ image, kernel, initrds, ...facts }, memory);
}

async function readMachineFacts(arch: string, request: LoadRequest, reading: ReadOptions): Promise<MachineFacts> {
  if (arch === "x86_64") {
    const x86 = await readX86MachineFor(request);
    return { arch, x86, rsdp: await readRsdp(x86.rsdp) };
  }
  if (arch !== "aarch64") throw new BatonError("unsupported", `Baton loads no kernels by kexec_load on ${arch}.`);
  const whole = request.devicetree ? await readWhole(filePart(request.devicetree), reading) : await runningDevicetree();
  const devicetree = await withOverlays(whole, request.overlays ?? [], reading);
  if (devicetree.length > MAX_DEVICETREE_SIZE) {
    throw new BatonError(
      "refused",
      `The devicetree has ${devicetree.length} bytes, and the kernel takes 2 MiB at most.`,
    );
  }
  return { arch, devicetree, kaslrSeed: randomBytes(8), rngSeed: randomBytes(64) };
}

async function withOverlays(
  devicetree: Uint8Array,
  overlays: readonly KexecFile[],
  reading: ReadOptions,
): Promise<Uint8Array> {
  if (overlays.length === 0) return devicetree;
  const { applyOverlay } = await import("../binary/fdtoverlay.ts");
  const tree = readFdt(devicetree);
  for (const overlay of overlays) {
    const bytes = await readWhole(filePart(overlay), reading);
    try {
      applyOverlay(tree, readFdt(bytes));
    } catch (cause) {
      throw new BatonError("bad-format", `${overlay.name}: ${describeError(cause)}`, { cause });
    }
  }
  return writeFdt(tree);
}

async function runningDevicetree(): Promise<Uint8Array> {
  return readFile(RUNNING_DEVICETREE).catch((cause: unknown) => {
    const message = `The running kernel's devicetree can't be read (${RUNNING_DEVICETREE}), and the next kernel needs one: ${describeError(cause)}`;
    throw new BatonError("unsupported", message, { cause });
  });
}

/** Only multiboot kernels are told, and they may do without: what goes wrong here is no failure. */
async function readRsdp(address: bigint): Promise<Uint8Array | null> {
  if (address === 0n) return null;
  const memory = await open("/dev/mem", "r").catch(() => null);
  try {
    const found = await memory?.read(Buffer.alloc(RSDP_SIZE), 0, RSDP_SIZE, Number(address));
    if (found?.bytesRead === RSDP_SIZE && found.buffer.toString("latin1", 0, 8) === "RSD PTR ") return found.buffer;
  } catch {
    // Most kernels let nobody read there.
  } finally {
    await memory?.close();
  }
  const made = rsdpOf(readKernelLog());
  if (made === null) log.debug("ACPI's root pointer can't be read, and isn't passed on");
  return made;
}

/** ACPI's root pointer made anew, from what the kernel has said of its tables: `ACPI: XSDT 0x000000007F77D0E8 00004C (…`. */
export function rsdpOf(kernelLog: string): Buffer | null {
  const table = /ACPI: XSDT 0x([0-9a-f]{1,16}) /i.exec(kernelLog);
  if (table === null) return null;
  const rsdp = Buffer.alloc(RSDP_SIZE);
  rsdp.write("RSD PTR ", 0, "latin1");
  rsdp.write("BATON ", 9, "latin1");
  // Revision 2: ACPI 2.0 and newer.
  rsdp.writeUInt8(2, 15);
  rsdp.writeUInt32LE(RSDP_SIZE, 20);
  rsdp.writeBigUInt64LE(BigInt(`0x${table[1]}`), 24);
  // The bytes of the first form, and of all of it, come to 0.
  const sum = (end: number): number => rsdp.subarray(0, end).reduce((total, byte) => total + byte, 0);
  rsdp.writeUInt8(-sum(20) & 0xff, 8);
  rsdp.writeUInt8(-sum(RSDP_SIZE) & 0xff, 32);
  return rsdp;
}

/** Up to where it would wait for more; empty where it can't be read. */
function readKernelLog(): string {
  let text = "";
  let fd: number;
  try {
    fd = openSync("/dev/kmsg", constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return "";
  }
  try {
    const record = Buffer.alloc(8192);
    for (let count = 0; count < KERNEL_LOG_RECORDS; count++) {
      text += record.toString("latin1", 0, readSync(fd, record));
    }
  } catch {
    // EAGAIN: that is all.
  } finally {
    closeSync(fd);
  }
  return text;
}
