/** Which bootloader an EFI program is: by what it says of itself, else by its name. */

import { findSection } from "../binary/pe.ts";
import { BatonError } from "../errors.ts";
import { baseName } from "./paths.ts";
import type { Reader } from "./reader.ts";
import { openProgram, type Program } from "./systemdboot/ukiimage.ts";

/** shim starts the GRUB that lies beside it; what a default loader (`BOOTX64.EFI`) is, its name doesn't say. */
export type LoaderName = "grub" | "systemd-boot" | "syslinux" | "limine" | "refind" | "elilo" | "default";

/** Sections that only a bootloader's own program has: GRUB's modules, shim's certificate, systemd-boot's mark. */
const SECTIONS: readonly (readonly [string, LoaderName])[] = [
  ["mods", "grub"],
  [".vendor_cert", "grub"],
  [".sdmagic", "systemd-boot"],
];
/** The names of bootloaders in `.sbat` (shim's SBAT.md), which has a line for each component. */
const COMPONENTS = /^(shim|grub|systemd-boot|limine|refind)[.,]/m;
const FILES: readonly (readonly [RegExp, LoaderName])[] = [
  [/^(grub|shim)/, "grub"],
  [/^systemd-boot/, "systemd-boot"],
  [/^syslinux/, "syslinux"],
  [/^limine/, "limine"],
  [/^refind/, "refind"],
  [/^elilo/, "elilo"],
  [/^boot(x64|ia32|aa64|arm|riscv64|loongarch64)\.efi$/, "default"],
];

/** The configurations that programs without such marks look for, as their names stand in them. */
const CONFIGS: readonly (readonly [Buffer, LoaderName])[] = [
  [Buffer.from("refind.conf", "utf16le"), "refind"],
  [Buffer.from("elilo.conf", "utf16le"), "elilo"],
  [Buffer.from("limine.conf"), "limine"],
  [Buffer.from("limine.cfg"), "limine"],
  [Buffer.from("syslinux.cfg"), "syslinux"],
];
/** None of these programs is larger; kernels are. */
const MAX_PROGRAM_SIZE = 2 << 20;

/** By the file's name alone; null for any other name. */
export function loaderByName(path: string): LoaderName | null {
  const name = baseName(path).toLowerCase();
  return FILES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** By what the program holds, of which `reader` has the file; null where it says nothing. */
export async function loaderByContent({ pe, text }: Program, reader: Reader, path: string): Promise<LoaderName | null> {
  const marked = SECTIONS.find(([name]) => findSection(pe, name) !== null);
  if (marked !== undefined) return marked[1];
  const component = COMPONENTS.exec((await text(findSection(pe, ".sbat"))) ?? "")?.[1];
  if (component !== undefined) return component === "shim" ? "grub" : (component as LoaderName);
  // A name that says who it is spares the reading.
  if (loaderByName(path) !== "default" || (await reader.stat(path)).size > MAX_PROGRAM_SIZE) return null;
  const bytes = Buffer.from(await reader.read(path, MAX_PROGRAM_SIZE));
  return CONFIGS.find(([name]) => bytes.includes(name))?.[1] ?? null;
}

/**
 * @returns null where it is another program, or can't be read
 * @throws BatonError `timeout` where the device doesn't answer
 */
export async function loaderAt(reader: Reader, path: string): Promise<LoaderName | null> {
  const named = loaderByName(path);
  try {
    const program = await openProgram(reader, path);
    if (program === null) return named;
    // Windows and others put a copy of theirs in the place of the default loader.
    return (await loaderByContent(program, reader, path)) ?? (named === "default" ? null : named);
  } catch (error) {
    if (!(error instanceof BatonError) || error.code === "timeout") throw error;
    return error.code === "bad-format" ? named : null;
  }
}
