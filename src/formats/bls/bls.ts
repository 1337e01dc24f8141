/**
 * Boot Loader Specification, Type #1: `/loader/entries/*.conf` with systemd-boot's loader.conf and EFI variables.
 * https://uapi-group.org/specifications/specs/boot_loader_specification/
 */

import type { Format, FormatContext, FormatResult, FormatVolume } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { readMenu } from "./menu.ts";
import { isType1Name } from "./type1.ts";

export const bls: Format = {
  name: "bls",

  /** Answers with the folders of entries. */
  async find(volume: FormatVolume): Promise<readonly string[]> {
    const lookup = new Lookup(volume.reader);
    const found: string[] = [];
    for (const folder of await entryFolders(volume, lookup)) {
      const path = await lookup.find(folder, "directory");
      if (path === null || found.includes(path)) continue;
      if ((await lookup.list(path)).some((item) => item.type !== "directory" && isType1Name(item.name)))
        found.push(path);
    }
    return found;
  },

  async parse(path: string, context: FormatContext): Promise<FormatResult> {
    return readMenu(path, context);
  },
};

/**
 * Where entries may lie: in the root of an ESP or XBOOTLDR volume, below /boot where that is a folder of the root
 * filesystem (Fedora without a /boot of its own), and the same inside btrfs subvolumes, which a mounted top level
 * shows as folders.
 */
async function entryFolders(volume: FormatVolume, lookup: Lookup): Promise<string[]> {
  const folders = ["/loader/entries", "/boot/loader/entries"];
  if (volume.type !== "btrfs") return folders;
  for (const item of await lookup.list("/")) {
    if (item.type !== "directory" || item.name === "boot" || item.name === "loader") continue;
    folders.push(`/${item.name}/boot/loader/entries`, `/${item.name}/loader/entries`);
  }
  return folders;
}
