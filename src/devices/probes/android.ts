/**
 * What Android's boot loaders read of partitions without a filesystem, one image or block each (AOSP: mkbootimg's bootimg.h,
 * avb_vbmeta_image.h, dt_table.h, bootloader_message.h).
 */

import type { Probe } from "./probe.ts";

/** By its magic bytes; asked only where there is nothing else. */
const probe = (type: string, magics: Probe["magics"]): Probe => ({
  type,
  usage: "image",
  magics,
  last: true,
  read: async () => ({ uuid: null, label: null }),
});

export const androidProbes: readonly Probe[] = [
  probe("android_boot", [{ at: 0, bytes: "ANDROID!" }]),
  probe("android_vendor_boot", [{ at: 0, bytes: "VNDRBOOT" }]),
  probe("android_vbmeta", [{ at: 0, bytes: "AVB0" }]),
  probe("android_dtbo", [{ at: 0, bytes: "\xd7\xb7\xab\x1e" }]),
  // The slots' records, in either form, or what the boot loader is asked for.
  probe("android_misc", [
    { at: 2052, bytes: "BCAB" },
    { at: 2048, bytes: "\0AB0" },
    { at: 0, bytes: "boot-recovery\0" },
    { at: 0, bytes: "boot-fastboot\0" },
    { at: 0, bytes: "bootonce-bootloader\0" },
  ]),
];
