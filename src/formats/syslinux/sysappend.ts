/**
 * What SYSAPPEND adds to a command line: words about the machine and the network, one for each bit (syslinux.cfg(5)).
 * Words of which the machine knows nothing are left out, as Syslinux does.
 */

import type { NetworkFacts, Platform } from "../format.ts";
import { type SmbiosStructure, smbiosString, smbiosStructures } from "../smbios.ts";

interface SysappendFacts {
  readonly network: NetworkFacts | null;
  readonly platform: Platform;
  /** Of the volume that holds the configuration. */
  readonly volumeUuid: string | null;
}

/** Structure type and offset of the string, in the order of the bits from 0x10 on. */
const STRINGS: readonly (readonly [word: string, type: number, offset: number])[] = [
  ["SYSVENDOR", 1, 0x04],
  ["SYSPRODUCT", 1, 0x05],
  ["SYSVERSION", 1, 0x06],
  ["SYSSERIAL", 1, 0x07],
  ["SYSSKU", 1, 0x19],
  ["SYSFAMILY", 1, 0x1a],
  ["MBVENDOR", 2, 0x04],
  ["MBPRODUCT", 2, 0x05],
  ["MBVERSION", 2, 0x06],
  ["MBSERIAL", 2, 0x07],
  ["MBASSET", 2, 0x08],
  ["BIOSVENDOR", 0, 0x04],
  ["BIOSVERSION", 0, 0x05],
];
const FIRST_STRING = 4;
const SYSFF = FIRST_STRING + STRINGS.length;
const FSUUID = SYSFF + 1;

/** Processor flags by Syslinux' letter for each, in its order. */
const CPU_LETTERS: readonly (readonly [letter: string, flag: string])[] = [
  ["P", "pae"],
  ["V", "vmx"],
  ["T", "smx"],
  ["X", "nx"],
  ["L", "lm"],
  ["S", "svm"],
];

/**
 * @param mask of SYSAPPEND.
 * @returns the words, joined; and the bits about which nothing can be known here.
 */
export function sysappendWords(mask: number, facts: SysappendFacts): { words: string; unknown: number[] } {
  const words: string[] = [];
  const unknown: number[] = [];
  const tables = facts.platform.smbios?.() ?? null;
  const structures = tables === null ? [] : smbiosStructures(tables);
  for (let bit = 0; bit < 31; bit++) {
    if (Math.floor(mask / 2 ** bit) % 2 === 0) continue;
    const word = wordOf(bit, facts, structures);
    if (word === null) unknown.push(2 ** bit);
    else if (word !== "") words.push(word);
  }
  return { words: words.join(" "), unknown };
}

/** Empty where this machine has nothing to say; null where that can't be known here. */
function wordOf(
  bit: number,
  { network, platform, volumeUuid }: SysappendFacts,
  tables: SmbiosStructure[],
): string | null {
  const named = (name: string, value: string | null | undefined): string => {
    const text = mangle(value ?? "");
    return text === "" ? "" : `${name}=${text}`;
  };
  const structure = (type: number): SmbiosStructure | undefined => tables.find((one) => one.type === type);
  const whenKnown = (word: string): string | null => (platform.smbios === undefined && word === "" ? null : word);
  if (bit === 0) return named("ip", network?.ip?.replace(/^ip=/, ""));
  if (bit === 1) return named("BOOTIF", network?.bootif?.replace(/^BOOTIF=/, ""));
  if (bit === 2) return whenKnown(named("SYSUUID", network?.uuid ?? uuidOf(structure(1))));
  if (bit === 3) return cpuWord(platform);
  if (bit < SYSFF) {
    const [word, type, offset] = STRINGS[bit - FIRST_STRING]!;
    const found = structure(type);
    return whenKnown(named(word, found && smbiosString(found, offset)));
  }
  if (bit === SYSFF) {
    const chassis = structure(3);
    const form = chassis && chassis.data.byteLength > 5 ? chassis.data.getUint8(5) & 0x7f : 0;
    return whenKnown(form === 0 ? "" : `SYSFF=${form}`);
  }
  return bit === FSUUID ? named("FSUUID", volumeUuid) : null;
}

/** The sixteen bytes as they lie in the table, unlike what Linux and dmidecode print for SMBIOS 2.6 and later. */
function uuidOf(system: SmbiosStructure | undefined): string | null {
  if (system === undefined || system.data.byteLength < 0x18) return null;
  const bytes = Array.from({ length: 16 }, (_, i) => system.data.getUint8(8 + i));
  // The version of a UUID that somebody has set.
  if (bytes[6]! < 0x10 || bytes[6]! >= 0xf0) return null;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** `CPU=6PXL`: the family, and a letter for each thing that it can do. */
function cpuWord({ cpu, arch }: Platform): string | null {
  const facts = cpu?.();
  if (!/^(x86_64|i[3-6]86)$/.test(arch)) return "";
  if (!facts) return null;
  const letters = CPU_LETTERS.filter(([, flag]) => facts.flags.has(flag)).map(([letter]) => letter);
  return `CPU=${Math.min(facts.family, 6)}${letters.join("")}`;
}

/** Blanks and control characters in a row are one underscore; at both ends they fall away. */
function mangle(text: string): string {
  return text.replace(/^[\u0000-\u0020\u007f]+|[\u0000-\u0020\u007f]+$/g, "").replace(/[\u0000-\u0020\u007f]+/g, "_");
}
