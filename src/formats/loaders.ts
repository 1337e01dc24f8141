/**
 * Disks without a configuration, which the firmware would start all the same: Windows, macOS, VMware ESXi, a program in the
 * place of the default loader (UEFI 2.10, 3.5.1.1). Baton boots a kernel in that place; the rest is listed with the reason.
 */

import { type Diagnostic, type ParsedEntry, parsedEntry } from "../entry.ts";
import { BatonError } from "../errors.ts";
import { efiArchitecture, sameMachine } from "./architecture.ts";
import {
  FOREIGN_CONFIGS,
  FOREIGN_LOADERS,
  type ForeignConfig,
  type ForeignLoader,
  notRead,
  onlyFirmware,
} from "./foreignloaders.ts";
import { EMPTY_RESULT, type Format, type FormatContext, type FormatResult, type FormatVolume } from "./format.ts";
import { loaderByContent } from "./loaderprogram.ts";
import { Lookup } from "./lookup.ts";
import { osNames } from "./osrelease.ts";
import { baseName } from "./paths.ts";
import type { Reader } from "./reader.ts";
import { isBatonKernel, isKernel } from "./systemdboot/program.ts";
import { openProgram, readUki } from "./systemdboot/ukiimage.ts";

const DEFAULT_LOADER = /^\/EFI\/BOOT\/BOOT[A-Z0-9]+\.EFI$/i;
export const loaders: Format = {
  name: "loader",
  isLastResort: true,
  async find(volume) {
    const lookup = new Lookup(volume.reader);
    const configs = await foreignConfigs(volume, lookup);
    for (const { path } of FOREIGN_LOADERS) {
      const found = await lookup.find(path);
      // Windows keeps a copy of its loader in the place of the default one.
      if (found !== null) return configs.includes(found) ? configs : [found, ...configs];
    }
    return [...(await defaultLoaders(volume, lookup)), ...configs];
  },
  parse: async (path, context) => {
    const isIt = (row: { readonly path: string }): boolean => row.path.toLowerCase() === path.toLowerCase();
    const config = await foreignConfig(path, context.volume);
    const loader = FOREIGN_LOADERS.find(isIt);
    const entry =
      config !== null
        ? foreign(path, context, {
            title: config.program,
            kind: "other",
            reason: (file) => notRead(file, config.program),
          })
        : loader === undefined
          ? await defaultLoader(path, context)
          : foreign(path, context, loader);
    return { ...EMPTY_RESULT, ...result(entry) };
  },
};

/** Long enough for what tells one program's file from another's. */
const SIGN_SIZE = 4096;

/** The program whose configuration a file is, null where it is none's that is known. */
async function foreignConfig(path: string, { reader }: FormatVolume): Promise<ForeignConfig | null> {
  for (const row of FOREIGN_CONFIGS) {
    if (row.path.toLowerCase() !== path.toLowerCase()) continue;
    const text = row.sign && Buffer.from(await reader.readAt(path, 0, SIGN_SIZE)).toString("latin1");
    if (text === undefined || row.sign?.test(text)) return row;
  }
  return null;
}

/** Once for each program. */
async function foreignConfigs(volume: FormatVolume, lookup: Lookup): Promise<string[]> {
  const found = await configsByProgram(FOREIGN_CONFIGS, volume, lookup);
  return [...found.values()];
}

async function configsByProgram(
  rows: readonly ForeignConfig[],
  volume: FormatVolume,
  lookup: Lookup,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { path, program } of rows) {
    const file = found.has(program) ? null : await lookup.find(path);
    if (file !== null && (await foreignConfig(file, volume))?.program === program) found.set(program, file);
  }
  return found;
}

/** Where other configurations are found on a volume: those that aren't read, and whose they are. */
export async function unreadConfigs(volume: FormatVolume): Promise<Diagnostic[]> {
  const rows = FOREIGN_CONFIGS.filter(({ isPart }) => isPart !== true);
  const found = await configsByProgram(rows, volume, new Lookup(volume.reader));
  return [...found].map(([program, file]) => ({
    ...{ severity: "warning", source: `${volume.name}:${file}`, line: null, column: null },
    message: notRead("it", program),
  }));
}

async function defaultLoaders({ reader }: FormatVolume, lookup: Lookup): Promise<string[]> {
  const folder = await lookup.find("/EFI/BOOT", "directory");
  if (folder === null) return [];
  const found: string[] = [];
  for (const { name, type } of await lookup.list(folder)) {
    const path = `${folder}/${name}`;
    if (type === "directory" || !DEFAULT_LOADER.test(path)) continue;
    try {
      if (await isProgram(reader, path)) found.push(path);
    } catch (error) {
      if (error instanceof BatonError && error.code === "timeout") throw error;
    }
  }
  return found;
}

/** False for a bootloader, and for a file that is no EFI program. */
async function isProgram(reader: Reader, path: string): Promise<boolean> {
  const program = await openProgram(reader, path);
  // A bootloader is no entry: its configuration is found where that lies.
  return program !== null && (await loaderByContent(program, reader, path)) === null;
}

function foreign(
  path: string,
  { volume }: FormatContext,
  { title, kind, reason }: Pick<ForeignLoader, "title" | "kind" | "reason">,
): ParsedEntry {
  return parsedEntry({ title, type: "loader", source: `${volume.name}:${path}`, kind, reason: reason(path) });
}

/** A kernel is one wherever it lies; Baton's own image is no entry of itself. */
async function defaultLoader(path: string, context: FormatContext): Promise<ParsedEntry | null> {
  const { volume, platform } = context;
  const isOurs = baseName(path).toLowerCase() === `boot${efiArchitecture(platform.arch)}.efi`;
  const uki = await readUki(volume.reader, path);
  if (uki === null) return null;
  const [profile] = uki.profiles;
  const names = profile?.osRelease == null ? null : osNames(profile.osRelease);
  const title = names?.name ?? "EFI Default Loader";
  if (names?.sortKey === "baton") return null;
  const hasKernel = profile?.hasKernel === true || (await isKernel(context, path));
  if (hasKernel && (await isBatonKernel(context, path))) return null;
  if (!hasKernel) return foreign(path, context, { title, kind: "efi", reason: onlyFirmware });
  return parsedEntry({
    title,
    type: "loader",
    source: `${volume.name}:${path}`,
    linux: { device: volume.name, path },
    options: profile?.cmdline ?? "",
    reason: isOurs && sameMachine(uki.machine, platform.arch) ? null : `it is a kernel for ${uki.machine}`,
    ...(profile?.hasKernel && { version: names?.version ?? null, profile: 0 }),
  });
}

function result(entry: ParsedEntry | null): Pick<FormatResult, "entries" | "defaultIndex"> {
  if (entry === null) return { entries: [], defaultIndex: null };
  // What can't be booted is no default before another disk's.
  return { entries: [entry], defaultIndex: entry.reason === null ? 0 : null };
}
