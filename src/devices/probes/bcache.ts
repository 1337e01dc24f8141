/** bcache, a cache on a fast disk for a slow one (Linux: include/uapi/linux/bcache.h, struct cache_sb). */

import type { Probe } from "./probe.ts";
import { uuidText } from "./text.ts";

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
