/** erofs (Linux: fs/erofs/erofs_fs.h, struct erofs_super_block). */

import { crc32cRaw, without } from "../../binary/crc.ts";
import type { Probe } from "./probe.ts";
import { labelText, uuidText } from "./text.ts";

const SUPERBLOCK = 1024;
const COMPAT_SB_CHKSUM = 0x1;

export const erofs: Probe = {
  type: "erofs",
  usage: "filesystem",
  magics: [{ at: SUPERBLOCK, bytes: "\xe2\xe1\xf5\xe0" }],
  async read(window) {
    const sb = await window.bytes(SUPERBLOCK, 128);
    const blockShift = sb?.[12] ?? 0;
    if (!sb || blockShift < 9 || blockShift > 16) return null;
    if (sb.readUInt32LE(8) & COMPAT_SB_CHKSUM) {
      // From the superblock to the end of its block.
      const rest = await window.bytes(SUPERBLOCK, 2 ** blockShift - (SUPERBLOCK % 2 ** blockShift));
      if (!rest || crc32cRaw(without(rest, 4, 4)) !== sb.readUInt32LE(4)) return null;
    }
    return { uuid: uuidText(sb.subarray(48, 64)), label: labelText(sb.subarray(64, 80)) };
  },
};
