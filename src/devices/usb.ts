/** USB disks that are plugged in but have no block device yet: the kernel gives them a second to settle. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** bInterfaceClass of mass storage (USB Mass Storage Class Specification Overview, section 2). */
const MASS_STORAGE = "08";

/** @returns true where the machine has a USB host controller with a driver. */
export function hasUsb(sysfs = "/sys"): boolean {
  try {
    return readdirSync(join(sysfs, "bus/usb/devices")).length > 0;
  } catch {
    return false;
  }
}

/** @returns true while a USB mass storage interface has no disk. Reads sysfs only. */
export function usbDisksPending(sysfs = "/sys"): boolean {
  const folder = join(sysfs, "bus/usb/devices");
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return false;
  }
  return names.some((name) => name.includes(":") && isStorage(join(folder, name)) && !hasDisk(join(folder, name)));
}

function isStorage(path: string): boolean {
  try {
    return readFileSync(join(path, "bInterfaceClass"), "latin1").trim() === MASS_STORAGE;
  } catch {
    return false;
  }
}

/** interface/hostN/targetN:0:0/N:0:0:0/block/sda */
function hasDisk(path: string, depth = 0): boolean {
  if (depth > 4) return false;
  try {
    return readdirSync(path, { withFileTypes: true }).some(
      (item) =>
        item.isDirectory() &&
        (item.name === "block" || (/^(host|target|\d+:)/.test(item.name) && hasDisk(join(path, item.name), depth + 1))),
    );
  } catch {
    return false;
  }
}
