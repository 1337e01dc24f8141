/** Where Android's boot images lie: on partitions of their own, which have no filesystem, or as files in a folder. */

import type { ReadAt } from "../../binary/readat.ts";
import { BatonError } from "../../errors.ts";
import type { FormatContext, FormatVolume } from "../format.ts";
import { isAbsence, Lookup } from "../lookup.ts";
import { baseName, folderOf } from "../paths.ts";

const MAGIC = "ANDROID!";
/** Partitions that hold such an image are volumes of one file, named as the partition is (volumes/partitionfile.ts). */
export const isPartition = ({ type }: FormatVolume): boolean => type?.startsWith("android_") ?? false;
const NAME = /^(boot|kernel|lnx|recovery|sos|vendor_boot|init_boot|dtbo|vbmeta|misc)(?:_([a-d]))?\.img$/i;

export interface AndroidImage {
  /** `boot_a` */
  readonly name: string;
  /** `boot`, `recovery`, `vendor_boot`…; NVIDIA's `lnx` and `sos` are boot and recovery. */
  readonly role: string;
  /** `a`; null for one that is there once. */
  readonly slot: string | null;
  readonly volume: FormatVolume;
  readonly path: string;
}

const ROLES: Readonly<Record<string, string>> = { kernel: "boot", lnx: "boot", sos: "recovery" };
/** What holds a kernel. */
export const isStarted = ({ role }: AndroidImage): boolean => role === "boot" || role === "recovery";

/** Those in a folder: what starts a system first, then by their names. Rejects where the volume can't be read. */
export async function imagesIn(volume: FormatVolume, folder: string): Promise<AndroidImage[]> {
  const items = await new Lookup(volume.reader).list(folder);
  const found: AndroidImage[] = [];
  for (const { name, type } of items) {
    const [all, base, slot] = NAME.exec(name) ?? [];
    if (all === undefined || type === "directory" || type === "other") continue;
    const own = base!.toLowerCase();
    const path = `${folder === "/" ? "" : folder}/${name}`;
    const image = {
      ...{ name: all.slice(0, -".img".length).toLowerCase(), role: ROLES[own] ?? own, volume, path },
      slot: slot?.toLowerCase() ?? null,
    };
    if (!isStarted(image) || (await hasMagic(image))) found.push(image);
  }
  return found.sort(inOrder);
}

const inOrder = (a: AndroidImage, b: AndroidImage): number =>
  Number(a.role !== "boot") - Number(b.role !== "boot") ||
  compare(a.name, b.name) ||
  // Two of one name: the same comes first for each of them.
  compare(a.volume.name, b.volume.name);

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

async function hasMagic({ volume, path }: AndroidImage): Promise<boolean> {
  try {
    return Buffer.from(await volume.reader.readAt(path, 0, MAGIC.length)).toString("latin1") === MAGIC;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/**
 * All that belong together with the one at `path`: those in its folder; for a partition, those of its disk, and of other
 * built-in disks what no partition of its own is there for (a phone's storage shows itself as several disks).
 */
export async function imagesAround(path: string, { volume, volumes }: FormatContext): Promise<AndroidImage[]> {
  const own = await imagesIn(volume, folderOf(path));
  if (!isPartition(volume)) return own;
  const others = volumes.filter((other) => other !== volume && isPartition(other));
  const read = async (chosen: readonly FormatVolume[]): Promise<AndroidImage[]> => {
    // One that doesn't answer is one that isn't there.
    const found = await Promise.all(chosen.map((other) => imagesIn(other, "/").catch(() => [])));
    return found.flat();
  };
  const near = [...own, ...(await read(others.filter(({ disk }) => disk === volume.disk)))].sort(inOrder);
  const isElsewhere = ({ disk, removable }: FormatVolume): boolean =>
    disk !== volume.disk && !removable && !volume.removable;
  const far = (await read(others.filter(isElsewhere))).filter(
    (image) => !isStarted(image) && !near.some(({ name }) => name === image.name),
  );
  return [...near, ...far];
}

/** Of a role, the slot's own, else the one that all slots have. */
export function imageFor(images: readonly AndroidImage[], role: string, slot: string | null): AndroidImage | null {
  const named = images.filter((image) => image.role === role);
  return named.find((image) => image.slot === slot) ?? named.find((image) => image.slot === null) ?? null;
}

export const readAtOf =
  ({ volume, path }: AndroidImage): ReadAt =>
  (offset, length) =>
    volume.reader.readAt(path, offset, length);

export const sizeOf = async ({ volume, path }: AndroidImage): Promise<number> => (await volume.reader.stat(path)).size;

/** The beginning of an image that only tells something; nothing where it can't be read. */
export async function beginningOf(image: AndroidImage | null, length: number): Promise<Buffer> {
  if (image === null) return Buffer.alloc(0);
  try {
    return Buffer.from(await image.volume.reader.readAt(image.path, 0, length));
  } catch (error) {
    if (error instanceof BatonError) return Buffer.alloc(0);
    throw error;
  }
}

/** For messages: `boot_a.img`. */
export const shownName = ({ path }: AndroidImage): string => baseName(path);
