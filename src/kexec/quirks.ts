/**
 * Hardware that is known to fail in the kernel after kexec, and what is done about it before the jump. Each row has a
 * public report; docs/hardware.md says how to add one. The kernel itself stops DMA: it clears bus mastering of every PCI
 * device on the way into kexec (pci_device_shutdown in drivers/pci/pci-driver.c).
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { describeError } from "../errors.ts";
import { bindDriver, PCI_DEVICES, unbindDriver } from "../linux/pci.ts";
import { log } from "../log.ts";

interface Quirk {
  /** Vendor, and devices where not all of that vendor's are meant: four hexadecimal digits. */
  readonly vendor: string;
  readonly devices?: readonly string[];
  /** The driver of the running kernel that leaves the device so; null: also without one. */
  readonly driver: string | null;
  /** `unbind`: its driver lets go of it, as `rmmod` does, which does more than the kernel's own shutdown. */
  readonly does: "unbind" | "warn";
  /** What fails, and what to do where Baton does nothing about it. */
  readonly why: string;
  readonly report: string;
}

export const QUIRKS: readonly Quirk[] = [
  {
    vendor: "8086",
    driver: "e1000e",
    does: "unbind",
    why: "the next kernel may get 10 Mbit/s or no link",
    report: "https://github.com/nix-community/nixos-anywhere/issues/346",
  },
  {
    vendor: "15b3",
    driver: "mlx4_core",
    does: "warn",
    why: "iPXE reads only zeros from it after kexec, with its driver unbound as well: start iPXE by the firmware",
    report: "https://github.com/ipxe/ipxe/issues/916",
  },
  {
    vendor: "8086",
    devices: ["7d40", "7d45", "7d55", "7d60", "7dd5"],
    driver: "i915",
    does: "warn",
    why: "on Meteor Lake i915 may not load after kexec: leave i915 out of Baton's image",
    report: "https://github.com/onedr0p/home-ops/pull/8568",
  },
  {
    vendor: "102b",
    driver: "mgag200",
    does: "warn",
    why: "the next kernel may reset the machine when it prints to VGA: leave mgag200 out of Baton's image",
    report: "https://lkml.iu.edu/hypermail/linux/kernel/1906.3/03355.html",
  },
  {
    vendor: "1106",
    devices: ["3483"],
    driver: "xhci_hcd",
    does: "warn",
    why: "on a Raspberry Pi 4 without its own flash USB may be dead after kexec: start4.elf of May 2025 or later mends it",
    report: "https://github.com/raspberrypi/firmware/issues/1617",
  },
];

export interface AffectedDevice {
  /** `0000:00:1f.6`. */
  readonly address: string;
  /** `8086:15bd`. */
  readonly id: string;
  readonly driver: string | null;
  readonly quirk: Quirk;
}

/** This machine's PCI devices that a row of {@link QUIRKS} means; none where there is no PCI. */
export function affectedDevices(folder = PCI_DEVICES): AffectedDevice[] {
  return addresses(folder).flatMap((address) => {
    try {
      const number = (name: string): string =>
        readFileSync(join(folder, address, name), "latin1")
          .trim()
          .slice(2);
      const [vendor, device] = [number("vendor"), number("device")];
      const driver = driverOf(folder, address);
      const quirk = QUIRKS.find(
        (row) =>
          row.vendor === vendor &&
          (row.devices?.includes(device) ?? true) &&
          (row.driver === null || row.driver === driver),
      );
      return quirk === undefined ? [] : [{ address, id: `${vendor}:${device}`, driver, quirk }];
    } catch (error) {
      log.debug(`${address}: ${describeError(error)}`);
      return [];
    }
  });
}

function addresses(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function driverOf(folder: string, address: string): string | null {
  try {
    return basename(readlinkSync(join(folder, address, "driver")));
  } catch {
    return null;
  }
}

/** A sentence for the `i` screen. */
export const describeQuirk = ({ address, id, driver, quirk }: AffectedDevice): string =>
  `PCI ${address} (${id}, ${driver ?? "no driver"}): ${quirk.why}` +
  `${quirk.does === "unbind" ? "; its driver lets go of it before the jump" : ""}. ${quirk.report}`;

/**
 * Does what the table says, device by device. Never rejects: nothing of it may keep a machine from starting.
 * @param say a line for the kernel log
 * @returns has the drivers back, where nothing was jumped into after all
 */
export async function leaveDevices(
  say: (text: string) => void,
  { folder = PCI_DEVICES, unbind = unbindDriver, bind = bindDriver } = {},
): Promise<() => Promise<void>> {
  const left: AffectedDevice[] = [];
  for (const device of affectedDevices(folder)) {
    const { address, id, driver, quirk } = device;
    if (quirk.does === "warn") {
      log.warn(describeQuirk(device));
      continue;
    }
    try {
      await unbind(address, folder);
      left.push(device);
      say(`baton: ${driver} has let go of ${address} (${id})`);
    } catch (error) {
      say(`baton: ${driver} keeps ${address} (${id}): ${describeError(error)}`);
    }
  }
  return async () => {
    for (const { address, driver } of left.splice(0)) {
      await bind(address, driver!, folder).catch((error) => log.warn(`${address}: ${describeError(error)}`));
    }
  };
}
