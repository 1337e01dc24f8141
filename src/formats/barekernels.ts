/**
 * Kernels in the usual places of a disk that has no configuration at all: the newest first, each with its initrd, and
 * with the one filesystem as root that can be it. All of that is a guess: a person must choose it.
 */

import { type ParsedEntry, parsedEntry } from "../entry.ts";
import { clip, EntryList } from "./entrylist.ts";
import type { Format, FormatContext, FormatVolume } from "./format.ts";
import { FOUND_BY_NAME, type KernelFile, kernelsIn } from "./kernels.ts";
import { fileExists, Lookup } from "./lookup.ts";
import { osNames } from "./osrelease.ts";

const FOLDERS = ["/boot", "/"];
/** One of these is in every root filesystem. */
const INITS = ["/sbin/init", "/usr/sbin/init", "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/bin/init"];
const OS_RELEASE = ["/etc/os-release", "/usr/lib/os-release"];
const MAX_OS_RELEASE = 64 << 10;
/** A root's usual names among btrfs' subvolumes, and how many folders are looked into. */
const SUBVOLUMES = ["@", "@rootfs", "root"];

export const bareKernels: Format = {
  name: "kernel",
  isLastResort: true,
  async find(volume) {
    const lookup = new Lookup(volume.reader);
    const found: string[] = [];
    for (const folder of FOLDERS) {
      const path = await lookup.find(folder, "directory");
      if (path !== null && (await kernelsIn(lookup, volume, path)).length > 0) found.push(path);
    }
    return found;
  },
  async parse(folder, context) {
    const list = new EntryList(folder, context);
    const { volume } = context;
    const kernels = await kernelsIn(new Lookup(volume.reader), volume, folder);
    const roots = await rootsAmong(context);
    const root = roots.find((one) => one.volume === volume) ?? (roots.length === 1 ? roots[0]! : null);
    const system = root === null ? null : await systemName(root);
    for (const kernel of kernels) list.add(bareEntry(kernel, volume, root, roots, system));
    // It is read again when another disk comes: that may be the root, or one more that can be.
    const what = root === null ? "no root= is given" : `${root.word} is a guess`;
    list.say("warning", null, `there is no configuration: kernels were found by their names, and ${what}`);
    return list.result();
  },
};

interface Root {
  readonly volume: FormatVolume;
  /** Where it is on the volume: "" for the top. */
  readonly folder: string;
  /** `root=UUID=…` */
  readonly word: string;
}

async function rootsAmong({ volume, volumes }: FormatContext): Promise<Root[]> {
  const roots: Root[] = [];
  for (const one of [volume, ...volumes.filter((other) => other !== volume)]) {
    // What is read from a disc or an image is no installed root.
    if (one.type === "iso9660" || one.type === "squashfs" || (one.removable && one !== volume)) continue;
    const folders = one.type === "btrfs" ? ["", ...SUBVOLUMES.map((name) => `/${name}`)] : [""];
    for (const folder of folders) {
      if (!(await hasInit(one, folder).catch(() => false))) continue;
      roots.push({
        volume: one,
        folder,
        word: `root=${rootName(one)}${folder && ` rootflags=subvol=${folder.slice(1)}`}`,
      });
      break;
    }
  }
  return roots;
}

async function hasInit({ reader }: FormatVolume, folder: string): Promise<boolean> {
  for (const path of INITS) if (await fileExists(reader, folder + path)) return true;
  return false;
}

function rootName({ uuid, partuuid, name }: FormatVolume): string {
  if (uuid !== null) return `UUID=${uuid}`;
  return partuuid === null ? `/dev/${name}` : `PARTUUID=${partuuid}`;
}

async function systemName({ volume, folder }: Root): Promise<string | null> {
  for (const path of OS_RELEASE) {
    const bytes = await volume.reader.readAt(folder + path, 0, MAX_OS_RELEASE).catch(() => null);
    const names = bytes === null ? null : osNames(Buffer.from(bytes).toString("utf8"));
    if (names !== null) return names.name;
  }
  return null;
}

function bareEntry(
  { path, name, version, initrd }: KernelFile,
  volume: FormatVolume,
  root: Root | null,
  roots: readonly Root[],
  system: string | null,
): ParsedEntry {
  const at = (file: string) => ({ device: volume.name, path: file });
  const kernel = version === null ? name : `Linux ${version}`;
  const all = roots.map((one) => one.volume.name).join(", ");
  return parsedEntry({
    title: system === null ? kernel : `${system}, ${kernel}`,
    type: "kernel",
    source: `${volume.name}:${path}`,
    linux: at(path),
    initrd: initrd === null ? [] : [at(initrd)],
    // Without a root anywhere, the initrd is the whole system.
    options: root === null ? "" : `${root.word} ro`,
    version,
    reason: root === null && roots.length > 1 ? `it can't be told which filesystem is its root: ${clip(all)}` : null,
    unchecked: FOUND_BY_NAME,
  });
}
