/** An LVM2 physical volume (LVM2: lib/format_text/layout.h, struct label_header and pv_header). */

import { crc32Raw } from "../../binary/crc.ts";
import type { Magic, Probe } from "./probe.ts";

const SECTOR = 512;
/** INITIAL_CRC of lib/misc/crc.h. */
const SEED = 0xf597a6cf;
const LABEL_SECTORS = [0, 1, 2, 3];

export const lvm: Probe = {
  type: "LVM2_member",
  usage: "raid",
  magics: LABEL_SECTORS.map((sector): Magic => ({ at: sector * SECTOR + 24, bytes: "LVM2 001" })),
  async read(window, magic) {
    const start = (magic?.at ?? 0) - 24;
    const label = await window.bytes(start, SECTOR);
    if (label?.toString("latin1", 0, 8) !== "LABELONE" || label.readBigUInt64LE(8) !== BigInt(start / SECTOR))
      return null;
    if (label.readUInt32LE(16) !== crc32Raw(label.subarray(20), SEED)) return null;
    const at = label.readUInt32LE(20);
    if (at + 32 > SECTOR) return null;
    const id = label.toString("latin1", at, at + 32);
    // 6-4-4-4-4-4-6, as pvs prints it.
    const groups = /^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/.exec(id);
    return { uuid: groups ? groups.slice(1).join("-") : null, label: null, version: "LVM2 001" };
  },
};
