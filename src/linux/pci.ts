/** Drivers of PCI devices, by sysfs (Documentation/ABI/testing/sysfs-bus-pci). */

import { constants } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withDeadline } from "./deadline.ts";

export const PCI_DEVICES = "/sys/bus/pci/devices";

/** A driver that waits for its hardware must not keep the boot. Milliseconds. */
const TIMEOUT_MS = 3000;

/** These files can't be read, not even by root. */
const tell = (file: string, text: string): Promise<void> =>
  withDeadline(writeFile(file, text, { flag: constants.O_WRONLY }), TIMEOUT_MS, `write ${file}`);

/**
 * Has its driver let go of a device.
 * @param address `0000:00:1f.6`
 * @throws BatonError `timeout`; what the kernel says
 */
export const unbindDriver = (address: string, folder = PCI_DEVICES): Promise<void> =>
  tell(join(folder, address, "driver/unbind"), address);

/** Has that driver take it again. @throws as {@link unbindDriver} */
export const bindDriver = (address: string, driver: string, folder = PCI_DEVICES): Promise<void> =>
  tell(join(folder, "../drivers", driver, "bind"), address);
