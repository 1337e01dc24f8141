/**
 * The subvolumes and snapshots of a mounted btrfs (include/uapi/linux/btrfs.h, btrfs_tree.h), for people: Baton itself
 * reads the whole filesystem from its top level.
 */

import { constants } from "node:fs";
import type { Subvolume } from "../formats/format.ts";
import { closeDescriptor, openDescriptor } from "../linux/descriptor.ts";
import { callBlocking } from "../linux/libc.ts";

// _IOWR(0x94, 17 and 18, 4096 bytes)
const TREE_SEARCH = 0xd0009411;
const INO_LOOKUP = 0xd0009412;
const SIZE = 4096;
const KEY_SIZE = 104;
const HEADER_SIZE = 32;

const ROOT_TREE = 1n;
const TOP_LEVEL = 5n;
const FIRST_FREE = 256n;
const LAST_FREE = 2n ** 64n - 256n;
const ANY = 2n ** 64n - 1n;
const ROOT_ITEM = 132;
const ROOT_BACKREF = 144;
const SUBVOLUME_READ_ONLY = 1n;

/** More than anybody looks through. */
const MAX_SUBVOLUMES_SHOWN = 2000;
const TIMEOUT_MS = 10_000;

interface Found {
  uuid: string;
  parentUuid: string;
  readOnly: boolean;
  /** Where it hangs: the subvolume, the directory in that, the name. */
  place: { readonly parent: bigint; readonly directory: bigint; readonly name: string } | null;
}

/**
 * @param folder any folder of the mounted filesystem; needs root
 * @returns sorted by path; those that are being deleted are left out
 * @throws LinuxError; BatonError `timeout`
 */
export async function listSubvolumes(folder: string): Promise<Subvolume[]> {
  const fd = await openDescriptor(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const found = await readRoots(fd, folder);
    const paths = new Map<bigint, string | null>([[TOP_LEVEL, ""]]);
    for (const id of found.keys()) await pathOf(id, found, paths, fd, folder, 0);
    const byUuid = new Map([...found].map(([id, { uuid }]) => [uuid, paths.get(id) ?? ""]));
    const subvolumes = [...found].flatMap(([id, { parentUuid, readOnly }]) => {
      const path = paths.get(id);
      if (path == null) return [];
      return [{ path, snapshotOf: /[1-9a-f]/.test(parentUuid) ? (byUuid.get(parentUuid) ?? "") : null, readOnly }];
    });
    return subvolumes.sort((a, b) => (a.path < b.path ? -1 : 1));
  } finally {
    void closeDescriptor(fd);
  }
}

/** `@home`, `.snapshots/1/snapshot (a read-only snapshot of @rootfs)`. */
export function describeSubvolume({ path, snapshotOf, readOnly }: Subvolume): string {
  if (snapshotOf === null) return readOnly ? `${path} (read-only)` : path;
  const of = snapshotOf === "" ? "" : ` of ${snapshotOf}`;
  return `${path} (a ${readOnly ? "read-only " : ""}snapshot${of})`;
}

/** The items of the tree of roots that tell of subvolumes. */
async function readRoots(fd: number, folder: string): Promise<Map<bigint, Found>> {
  const found = new Map<bigint, Found>();
  const at = (id: bigint): Found => {
    const known = found.get(id) ?? { uuid: "", parentUuid: "", readOnly: false, place: null };
    found.set(id, known);
    return known;
  };
  let [objectid, type, offset] = [FIRST_FREE, 0, 0n];
  while (found.size < MAX_SUBVOLUMES_SHOWN) {
    const args = Buffer.alloc(SIZE);
    const words = [ROOT_TREE, objectid, LAST_FREE, offset, ANY, 0n, ANY];
    for (const [index, word] of words.entries()) args.writeBigUInt64LE(word, index * 8);
    args.writeUInt32LE(type, 56);
    args.writeUInt32LE(0xff, 60);
    args.writeUInt32LE(0xffffffff, 64);
    await control(fd, folder, "BTRFS_IOC_TREE_SEARCH", TREE_SEARCH, args);
    const count = args.readUInt32LE(64);
    if (count === 0) break;
    for (let item = 0, place = KEY_SIZE; item < count; item++) {
      objectid = args.readBigUInt64LE(place + 8);
      offset = args.readBigUInt64LE(place + 16);
      type = args.readUInt32LE(place + 24);
      const length = args.readUInt32LE(place + 28);
      const data = args.subarray(place + HEADER_SIZE, place + HEADER_SIZE + length);
      if (type === ROOT_ITEM && data.length >= 279) {
        const root = at(objectid);
        root.readOnly = (data.readBigUInt64LE(208) & SUBVOLUME_READ_ONLY) !== 0n;
        root.uuid = data.toString("hex", 247, 263);
        root.parentUuid = data.toString("hex", 263, 279);
      } else if (type === ROOT_BACKREF && data.length >= 18) {
        const name = data.toString("utf8", 18, 18 + data.readUInt16LE(16));
        at(objectid).place = { parent: offset, directory: data.readBigUInt64LE(0), name };
      }
      place += HEADER_SIZE + length;
    }
    // On from behind the last key: keys are ordered by id, type and offset.
    if (offset < ANY) offset++;
    else [type, offset] = [type + 1, 0n];
  }
  return found;
}

async function pathOf(
  id: bigint,
  found: ReadonlyMap<bigint, Found>,
  paths: Map<bigint, string | null>,
  fd: number,
  folder: string,
  depth: number,
): Promise<string | null> {
  const known = paths.get(id);
  if (known !== undefined) return known;
  const place = found.get(id)?.place ?? null;
  const parent = place === null || depth > 100 ? null : await pathOf(place.parent, found, paths, fd, folder, depth + 1);
  let path: string | null = null;
  if (place !== null && parent !== null) {
    const args = Buffer.alloc(SIZE);
    args.writeBigUInt64LE(place.parent, 0);
    args.writeBigUInt64LE(place.directory, 8);
    await control(fd, folder, "BTRFS_IOC_INO_LOOKUP", INO_LOOKUP, args);
    // The directory's path in its subvolume, with a slash at its end; empty for the subvolume's own.
    const directory = args.toString("utf8", 16, args.indexOf(0, 16));
    path = `${parent === "" ? "" : `${parent}/`}${directory}${place.name}`;
  }
  paths.set(id, path);
  return path;
}

async function control(fd: number, folder: string, name: string, request: number, args: Buffer): Promise<void> {
  const call = { call: "ioctl", args: [folder, { word: name }] } as const;
  await callBlocking("ioctl", [fd, request, args], call, {
    timeoutMs: TIMEOUT_MS,
    timeoutReason: "the device does not answer",
  });
}
