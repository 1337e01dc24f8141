/** The firmware's own boot entries (Windows, other EFI loaders) as entries of the list: Baton restarts into them. */

import { parsedEntry } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { EMPTY_RESULT } from "../formats/format.ts";
import type { ReadConfig } from "../policy/list.ts";
import type { Settings } from "../policy/settings.ts";
import { type FirmwareEntry, firmwareEntries, requestBootNext } from "../state/firmware.ts";

const SOURCE = "firmware:/BootOrder";

/** Empty on a machine without EFI. Nothing of it boots by itself unless it is named. */
export function firmwareConfig(
  { writes }: Pick<Settings, "writes">,
  found: readonly FirmwareEntry[] = firmwareEntries(),
): ReadConfig[] {
  if (found.length === 0) return [];
  const entries = found.map(({ number, title, file }) =>
    parsedEntry({
      title,
      type: "firmware",
      source: SOURCE,
      kind: "efi",
      nativeId: `Boot${number}`,
      options: file ?? "",
      reason:
        writes === "none"
          ? "only the firmware can start it; writes: bootloader-state lets Baton restart into it"
          : null,
    }),
  );
  return [{ ...EMPTY_RESULT, source: SOURCE, entries, volumeKey: "firmware", removable: false, isInFile: true }];
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
