/** Boot sectors that entries start (`ParsedEntry.program`), as devices with the path `/`. */

import type { FileRef } from "../entry.ts";
import { hasTag } from "../identity.ts";
import type { FormatContext } from "./format.ts";

type Volumes = Pick<FormatContext, "volume" | "volumes">;

/** @returns null where no device is meant that is attached */
export const bootSectorOf = (device: string | null | undefined): FileRef | null =>
  device == null ? null : { device, path: "/" };

/** @param partition from 1; 0 for the disk's own */
export function bootSectorOn(disk: string | null, partition: number, { volumes }: Volumes): FileRef | null {
  if (disk === null || partition === 0) return bootSectorOf(disk);
  return bootSectorOf(volumes.find((one) => one.disk === disk && one.partition === partition)?.name);
}

/** The disk by the number in its MBR, from which Linux makes the partitions' names. @param id in hexadecimal */
export function diskWithMbrId(id: string, { volumes }: Volumes): string | null {
  const wanted = `${id.replace(/^0x/i, "").toLowerCase().padStart(8, "0")}-`;
  return volumes.find(({ partuuid }) => partuuid?.toLowerCase().startsWith(wanted) === true)?.disk ?? null;
}

export const bootSectorWith = (tag: "PARTUUID" | "PARTLABEL", value: string, { volumes }: Volumes): FileRef | null =>
  bootSectorOf(volumes.find((one) => hasTag(one, tag, value))?.name);
