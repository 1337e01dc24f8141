/** JFS (Linux: fs/jfs/jfs_superblock.h). */

import type { Probe } from "./probe.ts";
import { labelText, uuidText } from "./text.ts";

export const jfs: Probe = {
  type: "jfs",
  usage: "filesystem",
  magics: [{ at: 0x8000, bytes: "JFS1" }],
  least: 16 * 1024 * 1024,
  async read(window) {
    const sb = await window.bytes(0x8000, 184);
    // Both block sizes have to agree with their logarithms.
    if (!sb || 2 ** sb.readUInt16LE(20) !== sb.readUInt32LE(16)) return null;
    if (2 ** sb.readUInt16LE(28) !== sb.readUInt32LE(24)) return null;
    return { uuid: uuidText(sb.subarray(136, 152)), label: labelText(sb.subarray(152, 168)) };
  },
};
