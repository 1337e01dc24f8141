/**
 * What starts other systems: where it lies, what a menu calls it, and why Baton can't start it. A new system is one row.
 * systemd-boot's `auto-entries` and a disk without any configuration are listed from here.
 */

import type { EntryKind } from "../entry.ts";
import { baseName } from "./paths.ts";
import { ESXI_REASON } from "./syslinux/esxi.ts";

export interface ForeignLoader {
  readonly path: string;
  readonly title: string;
  readonly kind: EntryKind;
  /** Why kexec can't start it. @param file its path as it is spelled on the disk. */
  reason(file: string): string;
  /** The id under which systemd-boot adds it to its menu; null where systemd-boot doesn't look for it. */
  readonly autoId: string | null;
}

/** Why an EFI program isn't booted. @param file its path, or what else names it. */
export const onlyFirmware = (file: string): string =>
  `it starts the EFI program ${file}, which only the firmware can do`;

const onlyBios = (file: string): string => `${baseName(file)} starts from a boot sector, which only a BIOS can do`;

/** In systemd-boot's order; then what it doesn't look for. */
export const FOREIGN_LOADERS: readonly ForeignLoader[] = [
  {
    path: "/System/Library/CoreServices/boot.efi",
    ...{ title: "macOS", kind: "efi", reason: onlyFirmware, autoId: "auto-osx" },
  },
  {
    path: "/EFI/Microsoft/Boot/bootmgfw.efi",
    ...{ title: "Windows Boot Manager", kind: "efi", reason: onlyFirmware, autoId: "auto-windows" },
  },
  { path: "/bootmgr", title: "Windows Boot Manager", kind: "local", reason: onlyBios, autoId: null },
  { path: "/ntldr", title: "Windows", kind: "local", reason: onlyBios, autoId: null },
  { path: "/boot.cfg", title: "VMware ESXi", kind: "multiboot", reason: () => ESXI_REASON, autoId: null },
];

/** A configuration in a language that Baton doesn't read: whose it is can be told all the same. */
export interface ForeignConfig {
  readonly path: string;
  readonly program: string;
  /** Where others have files of that name: what only this one's beginning has. */
  readonly sign?: RegExp;
  /** It belongs to another program's menu: where that is read, nothing is missing. */
  readonly isPart?: true;
}

/** Named as entries where nothing else is found on a filesystem, else in a warning each. A new program is one row. */
export const FOREIGN_CONFIGS: readonly ForeignConfig[] = [
  { path: "/EFI/OC/config.plist", program: "OpenCore" },
  { path: "/EFI/CLOVER/config.plist", program: "Clover" },
  { path: "/EFI/refit/refit.conf", program: "rEFIt" },
  { path: "/EFI/tools/startup.nsh", program: "the EFI shell" },
  { path: "/startup.nsh", program: "the EFI shell" },
  { path: "/boot/loader.conf", program: "FreeBSD's loader" },
  { path: "/boot/device.hints", program: "FreeBSD's loader" },
  { path: "/etc/boot.conf", program: "OpenBSD's boot loader" },
  { path: "/boot.cfg", program: "NetBSD's boot loader", sign: /^menu=/m },
  { path: "/freeldr.ini", program: "ReactOS's FreeLoader" },
  { path: "/boot.ini", program: "Windows NT's loader", sign: /\[(boot loader|operating systems)\]/i },
  { path: "/config.sys", program: "DOS" },
  { path: "/boot/burg/burg.cfg", program: "BURG" },
  { path: "/boot/gfxboot.cfg", program: "gfxboot", isPart: true },
  { path: "/etc/yaboot.conf", program: "yaboot" },
  { path: "/yaboot.conf", program: "yaboot" },
  { path: "/etc/silo.conf", program: "SILO" },
  { path: "/etc/aboot.conf", program: "aboot" },
  { path: "/etc/zipl.conf", program: "zipl" },
  { path: "/etc/palo.conf", program: "PALO" },
  { path: "/etc/kboot.conf", program: "kboot" },
  { path: "/kboot.conf", program: "kboot" },
  { path: "/boot/kboot.conf", program: "kboot" },
  { path: "/boot/boot.ini", program: "a board's U-Boot (boot.ini)" },
  { path: "/boot.ini", program: "a board's U-Boot (boot.ini)", sign: /^ODROID/ },
  { path: "/uEnv.txt", program: "U-Boot, whose command for it is built in", isPart: true },
  { path: "/boot/uEnv.txt", program: "U-Boot, whose command for it is built in", isPart: true },
  { path: "/hyper.cfg", program: "Hyper" },
  { path: "/BOOTBOOT/CONFIG", program: "BOOTBOOT" },
];

/** @param subject the file, or what stands for it where that is named already. */
export const notRead = (subject: string, program: string): string =>
  `${subject} is for ${program}, and Baton doesn't read its language`;
