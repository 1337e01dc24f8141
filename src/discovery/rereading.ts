/** Which configurations have to be read again when a device has come or gone, and what their names mean first. */

import { entryFiles, type FileRef, type ParsedEntry } from "../entry.ts";
import type { FormatResult } from "../formats/format.ts";
import { hasTag, TAGS } from "../identity.ts";
import type { Volume } from "../volumes/volume.ts";

/** What an entry would read, and what it would start. */
const namedBy = (entry: ParsedEntry): readonly FileRef[] =>
  entry.program === undefined ? entryFiles(entry) : [...entryFiles(entry), entry.program];

/** What another device's coming or going might change: files on it, and whatever could not be reached. */
export function isIncomplete(result: FormatResult, isThere: (device: string) => boolean): boolean {
  const isElsewhere = (ref: FileRef): boolean => "selector" in ref || ("device" in ref && !isThere(ref.device));
  if (result.diagnostics.length > 0 || result.awaitsDevices === true) return true;
  return result.entries.some((entry) => namedBy(entry).some(isElsewhere));
}

/** Other volumes that have a name of one of these: until now a name may have meant them alone. */
export function twinsOf(chosen: readonly Volume[], all: readonly Volume[]): ReadonlySet<string> {
  const isTwin = (a: Volume, b: Volume): boolean =>
    TAGS.some(({ tag, of }) => {
      const own = of(a);
      return own !== null && own !== "" && hasTag(b, tag, own);
    });
  const twins = all.filter((volume) => !chosen.includes(volume) && chosen.some((one) => isTwin(one, volume)));
  return new Set(twins.map(({ name }) => name));
}

/** Whether a configuration that lies elsewhere, on `own`, found files on one of these devices. */
export function namesOneOf(devices: ReadonlySet<string>, { entries }: FormatResult, own: string): boolean {
  const isMeant = (device: string): boolean => device !== own && devices.has(device);
  return (
    devices.size > 0 &&
    entries.some(
      (entry) =>
        isMeant(entry.source.replace(/:.*$/s, "")) ||
        namedBy(entry).some((ref) => "device" in ref && isMeant(ref.device)),
    )
  );
}

/**
 * In the order in which a name is looked for: the configuration's own disk, what is built in, what can be taken out. A
 * stick with a copied UUID or label must not stand in for the machine's own disk.
 */
export function nearestFirst(volumes: readonly Volume[], own: Volume): readonly Volume[] {
  const distance = (other: Volume): number => {
    if (other === own) return 0;
    const isNear = other.disk !== null && other.disk === own.disk;
    return isNear ? 1 : other.removable ? 3 : 2;
  };
  return [...volumes].sort((a, b) => distance(a) - distance(b));
}
