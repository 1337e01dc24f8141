/** iso9660 with Joliet (ECMA-119 sections 8.1 to 8.5). */

import type { Probe } from "./probe.ts";
import { label16Text, labelText } from "./text.ts";

const DESCRIPTORS = 0x8000;
const SECTOR = 2048;
const MAX_DESCRIPTORS = 16;
const PRIMARY = 1;
const SUPPLEMENTARY = 2;
const TERMINATOR = 255;

export const iso9660: Probe = {
  type: "iso9660",
  usage: "filesystem",
  magics: [{ at: DESCRIPTORS + 1, bytes: "CD001" }],
  tolerant: true,
  async read(window) {
    let primary: Buffer | null = null;
    let joliet: Buffer | null = null;
    for (let index = 0; index < MAX_DESCRIPTORS; index++) {
      const descriptor = await window.bytes(DESCRIPTORS + index * SECTOR, SECTOR);
      if (descriptor?.toString("latin1", 1, 7) !== "CD001\x01" || descriptor[0] === TERMINATOR) break;
      if (descriptor[0] === PRIMARY) primary ??= descriptor;
      // Escape sequences of UCS-2 levels 1 to 3.
      const isJoliet = descriptor[0] === SUPPLEMENTARY && /^%\/[@CE]/.test(descriptor.toString("latin1", 88, 91));
      if (isJoliet) joliet ??= descriptor;
    }
    if (!primary) return null;
    const name = primary.subarray(40, 72);
    const wideName = joliet?.subarray(40, 72);
    return {
      uuid: dateText(primary.subarray(830, 847)) ?? dateText(primary.subarray(813, 830)),
      label: wideName && !sameText(name, wideName) ? label16Text(wideName, "be") : labelText(name),
      ...(joliet ? { version: "Joliet Extension" } : {}),
    };
  },
};

/** The UUID that Linux knows these by: the digits of the date of modification, else of creation. */
function dateText(date: Buffer): string | null {
  const digits = date.toString("latin1", 0, 16);
  if (digits === "0".repeat(16) && date[16] === 0) return null;
  const parts = /^(.{4})(..)(..)(..)(..)(..)(..)$/s.exec(digits);
  return parts ? parts.slice(1).join("-") : null;
}

/** Joliet has room for half as many characters: where it is just the beginning of the name, the whole name counts. */
function sameText(name: Buffer, wide: Buffer): boolean {
  for (let index = 0; index < 16; index++) {
    if (wide[2 * index] !== 0 || wide[2 * index + 1] !== name[index]) return false;
  }
  return true;
}
