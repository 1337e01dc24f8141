/** What configurations call filesystems by, and which attached one that is. The configuration's own comes first. */

import type { FileRef } from "../entry.ts";
import { hasTag, type Tag } from "../identity.ts";
import type { FormatContext, FormatVolume } from "./format.ts";
import { resolvePath } from "./paths.ts";

/** A filesystem that is attached, or what it was called where none answers. */
export type Place = FormatVolume | { readonly selector: string };

/** A file at a place; a path without a slash at its beginning starts at the root. */
export function fileAt(place: Place, path: string): FileRef {
  const absolute = resolvePath("/", path);
  return "selector" in place ? { selector: place.selector, path: absolute } : { device: place.name, path: absolute };
}

/**
 * The filesystem that answers to a value by one of these tags.
 * @returns the first tag with the value as selector where none does
 */
export function taggedPlace({ volume, volumes }: FormatContext, tags: readonly Tag[], value: string): Place {
  const all = [volume, ...volumes.filter((other) => other !== volume)];
  for (const tag of tags) {
    const found = all.find((other) => hasTag(other, tag, value));
    if (found !== undefined) return found;
  }
  return { selector: `${tags[0]}=${value}` };
}

/**
 * A partition of the disk on which the configuration lies. Outside the firmware it is unknown which disk it calls the
 * first, so a name with a disk number means this one too (docs/interfaces.md, FILEREF).
 * @param number from 1; null for the whole disk
 * @param name   what the configuration called it
 */
export function ownPartition({ volume, volumes }: FormatContext, number: number | null, name: string): Place {
  if (number === null) return volume.partition === null ? volume : { selector: name };
  if (volume.disk === null || volume.partition === number) return volume;
  return volumes.find(({ disk, partition }) => disk === volume.disk && partition === number) ?? { selector: name };
}
