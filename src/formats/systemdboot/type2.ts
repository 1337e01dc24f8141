/** A folder of unified kernel images (Type #2 entries of the Boot Loader Specification), read into the menu. */

import type { Diagnostic, FileRef, ParsedEntry, StateWrite } from "../../entry.ts";
import { formatFileRef } from "../../entry.ts";
import { BatonError, describeError } from "../../errors.ts";
import { sameMachine } from "../architecture.ts";
import { Breath, type DiagnosticSink, ListBudget } from "../budget.ts";
import type { FormatContext } from "../format.ts";
import { Lookup } from "../lookup.ts";
import { osNames } from "../osrelease.ts";
import type { Candidate } from "./candidate.ts";
import type { LoaderSettings } from "./loaderconf.ts";
import { bootCounter, nextCounterName } from "./type1.ts";
import { type Addons, findAddons, NO_ADDONS } from "./ukiaddons.ts";
import { readUki, type Uki, type UkiProfile } from "./ukiimage.ts";

/** Each is tens of megabytes: no volume holds more. */
const MAX_IMAGES = 1000;
/** Images that are read together. */
const AT_ONCE = 8;

/** True where systemd-boot takes a file for a Type #2 entry. */
export function isType2Name(name: string): boolean {
  const folded = name.toLowerCase();
  return folded.endsWith(".efi") && !folded.startsWith(".") && !folded.startsWith("auto-");
}

/** Every profile of every image for this machine, in no particular order. */
export async function readType2Folder(
  folder: string,
  context: FormatContext,
  settings: LoaderSettings,
  diagnostics: DiagnosticSink,
): Promise<Candidate[]> {
  const { volume, platform } = context;
  const items = await new Lookup(volume.reader).list(folder);
  const names = items.filter((item) => item.type !== "directory" && isType2Name(item.name)).map((item) => item.name);
  if (names.length > MAX_IMAGES) {
    const source = `${volume.name}:${folder}`;
    const message = `${names.length} images; only the first ${MAX_IMAGES} are read. Remove those that are not needed.`;
    diagnostics.push({ severity: "error", source, line: null, column: null, message });
    names.length = MAX_IMAGES;
  }
  const read = async (name: string): Promise<{ notes: Diagnostic[]; candidates: Candidate[] }> => {
    const path = `${folder}/${name}`;
    const source = `${volume.name}:${path}`;
    const notes: Diagnostic[] = [];
    const uki = await readImage(context, path, notes);
    // Images for other machines are hidden, as entries with another `architecture` are.
    const isOurs = uki !== null && sameMachine(uki.machine, platform.arch);
    const addons = isOurs ? await findAddons(context, path, uki.machine, notes) : NO_ADDONS;
    const candidates = isOurs
      ? uki.profiles.flatMap((profile) => candidate(profile, name, source, addons, context, settings, notes) ?? [])
      : [];
    return { notes, candidates };
  };
  const budget = ListBudget.of(context);
  const breath = new Breath();
  const found: Candidate[] = [];
  for (let at = 0; at < names.length && !budget.isSpent; at += AT_ONCE) {
    for (const { notes, candidates } of await Promise.all(names.slice(at, at + AT_ONCE).map(read))) {
      for (const one of notes) diagnostics.push(one);
      for (const one of candidates) if (budget.admit(one.finish(""))) found.push(one);
    }
    await breath.take();
  }
  const end = budget.sayEnd();
  if (end !== null) note(diagnostics, `${volume.name}:${folder}`, end, "error");
  return found;
}

/** An image, or null with a note where it can't be read. */
async function readImage(context: FormatContext, path: string, notes: DiagnosticSink): Promise<Uki | null> {
  const source = `${context.volume.name}:${path}`;
  try {
    const uki = await readUki(context.volume.reader, path);
    if (uki === null) note(notes, source, "it is named like an EFI program and is none; it is not listed");
    return uki;
  } catch (error) {
    if (error instanceof BatonError && error.code === "timeout") throw error;
    note(notes, source, describeError(error), "error");
    return null;
  }
}

function candidate(
  profile: UkiProfile,
  name: string,
  source: string,
  addons: Addons,
  context: FormatContext,
  settings: LoaderSettings,
  notes: DiagnosticSink,
): Candidate | null {
  const names = profile.osRelease === null ? null : osNames(profile.osRelease);
  if (names === null) {
    if (profile.number > 0) return null;
    const message = profile.hasKernel
      ? "the image doesn't say which system it starts (no .osrel section), so systemd-boot would not list it"
      : "it is an EFI program, not a unified kernel image (no .linux section); it is not listed";
    note(notes, source, message);
    if (!profile.hasKernel) return null;
  }
  const { id, left, done } = bootCounter(name);
  const fullId = profile.number === 0 ? id : `${id}@${profile.id ?? profile.number}`;
  const path = source.slice(context.volume.name.length + 1);
  const linux: FileRef = { device: context.volume.name, path };
  const finish = (title: string): ParsedEntry => ({
    nativeId: fullId.replace(/\.efi(?=@|$)/i, ""),
    title,
    submenu: [],
    type: "uki",
    source,
    kind: profile.hasKernel ? "linux" : "efi",
    linux: profile.hasKernel ? linux : null,
    initrd: [],
    devicetree: null,
    modules: [],
    options: [profile.cmdline ?? "", ...addons.cmdlines].filter((part) => part !== "").join(" "),
    ...(addons.files.length > 0 && { addons: addons.files }),
    reason: profile.hasKernel ? null : "it is an EFI program without a kernel in it, which only the firmware can start",
    writes: writes(linux, name, fullId, settings),
    restricted: null,
    hotkey: null,
    sortKey: names?.sortKey ?? null,
    version: names?.version ?? null,
    machineId: null,
    architecture: null,
    triesLeft: left,
    triesDone: done,
    profile: profile.number,
  });
  return {
    id,
    shownId: fullId,
    ownTitle: profileTitle(names?.name ?? null, profile),
    sortKey: names?.sortKey ?? null,
    machineId: null,
    version: names?.version ?? null,
    triesLeft: left,
    triesDone: done,
    profile: profile.number,
    source,
    finish,
  };
}

/** `Fedora Linux 40 (Factory reset)`. */
function profileTitle(name: string | null, { number, id, title }: UkiProfile): string | null {
  if (name === null) return null;
  if (title) return `${name} (${title})`;
  if (number === 0) return name;
  return id ? `${name} (${id})` : `${name} (Profile #${number + 1})`;
}

function writes(file: FileRef, name: string, id: string, settings: LoaderSettings): readonly StateWrite[] {
  const next = nextCounterName(name);
  if (!("device" in file) || (next === null && !settings.savesEntry)) return settings.writesAtStart;
  const all = [...settings.writesAtStart];
  if (next !== null) {
    const to = { ...file, path: `${file.path.slice(0, file.path.lastIndexOf("/"))}/${next}` };
    all.push({ rename: file, to: formatFileRef(to) });
  }
  if (settings.savesEntry) all.push({ efivar: "LoaderEntryLastBooted", value: id.toLowerCase() });
  return all;
}

function note(
  notes: DiagnosticSink,
  source: string,
  message: string,
  severity: Diagnostic["severity"] = "warning",
): void {
  notes.push({ severity, source, line: null, column: null, message });
}
