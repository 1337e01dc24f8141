/** Where a command's entries come from: `--disk` directories, else this machine's own devices. */

import type { Discovery } from "../discover.ts";
import { discoverDirectories } from "./directories.ts";
import type { DiskOptions } from "./options.ts";

export interface Found {
  readonly discovery: Discovery;
  /** Looks again at everything. */
  rescan(): Promise<void>;
  /** Unmounts what was mounted. */
  close(): Promise<void>;
}

export async function discover(options: DiskOptions): Promise<Found> {
  if (options.disks.length > 0) {
    const platform = options.platform ?? { firmware: "efi", arch: "x86_64" };
    const discovery = await discoverDirectories(options.disks, platform);
    const rescan = async (): Promise<void> => {
      await discovery.scan();
      await discovery.scanIsoFiles();
    };
    return { discovery, rescan, close: async () => {} };
  }
  // Only here, so that listing directories never loads what talks to devices.
  const { Machine } = await import("../machine.ts");
  const machine = new Machine(options.platform === null ? {} : { platform: options.platform });
  machine.start();
  await machine.complete;
  return { discovery: machine.discovery, rescan: () => machine.rescan(), close: () => machine.close() };
}
