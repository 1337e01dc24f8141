/** The machine's firmware, where it is UEFI: its own boot entries, and its set-up. */

import { existsSync } from "node:fs";
import type { BootEntry } from "../entry.ts";
import { BatonError } from "../errors.ts";
import type { InitParts } from "./parts.ts";

export function isEfi(): boolean {
  return existsSync("/sys/firmware/efi");
}

/** Lists what the firmware itself could start, once its variables can be read. */
export async function listFirmwareEntries(parts: InitParts, configured: Promise<void>): Promise<void> {
  const { configuration, machine, session } = parts;
  await Promise.all([machine.settled, configured]);
  const { firmwareConfig } = await import("../discovery/firmwareentries.ts");
  machine.discovery.setOthers(firmwareConfig(configuration.settings, machine.discovery.volumes));
  session.update();
}

/** The firmware starts this entry at the next restart. */
export async function requestEntry({ nativeId }: BootEntry): Promise<void> {
  const { bootNext } = await import("../discovery/firmwareentries.ts");
  await bootNext(nativeId);
}

/** The firmware opens its set-up at the next restart. @throws BatonError where it can't */
export async function requestSetup(): Promise<void> {
  const firmware = await import("../state/firmware.ts");
  if (!firmware.canEnterSetup())
    throw new BatonError("unsupported", "this firmware offers no way into its set-up from here");
  await firmware.requestSetup();
}
