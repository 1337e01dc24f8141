/** Unified kernel images in `/EFI/Linux`: Type #2 entries of the Boot Loader Specification. */

import type { Format, FormatVolume } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { folderOf } from "../paths.ts";
import { findEntryFolders } from "./bls.ts";
import { readMenu } from "./menu.ts";
import { isType2Name } from "./type2.ts";

export const uki: Format = {
  name: "uki",
  folder: { path: "/EFI/Linux", suffix: ".efi" },

  /**
   * Answers with the folders of images. systemd-boot shows them in one list with Type #1 entries; where the volume
   * has those too, the list is theirs (see the `bls` format), and nothing is found here.
   */
  async find(volume: FormatVolume): Promise<readonly string[]> {
    const lookup = new Lookup(volume.reader);
    const type1 = (await findEntryFolders(volume, lookup)).map((folder) => folderOf(folderOf(folder)));
    const found: string[] = [];
    for (const [base, folder] of [
      ["/", "/EFI/Linux"],
      ["/boot", "/boot/EFI/Linux"],
    ] as const) {
      const path = type1.includes(base) ? null : await lookup.find(folder, "directory");
      if (path === null) continue;
      if ((await lookup.list(path)).some((item) => item.type !== "directory" && isType2Name(item.name)))
        found.push(path);
    }
    return found;
  },

  parse: (path, context) => readMenu(path, context),
};
