/** BitLocker, Windows' encryption (libbde, "BitLocker Drive Encryption (BDE) format specification"). */

import type { Probe } from "./probe.ts";

/** The boot sector points to the metadata, which begins as the boot sector does. */
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
