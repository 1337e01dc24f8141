/**
 * rEFInd: the stanzas of `refind.conf` beside its program, and the kernels that it finds by itself. Its documentation
 * ("Configuring the Boot Manager", "Methods of Booting Linux") is the specification.
 */

import { Buffer } from "node:buffer";
import { type FileRef, type ParsedEntry, parsedEntry } from "../../entry.ts";
import { describeError } from "../../errors.ts";
import { clip, EntryList } from "../entrylist.ts";
import type { Format, FormatContext, FormatResult, FormatVolume } from "../format.ts";
import { fileExists, Lookup } from "../lookup.ts";
import { baseName, folderOf, resolvePath } from "../paths.ts";
import { startedProgram } from "../startedprogram.ts";
import { isCalled, OPTIONS_FILE, scanFolder, scannedFolders, scanVolume } from "./scan.ts";
import { defaultSettings, type RefindSettings, SettingsReader, type Stanza } from "./settings.ts";
import { tokenLines } from "./tokens.ts";

const CONFIG = "refind.conf";
const MAX_SIZE = 1 << 20;
const MAX_INCLUDES = 8;
/** Under which rEFInd keeps its variables. */
const REFIND_GUID = "36d08fa7-cf0b-42f5-8f14-68df73ed3740";
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const PREVIOUS = "PreviousBoot";

export const refind: Format = {
  name: "refind",
  async find({ reader }) {
    const lookup = new Lookup(reader);
    const found: string[] = [];
    for (const folder of await scannedFolders(lookup, defaultSettings().alsoScan)) {
      for (const name of [CONFIG, OPTIONS_FILE]) {
        // rEFInd reads its own in its own folder, which is one of /EFI's.
        if (name === CONFIG && !/^\/efi\//i.test(folder)) continue;
        const path = await lookup.find(`${folder === "/" ? "" : folder}/${name}`);
        if (path !== null) found.push(path);
      }
    }
    return found;
  },
  async parse(path, context) {
    const list = new EntryList(path, context);
    if (baseName(path).toLowerCase() === CONFIG) return readConfig(path, list);
    const lookup = new Lookup(context.volume.reader);
    await scanFolder(lookup, context.volume, folderOf(path), defaultSettings(), list);
    return list.result();
  },
};

async function readConfig(path: string, list: EntryList): Promise<FormatResult> {
  const settings = await readSettings(path, list);
  const stanzas = new Set<number>();
  for (const kind of settings.scanFor) {
    if (kind === "manual") await addStanzas(settings, list, stanzas);
    else for (const volume of volumesOf(kind, list.context)) await scanOrSay(volume, settings, list);
  }
  return list.result({
    ...(await chooseDefault(path, settings, stanzas, list)),
    timeout: settings.timeout,
    // Whatever disk comes is searched for kernels.
    ...(settings.scanFor.some((kind) => kind !== "manual") && { awaitsDevices: true }),
  });
}

/** Another disk that can't be read costs its own kernels. */
async function scanOrSay(volume: FormatVolume, settings: RefindSettings, list: EntryList): Promise<void> {
  try {
    await scanVolume(volume, settings, list);
  } catch (error) {
    if (volume === list.context.volume) throw error;
    list.say("warning", null, `kernels on ${volume.name} were not looked for: ${describeError(error)}`);
  }
}

async function readSettings(path: string, list: EntryList): Promise<RefindSettings> {
  const reader = new SettingsReader((line, message) => list.say("warning", line, message));
  const text = (await list.read(path, MAX_SIZE)) ?? "";
  let includes = 0;
  for (const line of tokenLines(text)) {
    await list.breath.take();
    const included = reader.read(line);
    if (included === null) continue;
    if (includes++ >= MAX_INCLUDES) {
      if (includes === MAX_INCLUDES + 1) {
        list.say("warning", line.line, `more than ${MAX_INCLUDES} files are included: the rest is ignored`);
      }
      continue;
    }
    const inner = await list.read(resolvePath(folderOf(path), included.replaceAll("\\", "/")), MAX_SIZE);
    // A file that is included includes no other.
    for (const below of inner === null ? [] : tokenLines(inner)) {
      await list.breath.take();
      reader.read(below);
    }
  }
  return reader.settings;
}

/** rEFInd's own comes first, as it does among what it scans. */
function volumesOf(kind: string, { volume, volumes }: FormatContext): readonly FormatVolume[] {
  const all = [volume, ...volumes.filter((other) => other !== volume)];
  const isOptical = ({ type }: FormatVolume): boolean => type === "iso9660" || type === "udf";
  if (kind === "internal") return all.filter((one) => !one.removable && !isOptical(one));
  if (kind === "external") return all.filter((one) => one.removable && !isOptical(one));
  return kind === "optical" ? all.filter(isOptical) : [];
}

/** @param places gets where the stanzas themselves stand in the list */
async function addStanzas({ stanzas }: RefindSettings, list: EntryList, places: Set<number>): Promise<void> {
  for (const stanza of stanzas) {
    if (stanza.isDisabled) continue;
    await list.breath.take();
    const place = list.add(await stanzaEntry(stanza, [], list));
    if (place === null) return;
    places.add(place);
    for (const sub of stanza.submenu) {
      if (!sub.isDisabled && list.add(await stanzaEntry(sub, [stanza.title], list)) === null) return;
    }
  }
}

async function stanzaEntry(stanza: Stanza, submenu: readonly string[], list: EntryList): Promise<ParsedEntry> {
  const { title, volume: name, loader, initrd, options, firmwareNumber } = stanza;
  const entry = { title, submenu, type: "refind", source: list.source } as const;
  if (firmwareNumber !== null) {
    const reason = `it starts the firmware's entry Boot${clip(firmwareNumber)}, which only the firmware can do`;
    return parsedEntry({ ...entry, kind: "efi", reason });
  }
  if (loader === null) return parsedEntry({ ...entry, kind: "other", reason: "it names no loader" });
  const { volumes, volume: own } = list.context;
  const volume = name === null ? own : [own, ...volumes].find((one) => isCalled(one, name));
  const at = (path: string): FileRef =>
    volume === undefined
      ? { selector: `${GUID.test(name ?? "") ? "PARTUUID" : "LABEL"}=${name}`, path: resolvePath("/", path) }
      : { device: volume.name, path: resolvePath("/", path) };
  const started = await startedProgram(at(loader), options, list);
  return parsedEntry({ ...entry, initrd: initrd === null || started.kind === "efi" ? [] : [at(initrd)], ...started });
}

type Default = Pick<FormatResult, "defaultIndex" | "defaultIsExplicit">;
const NONE: Default = { defaultIndex: null, defaultIsExplicit: false };

/**
 * The stanza that rEFInd would start: by a part of its title, by its number where there are nothing but stanzas, or as the
 * one that was started last. What it finds by itself is never one.
 */
async function chooseDefault(
  path: string,
  { defaultSelection, scanFor }: RefindSettings,
  stanzas: ReadonlySet<number>,
  list: EntryList,
): Promise<Default> {
  const { entries } = list.result();
  const isAlone = scanFor.every((kind) => kind === "manual");
  const withTitle = (part: string): number =>
    entries.findIndex(({ title, submenu }) => submenu.length === 0 && title.toLowerCase().includes(part.toLowerCase()));
  for (const wanted of defaultSelection ?? ["+"]) {
    if (/^[1-9]$/.test(wanted)) {
      const index = [...stanzas][Number(wanted) - 1];
      if (isAlone && index !== undefined) return { defaultIndex: index, defaultIsExplicit: true };
      if (isAlone) continue;
      list.say(
        "warning",
        null,
        `default_selection is number ${wanted} of a menu that Baton can't count: it has loaders that rEFInd finds by itself`,
      );
      return NONE;
    }
    const title = wanted === "+" ? await previousBoot(path, list.context) : wanted;
    const index = title === null || title === "" ? -1 : withTitle(title);
    if (stanzas.has(index)) return { defaultIndex: index, defaultIsExplicit: true };
    if (index >= 0) return NONE;
  }
  const [first] = stanzas;
  return isAlone && first !== undefined ? { defaultIndex: first, defaultIsExplicit: false } : NONE;
}

/** The title of what was started last, which rEFInd keeps in a variable or in a file. */
async function previousBoot(path: string, { volume, platform }: FormatContext): Promise<string | null> {
  const file = `${folderOf(path)}/vars/${PREVIOUS}`;
  const bytes = (await fileExists(volume.reader, file))
    ? await volume.reader.readAt(file, 0, 1024)
    : (platform.efiVariable?.(PREVIOUS, REFIND_GUID) ?? null);
  if (bytes === null) return null;
  return Buffer.from(bytes)
    .toString("utf16le")
    .replace(/\0.*$/s, "")
    .replace(/^Boot /, "")
    .trim();
}
