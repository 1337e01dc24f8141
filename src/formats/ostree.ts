/**
 * OSTree's deployments where no loader's configuration leads to them: the kernels in the deployments themselves, with the
 * word by which the initrd finds its deployment (ostree-prepare-root(1), `/ostree/boot.N/STATEROOT/CHECKSUM/SERIAL`).
 */

import { parsedEntry } from "../entry.ts";
import { EntryList } from "./entrylist.ts";
import type { Format, FormatContext } from "./format.ts";
import { FOUND_BY_NAME } from "./kernels.ts";
import { fileExists, Lookup } from "./lookup.ts";
import { osNames } from "./osrelease.ts";
import type { Reader } from "./reader.ts";
import { compareVersions } from "./systemdboot/version.ts";

const REPOSITORY = "/ostree/deploy";
const BOOT_FOLDERS = ["/ostree/boot.0", "/ostree/boot.1"];
const MAX_DEPLOYMENTS = 64;
const MAX_OS_RELEASE = 64 << 10;

export const ostree: Format = {
  name: "ostree",
  isLastResort: true,
  find: async ({ reader }) => ((await new Lookup(reader).find(REPOSITORY, "directory")) === null ? [] : [REPOSITORY]),
  async parse(path, context) {
    const list = new EntryList(path, context);
    const { volume } = context;
    if (await hasLoader(context)) return list.result();
    const deployments = await deploymentsOf(volume.reader);
    for (const { word, kernel, initrd, version, name } of deployments) {
      const at = (file: string) => ({ device: volume.name, path: file });
      const root = volume.uuid === null ? `/dev/${volume.name}` : `UUID=${volume.uuid}`;
      list.add(
        parsedEntry({
          title: `${name}, Linux ${version}`,
          ...{
            type: "ostree",
            source: list.source,
            version,
            linux: at(kernel),
            initrd: initrd === null ? [] : [at(initrd)],
          },
          options: `root=${root} rw ostree=${word}`,
          unchecked: FOUND_BY_NAME,
        }),
      );
    }
    return list.result();
  },
};

/** The boot filesystem of the same system has a folder for each deployment, and the loader's entries for them. */
async function hasLoader({ volume, volumes }: FormatContext): Promise<boolean> {
  for (const { reader } of volumes.filter((one) => one !== volume)) {
    const lookup = new Lookup(reader);
    const items = await lookup.list("/ostree").catch(() => []);
    if (items.some(({ name }) => /-[0-9a-f]{64}$/.test(name))) return true;
  }
  return false;
}

interface Deployment {
  readonly word: string;
  readonly kernel: string;
  readonly initrd: string | null;
  readonly version: string;
  readonly name: string;
}

async function deploymentsOf(reader: Reader): Promise<Deployment[]> {
  const lookup = new Lookup(reader);
  const boot = await newestOf(reader, lookup, BOOT_FOLDERS);
  const found: Deployment[] = [];
  for (const stateroot of boot === null ? [] : await lookup.list(boot)) {
    for (const checksum of await lookup.list(`${boot}/${stateroot.name}`)) {
      for (const serial of await lookup.list(`${boot}/${stateroot.name}/${checksum.name}`)) {
        if (found.length >= MAX_DEPLOYMENTS) return found;
        const word = `${boot}/${stateroot.name}/${checksum.name}/${serial.name}`;
        const deployment = await deploymentAt(reader, lookup, word);
        if (deployment !== null) found.push({ ...deployment, name: deployment.name ?? stateroot.name });
      }
    }
  }
  return found.sort((a, b) => compareVersions(b.version, a.version));
}

/** Both are there while a new set of deployments is written: the later one is whole. */
async function newestOf(reader: Reader, lookup: Lookup, folders: readonly string[]): Promise<string | null> {
  let newest: { path: string; mtime: number } | null = null;
  for (const folder of folders) {
    const path = await lookup.find(folder, "directory");
    if (path === null) continue;
    const { mtime } = await reader.stat(path);
    if (newest === null || mtime > newest.mtime) newest = { path, mtime };
  }
  return newest?.path ?? null;
}

async function deploymentAt(
  reader: Reader,
  lookup: Lookup,
  folder: string,
): Promise<(Omit<Deployment, "name"> & { readonly name: string | null }) | null> {
  for (const { name: version } of await lookup.list(`${folder}/usr/lib/modules`)) {
    const kernel = `${folder}/usr/lib/modules/${version}/vmlinuz`;
    const initrd = `${folder}/usr/lib/modules/${version}/initramfs.img`;
    if (!(await fileExists(reader, kernel))) continue;
    const release = `${folder}/usr/lib/os-release`;
    const text = (await fileExists(reader, release))
      ? await reader.readAt(release, 0, MAX_OS_RELEASE)
      : Buffer.alloc(0);
    const name = osNames(Buffer.from(text).toString("utf8"))?.name ?? null;
    return { word: folder, kernel, initrd: (await fileExists(reader, initrd)) ? initrd : null, version, name };
  }
  return null;
}
