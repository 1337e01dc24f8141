/** iso9660 with Joliet (ECMA-119 sections 8.4 and 8.5). */

import type { Probe } from "./probe.ts";
import { label16Text, labelText } from "./text.ts";
import type { Window } from "./window.ts";

const DESCRIPTORS = 0x8000;
const SECTOR = 2048;
const MOST_DESCRIPTORS = 16;
const SUPPLEMENTARY = 2;
const TERMINATOR = 255;

export const iso9660: Probe = {
  type: "iso9660",
  usage: "filesystem",
  magics: [{ at: DESCRIPTORS + 1, bytes: "CD001" }],
  tolerant: true,
  async read(window) {
    const primary = await window.bytes(DESCRIPTORS, SECTOR);
    if (!primary) return null;
    const name = primary.subarray(40, 72);
    const joliet = await jolietName(window);
    return {
      uuid: dateText(primary.subarray(830, 847)) ?? dateText(primary.subarray(813, 830)),
      label: joliet && !sameText(name, joliet) ? label16Text(joliet, "be") : labelText(name),
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

async function jolietName(window: Window): Promise<Buffer | null> {
  for (let index = 1; index <= MOST_DESCRIPTORS; index++) {
    const descriptor = await window.bytes(DESCRIPTORS + index * SECTOR, SECTOR);
    if (!descriptor || descriptor[0] === TERMINATOR) return null;
    if (descriptor[0] !== SUPPLEMENTARY) continue;
    // Escape sequences of UCS-2 levels 1 to 3.
    if (/^%\/[@CE]/.test(descriptor.toString("latin1", 88, 91))) return descriptor.subarray(40, 72);
  }
  return null;
}

/** Joliet has room for half as many characters: where it is just the beginning of the name, the whole name counts. */
function sameText(name: Buffer, joliet: Buffer): boolean {
  for (let index = 0; index < 16; index++) {
    if (joliet[2 * index] !== 0 || joliet[2 * index + 1] !== name[index]) return false;
  }
  return true;
}
