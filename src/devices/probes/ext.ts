/** ext2, ext3, ext4 and their external journals (Linux: fs/ext4/ext4.h, struct ext4_super_block). */

import { crc32cRaw } from "../../binary/crc.ts";
import type { Probe } from "./probe.ts";
import { labelText, uuidText } from "./text.ts";

const COMPAT_HAS_JOURNAL = 0x4;
const INCOMPAT_RECOVER = 0x4;
const INCOMPAT_JOURNAL_DEV = 0x8;
const INCOMPAT_64BIT = 0x80;
const RO_COMPAT_METADATA_CSUM = 0x400;
/** filetype, meta_bg. */
const EXT2_INCOMPAT = 0x2 | 0x10;
const EXT3_INCOMPAT = EXT2_INCOMPAT | INCOMPAT_RECOVER;
/** sparse_super, large_file, btree_dir: the same for ext2 and ext3. */
const EXT2_RO_COMPAT = 0x1 | 0x2 | 0x4;
const STATE_VALID = 0x1;

export const ext: Probe = {
  type: "ext4",
  usage: "filesystem",
  magics: [{ at: 0x438, bytes: "\x53\xef" }],
  async read(window) {
    const sb = await window.bytes(1024, 1024);
    if (!sb) return null;
    const [compat, incompat, roCompat] = [sb.readUInt32LE(0x5c), sb.readUInt32LE(0x60), sb.readUInt32LE(0x64)];
    if (roCompat & RO_COMPAT_METADATA_CSUM) {
      if (sb.readUInt32LE(0x3fc) !== crc32cRaw(sb.subarray(0, 0x3fc))) return null;
    }
    // The magic is two bytes only: what no ext filesystem can be without.
    const revision = sb.readUInt32LE(0x4c);
    const blockShift = sb.readUInt32LE(0x18);
    const blocks = sb.readUInt32LE(4) + (incompat & INCOMPAT_64BIT ? sb.readUInt32LE(0x150) : 0);
    if (revision > 1 || blockShift > 6 || blocks === 0) return null;

    const version = `${revision}.${sb.readUInt16LE(0x3e)}`;
    const found = { version, uuid: uuidText(sb.subarray(0x68, 0x78)), label: labelText(sb.subarray(0x78, 0x88)) };
    if (incompat & INCOMPAT_JOURNAL_DEV) return { ...found, type: "jbd" };

    const journal = (compat & COMPAT_HAS_JOURNAL) !== 0;
    const beyond3 = (incompat & ~EXT3_INCOMPAT) !== 0 || (roCompat & ~EXT2_RO_COMPAT) !== 0;
    const beyond2 = (incompat & ~EXT2_INCOMPAT) !== 0 || (roCompat & ~EXT2_RO_COMPAT) !== 0;
    const type = beyond3 ? "ext4" : journal ? "ext3" : beyond2 ? null : "ext2";
    if (type === null) return null;
    const dirty = (incompat & INCOMPAT_RECOVER) !== 0 || (sb.readUInt16LE(0x3a) & STATE_VALID) === 0;
    return { ...found, type, dirty };
  },
};
