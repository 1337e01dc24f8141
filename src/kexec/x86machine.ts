/** Reads what the firmware told the running kernel, for the next one. */

import { readdir, readFile } from "node:fs/promises";
import { BatonError } from "../errors.ts";
import { E820, type E820Entry, type EfiFacts, type EfiRange, type X86Machine } from "../images/x86boot.ts";
import type { FirmwareEntry } from "./memorymap.ts";
import type { LoadRequest } from "./method.ts";

/** The names of arch/x86/kernel/e820.c. */
const TYPES: Readonly<Record<string, number>> = {
  "System RAM": E820.ram,
  Reserved: E820.reserved,
  reserved: E820.reserved,
  "ACPI Tables": E820.acpi,
  "ACPI Non-volatile Storage": E820.nvs,
  "Unusable memory": E820.unusable,
  "Persistent Memory": E820.persistent,
  "Persistent Memory (legacy)": E820.persistentLegacy,
  "Soft Reserved": E820.softReserved,
};

/** Framebuffer drivers that go on using what the firmware set up, where the next kernel finds it as well. */
const FIRMWARE_FRAMEBUFFERS = /^(EFI VGA|VESA VGA|simple|simpledrmdrmfb)$/;

/** Where facts are read: the machine's own /sys, or a copy of one. */
interface MachineFiles {
  readonly sys: string;
}

/** The machine as a new kernel is to see it. */
export async function readX86MachineFor({ x86, within }: Pick<LoadRequest, "x86" | "within">): Promise<X86Machine> {
  const machine = await readX86Machine();
  const { noEfi = false, reuseVideo = false } = x86 ?? {};
  return {
    ...machine,
    ...(within === undefined ? {} : { e820: clipRam(machine.e820, within) }),
    ...(noEfi ? { efi: null } : {}),
    ...(reuseVideo ? { framebufferKept: true } : {}),
  };
}

/** RAM within the limits alone; all that isn't RAM stays. */
export function clipRam(
  entries: readonly E820Entry[],
  { minimum, maximum }: NonNullable<LoadRequest["within"]>,
): E820Entry[] {
  return entries.flatMap((entry) => {
    if (entry.type !== E820.ram) return [entry];
    const start = entry.start > minimum ? entry.start : minimum;
    const last = entry.start + entry.size - 1n;
    const end = (last < maximum ? last : maximum) + 1n;
    return start < end ? [{ start, size: end - start, type: E820.ram }] : [];
  });
}

/**
 * @throws BatonError `unsupported` where the kernel shows no memory map
 */
export async function readX86Machine({ sys }: MachineFiles = { sys: "/sys" }): Promise<X86Machine> {
  const [e820, bootParams, systab, framebufferKept] = await Promise.all([
    readE820(`${sys}/firmware/memmap`),
    readFile(`${sys}/kernel/boot_params/data`).catch(() => null),
    readFile(`${sys}/firmware/efi/systab`, "latin1").catch(() => ""),
    isFramebufferKept(`${sys}/class/graphics`),
  ]);
  const table = (name: string): bigint => BigInt(new RegExp(`^${name}=(0x[0-9a-f]+)$`, "mi").exec(systab)?.[1] ?? 0);
  const told = bootParams !== null && bootParams.length >= 0x78 ? bootParams.readBigUInt64LE(0x70) : 0n;
  const rsdp = table("ACPI20") || table("ACPI") || told;
  const efi = await readEfi(`${sys}/firmware/efi`, table("SMBIOS"));
  return { e820, bootParams, rsdp, efi, framebufferKept };
}

async function readE820(folder: string): Promise<E820Entry[]> {
  const names = (await readdir(folder).catch(() => [])).sort((a, b) => Number(a) - Number(b));
  const entries = await Promise.all(
    names.map(async (name): Promise<FirmwareEntry> => {
      const read = (file: string) => readFile(`${folder}/${name}/${file}`, "latin1");
      return { start: await read("start"), end: await read("end"), type: await read("type") };
    }),
  );
  if (entries.length === 0) {
    throw new BatonError(
      "unsupported",
      `This kernel doesn't show the firmware's memory map (${folder}), which kexec_load has to pass on.`,
    );
  }
  return entries.map(({ start, end, type }) => ({
    start: BigInt(start.trim()),
    size: BigInt(end.trim()) - BigInt(start.trim()) + 1n,
    type: TYPES[type.trim()] ?? E820.reserved,
  }));
}

async function readEfi(folder: string, smbios: bigint): Promise<EfiFacts | null> {
  const names = (await readdir(`${folder}/runtime-map`).catch(() => [])).sort((a, b) => Number(a) - Number(b));
  if (names.length === 0) return null;
  const number = async (path: string): Promise<bigint> => BigInt((await readFile(path, "latin1")).trim());
  const ranges = names.map(async (name): Promise<EfiRange> => {
    const field = (file: string) => number(`${folder}/runtime-map/${name}/${file}`);
    return {
      type: Number(await field("type")),
      physical: await field("phys_addr"),
      virtual: await field("virt_addr"),
      pages: await field("num_pages"),
      attribute: await field("attribute"),
    };
  });
  try {
    const [fwVendor, configTable] = await Promise.all([
      number(`${folder}/fw_vendor`),
      number(`${folder}/config_table`),
    ]);
    return { ranges: await Promise.all(ranges), fwVendor, configTable, smbios };
  } catch {
    // Without all of it the next kernel must do without the firmware's services.
    return null;
  }
}

/** No framebuffer at all is VGA's text mode, which screen_info describes as well. */
async function isFramebufferKept(folder: string): Promise<boolean> {
  const name = await readFile(`${folder}/fb0/name`, "latin1").catch(() => null);
  return name === null || FIRMWARE_FRAMEBUFFERS.test(name.trim());
}
