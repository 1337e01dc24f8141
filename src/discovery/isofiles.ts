/**
 * Composes volumes, devices and formats for ISO files that lie on a disk: finds them, opens each as a volume of its
 * own, and picks the one of its configurations that gives its menu.
 *
 * A file's volume is named after the device it lies on and itself: `vda1+debian-12.iso`, in which everything but
 * letters, digits and `._-` is a dash; `~2` and so on where two would have one name.
 */

import { posix } from "node:path";
import type { Identity } from "../devices/device.ts";
import { iso9660 } from "../devices/probes/iso9660.ts";
import { identify } from "../devices/probes/table.ts";
import { Window } from "../devices/probes/window.ts";
import { BatonError, describeError } from "../errors.ts";
import type { Format, FormatResult, FormatVolume } from "../formats/format.ts";
import { fileExists, Lookup } from "../formats/lookup.ts";
import type { DirectoryItem } from "../formats/reader.ts";
import { log } from "../log.ts";
import { isKnown } from "../volumes/filesystems.ts";
import { openIso } from "../volumes/iso.ts";
import type { FileExtent, Volume } from "../volumes/volume.ts";

/** An ISO file, open as a volume. */
export interface IsoVolume extends Volume {
  /** The volume that the file lies on. */
  readonly parent: Volume;
  /** The file, absolute within that volume. */
  readonly file: string;
  /** Of the file, in bytes. */
  readonly size: number;
  /** There is a UDF filesystem in it as well, which Baton doesn't read. */
  readonly hasUdf: boolean;
  /** Why not everything in it was read since it was opened or closed; null where nothing was left out. */
  readonly shortfall: string | null;
}

/** Where people put ISO files. `/**` at the end means the folders below as well. */
export const ISO_FOLDERS: readonly string[] = [
  ...["/", "/iso/**", "/isos/**", "/images/**"],
  ...["/boot", "/boot/iso/**", "/boot/isos/**", "/boot/images/**"],
];

/** Ventoy lists the files in every folder of the partition that it makes. */
const VENTOY = { label: "Ventoy", folders: ["/**"] };

/** Folders below a place: so deep, and so many of them. */
const MAX_DEPTH = 3;
const MAX_FOLDERS = 300;
const MAX_FILES = 64;
/** Files and symlinks of which it is found out whether they are the same. */
const MAX_CANDIDATES = 4 * MAX_FILES;
/** Names in all folders together: a filesystem may have thousands of folders with thousands of names each. */
const MAX_LISTED = 100_000;
/** Those that GRUB's `loopback` opens count as well. */
const MAX_OPEN = 256;
/** Each takes a loop device and a mount. */
const MAX_MOUNTED = 16;
/** An ISO in an ISO is the most that anybody has. */
const MAX_NESTED = 2;

/** Every ISO file that was opened, by name. */
export class IsoFiles {
  readonly #isTaken: (name: string) => boolean;
  /** By `DEVICE:/path`. */
  readonly #opened = new Map<string, { readonly stamp: string; readonly volume: Promise<IsoVolume> }>();
  /** Names, once given, stay: `DEVICE:/path` by name. */
  readonly #names = new Map<string, string>();
  readonly #volumes = new Map<string, IsoVolume>();

  /** @param isTaken true for names that devices have */
  constructor(isTaken: (name: string) => boolean) {
    this.#isTaken = isTaken;
  }

  /** The volume of that name, null where no such file was opened. */
  find(name: string): IsoVolume | null {
    return this.#volumes.get(name) ?? null;
  }

  /** Those that lie on a device. */
  on(device: string): readonly IsoVolume[] {
    return [...this.#volumes.values()].filter(({ parent }) => parent.name === device);
  }

  /** Whether images with another filesystem than an ISO's may be mounted: on a machine, not where folders stand for disks. */
  mounts = false;

  /**
   * As {@link open}; where it is no ISO file but holds another filesystem that Baton reads, that is mounted.
   * @throws BatonError as {@link open}
   */
  async openImage(parent: Volume, path: string): Promise<IsoVolume> {
    const { size, type } = await parent.reader.stat(path);
    if (type === "file") {
      const readAt = (offset: number, length: number): Promise<Uint8Array> =>
        parent.reader.readAt(path, offset, length);
      const isIso = (await iso9660.read(new Window(readAt, size, { optical: true }), null)) !== null;
      const identity = isIso ? null : await identify(readAt, size);
      if (identity !== null && isKnown(identity.type)) return this.open(parent, path, identity);
    }
    return this.open(parent, path);
  }

  /** Unmounts what {@link openImage} mounted. Never rejects. */
  async unmount(): Promise<void> {
    await Promise.all([...this.#volumes.values()].map((volume) => volume.close()));
  }

  /**
   * Opens the file as a volume, or gives the one that it is already if the file has not changed since.
   * @param filesystem what is in it where that is to be mounted; else it is taken for an ISO file
   * @throws BatonError `bad-format`, `unsupported`, `refused`, and as Reader's methods
   */
  async open(parent: Volume, path: string, filesystem: Identity | null = null): Promise<IsoVolume> {
    const file = posix.normalize(path);
    const key = `${parent.name}:${file}`;
    const stat = await parent.reader.stat(file);
    if (stat.type !== "file") throw new BatonError("not-a-file", `${key}: it is a directory, not an ISO file.`);
    const stamp = `${stat.size} ${stat.mtime}`;
    const known = this.#opened.get(key);
    if (known?.stamp === stamp) return known.volume;
    if (depthOf(parent) >= MAX_NESTED) {
      throw new BatonError("refused", `${key}: ISO files more than ${MAX_NESTED} deep in each other are not opened.`);
    }
    if (known === undefined && this.#opened.size >= MAX_OPEN) {
      throw new BatonError("refused", `${key}: more than ${MAX_OPEN} ISO files are not opened.`);
    }
    const name = this.#nameOf(key, parent, file);
    const volume =
      filesystem === null
        ? openVolume(parent, file, stat.size, name)
        : this.#mount(parent, file, stat.size, name, filesystem);
    this.#opened.set(key, { stamp, volume });
    try {
      const opened = await volume;
      await this.#volumes.get(name)?.close();
      this.#volumes.set(name, opened);
      return opened;
    } catch (error) {
      this.#opened.delete(key);
      throw error;
    }
  }

  async #mount(parent: Volume, file: string, size: number, name: string, filesystem: Identity): Promise<IsoVolume> {
    const what = `${parent.name}:${file} holds ${filesystem.type}`;
    if (!this.mounts) {
      throw new BatonError(
        "unsupported",
        `${what}, which Baton opens on a machine alone, not where folders stand for disks.`,
      );
    }
    // What is mounted is no part of a file, but a tree.
    if ([...this.#volumes.values()].filter(({ extent }) => extent === undefined).length >= MAX_MOUNTED) {
      throw new BatonError("refused", `${what}; more than ${MAX_MOUNTED} such images are not opened.`);
    }
    const { mountImage } = await import("../volumes/imagefile.ts");
    const place = (): Promise<FileExtent> => placeOf(parent, file, size);
    return { ...volumeIn(parent, file, size, name, filesystem), ...mountImage(name, filesystem, place) };
  }

  /** A device has gone, or its medium is another one. */
  forget(device: string): void {
    for (const key of this.#opened.keys()) {
      if (key.startsWith(`${device}:`) || key.startsWith(`${device}+`)) this.#opened.delete(key);
    }
    for (const [name, volume] of this.#volumes) {
      if (!name.startsWith(`${device}+`)) continue;
      this.#volumes.delete(name);
      void volume.close();
    }
  }

  #nameOf(key: string, parent: Volume, file: string): string {
    for (const [name, owner] of this.#names) if (owner === key) return name;
    const base = `${parent.name}+${slug(posix.basename(file))}`;
    let name = base;
    for (let n = 2; this.#names.has(name) || this.#isTaken(name); n++) name = `${base}~${n}`;
    this.#names.set(name, key);
    return name;
  }
}

async function openVolume(parent: Volume, file: string, size: number, name: string): Promise<IsoVolume> {
  const readAt = (offset: number, length: number): Promise<Uint8Array> => parent.reader.readAt(file, offset, length);
  const image = await openIso(readAt, size, `${parent.name}:${file}`, name);
  const identity = await iso9660.read(new Window(readAt, size, { optical: true }), null);
  return {
    ...volumeIn(parent, file, size, name, { type: "iso9660", uuid: null, label: null, ...identity }),
    reader: image.reader,
    hasUdf: image.hasUdf,
    get shortfall() {
      return image.shortfall;
    },
    hostPath: async (path) => {
      throw new BatonError(
        "unsupported",
        `${name}:${path}: it is a part of ${parent.name}:${file} and no file itself.`,
      );
    },
    extent: async (path) => {
      const { offset, size: length } = await image.extent(path);
      const outer = await placeOf(parent, file, size);
      return { hostPath: outer.hostPath, offset: outer.offset + offset, size: length };
    },
    close: async () => image.forget(),
  };
}

/** What any image is as a volume. */
function volumeIn(
  parent: Volume,
  file: string,
  size: number,
  name: string,
  { type, uuid, label }: Pick<Identity, "type" | "uuid" | "label">,
): Omit<IsoVolume, "reader" | "hostPath" | "close"> {
  return {
    ...{ name, type, uuid, label, partuuid: null, partlabel: null, disk: null, partition: null, scheme: null },
    ...{ removable: parent.removable, parent, file, size, hasUdf: false, shortfall: null },
  };
}

/** Where a file of a volume is on this machine. */
async function placeOf(parent: Volume, file: string, size: number): Promise<FileExtent> {
  return (await parent.extent?.(file)) ?? { hostPath: await parent.hostPath(file), offset: 0, size };
}

/** How many files around a volume are ISO files. */
function depthOf(volume: Volume): number {
  let depth = 0;
  for (let at: Volume | undefined = volume; at !== undefined; at = (at as Partial<IsoVolume>).parent) depth++;
  return depth - 1;
}

function slug(name: string): string {
  return name.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 100);
}

/**
 * The ISO files in the usual places of a volume, in the order of the places, and how many there were beyond the most.
 * @param folders as {@link ISO_FOLDERS}
 */
export async function findIsoFiles(
  volume: Volume,
  folders: readonly string[] = ISO_FOLDERS,
): Promise<{ readonly files: readonly string[]; readonly left: number }> {
  const lookup = new CountedLookup(volume.reader);
  const candidates: string[] = [];
  const places = volume.label === VENTOY.label && folders === ISO_FOLDERS ? VENTOY.folders : folders;
  for (const folder of await placesIn(lookup, places)) {
    const items = (await lookup.list(folder)).filter(
      ({ name, type }) => /\.iso$/i.test(name) && (type === "file" || type === "symlink"),
    );
    // A file stands before symlinks to it.
    for (const type of ["file", "symlink"]) {
      for (const item of items) if (item.type === type) candidates.push(posix.join(folder, item.name));
    }
  }
  const files: string[] = [];
  const seen = new Set<string>();
  for (const path of candidates.slice(0, MAX_CANDIDATES)) {
    // One file by two names is one.
    const hostPath = await volume.hostPath(path).catch((error) => {
      log.warn(describeError(error));
      return null;
    });
    if (hostPath === null || seen.has(hostPath)) continue;
    seen.add(hostPath);
    files.push(path);
  }
  const left = Math.max(0, files.length - MAX_FILES) + Math.max(0, candidates.length - MAX_CANDIDATES);
  return { files: files.slice(0, MAX_FILES), left };
}

/**
 * A lookup with a budget of names. A folder with too many names seems empty, and so do all once the budget is spent; the
 * places before it are still searched.
 */
class CountedLookup extends Lookup {
  #left = MAX_LISTED;

  override async list(folder: string): Promise<readonly DirectoryItem[]> {
    if (this.#left <= 0) return [];
    const items = await super.list(folder).catch((error: unknown) => {
      if (!(error instanceof BatonError) || error.code !== "too-large") throw error;
      log.warn(error.message);
      return [];
    });
    this.#left -= items.length;
    return items;
  }
}

/** The folders that there are, each once, those below a place after it. */
async function placesIn(lookup: Lookup, wanted: readonly string[]): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for (const place of wanted) {
    const isDeep = /\/\*\*\/?$/.test(place);
    const top = await lookup.find(place.replace(/\/\*\*\/?$/, "") || "/", "directory");
    if (top === null) continue;
    places.add(top);
    let level = isDeep ? [top] : [];
    let left = MAX_FOLDERS;
    for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
      const below: string[] = [];
      for (const folder of level) {
        for (const { name, type } of await lookup.list(folder)) {
          if (type === "directory" && left-- > 0) below.push(posix.join(folder, name));
        }
      }
      for (const folder of below) places.add(folder);
      level = below;
    }
  }
  return places;
}

/** Written to be read from an ISO file (supergrubdisk.org/wiki/Loopback.cfg): `$iso_path` names it. */
const LOOPBACK = ["/boot/grub/loopback.cfg", "/boot/grub2/loopback.cfg", "/grub/loopback.cfg"];

export function isLoopbackConfig(path: string): boolean {
  return /\/loopback\.cfg$/i.test(path);
}

/** A configuration of an ISO, not read yet. */
interface Candidate {
  readonly format: Format;
  readonly path: string;
}

/**
 * The configuration that gives an ISO's menu. Media carry several copies of one menu, for each bootloader one: the
 * loopback.cfg counts before the others, and what loads a Linux before what does not.
 * @param read reads one; never rejects because of what it says
 * @returns one without entries where none has any; null where there is none at all
 * @throws what the finding of all of them failed with
 */
export async function chooseConfig<T extends { readonly result: FormatResult }>(
  volume: FormatVolume,
  formats: readonly Format[],
  read: (format: Format, path: string) => Promise<T>,
): Promise<T | null> {
  let best: T | null = null;
  let failure: unknown = null;
  const places = [findLoopback(volume, formats), ...formats.map((format) => findConfigs(volume, format))];
  for (const place of places) {
    // A damaged folder of one bootloader's is no reason to lose another's.
    const found = await place().catch((error: unknown) => {
      failure ??= error;
      log.warn(describeError(error));
      return [];
    });
    for (const { format, path } of found) {
      const scan = await read(format, path);
      if (scan.result.entries.some(({ kind, linux }) => kind === "linux" && linux !== null)) return scan;
      if (best === null || (best.result.entries.length === 0 && scan.result.entries.length > 0)) best = scan;
    }
  }
  if (best === null && failure !== null) throw failure;
  return best;
}

type Find = () => Promise<readonly Candidate[]>;

function findLoopback(volume: FormatVolume, formats: readonly Format[]): Find {
  return async () => {
    const grub = formats.find(({ name }) => name === "grub");
    if (grub === undefined) return [];
    for (const path of LOOPBACK) if (await fileExists(volume.reader, path)) return [{ format: grub, path }];
    return [];
  };
}

function findConfigs(volume: FormatVolume, format: Format): Find {
  return async () => (await format.find(volume)).map((path) => ({ format, path }));
}
