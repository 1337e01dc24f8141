/** LUKS 1 and 2 (LUKS2 On-Disk Format Specification, section 2.1). */

import type { Probe } from "./probe.ts";
import { labelText } from "./text.ts";

/** Where LUKS2 keeps its second header, for when the first is damaged. */
const SECONDARY = [0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000];

export const luks: Probe = {
  type: "crypto_LUKS",
  usage: "crypto",
  magics: [],
  async read(window) {
    const primary = await window.bytes(0, 256);
    if (primary?.toString("latin1", 0, 6) === "LUKS\xba\xbe") {
      const version = primary.readUInt16BE(6);
      if (version === 1) return { uuid: labelText(primary.subarray(168, 208)), label: null, version: "1" };
      if (version === 2) return header2(primary);
      return null;
    }
    for (const offset of SECONDARY.filter((at) => at < 128 * 1024)) {
      const secondary = await window.bytes(offset, 264);
      if (secondary?.toString("latin1", 0, 6) !== "SKUL\xba\xbe" || secondary.readUInt16BE(6) !== 2) continue;
      if (secondary.readBigUInt64BE(256) === BigInt(offset)) return header2(secondary);
    }
    return null;
  },
};

function header2(header: Buffer) {
  return { uuid: labelText(header.subarray(168, 208)), label: labelText(header.subarray(24, 72)), version: "2" };
}
