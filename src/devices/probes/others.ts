/** What Baton can name but not open: enough to tell a person what is on the disk. */

import type { Probe } from "./probe.ts";
import { label16Text, labelText, uuidText } from "./text.ts";
import type { Window } from "./window.ts";

/** Linux: include/uapi/linux/bcache.h, struct cache_sb. */
export const bcache: Probe = {
  type: "bcache",
  usage: "other",
  magics: [{ at: 0x1018, bytes: "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81" }],
  async read(window) {
    const sb = await window.bytes(0x1000, 256);
    if (sb?.readBigUInt64LE(8) !== 8n) return null;
    return { uuid: uuidText(sb.subarray(0x28, 0x38)), label: null };
  },
};

/** As libbde's format documentation has it: the boot sector points to the metadata, which begins as it does. */
export const bitlocker: Probe = {
  type: "BitLocker",
  usage: "crypto",
  magics: [{ at: 0, bytes: "\xeb\x58\x90-FVE-FS-" }],
  async read(window) {
    const boot = await window.bytes(0, 512);
    const metadata = boot && (await window.bytes(Number(boot.readBigUInt64LE(176)), 64));
    if (metadata?.toString("latin1", 0, 8) !== "-FVE-FS-") return null;
    return { uuid: null, label: null, version: `${metadata.readUInt16LE(10)}` };
  },
};

/** Firmware RAID of Intel ("RST", "VROC"): its metadata is in the last sectors. */
export const intelRaid: Probe = {
  type: "isw_raid_member",
  usage: "raid",
  magics: [],
  async read(window) {
    const anchor = await window.bytes((Math.floor(window.size / 512) - 2) * 512, 64);
    if (anchor?.toString("latin1", 0, 24) !== "Intel Raid ISM Cfg Sig. ") return null;
    return { uuid: null, label: null, version: labelText(anchor.subarray(24, 30)) ?? "" };
  },
};

const ZFS_LABEL = 256 * 1024;
const UBERBLOCKS = 128 * 1024;
const UBERBLOCK_MAGIC = 0x00bab10cn;

/** OpenZFS: include/sys/vdev_impl.h. A pool that was ever written to has several uberblocks in its first label. */
export const zfs: Probe = {
  type: "zfs_member",
  usage: "filesystem",
  magics: [],
  least: 64 * 1024 * 1024,
  last: true,
  async read(window) {
    const ring = await window.bytes(UBERBLOCKS, ZFS_LABEL - UBERBLOCKS);
    if (!ring) return null;
    const uberblocks: Buffer[] = [];
    for (let at = 0; at < ring.length; at += 1024) {
      const little = ring.readBigUInt64LE(at) === UBERBLOCK_MAGIC;
      if (little || ring.readBigUInt64BE(at) === UBERBLOCK_MAGIC) uberblocks.push(ring.subarray(at, at + 1024));
    }
    const first = uberblocks[0];
    if (!first || uberblocks.length < 4) return null;
    const little = first.readBigUInt64LE(0) === UBERBLOCK_MAGIC;
    return { uuid: null, label: null, version: `${little ? first.readBigUInt64LE(8) : first.readBigUInt64BE(8)}` };
  },
};

export const ntfs: Probe = {
  type: "ntfs",
  usage: "filesystem",
  magics: [{ at: 3, bytes: "NTFS    " }],
  async read(window) {
    const boot = await window.bytes(0, 512);
    if (!boot) return null;
    const sector = boot.readUInt16LE(11);
    const code = boot[13]!;
    const cluster = sector * (code <= 128 ? code : 2 ** (256 - code));
    const record = boot.readInt8(64);
    const recordSize = record > 0 ? record * cluster : 2 ** -record;
    // Fields that NTFS has to leave zero, sizes as they can be.
    if (sector < 256 || sector > 4096 || cluster === 0 || cluster > 2 ** 21) return null;
    if (boot.readUInt16LE(14) !== 0 || boot[16] !== 0 || boot.readUInt16LE(22) !== 0) return null;
    if (recordSize < 256 || recordSize > 65536) return null;
    const serial = boot.readBigUInt64LE(72).toString(16).toUpperCase().padStart(16, "0");
    // $Volume is record 3 of the master file table.
    const at = Number(boot.readBigUInt64LE(48)) * cluster + 3 * recordSize;
    return { uuid: serial, ...(await ntfsVolume(window, at, recordSize)) };
  },
};

async function ntfsVolume(
  window: Window,
  offset: number,
  size: number,
): Promise<{ label: string | null; dirty: boolean }> {
  const record = await window.bytes(offset, size);
  let label: string | null = null;
  let dirty = false;
  if (record?.toString("latin1", 0, 4) !== "FILE") return { label, dirty };
  let at = record.readUInt16LE(20);
  while (at + 24 <= size) {
    const type = record.readUInt32LE(at);
    const length = record.readUInt32LE(at + 4);
    if (type === 0xffffffff || length < 24 || at + length > size) break;
    const value = record.subarray(at + record.readUInt16LE(at + 20), at + length);
    if (type === 0x60) label = label16Text(value.subarray(0, record.readUInt32LE(at + 16)), "le");
    if (type === 0x70 && value.length >= 12) dirty = (value.readUInt16LE(10) & 1) !== 0;
    at += length;
  }
  return { label, dirty };
}

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

const REISER_VERSIONS: Readonly<Record<string, string>> = { ReIsErFs: "3.5", ReIsEr2Fs: "3.6", ReIsEr3Fs: "JR" };

export const reiserfs: Probe = {
  type: "reiserfs",
  usage: "filesystem",
  magics: Object.keys(REISER_VERSIONS).map((bytes) => ({ at: 0x10034, bytes })),
  async read(window, magic) {
    const sb = await window.bytes(0x10000, 128);
    if (!sb || sb.readUInt16LE(0x2c) < 512) return null;
    const version = REISER_VERSIONS[magic?.bytes ?? ""] ?? "";
    return { uuid: uuidText(sb.subarray(84, 100)), label: labelText(sb.subarray(100, 116)), version };
  },
};

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
