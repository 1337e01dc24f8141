/** What iPXE's settings say of the machine itself (ipxe.org/cfg; src/interface/smbios/smbios_settings.c). */

import { Buffer } from "node:buffer";
import type { Platform } from "../format.ts";
import { type SmbiosStructure, smbiosString, smbiosStructures } from "../smbios.ts";

/** By iPXE's names: the structure's type, and where the string's number stands in it. */
const SMBIOS: Readonly<Record<string, readonly [type: number, offset: number]>> = {
  manufacturer: [1, 0x04],
  product: [1, 0x05],
  serial: [1, 0x07],
  asset: [3, 0x08],
  "board-serial": [2, 0x07],
};

/** Of the iPXE whose commands Baton knows. */
const VERSION = "1.21.1+";

/**
 * Settings by their names, those of the SMBIOS tables also behind `smbios/`; null for what isn't known.
 * @param memory that the machine has, in bytes
 */
export function machineSettings(platform: Platform, memory: number | undefined): (name: string) => string | null {
  const { firmware, arch } = platform;
  const fixed: Readonly<Record<string, string>> = {
    buildarch: { aarch64: "arm64", i486: "i386", i586: "i386", i686: "i386" }[arch] ?? arch,
    platform: firmware === "efi" ? "efi" : "pcbios",
    version: VERSION,
    "user-class": "iPXE",
    ...(memory !== undefined && { memsize: String(Math.floor(memory / (1 << 20))) }),
  };
  let read: readonly SmbiosStructure[] | null = null;
  const structures = (): readonly SmbiosStructure[] => {
    const tables = read === null ? platform.smbios?.() : null;
    read ??= tables ? smbiosStructures(tables) : [];
    return read;
  };
  return (name) => {
    if (Object.hasOwn(fixed, name)) return fixed[name]!;
    const field = name.replace(/^smbios\//, "");
    const [, instance = "0", type, offset, length] = /^(?:(\d+)\.)?(\d+)\.(\d+)\.(\d+)$/.exec(field) ?? [];
    if (type !== undefined && name !== field)
      return fieldOf(structures(), Number(instance), Number(type), Number(offset), Number(length));
    if (field === "uuid") return uuidOf(structures().find((one) => one.type === 1));
    if (!Object.hasOwn(SMBIOS, field)) return null;
    const [wanted, at] = SMBIOS[field]!;
    const structure = structures().find((one) => one.type === wanted);
    return (structure && smbiosString(structure, at)) || null;
  };
}

/** `smbios/[INSTANCE.]TYPE.OFFSET.LENGTH`: bytes of a structure; a length of 0 means the string whose number stands there. */
function fieldOf(
  structures: readonly SmbiosStructure[],
  instance: number,
  type: number,
  offset: number,
  length: number,
): string | null {
  const structure = structures.filter((one) => one.type === type)[instance];
  if (structure === undefined) return null;
  if (length === 0) return smbiosString(structure, offset);
  const { data } = structure;
  if (offset + length > data.byteLength) return null;
  return Buffer.from(data.buffer, data.byteOffset + offset, length)
    .toString("hex")
    .match(/../g)!
    .join(":");
}

/** The first three parts are in little-endian order (DSP0134, 7.2.1). */
function uuidOf(system: SmbiosStructure | undefined): string | null {
  if (system === undefined || system.data.byteLength < 0x18) return null;
  const { data } = system;
  const bytes = Buffer.from(new Uint8Array(data.buffer, data.byteOffset + 8, 16));
  if (bytes.every((byte) => byte === 0) || bytes.every((byte) => byte === 0xff)) return null;
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
