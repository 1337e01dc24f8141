/** Waits at start until the image's drivers have found the devices that were attached before Baton started. */

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { hasUsb, usbDisksPending } from "../devices/usb.ts";
import { OWN_FOLDER } from "../linux/ownimage.ts";
import { log } from "../log.ts";

/** Made by the image's init script once drivers are loaded and the kernel's own probing has ended. */
const DRIVERS_LOADED = `${OWN_FOLDER}/coldplug-done`;

/** Made by it when no driver is looking at its hardware any more: with a disk that doesn't answer, never. */
const DRIVERS_DONE = `${OWN_FOLDER}/probed`;

/** How long drivers may take to find their devices. */
const DRIVERS_MS = 15_000;
/** How long USB disks that are plugged in may take to appear; the kernel itself waits one second for each. */
const USB_MS = 8_000;
/** A USB device that is plugged in shows itself within this time after its host controller's driver. */
const USB_ENUMERATION_MS = 1000;
/** The kernel announces no more devices of the start after this time without an event. */
const QUIET_MS = 150;
const POLL_MS = 25;

/** False while a driver is looking at its hardware. */
export function areDriversDone(): boolean {
  return existsSync(DRIVERS_DONE);
}

/**
 * Waits until drivers are loaded, USB disks are ready and the kernel announces nothing more. Logs what has not ended in
 * its time, and goes on.
 * @param lastEvent when the kernel announced a device last, as performance.now()
 */
export async function driversReady(lastEvent: () => number): Promise<void> {
  const loaded = await until(() => existsSync(DRIVERS_LOADED), DRIVERS_MS);
  if (!loaded) log.warn(`drivers have not found all their devices within ${DRIVERS_MS / 1000} s: going on without`);
  if (hasUsb()) await sleep(USB_ENUMERATION_MS);
  const usb = await until(() => !usbDisksPending(), USB_MS);
  if (!usb) log.warn(`a USB disk has not become ready within ${USB_MS / 1000} s: going on without`);
  await quiet(lastEvent);
}

/** Waits until the kernel has announced no device for {@link QUIET_MS}, or until `isEnough`. */
export async function quiet(lastEvent: () => number, isEnough: () => boolean = () => false): Promise<void> {
  await until(() => isEnough() || performance.now() - lastEvent() >= QUIET_MS, DRIVERS_MS);
}

/** Waits at most so long. @returns false where the condition does not hold by then */
export async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() >= end) return false;
    await sleep(POLL_MS);
  }
  return true;
}
