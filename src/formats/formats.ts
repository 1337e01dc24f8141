/** Every configuration format that Baton reads. A new one is one new file or folder, and one new row. */

import type { EntryType } from "../entry.ts";
import { android } from "./android/android.ts";
import { bareKernels } from "./barekernels.ts";
import { baton, petitboot } from "./baton/baton.ts";
import type { Format } from "./format.ts";
import { grub } from "./grub/grub.ts";
import { grubLegacy } from "./grub-legacy/grub-legacy.ts";
import { ipxe } from "./ipxe/ipxe.ts";
import { kexecboot } from "./kexecboot.ts";
import { elilo, lilo } from "./lilo/lilo.ts";
import { limine } from "./limine/limine.ts";
import { loaders } from "./loaders.ts";
import { ostree } from "./ostree.ts";
import { raspberryPi } from "./raspberrypi/raspberrypi.ts";
import { refind } from "./refind/refind.ts";
import { snapshots } from "./snapshots.ts";
import { pxelinux } from "./syslinux/pxelinux.ts";
import { syslinux } from "./syslinux/syslinux.ts";
import { bls } from "./systemdboot/bls.ts";
import { uki } from "./systemdboot/uki.ts";
import { uboot } from "./uboot/uboot.ts";

export const formats: readonly Format[] = [
  ...[
    grub,
    grubLegacy,
    syslinux,
    bls,
    uki,
    pxelinux,
    ipxe,
    petitboot,
    baton,
    limine,
    refind,
    raspberryPi,
    uboot,
    android,
    elilo,
    lilo,
    kexecboot,
    snapshots,
  ],
  // Only where none of those finds anything.
  ...[loaders, ostree, bareKernels],
];

/** @throws Error where no format has that name */
export function formatNamed(name: EntryType): Format {
  const format = formats.find((each) => each.name === name);
  if (format === undefined) throw new Error(`${name} is no format`);
  return format;
}
