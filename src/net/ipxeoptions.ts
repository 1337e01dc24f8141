/** iPXE's own settings in a lease (option 175, https://ipxe.org/howto/dhcpd). Pure. */

import { subOptions, zeroEnded } from "./dhcp4packet.ts";

/** Settings by number; numbers as texts of decimal digits. */
const NAMES: readonly (readonly [number, string, "text" | "number"])[] = [
  [1, "priority", "number"],
  [8, "keep-san", "number"],
  [9, "skip-san-boot", "number"],
  [85, "syslogs", "text"],
  [176, "no-pxedhcp", "number"],
  [190, "username", "text"],
  [191, "password", "text"],
];

/** Settings as scripts see them: `${username}`. */
export function ipxeOptions(option175: Uint8Array | undefined): Record<string, string> {
  const options = subOptions(option175);
  const settings: Record<string, string> = {};
  for (const [number, name, kind] of NAMES) {
    const value = options.get(number);
    if (value === undefined || value.length === 0) continue;
    // Numbers are of one byte with a sign.
    settings[name] = kind === "text" ? zeroEnded(value) : String((value[0]! << 24) >> 24);
  }
  return settings;
}

/** What iPXE says that it can: http, https, tftp, dns, bzimage, menu, and its firmware (src/include/ipxe/features.h). */
export function ipxeFeatures(firmware: "efi" | "pc"): Uint8Array {
  const features = [0x13, 0x14, 0x15, 0x17, 0x18, firmware === "efi" ? 0x24 : 0x21, 0x27];
  const version = [0xeb, 3, 1, 21, 1];
  return Uint8Array.from([...features.flatMap((feature) => [feature, 1, 1]), ...version]);
}
