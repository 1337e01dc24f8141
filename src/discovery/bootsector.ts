/** The code in a device's boot sector, and where the GRUB behind it has its configuration. */

import { type BootCode, bootCodeOf } from "../devices/bootcode.ts";
import type { BlockDevice } from "../devices/device.ts";
import { describeError } from "../errors.ts";
import type { GrubPlace } from "../formats/grub/embedded.ts";
import { log } from "../log.ts";

/** How long a device that has answered may take to give its boot code. */
const TIMEOUT_MS = 2_000;

/** A boot sector whose code is somebody's that is known. */
export interface BootSector {
  /** Of the disk or the partition whose first sector it is. */
  readonly device: string;
  /** The whole disk's name for a partition, else null. */
  readonly disk: string | null;
  readonly removable: boolean;
  readonly code: Pick<BootCode, "name" | "active">;
  /** Where GRUB's configuration lies; null where that can't be told. */
  readonly place: GrubPlace | null;
}

/**
 * Reads a device's boot sector. Never rejects: what can't be read is no evidence.
 * @param isRemovable asked whenever it counts
 * @returns null where its code is nobody's that is known
 */
export async function readBootSector(device: BlockDevice, isRemovable: () => boolean): Promise<BootSector | null> {
  const { name, disk } = device;
  try {
    const code = await bootCodeOf(device, TIMEOUT_MS);
    if (code === null) return null;
    const place = await grubPlace(code, name);
    return {
      ...{
        device: name,
        disk,
        place,
        code: { name: code.name, ...(code.active !== undefined && { active: code.active }) },
      },
      get removable() {
        return isRemovable();
      },
    };
  } catch (error) {
    log.info(`${name}: its boot sector was not looked at: ${describeError(error)}`);
    return null;
  }
}

/**
 * Where the GRUB in a boot sector has its configuration. Never rejects: what can't be unpacked says nothing.
 * @param device for the log
 */
export async function grubPlace({ core }: BootCode, device: string): Promise<GrubPlace | null> {
  if (core === undefined) return null;
  try {
    const [{ packedKernel, placeInKernel }, { unpackLzma }, { Output }] = await Promise.all([
      import("../formats/grub/coreimage.ts"),
      import("../images/lzma.ts"),
      import("../images/output.ts"),
    ]);
    const packed = packedKernel(core);
    if (packed === null) return null;
    const kernel = new Output(packed.size);
    await unpackLzma(packed.file, kernel);
    return await placeInKernel(kernel.filled);
  } catch (error) {
    log.info(`${device}: the GRUB in its boot sector was not looked at: ${describeError(error)}`);
    return null;
  }
}
