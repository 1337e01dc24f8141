/** Firmware RAID of Intel ("RST", "VROC"): its metadata lies in the last sectors (mdadm: super-intel.c). */

import type { Probe } from "./probe.ts";
import { labelText } from "./text.ts";

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
