/**
 * The kernels that rEFInd finds by itself, with the options in `refind_linux.conf` beside them, else those that it makes
 * of `/etc/fstab` ("Methods of Booting Linux"). Nobody chose one of them: none boots by itself.
 */

import { type FileRef, type ParsedEntry, parsedEntry } from "../../entry.ts";
import type { EntryList } from "../entrylist.ts";
import type { FormatVolume } from "../format.ts";
import { FOUND_BY_NAME, type KernelFile, kernelsIn } from "../kernels.ts";
import { efiFolders, Lookup } from "../lookup.ts";
import { baseName } from "../paths.ts";
import type { RefindSettings } from "./settings.ts";
import { slashed, tokenLines } from "./tokens.ts";

export const OPTIONS_FILE = "refind_linux.conf";
const MAX_OPTIONS_SIZE = 1 << 20;
/** A line for each way to start a kernel; nobody has more. */
const MAX_WAYS = 50;

/** Every folder in which rEFInd looks on a volume, as spelled there, those of `also_scan_dirs` among them. */
export async function scannedFolders(lookup: Lookup, also: readonly string[]): Promise<string[]> {
  const folders = ["/", ...(await efiFolders(lookup))];
  for (const path of also) {
    const found = await lookup.find(slashed(path), "directory");
    if (found !== null && !folders.includes(found)) folders.push(found);
  }
  return folders;
}

/** Adds what is found on a volume to the list. */
export async function scanVolume(volume: FormatVolume, settings: RefindSettings, list: EntryList): Promise<void> {
  const { skippedVolumes, skippedFolders, skippedFiles, alsoScan } = settings;
  if (skippedVolumes.some((name) => isCalled(volume, name))) return;
  const lookup = new Lookup(volume.reader);
  const here = (rule: string): string | null => {
    const [, name, path] = /^([^:/\\]+):(.*)$/s.exec(rule) ?? [null, null, rule];
    return name !== null && !isCalled(volume, name!) ? null : slashed(path!).toLowerCase();
  };
  const also = alsoScan.flatMap((rule) => here(rule) ?? []);
  const shut = skippedFolders.flatMap((rule) => here(rule) ?? []);
  const left = skippedFiles.flatMap((rule) => here(rule) ?? []);
  for (const folder of await scannedFolders(lookup, also)) {
    if (shut.includes(folder.toLowerCase())) continue;
    await scanFolder(lookup, volume, folder, settings, list, ({ path, name }) =>
      left.some((one) => one === path.toLowerCase() || one === `/${name.toLowerCase()}`),
    );
  }
}

/** A volume by its label, its partition's, or its partition's GUID. */
export function isCalled({ label, partlabel, partuuid }: FormatVolume, name: string): boolean {
  return [label, partlabel, partuuid].some((own) => own?.toLowerCase() === name.toLowerCase());
}

export async function scanFolder(
  lookup: Lookup,
  volume: FormatVolume,
  folder: string,
  { extraVersions, scansAllKernels }: RefindSettings,
  list: EntryList,
  isLeftOut: (kernel: KernelFile) => boolean = () => false,
): Promise<void> {
  const kernels = await kernelsIn(lookup, volume, folder, extraVersions);
  if (kernels.length === 0) return;
  const optionsPath = await lookup.find(`${folder === "/" ? "" : folder}/${OPTIONS_FILE}`);
  const ways = optionsPath === null ? await waysOfFstab(lookup, volume) : await waysOf(optionsPath, volume);
  for (const kernel of kernels) {
    if (isLeftOut(kernel) || (!scansAllKernels && !/\.efi(\.signed)?$/i.test(kernel.name))) continue;
    const title = `Boot ${kernel.path} from ${volume.label ?? volume.partlabel ?? volume.name}`;
    const source = `${volume.name}:${optionsPath ?? kernel.path}`;
    for (const [index, way] of ways.entries()) {
      await list.breath.take();
      const entry = kernelEntry(kernel, way.options, volume);
      const where = index === 0 ? { title } : { title: way.title, submenu: [title] };
      if (list.add(parsedEntry({ ...entry, ...where, type: "refind", source })) === null) return;
    }
  }
}

interface Way {
  readonly title: string;
  readonly options: string;
}

/** `"Boot with standard options"  "root=… ro"`, a line each. */
async function waysOf(path: string, volume: FormatVolume): Promise<Way[]> {
  const text = Buffer.from(await volume.reader.read(path, MAX_OPTIONS_SIZE)).toString("utf8");
  const ways: Way[] = [];
  for (const { words } of tokenLines(text)) {
    if (ways.length < MAX_WAYS) ways.push({ title: words[0]!.trim() || "untitled", options: words[1] ?? "" });
  }
  return ways.length === 0 ? NOTHING : ways;
}

const NOTHING: Way[] = [{ title: "", options: "" }];

async function waysOfFstab(lookup: Lookup, { reader }: FormatVolume): Promise<Way[]> {
  const path = await lookup.find("/etc/fstab");
  if (path === null) return NOTHING;
  const text = Buffer.from(await reader.readAt(path, 0, MAX_OPTIONS_SIZE)).toString("utf8");
  const root = text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([device, folder]) => device !== undefined && !device.startsWith("#") && folder === "/")?.[0];
  if (root === undefined) return NOTHING;
  const options = `ro root=${root.replaceAll('"', "")}`;
  return [
    { title: "Boot with normal options", options },
    { title: "Boot into single-user mode", options: `${options} single` },
  ];
}

/** Initrds that the options name (`initrd=\boot\microcode.img`) stand for the one that was found. */
function kernelEntry(kernel: KernelFile, given: string, volume: FormatVolume): Partial<ParsedEntry> {
  const version = kernel.version ?? "";
  const options = given.replace(/%(%?)v/g, (_, percent: string) => (percent === "" ? version : "%v"));
  const named = options.split(/\s+/).flatMap((word) => (word.startsWith("initrd=") ? slashed(word.slice(7)) : []));
  const found = kernel.initrd === null ? [] : [kernel.initrd];
  const at = (path: string): FileRef => ({ device: volume.name, path });
  return {
    nativeId: null,
    linux: at(kernel.path),
    initrd: (named.length > 0 ? named : found).map(at),
    options,
    version: kernel.version ?? baseName(kernel.path),
    unchecked: FOUND_BY_NAME,
  };
}
