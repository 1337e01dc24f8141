/** Where a command's entries come from: `--disk` directories, else this machine's own devices. */

import { discoverDirectories } from "../../discovery/directories.ts";
import type { Discovery } from "../../discovery/discovery.ts";
import { formatDiagnostic } from "../../entry.ts";
import { BatonError } from "../../errors.ts";
import { DEFAULT_SETTINGS, mergeSettings, type Settings } from "../../policy/settings.ts";
import type { DiskOptions } from "./options.ts";
import { readOwnFile } from "./ownfile.ts";

export interface Found {
  /** What holds: the file of `--config`, else what holds without one. */
  readonly settings: Settings;
  readonly discovery: Discovery;
  /** Looks again at everything. */
  rescan(): Promise<void>;
  /** Unmounts what was mounted. */
  close(): Promise<void>;
}

export async function discover(options: DiskOptions): Promise<Found> {
  const settings = await readConfig(options.config);
  if (options.disks.length > 0) {
    const platform = options.platform ?? { firmware: "efi", arch: "x86_64" };
    const discovery = await discoverDirectories(options.disks, platform, settings);
    const rescan = async (): Promise<void> => {
      await discovery.scan();
      await discovery.scanIsoFiles();
    };
    return { settings, discovery, rescan, close: async () => {} };
  }
  // Only here, so that listing directories never loads what talks to devices.
  const { DeviceMonitor } = await import("../../discovery/devicemonitor.ts");
  const machine = new DeviceMonitor(options.platform === null ? {} : { platform: options.platform });
  machine.discovery.setRules(settings);
  machine.start();
  await machine.complete;
  return { settings, discovery: machine.discovery, rescan: () => machine.rescan(), close: () => machine.close() };
}

/** @throws BatonError where the file can't be read, or something in it is wrong: a person is there to mend it. */
async function readConfig(path: string | null): Promise<Settings> {
  if (path === null) return DEFAULT_SETTINGS;
  const { readSettings } = await import("../../policy/settingsfile.ts");
  const { settings, diagnostics } = await readSettings(readOwnFile(path), path);
  const [first] = diagnostics;
  if (first !== undefined) {
    const more = diagnostics.length > 1 ? ` (and ${diagnostics.length - 1} more; baton config ${path})` : "";
    throw new BatonError("bad-format", formatDiagnostic(first) + more);
  }
  return mergeSettings(settings);
}
