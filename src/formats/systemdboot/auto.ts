/**
 * What systemd-boot adds to its menu by itself (`auto-entries` in loader.conf): other systems' loaders on the same
 * volume. All of them are programs for the firmware: they are listed, and Baton can't boot them.
 */

import { findSection } from "../../binary/pe.ts";
import { type ParsedEntry, parsedEntry } from "../../entry.ts";
import { BatonError } from "../../errors.ts";
import { efiArchitecture } from "../architecture.ts";
import { FOREIGN_LOADERS, onlyFirmware } from "../foreignloaders.ts";
import type { FormatContext } from "../format.ts";
import { Lookup } from "../lookup.ts";
import type { Candidate } from "./candidate.ts";
import type { LoaderSettings } from "./loaderconf.ts";
import { openProgram } from "./ukiimage.ts";

interface AutoEntry {
  readonly id: string;
  readonly title: string;
  readonly path: string;
}

/** In systemd-boot's order, behind all other entries. */
function possibleEntries(architecture: string): readonly AutoEntry[] {
  return [
    ...FOREIGN_LOADERS.flatMap(({ autoId, title, path }) => (autoId === null ? [] : { id: autoId, title, path })),
    { id: "auto-efi-shell", title: "EFI Shell", path: `/shell${architecture}.efi` },
    { id: "auto-efi-default", title: "EFI Default Loader", path: `/EFI/BOOT/BOOT${architecture}.EFI` },
  ];
}

export async function autoEntries(context: FormatContext, settings: LoaderSettings): Promise<Candidate[]> {
  const { volume, platform } = context;
  if (!settings.autoEntries || platform.firmware !== "efi") return [];
  const lookup = new Lookup(volume.reader);
  const found: Candidate[] = [];
  for (const { id, title, path } of possibleEntries(efiArchitecture(platform.arch))) {
    const file = await lookup.find(path);
    if (file === null || (id === "auto-efi-default" && !(await isOtherLoader(context, file)))) continue;
    const source = `${volume.name}:${file}`;
    const reason = onlyFirmware(file);
    const program = { device: volume.name, path: file };
    const finish = (shown: string): ParsedEntry =>
      parsedEntry({ nativeId: id, title: shown, type: "bls", source, kind: "efi", reason, program });
    found.push({
      ...{ id, shownId: id, ownTitle: title, source, finish, profile: 0 },
      ...{ sortKey: null, machineId: null, version: null, triesLeft: null, triesDone: null },
    });
  }
  return found;
}

/** systemd-boot installs itself as the default loader too, and does not list itself. */
async function isOtherLoader({ volume }: FormatContext, path: string): Promise<boolean> {
  try {
    const program = await openProgram(volume.reader, path);
    return program !== null && findSection(program.pe, ".sdmagic") === null;
  } catch (error) {
    if (error instanceof BatonError && error.code === "timeout") throw error;
    return false;
  }
}
