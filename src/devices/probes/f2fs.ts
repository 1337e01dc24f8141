/** f2fs (Linux: include/linux/f2fs_fs.h, struct f2fs_super_block and f2fs_checkpoint). */

import { crc32Raw } from "../../binary/crc.ts";
import type { Probe } from "./probe.ts";
import { label16Text, uuidText } from "./text.ts";
import type { Window } from "./window.ts";

const MAGIC = 0xf2f52010;
const BLOCK = 4096;
/** Checkpoint flag: written by an unmount. */
const CP_UMOUNT = 0x1;

export const f2fs: Probe = {
  type: "f2fs",
  usage: "filesystem",
  magics: [{ at: 1024, bytes: "\x10\x20\xf5\xf2" }],
  async read(window) {
    const sb = await window.bytes(1024, 3072);
    if (!sb || sb.readUInt16LE(4) === 0) return null;
    if (sb.readUInt32LE(16) !== 12 && sb.readUInt32LE(16) !== 14 && sb.readUInt32LE(16) !== 16) return null;
    const checksumAt = sb.readUInt32LE(32);
    if (checksumAt !== 0) {
      if (checksumAt !== 3068 || sb.readUInt32LE(3068) !== crc32Raw(sb.subarray(0, 3068), MAGIC)) return null;
    }
    return {
      uuid: uuidText(sb.subarray(108, 124)),
      label: label16Text(sb.subarray(124, 124 + 1024), "le"),
      dirty: await isDirty(window, sb),
      version: `${sb.readUInt16LE(4)}.${sb.readUInt16LE(6)}`,
    };
  },
};

/** Of the two checkpoint packs the newer one counts. */
async function isDirty(window: Window, sb: Buffer): Promise<boolean> {
  const first = sb.readUInt32LE(76) * BLOCK;
  const segment = 2 ** Math.min(sb.readUInt32LE(20), 31) * BLOCK;
  let newest: { version: bigint; flags: number } | null = null;
  for (const offset of [first, first + segment]) {
    const pack = await window.bytes(offset, 256);
    if (!pack) continue;
    const version = pack.readBigUInt64LE(0);
    if (!newest || version > newest.version) newest = { version, flags: pack.readUInt32LE(132) };
  }
  return newest !== null && (newest.flags & CP_UMOUNT) === 0;
}
