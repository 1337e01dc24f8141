/** Notices block devices that arrive, leave or change, and loads drivers for hardware that arrives. */

import { describeError } from "../errors.ts";
import { openUevents, type Uevent } from "../linux/netlink.ts";
import { log } from "../log.ts";
import type { ModuleLoader } from "./modules.ts";

export interface BlockEvent {
  /** `change`: another medium, or another size; look at it again. */
  readonly action: "add" | "remove" | "change";
  /** Kernel name: `sda1`. */
  readonly name: string;
}

interface WatchOptions {
  /** Loads drivers for what arrives (a USB stick's); nothing is loaded without. */
  readonly modules?: ModuleLoader;
  /** More happened at once than the kernel could tell: look at everything again. */
  readonly onLost?: () => void;
}

/**
 * Listens to the kernel until closed; doesn't keep the process running.
 * @throws LinuxError where the kernel gives no such socket.
 */
export function watchBlockDevices(
  onChange: (event: BlockEvent) => void,
  options: WatchOptions = {},
): { close(): void } {
  const { modules, onLost } = options;
  const wanted = ["SUBSYSTEM=block\0", ...(modules ? ["MODALIAS="] : [])];
  const onEvent = (event: Uevent): void => {
    if (event.subsystem === "block") {
      const change = blockEvent(event.action, event.devpath);
      if (change) onChange(change);
    }
    const alias = event.properties.MODALIAS;
    if (modules && event.action === "add" && alias) {
      modules.loadForAlias(alias).catch((error: unknown) => log.warn(`driver for ${alias}: ${describeError(error)}`));
    }
  };
  return openUevents(onEvent, onLost, { wanted });
}

/** @returns null for what changes nothing that Baton shows. */
export function blockEvent(action: string, devpath: string): BlockEvent | null {
  const name = devpath.slice(devpath.lastIndexOf("/") + 1);
  if (name === "" || (action !== "add" && action !== "remove" && action !== "change")) return null;
  return { action, name };
}
