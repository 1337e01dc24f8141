/** How long the firmware and Baton took, for systemd-analyze. */

import { readFileSync } from "node:fs";
import type { LoaderTimes } from "./loaderinterface.ts";

/** The firmware's own record of its start (ACPI 6.5, 5.2.24), in nanoseconds since the machine was reset. */
const BOOT_SERVICES_LEFT = "/sys/firmware/acpi/fpdt/boot/exitbootservice_end_ns";

/** Where the firmware keeps no record its time counts as none. */
export function loaderTimes(): LoaderTimes {
  const init = numberIn(BOOT_SERVICES_LEFT) / 1000;
  return { init, exec: init + numberIn("/proc/uptime") * 1e6 };
}

function numberIn(path: string): number {
  try {
    return Number.parseFloat(readFileSync(path, "utf8")) || 0;
  } catch {
    return 0;
  }
}
