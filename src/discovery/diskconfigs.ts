/** What was read on the machine's volumes, as configurations that policy chooses from. */

import { sourceDevice } from "../entry.ts";
import type { Format, FormatResult, Platform } from "../formats/format.ts";
import type { BootOptions } from "../state/firmware.ts";
import type { Volume } from "../volumes/volume.ts";
import { type BootPrograms, withMenus } from "./bootprograms.ts";
import type { BootSector } from "./bootsector.ts";
import { type FirmwareOrder, withFirmwareOrder } from "./firmwareorder.ts";
import type { FileNames } from "./samefile.ts";
import type { Scan } from "./scan.ts";
import { withSystems } from "./snapshots.ts";
import type { ReadScan, VolumeScan } from "./volumescan.ts";

/** A volume with what was found on it. */
interface ReadVolume {
  readonly volume: Volume;
  readonly found: VolumeScan;
}

/**
 * @param read in the order of devices
 * @param transportOf how a device is attached
 * @param options the firmware's own boot entries; null where there are none
 * @param programs what is known of the programs that entries start
 * @param bootSectors by device, in the order of devices
 */
export function diskConfigs(
  read: readonly ReadVolume[],
  transportOf: (device: string) => string | null,
  platform: Platform,
  options: BootOptions | null,
  programs: BootPrograms,
  bootSectors: ReadonlyMap<string, BootSector>,
): FirmwareOrder {
  const volumes = read.map(({ volume }) => volume);
  const keyOf = keysAmong(volumes);
  const names = new Map(read.map(({ volume, found }) => [volume.name, found.names]));
  const candidates = read.flatMap(({ volume, found: { scans } }) =>
    scans.map((scan) => ({
      ...{ format: scan.format.name, path: scan.path, volume, loader: scan.loader },
      config: {
        ...withKnownSources(
          isLeftover(scan.format, scans) ? { ...scan.result, defaultIndex: null } : scan.result,
          scan,
          names,
        ),
        source: `${volume.name}:${scan.path}`,
        volumeKey: keyOf(volume),
        removable: volume.removable,
        isPluggable: volume.removable && volume.isPluggable === true,
        origin: {
          device: volume,
          disk: volume.disk ?? volume.baseDisk ?? null,
          transport: transportOf(volume.name),
        },
      },
    })),
  );
  const programsOf = new Map(read.map(({ volume, found }) => [volume, found.programs]));
  const disks = { candidates, volumes, programs: programsOf, bootSectors };
  const order = withFirmwareOrder({ ...disks, candidates: withMenus(disks, programs) }, platform, options);
  return { ...order, configs: withSystems(order.configs) };
}

/** With the sources of entries by the names under which those files are listed themselves. */
function withKnownSources(
  result: FormatResult,
  { elsewhere }: ReadScan,
  names: ReadonlyMap<string, FileNames>,
): FormatResult {
  if (elsewhere.size === 0) return result;
  const known = new Map(
    [...elsewhere].flatMap(([source, place]) => {
      const device = sourceDevice(source);
      const name = names.get(device)?.nameAt(place) ?? null;
      return name === null ? [] : [[source, `${device}:${name}`]];
    }),
  );
  return {
    ...result,
    entries: result.entries.map((entry) => {
      const source = known.get(entry.source);
      return source === undefined || source === entry.source ? entry : { ...entry, source };
    }),
  };
}

/** GRUB legacy's file beside GRUB 2's on one volume is what an upgrade left behind: listed, but never the default. */
const isLeftover = (format: Format, scans: readonly Scan[]): boolean =>
  format.name === "grub-legacy" &&
  scans.some(({ format: { name }, result }) => name === "grub" && result.entries.length > 0);

/**
 * What names a volume in ids: its UUID where no other has the same, else its name. A built-in volume keeps its UUID
 * whatever is plugged in: a stick with a copied UUID must not change the ids that the owner has written down.
 */
export function keysAmong(
  volumes: readonly Pick<Volume, "name" | "uuid" | "removable">[],
): (volume: Pick<Volume, "name" | "uuid" | "removable">) => string {
  const fixed = new Map<string, number>();
  const all = new Map<string, number>();
  for (const { uuid, removable } of volumes) {
    if (uuid === null) continue;
    all.set(uuid, (all.get(uuid) ?? 0) + 1);
    if (!removable) fixed.set(uuid, (fixed.get(uuid) ?? 0) + 1);
  }
  return ({ name, uuid, removable }) => (uuid !== null && (removable ? all : fixed).get(uuid) === 1 ? uuid : name);
}
