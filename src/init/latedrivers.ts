/** Drivers that the image's start leaves alone: loaded where the configuration asks for what they drive. */

import { ModuleLoader } from "../devices/modules.ts";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";

/** Of serial lines on USB, which are consoles only where somebody names them. */
const USB_SERIAL = ["ftdi_sio", "pl2303", "cp210x", "ch341", "cdc_acm"];

/**
 * Loads modules by name, each with what it needs. One that isn't in the image or has no hardware is no failure.
 * @param parameters by module, such as `{ watchdog: "stop_on_reboot=0" }`; the kernel's command line comes after
 */
export async function loadDrivers(
  names: readonly string[],
  parameters: Readonly<Record<string, string>> = {},
): Promise<void> {
  const loader = new ModuleLoader();
  for (const [name, given] of Object.entries(parameters)) loader.parameters.set(name, given);
  for (const name of names) {
    await loader.loadForAlias(name).catch((error) => log.debug(`module ${name}: ${describeError(error)}`));
  }
}

/** Loads what the consoles that are named need; they join the menu when they appear. */
export async function loadConsoleDrivers(consoles: readonly string[] | null): Promise<void> {
  if (consoles?.some((name) => /^(\/dev\/)?tty(USB|ACM)\d/.test(name))) await loadDrivers(USB_SERIAL);
}
