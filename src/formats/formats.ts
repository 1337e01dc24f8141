/** Every configuration format that Baton reads: a new one is one new file and one new line. */

import { baton, petitboot } from "./baton/baton.ts";
import type { Format } from "./format.ts";
import { grub } from "./grub/grub.ts";
import { grubLegacy } from "./grub-legacy.ts";
import { ipxe } from "./ipxe/ipxe.ts";
import { loaders } from "./loaders.ts";
import { pxelinux } from "./syslinux/pxelinux.ts";
import { syslinux } from "./syslinux/syslinux.ts";
import { bls } from "./systemdboot/bls.ts";
import { uki } from "./systemdboot/uki.ts";

export const formats: readonly Format[] = [
  ...[grub, grubLegacy, syslinux, bls, uki, pxelinux, ipxe, petitboot, baton],
  // Only where none of those finds anything.
  loaders,
];
