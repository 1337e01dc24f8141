/**
 * Composes images and kexec for the kernels that are no bzImage: brings a loader of images/layout.ts together with an
 * entry's open files and the facts about this machine.
 */

import { randomBytes } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { readFdt, writeFdt } from "./binary/fdt.ts";
import { readAtOf } from "./binary/readat.ts";
import type { SegmentMemory, Start } from "./binary/segment.ts";
import { crashLayout, initrdContents } from "./classic.ts";
import { BatonError, describeError } from "./errors.ts";
import { identifyImage } from "./images/identify.ts";
import { layOut, type Machine } from "./images/layout.ts";
import { filePart, type KexecFile, type ReadOptions, readWhole } from "./kexec/files.ts";
import type { LoadRequest } from "./kexec/method.ts";
import { readX86MachineFor } from "./kexec/x86machine.ts";
import { log } from "./log.ts";

/** The devicetree that the running kernel was given. */
const RUNNING_DEVICETREE = "/sys/firmware/fdt";
const DEVICETREE_LIMIT = 2 << 20;
/** Of ACPI's root pointer structure, since ACPI 2.0. */
const RSDP_SIZE = 36;

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
  const image = await identifyImage(readAtOf(kernel), kernel.length);
  if (request.crash && image.format !== "ELF") {
    const message = `${request.kernel.name}: for a panic Baton loads bzImages and vmlinux, and by kexec_file_load what this kernel takes; others have no way to be told which memory is theirs.`;
    throw new BatonError("unsupported", message);
  }
  const crash = request.crash ? await crashLayout(request.cmdline, memory) : null;
  const [initrds, machine] = await Promise.all([
    initrdContents(request.initrds, reading),
    readMachine(arch, request, reading),
  ]);
  const modules = (request.modules ?? []).map(({ file, cmdline }) => ({ content: filePart(file), cmdline }));
  const { cmdline, loaderName = "Baton" } = { ...request, ...crash };
  const e820 = crash === null ? {} : { e820: crash.e820 };
  const facts = { machine, modules, loaderName, cmdline, seed: randomBytes(32), ...e820 };
  return layOut({ image, kernel, initrds, ...facts }, memory);
}

async function readMachine(arch: string, request: LoadRequest, reading: ReadOptions): Promise<Machine> {
  if (arch === "x86_64") {
    const x86 = await readX86MachineFor(request);
    return { arch, x86, rsdp: await readRsdp(x86.rsdp) };
  }
  if (arch !== "aarch64") throw new BatonError("unsupported", `Baton loads no kernels by kexec_load on ${arch}.`);
  const whole = request.devicetree ? await readWhole(filePart(request.devicetree), reading) : await runningDevicetree();
  const devicetree = await withOverlays(whole, request.overlays ?? [], reading);
  if (devicetree.length > DEVICETREE_LIMIT) {
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
  const { applyOverlay } = await import("./binary/fdtoverlay.ts");
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

/** Only multiboot2 kernels are told, and they may do without: what goes wrong here is no failure. */
async function readRsdp(address: bigint): Promise<Uint8Array | null> {
  if (address === 0n) return null;
  try {
    const memory = await open("/dev/mem", "r");
    try {
      const { buffer, bytesRead } = await memory.read(Buffer.alloc(RSDP_SIZE), 0, RSDP_SIZE, Number(address));
      return bytesRead === RSDP_SIZE && buffer.toString("latin1", 0, 8) === "RSD PTR " ? buffer : null;
    } finally {
      await memory.close();
    }
  } catch (error) {
    log.debug(`ACPI's root pointer can't be read, and isn't passed on: ${describeError(error)}`);
    return null;
  }
}
