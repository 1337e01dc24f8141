/** Addons of unified kernel images: small EFI files whose sections add to the image's own (UAPI.5; systemd-stub(7)). */

import type { FileRef } from "../../entry.ts";
import { BatonError, describeError } from "../../errors.ts";
import type { DiagnosticSink } from "../budget.ts";
import type { FormatContext } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { baseName, folderOf } from "../paths.ts";
import { bootCounter } from "./type1.ts";
import { readAddon } from "./ukiimage.ts";

export interface Addons {
  /** To be added to the command line, in this order. */
  readonly cmdlines: readonly string[];
  /** Those with sections that are read when the image is booted. */
  readonly files: readonly FileRef[];
}

export const NO_ADDONS: Addons = { cmdlines: [], files: [] };

const MAX_ADDONS = 100;

/**
 * Those for all images first, then this image's own, each by file name.
 * @param path of the image.
 * @param machine that it is for.
 */
export async function findAddons(
  context: FormatContext,
  path: string,
  machine: string,
  notes: DiagnosticSink,
): Promise<Addons> {
  const { volume } = context;
  const lookup = new Lookup(volume.reader);
  const cmdlines: string[] = [];
  const files: FileRef[] = [];
  for (const folder of addonFolders(path)) {
    const found = await lookup.find(folder, "directory");
    if (found === null) continue;
    const names = (await lookup.list(found)).map((item) => item.name);
    for (const name of names.filter((one) => /\.addon\.efi$/i.test(one)).slice(0, MAX_ADDONS)) {
      const file = `${found}/${name}`;
      try {
        const addon = await readAddon(volume.reader, file, machine);
        if (addon?.cmdline) cmdlines.push(addon.cmdline);
        if (addon?.hasFiles) files.push({ device: volume.name, path: file });
      } catch (error) {
        if (error instanceof BatonError && error.code === "timeout") throw error;
        const source = `${volume.name}:${file}`;
        notes.push({ severity: "error", source, line: null, column: null, message: describeError(error) });
      }
    }
  }
  return { cmdlines, files };
}

/** An image's own folder has its name; newer stubs leave the boot counter out of it. */
function addonFolders(path: string): string[] {
  const folder = folderOf(path);
  const { id } = bootCounter(baseName(path));
  const own = [path, `${folder === "/" ? "" : folder}/${id}`].map((name) => `${name}.extra.d`);
  return ["/loader/addons", ...new Set(own)];
}
