/** xfs (Linux: fs/xfs/libxfs/xfs_format.h, struct xfs_dsb; big-endian). Whether its log is clean is in the log only. */

import { crc32cRaw, without } from "../../binary/crc.ts";
import type { Probe } from "./probe.ts";
import { labelText, uuidText } from "./text.ts";

export const xfs: Probe = {
  type: "xfs",
  usage: "filesystem",
  magics: [{ at: 0, bytes: "XFSB" }],
  async read(window) {
    const head = await window.bytes(0, 512);
    if (!head) return null;
    const blockSize = head.readUInt32BE(4);
    const sectorSize = head.readUInt16BE(102);
    const version = head.readUInt16BE(100) & 0xf;
    const shiftsFit = 2 ** head[120]! === blockSize && 2 ** head[121]! === sectorSize;
    if (!shiftsFit || blockSize < 512 || blockSize > 65536 || sectorSize < 512 || sectorSize > 32768) return null;
    if (version < 1 || version > 5 || head.readUInt32BE(88) === 0 || head.readUInt32BE(84) === 0) return null;
    if (version === 5) {
      const sector = await window.bytes(0, sectorSize);
      if (!sector || ~crc32cRaw(without(sector, 224, 4)) >>> 0 !== sector.readUInt32LE(224)) return null;
    }
    return { uuid: uuidText(head.subarray(32, 48)), label: labelText(head.subarray(108, 120)) };
  },
};
