/** What a file is by its name, where a script starts it: kernels, scripts, and programs that only iPXE or firmware can run. */

import { formatFileRef, type ParsedEntry } from "../../entry.ts";
import { firmwareProgramReason } from "../../firmwareprograms.ts";
import { onlyFirmware } from "../foreignloaders.ts";
import type { ScriptImage } from "./state.ts";

/** A file of that name may be a script (netboot.xyz has a linux.ipxe). */
export const SCRIPT_NAME = /\.(ipxe|php|cgi|txt|cfg)$/i;

export const looksLikeKernel = (name: string): boolean =>
  /^(vmlinu[xz]|bzImage|linux|kernel|Image)([-._].*)?$/i.test(name) && !SCRIPT_NAME.test(name);

/** Programs that read a configuration of their own from where they lie. */
export const LOADER =
  /^([lg]?pxelinux|undionly|grub.*|core)\.(0|k?k?pxe)$|^(i?pxe|snp(only)?|grub.*|shim.*|boot(net)?(x64|aa64|ia32))\.efi$/i;

/** EFI programs that people chain to and that are no kernels; a unified kernel image is called otherwise. */
const EFI_PROGRAM =
  /^(memtest.*|shell.*|grub.*|shim.*|boot(x64|aa64|ia32|riscv64|mgfw)|i?pxe|snp(only)?|refind.*)\.efi$/i;

export function kindByName(name: string): ParsedEntry["kind"] {
  if (/\.iso$/i.test(name)) return "iso";
  return EFI_PROGRAM.test(name) ? "efi" : "other";
}

/** The last part of a URI's path, without query. */
export function lastPart(uri: string): string {
  const path = uri.replace(/[?#].*$/s, "");
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf(":")) + 1) || path;
}

/** Why an image can't be booted as a kernel, as far as its name tells; null where the name allows it. */
export function reasonAgainst(image: ScriptImage, isUnread: boolean): string | null {
  const what = formatFileRef(image.ref);
  const program = firmwareProgramReason(image.name);
  if (program !== null) return program;
  if (EFI_PROGRAM.test(image.name)) return onlyFirmware(what);
  if (/\.(k?kpxe|pxe|iso|img|com|c32)$/i.test(image.name) || (/\.0$/.test(image.name) && !looksLikeKernel(image.name)))
    return `it goes on with ${what}, which needs the firmware or iPXE`;
  if (isUnread && SCRIPT_NAME.test(image.name)) return `it goes on with the script ${what}, which can't be read here`;
  return null;
}
