/** APFS (Apple File System Reference, nx_superblock_t). */

import type { Probe } from "./probe.ts";
import { uuidText } from "./text.ts";

export const apfs: Probe = {
  type: "apfs",
  usage: "filesystem",
  magics: [{ at: 32, bytes: "NXSB" }],
  async read(window) {
    const sb = await window.bytes(0, 4096);
    // Object type "container superblock", and the block size that all have.
    if (sb?.readUInt16LE(24) !== 1 || sb.readUInt32LE(36) !== 4096) return null;
    return { uuid: uuidText(sb.subarray(72, 88)), label: null };
  },
};
