/** btrfs (Linux: include/uapi/linux/btrfs_tree.h, struct btrfs_super_block). */

import { createHash } from "node:crypto";
import { crc32cRaw } from "../../binary/crc.ts";
import type { Probe } from "./probe.ts";
import { labelText, uuidText } from "./text.ts";

const SUPERBLOCK = 64 * 1024;

export const btrfs: Probe = {
  type: "btrfs",
  usage: "filesystem",
  magics: [{ at: SUPERBLOCK + 0x40, bytes: "_BHRfS_M" }],
  least: 1024 * 1024,
  async read(window) {
    const sb = await window.bytes(SUPERBLOCK, 4096);
    if (!sb || sb.readBigUInt64LE(0x30) !== BigInt(SUPERBLOCK) || !checksumFits(sb)) return null;
    // Of the fields before the label, log_root: a tree of what was fsynced since the last commit.
    const dirty = sb.readBigUInt64LE(0x60) !== 0n;
    const devices = Number(sb.readBigUInt64LE(0x88));
    return { uuid: uuidText(sb.subarray(0x20, 0x30)), label: labelText(sb.subarray(0x12b, 0x22b)), dirty, devices };
  },
};

/** xxhash64 and blake2b-256 are not in every Node; their superblocks are told by magic and address alone. */
function checksumFits(sb: Buffer): boolean {
  const body = sb.subarray(0x20);
  switch (sb.readUInt16LE(0xc4)) {
    case 0:
      return sb.readUInt32LE(0) === ~crc32cRaw(body) >>> 0;
    case 2:
      return createHash("sha256").update(body).digest().equals(sb.subarray(0, 32));
    case 1:
    case 3:
      return true;
    default:
      return false;
  }
}
