/**
 * Snapshots of a btrfs that hold a kernel in their /boot: snapper's (`.snapshots/N/snapshot`, with snapper's info.xml
 * beside it), timeshift's (`timeshift-btrfs/snapshots/DATE/@`, info.json), and any other that the filesystem itself
 * says is one. Their command line is that of the system that they are of, which another configuration has: discovery
 * gives it to them.
 */

import { type ParsedEntry, parsedEntry } from "../entry.ts";
import { clip, EntryList } from "./entrylist.ts";
import type { Format, FormatVolume } from "./format.ts";
import { type KernelFile, kernelsIn } from "./kernels.ts";
import { fileExists, isAbsence, Lookup } from "./lookup.ts";
import { folderOf } from "./paths.ts";
import type { DirectoryItem } from "./reader.ts";
import { compareVersions } from "./systemdboot/version.ts";
import { decodeText } from "./text.ts";

const TIMESHIFT = "/timeshift-btrfs/snapshots";
/** Where snapper's are seen from the filesystem's top: below the subvolume, or in one of their own (`@snapshots`). */
const SNAPPER = ".snapshots";
const SNAPPER_OWN = /^@?[._]?snapshots?$/i;
/** More than anybody has at the top of a btrfs. */
const MAX_TOP = 64;
/** The newest of one place; nobody looks through more. */
const MAX_SNAPSHOTS = 50;
/** Containers are snapshots, too: so many are looked into. */
const MAX_OTHERS = 500;
/** In one snapshot: timeshift's subvolumes, and kernels. */
const MAX_ROOTS = 4;
const MAX_KERNELS = 4;
const MAX_INFO = 64 << 10;
/** What can't be said in `rootflags=`. */
const UNSPEAKABLE = /[\s",'\\]/;

const READ_ONLY = "it is read-only, so its system needs an overlay or copes with that";

/** A snapshot that may hold a system. */
interface Snapshot {
  /** Where its tree begins: `/@/.snapshots/3/snapshot`. */
  readonly root: string;
  readonly title: string;
  /** The subvolume of which it is a snapshot, `@` or "" for the filesystem's top; null where nothing tells. */
  readonly of: string | null;
  readonly isReadOnly: boolean;
}

export const snapshots: Format = {
  name: "snapshot",
  isBeside: true,
  async find(volume) {
    if (volume.type !== "btrfs") return [];
    const lookup = new Lookup(volume.reader);
    const places = await toolPlaces(lookup);
    // One configuration with all of them, so that they are one submenu.
    if (places.length > 0) return places.slice(0, 1);
    return (await otherSnapshots(lookup, volume, [])).length > 0 ? ["/"] : [];
  },
  async parse(path, context) {
    const list = new EntryList(path, context);
    const { volume } = context;
    const lookup = new Lookup(volume.reader);
    const places = await toolPlaces(lookup);
    const found: Snapshot[] = [];
    for (const place of places) found.push(...(await snapshotsIn(lookup, volume, place)));
    found.push(...(await otherSnapshots(lookup, volume, places)));
    for (const snapshot of found) {
      await list.breath.take();
      if (UNSPEAKABLE.test(snapshot.root) || list.isSpent) continue;
      const boot = `${snapshot.root}/boot`;
      for (const kernel of (await kernelsIn(lookup, volume, boot)).slice(0, MAX_KERNELS)) {
        list.add(await snapshotEntry(snapshot, kernel, lookup, volume));
      }
    }
    return list.result();
  },
};

const subvolumesOf = async (volume: FormatVolume) => (await volume.subvolumes?.()) ?? [];

/** The folders in which snapper or timeshift has snapshots. */
async function toolPlaces(lookup: Lookup): Promise<string[]> {
  const top = foldersOf(await lookup.list("/")).slice(0, MAX_TOP);
  const places = [TIMESHIFT, `/${SNAPPER}`];
  for (const name of top) places.push(...(SNAPPER_OWN.test(name) ? [`/${name}`] : []), `/${name}/${SNAPPER}`);
  const found: string[] = [];
  for (const place of new Set(places)) if ((await numbered(lookup, place)).length > 0) found.push(place);
  return found;
}

/** What the filesystem says is a snapshot, and no tool's; those without a /boot are of other things. */
async function otherSnapshots(
  lookup: Lookup,
  volume: FormatVolume,
  tools: readonly string[],
): Promise<readonly Snapshot[]> {
  const isTools = (path: string): boolean => tools.some((place) => path.startsWith(`${place}/`));
  const others = (await subvolumesOf(volume)).filter(
    ({ path, snapshotOf }) => snapshotOf !== null && !isTools(`/${path}`),
  );
  others.sort((a, b) => compareVersions(b.path, a.path));
  const found: Snapshot[] = [];
  for (const { path, snapshotOf, readOnly } of others.slice(0, MAX_OTHERS)) {
    if (found.length === MAX_SNAPSHOTS) break;
    if ((await lookup.list(`/${path}/boot`)).length === 0) continue;
    found.push({ root: `/${path}`, title: `Snapshot ${clip(path)}`, of: snapshotOf || null, isReadOnly: readOnly });
  }
  return found;
}

const foldersOf = (items: readonly DirectoryItem[]): string[] =>
  items.flatMap(({ name, type }) => (type === "directory" ? [name] : []));

/** The folders in a place that are named as snapper or timeshift does: by a number or a date. The newest first. */
async function numbered(lookup: Lookup, place: string): Promise<string[]> {
  const names = foldersOf(await lookup.list(place)).filter((name) => /^[0-9][0-9_-]*$/.test(name));
  return names.sort((a, b) => compareVersions(b, a)).slice(0, MAX_SNAPSHOTS);
}

async function snapshotsIn(lookup: Lookup, volume: FormatVolume, place: string): Promise<Snapshot[]> {
  const known = new Map((await subvolumesOf(volume)).map((one) => [`/${one.path}`, one]));
  const found: Snapshot[] = [];
  for (const name of await numbered(lookup, place)) {
    for (const folder of foldersOf(await lookup.list(`${place}/${name}`)).slice(0, MAX_ROOTS)) {
      const root = `${place}/${name}/${folder}`;
      const isSnapper = folder === "snapshot";
      const facts = known.get(root);
      found.push({
        root,
        title: isSnapper ? await snapperTitle(volume, place, name) : await timeshiftTitle(volume, place, name),
        of: facts?.snapshotOf || (isSnapper ? snapperSystem(place) : folder),
        // Snapper makes them so, timeshift doesn't.
        isReadOnly: facts?.readOnly ?? isSnapper,
      });
    }
  }
  return found;
}

/** Of the subvolume in which they lie; those in a subvolume of their own may be of any. */
const snapperSystem = (place: string): string | null =>
  place.endsWith(`/${SNAPPER}`) && place !== `/${SNAPPER}` ? folderOf(place).slice(1) : null;

/** snapper's info.xml: `<date>` in UTC, and `<description>`. */
async function snapperTitle(volume: FormatVolume, place: string, number: string): Promise<string> {
  const text = await readInfo(volume, `${place}/${number}/info.xml`);
  const value = (tag: string): string => {
    const [, found = ""] = new RegExp(`<${tag}>([^<]{0,300})</${tag}>`).exec(text) ?? [];
    const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
    return found.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => named[name]!);
  };
  return titleOf(`Snapshot ${number}`, value("date"), value("description"));
}

/** timeshift's info.json: `comments`. Its folder is named after the local time. */
async function timeshiftTitle(volume: FormatVolume, place: string, name: string): Promise<string> {
  const text = await readInfo(volume, `${place}/${name}/info.json`);
  let comments = "";
  try {
    comments = String(JSON.parse(text).comments ?? "");
  } catch {
    // The date says enough.
  }
  const date = name.replace(/^([0-9-]+)_([0-9]+)-([0-9]+)-([0-9]+)$/, "$1 $2:$3:$4");
  return titleOf(`Snapshot ${date}`, comments);
}

const titleOf = (...parts: readonly string[]): string =>
  parts
    .map((part) => clip(part.replace(/\s+/g, " ").trim()))
    .filter((part) => part !== "")
    .join(", ");

/** Empty where it isn't there. */
async function readInfo({ reader }: FormatVolume, path: string): Promise<string> {
  try {
    return decodeText(await reader.readAt(path, 0, MAX_INFO)).text;
  } catch (error) {
    if (isAbsence(error)) return "";
    throw error;
  }
}

async function snapshotEntry(
  { root, title, of, isReadOnly }: Snapshot,
  kernel: KernelFile,
  lookup: Lookup,
  volume: FormatVolume,
): Promise<ParsedEntry> {
  const at = (path: string) => ({ device: volume.name, path });
  const release = (await releaseIn(volume, kernel.path)) ?? releaseOf(kernel.name);
  const name = release === null ? kernel.name : `Linux ${release}`;
  const hasModules = release === null || (await modulesFor(lookup, root, release));
  const microcode: string[] = [];
  for (const maker of ["amd", "intel"]) {
    const path = `${root}/boot/${maker}-ucode.img`;
    if (await fileExists(volume.reader, path)) microcode.push(path);
  }
  const initrds = kernel.initrd === null ? microcode : [...microcode, kernel.initrd];
  return parsedEntry({
    nativeId: `${root.slice(1)} ${kernel.name}`,
    title: `${title}, ${name}`,
    submenu: [`Snapshots on ${volume.name}`],
    type: "snapshot",
    source: `${volume.name}:${root}`,
    linux: at(kernel.path),
    initrd: initrds.map(at),
    version: release,
    snapshot: {
      subvolume: root.slice(1),
      of,
      warnings: [...(hasModules ? [] : [`${name} finds no modules in it`]), ...(isReadOnly ? [READ_ONLY] : [])],
    },
  });
}

/** What a bzImage says that it is (the x86 boot protocol's `kernel_version`), null for any other kernel. */
async function releaseIn({ reader }: FormatVolume, path: string): Promise<string | null> {
  const start = Buffer.from(await reader.readAt(path, 0, 0x210));
  if (start.length < 0x210 || start.toString("latin1", 0x202, 0x206) !== "HdrS") return null;
  const pointer = start.readUInt16LE(0x20e);
  if (pointer === 0) return null;
  const text = Buffer.from(await reader.readAt(path, pointer + 0x200, 128)).toString("latin1");
  return /^[0-9][\w.+~-]*/.exec(text)?.[0] ?? null;
}

/** `6.1.0-18-amd64` of `vmlinuz-6.1.0-18-amd64`. */
const releaseOf = (name: string): string | null => /^[a-z]+-([0-9].*)$/i.exec(name)?.[1] ?? null;

async function modulesFor(lookup: Lookup, root: string, release: string): Promise<boolean> {
  for (const folder of ["/usr/lib/modules", "/lib/modules"]) {
    if ((await lookup.list(root + folder)).some(({ name, type }) => name === release && type === "directory"))
      return true;
  }
  return false;
}
