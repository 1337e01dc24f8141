/**
 * Whose configuration it is: programs of the same family read the same words and do different things with them.
 * Who wrote the file decides, and where nothing tells, who would read it on this machine.
 */

import type { Platform } from "../format.ts";
import { baseName } from "../paths.ts";
import type { Config } from "./config.ts";

/**
 * `u-boot`: extlinux.conf as U-Boot's `sysboot` and `bootflow` read it. It adds nothing to the command line, takes
 * one initrd, fills in `${variables}`, knows devicetrees and no COM32 modules.
 *
 * The others are Syslinux itself on a disk, a CD or the network: `BOOT_IMAGE=` in front of the command line, an
 * `initrd=` that stays in it, COM32 modules.
 */
export type Dialect = "syslinux" | "isolinux" | "extlinux" | "pxelinux" | "u-boot";

/** @param path of the configuration itself, not of what it includes. */
export function dialectOf(path: string, config: Config, platform: Platform): Dialect {
  const name = baseName(path).toLowerCase();
  if (name === "isolinux.cfg") return "isolinux";
  if (name !== "extlinux.conf") return "syslinux";
  // EXTLINUX is Syslinux's installer for ext and btrfs; it and its modules exist for x86 only.
  if (config.hasUbootWords) return "u-boot";
  if (config.ui !== null || /\.c32\b/i.test(config.default?.text ?? "")) return "extlinux";
  if (config.labels.some((label) => ["com32", "config", "boot", "bss", "comboot"].includes(label.type)))
    return "extlinux";
  if (config.labels.some((label) => label.append?.includes("${"))) return "u-boot";
  return /^(x86_64|i[3-6]86)$/.test(platform.arch) ? "extlinux" : "u-boot";
}

/** A COM32 module's name: `menu` for `/boot/syslinux/MENU.C32`; null where it is none. */
export function moduleName(file: string): string | null {
  return /([^/\\]+)\.c32$/i.exec(file)?.[1]?.toLowerCase() ?? null;
}

/** The modules that show the labels as a menu. */
export function isMenuModule(file: string): boolean {
  const name = moduleName(file);
  return name === "menu" || name === "vesamenu";
}
