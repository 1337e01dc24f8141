/** squashfs 4 (Linux: fs/squashfs/squashfs_fs.h, struct squashfs_super_block). It has neither UUID nor label. */

import type { Probe } from "./probe.ts";

export const squashfs: Probe = {
  type: "squashfs",
  usage: "filesystem",
  magics: [{ at: 0, bytes: "hsqs" }],
  async read(window) {
    const sb = await window.bytes(0, 96);
    // Version 4, and a block size that is what its logarithm says.
    if (sb?.readUInt16LE(28) !== 4 || 2 ** sb.readUInt16LE(22) !== sb.readUInt32LE(12)) return null;
    return { uuid: null, label: null, version: `4.${sb.readUInt16LE(30)}` };
  },
};
