/** A member of a ZFS pool (OpenZFS: include/sys/vdev_impl.h). */

import type { Probe } from "./probe.ts";

const ZFS_LABEL = 256 * 1024;
const UBERBLOCKS = 128 * 1024;
const UBERBLOCK_MAGIC = 0x00bab10cn;

/** A pool that was ever written to has several uberblocks in its first label. */
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
