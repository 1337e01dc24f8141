/** ReiserFS (Linux until 6.12: fs/reiserfs/reiserfs.h, struct reiserfs_super_block). */

import type { Probe } from "./probe.ts";
import { labelText, uuidText } from "./text.ts";

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
