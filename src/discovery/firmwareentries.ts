/** The firmware's own boot entries (Windows, other EFI loaders) as entries of the list: Baton restarts into them. */

import { parsedEntry } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { EMPTY_RESULT } from "../formats/format.ts";
import { hasTag, type VolumeIdentity } from "../identity.ts";
import type { ReadConfig } from "../policy/readconfig.ts";
import type { Settings } from "../policy/settings.ts";
import { type FirmwareEntry, firmwareEntries, requestBootNext } from "../state/firmware.ts";

const SOURCE = "firmware:/BootOrder";

/**
 * Empty on a machine without EFI. Nothing of it boots by itself unless it is named. What lies on an attached partition
 * stands for that file, which disks' own lists have as one that can't be started.
 */
export function firmwareConfig(
  { writes }: Pick<Settings, "writes">,
  volumes: readonly VolumeIdentity[] = [],
  found: readonly FirmwareEntry[] = firmwareEntries(),
): ReadConfig[] {
  if (found.length === 0) return [];
  const sourceOf = ({ file, partuuid }: FirmwareEntry): string => {
    const volume = partuuid === null ? undefined : volumes.find((one) => hasTag(one, "PARTUUID", partuuid));
    return volume === undefined || file === null ? SOURCE : `${volume.name}:${file.replaceAll("\\", "/")}`;
  };
  const entries = found.map((entry) => {
    const { number, title, file } = entry;
    return parsedEntry({
      title,
      type: "firmware",
      source: sourceOf(entry),
      kind: "efi",
      nativeId: `Boot${number}`,
      options: file ?? "",
      reason:
        writes === "none"
          ? "only the firmware can start it; writes: bootloader-state lets Baton restart into it"
          : null,
    });
  });
  const config = { source: SOURCE, entries, volumeKey: "firmware", removable: false, isInFile: true, isFirmware: true };
  return [{ ...EMPTY_RESULT, ...config }];
}

/**
 * Has the firmware start the entry at the next start; the caller restarts.
 * @param nativeId `Boot0003`
 */
export async function bootNext(nativeId: string | null): Promise<void> {
  const [, number] = /^Boot([0-9A-F]{4})$/.exec(nativeId ?? "") ?? [];
  if (number === undefined) throw new BatonError("unsupported", `${nativeId} is none of the firmware's boot entries`);
  await requestBootNext(number);
}
