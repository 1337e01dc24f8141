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
