/**
 * systemd-boot's menu: Boot Loader Specification entries of Type #1 (`/loader/entries/*.conf`) with loader.conf, EFI
 * variables, and the Type #2 entries (unified kernel images) of the same volume.
 * https://uapi-group.org/specifications/specs/boot_loader_specification/
 */

import type { Format, FormatVolume, LineSigns } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { readMenu } from "./menu.ts";
import { isType1Name } from "./type1.ts";

/** What shows a text to be a Type #1 entry. */
const SIGNS: LineSigns = {
  line: /^(title|version|machine-id|sort-key|linux|initrd|efi|options|devicetree|devicetree-overlay|architecture|grub_\w+|uki|profile)\s+\S/,
  ownLine: /^(options|sort-key|machine-id|architecture|efi)\s+\S/,
  fileName: /loader\/entries\/|\.conf$/i,
  precedence: 3,
};

export const bls: Format = {
  name: "bls",
  signs: SIGNS,
  folder: { path: "/loader/entries", suffix: ".conf" },
  find: (volume) => findEntryFolders(volume, new Lookup(volume.reader)),
  parse: (path, context) => readMenu(path, context),
};

/** The folders of a volume that hold Type #1 entries. */
export async function findEntryFolders(volume: FormatVolume, lookup: Lookup): Promise<string[]> {
  const found: string[] = [];
  for (const folder of await possibleFolders(volume, lookup)) {
    const path = await lookup.find(folder, "directory");
    if (path === null || found.includes(path)) continue;
    if ((await lookup.list(path)).some((item) => item.type !== "directory" && isType1Name(item.name))) found.push(path);
  }
  return found;
}

/**
 * Where entries may lie: in the root of an ESP or XBOOTLDR volume, below /boot where that is a folder of the root
 * filesystem (Fedora without a /boot of its own), and the same inside btrfs subvolumes, which a mounted top level
 * shows as folders.
 */
async function possibleFolders(volume: FormatVolume, lookup: Lookup): Promise<string[]> {
  const folders = ["/loader/entries", "/boot/loader/entries"];
  if (volume.type !== "btrfs") return folders;
  for (const item of await lookup.list("/")) {
    if (item.type !== "directory" || item.name === "boot" || item.name === "loader") continue;
    folders.push(`/${item.name}/boot/loader/entries`, `/${item.name}/loader/entries`);
  }
  return folders;
}
