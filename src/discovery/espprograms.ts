/** What the programs on an EFI system partition say of where they lead: evidence of what firmware would come to. */

import { describeError } from "../errors.ts";
import type { FormatVolume } from "../formats/format.ts";
import { embeddedPlace, type GrubPlace } from "../formats/grub/embedded.ts";
import { type LoaderName, loaderAt } from "../formats/loaderprogram.ts";
import { Lookup } from "../formats/lookup.ts";
import { log } from "../log.ts";

/** Folders' and files' names on an EFI system partition have no case. */
export const BOOT_FOLDER = "/efi/boot";
export const isEspType = ({ type }: FormatVolume): boolean => type === "vfat" || type === null;

/** Vendors' folders and programs of which no more are looked at. */
const MAX_FOLDERS = 32;
const MAX_PROGRAMS = 32;
const MAX_CSV_SIZE = 64 * 1024;

interface EspProgram {
  /** In lower case. */
  readonly path: string;
  readonly loader: LoaderName | null;
  /** Where its configuration lies, where it has that built in. */
  readonly place: GrubPlace | null;
}

export interface EspPrograms {
  readonly programs: readonly EspProgram[];
  /**
   * The programs that shim in the default place starts by itself where the firmware has no entries (fbx64.efi, by the
   * vendors' BOOTX64.CSV): paths in lower case, each vendor's first one. Empty where it doesn't.
   */
  readonly fallback: readonly string[];
}

export const NO_PROGRAMS: EspPrograms = { programs: [], fallback: [] };
const PROGRAM = /^((grub|limine|refind|elilo|syslinux).*|boot(x64|ia32|aa64|arm|riscv64|loongarch64))\.efi$/;
const CSV = /^boot(x64|ia32|aa64)?\.csv$/;

/** Empty for what is no EFI system partition. Never rejects: what can't be read is no evidence. */
export async function espPrograms(volume: FormatVolume): Promise<EspPrograms> {
  if (!isEspType(volume)) return NO_PROGRAMS;
  try {
    return await readPrograms(volume);
  } catch (error) {
    log.info(`${volume.name}: its boot programs were not looked at: ${describeError(error)}`);
    return NO_PROGRAMS;
  }
}

async function readPrograms({ reader }: FormatVolume): Promise<EspPrograms> {
  const lookup = new Lookup(reader);
  const efi = await lookup.find("/EFI", "directory");
  if (efi === null) return NO_PROGRAMS;
  const programs: EspProgram[] = [];
  const named: string[] = [];
  let hasFallback = false;
  for (const { name: vendor, type } of (await lookup.list(efi)).slice(0, MAX_FOLDERS)) {
    if (type !== "directory") continue;
    const folder = `${efi}/${vendor}`;
    const isBoot = folder.toLowerCase() === BOOT_FOLDER;
    for (const { name } of await lookup.list(folder)) {
      const path = `${folder}/${name}`;
      const lower = name.toLowerCase();
      if (isBoot && /^fb(x64|ia32|aa64)\.efi$/.test(lower)) hasFallback = true;
      if (!isBoot && CSV.test(lower)) named.push(...(await firstOf(reader, path)));
      if (!PROGRAM.test(lower) || programs.length >= MAX_PROGRAMS) continue;
      const place = await embeddedPlace(reader, path).catch(() => null);
      programs.push({ path: path.toLowerCase(), loader: await loaderAt(reader, path), place });
    }
  }
  // Only shim looks for it.
  const isShim = programs.some(
    ({ path, loader, place }) => path.startsWith(`${BOOT_FOLDER}/boot`) && loader === "grub" && place === null,
  );
  return { programs, fallback: hasFallback && isShim ? named : [] };
}

/** The program that a vendor's list names first: `shimx64.efi,debian,,…`, UTF-16 with or without a mark (shim's README.fallback). */
async function firstOf(reader: FormatVolume["reader"], path: string): Promise<string[]> {
  const text = Buffer.from(await reader.read(path, MAX_CSV_SIZE))
    .toString("utf16le")
    .replace(/^\ufeff/, "");
  const file = /^\s*([^,\r\n]+),/.exec(text)?.[1]?.trim();
  return file === undefined ? [] : [`${path.slice(0, path.lastIndexOf("/"))}/${file}`.toLowerCase()];
}
