/** A folder of Type #1 entries, read into the menu. */

import type { DeviceFile, EntryKind, FileRef, ParsedEntry, StateWrite } from "../../entry.ts";
import { formatFileRef, parsedEntry } from "../../entry.ts";
import { BatonError, describeError } from "../../errors.ts";
import { efiArchitecture } from "../architecture.ts";
import { Breath, type DiagnosticSink, entryBytes, ListBudget } from "../budget.ts";
import type { FormatContext, FormatVolume } from "../format.ts";
import { fileExists } from "../lookup.ts";
import { folderOf } from "../paths.ts";
import { readAll } from "../readall.ts";
import type { Candidate } from "./candidate.ts";
import { GrubVariables } from "./grubvars.ts";
import type { LoaderSettings } from "./loaderconf.ts";
import { type Program, startedBy } from "./program.ts";
import { textOf } from "./readtext.ts";
import { entryPath, isType1Name, nextCounterName, parseType1, type Type1Entry } from "./type1.ts";

/** systemd-boot's own limit. */
const MAX_ENTRIES = 32_767;
/** No entry is anywhere near this long: kernels take a command line of 4 KiB at most. */
const MAX_ENTRY_SIZE = 32 * 1024;
const MAX_TOTAL_SIZE = 24 * 1024 * 1024;
/** EFI programs of a stick's entries that are looked into: each takes several reads. */
const MAX_PROGRAMS = 500;
/** Files that are read together. */
const AT_ONCE = 64;

/** The entries that this machine's menu shows, in no particular order. */
export async function readType1Folder(
  folder: string,
  context: FormatContext,
  settings: LoaderSettings,
  diagnostics: DiagnosticSink,
): Promise<Candidate[]> {
  const { volume } = context;
  const folderSource = `${volume.name}:${folder}`;
  const say = (message: string): void => {
    diagnostics.push({ severity: "error", source: folderSource, line: null, column: null, message });
  };
  const items = await volume.reader.list(folder);
  const names = items.filter((item) => item.type !== "directory" && isType1Name(item.name)).map((item) => item.name);
  if (names.length > MAX_ENTRIES) {
    say(`${names.length} entries; only the first ${MAX_ENTRIES} are read. Remove those that are not needed.`);
    names.length = MAX_ENTRIES;
  }
  const builder = new Builder(folder, context, settings);
  const candidates: Candidate[] = [];
  /** What is wrong with one entry costs that entry. */
  const look = async (parsed: Type1Entry, source: string): Promise<EntryFiles | null> => {
    try {
      return await builder.lookUp(parsed, diagnostics);
    } catch (error) {
      if (!(error instanceof BatonError) || error.code === "timeout") throw error;
      diagnostics.push({ severity: "error", source, line: null, column: null, message: describeError(error) });
      return null;
    }
  };
  const budget = ListBudget.of(context);
  const breath = new Breath();
  let total = 0;
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const batch = names.slice(at, at + AT_ONCE);
    const paths = batch.map((name) => `${folder}/${name}`);
    const files = await readAll(volume.reader, paths, MAX_ENTRY_SIZE);
    const length = files.reduce((sum, file) => sum + (file instanceof BatonError ? 0 : file.length), 0);
    total += length;
    const why = context.share?.read(length) ?? null;
    if (why !== null) {
      say(`${why}; those before are listed, the others are left out`);
      break;
    }
    for (const [i, file] of files.entries()) {
      const name = batch[i]!;
      const source = `${folderSource}/${name}`;
      const text = textOf(file, source, diagnostics);
      const parsed = text === null ? null : parseType1(text, name, source, diagnostics);
      if (parsed !== null && builder.isShown(parsed)) {
        const found = builder.looksUp(parsed) ? await look(parsed, source) : builder.plain(parsed);
        if (found !== null && budget.take(candidateBytes(parsed, found, source))) {
          candidates.push(builder.candidate(parsed, found, name, source));
        }
      }
      await breath.take();
    }
    const end = budget.sayEnd();
    if (end !== null) say(end);
    if (budget.isSpent) break;
    if (total > MAX_TOTAL_SIZE) {
      say(`the entries are longer than ${MAX_TOTAL_SIZE / 1024 / 1024} MiB together; the rest is not read`);
      break;
    }
  }
  return candidates;
}

/** Roughly what an entry takes; as {@link entryBytes} has it for one that is made. */
function candidateBytes(
  { id, title, initrd }: Type1Entry,
  { loader, options, kind }: EntryFiles,
  source: string,
): number {
  const entry = { title: title ?? id, nativeId: id, type: "bls", source, kind, options, linux: loader } as const;
  const files = initrd.map((path) => ({ device: "", path }));
  return entryBytes(parsedEntry({ ...entry, initrd: files }));
}

/** What an entry boots, as far as the volume has a say in it. */
interface EntryFiles {
  readonly loader: DeviceFile;
  readonly kind: EntryKind;
  readonly reason: string | null;
  /** Of a unified kernel image; null for all else. */
  readonly profile: number | null;
  readonly initrd: readonly FileRef[];
  readonly devicetree: FileRef | null;
  readonly overlays: readonly FileRef[];
  readonly addons: readonly FileRef[];
  readonly program?: FileRef;
  readonly options: string;
}

/** Turns entry files into entries of one menu. */
class Builder {
  /** The folder that holds `loader`. */
  readonly #base: string;
  readonly #context: FormatContext;
  readonly #volume: FormatVolume;
  readonly #settings: LoaderSettings;
  readonly #architecture: string;
  readonly #efi: boolean;
  readonly #variables: GrubVariables;
  readonly #places = new Map<string, Promise<string>>();
  /** EFI programs that were looked into. */
  #looked = 0;

  constructor(folder: string, context: FormatContext, settings: LoaderSettings) {
    const { volume, platform } = context;
    this.#base = folderOf(folderOf(folder));
    this.#context = context;
    this.#volume = volume;
    this.#settings = settings;
    this.#architecture = efiArchitecture(platform.arch);
    this.#efi = platform.firmware === "efi";
    this.#variables = new GrubVariables(volume);
  }

  isShown({ architecture, loader }: Type1Entry): boolean {
    // "If specified and it does not match the local system architecture this entry should be hidden."
    if (architecture !== null && architecture.toLowerCase() !== this.#architecture) return false;
    // From where systemd-boot itself was fetched: hidden, as there, on a disk.
    if (loader.key === "uki-url" && loader.value.startsWith(":")) return false;
    // "If this key is set, and the system is not an EFI system, this entry should be hidden."
    return loader.key !== "efi" || this.#efi;
  }

  /** True where something on the volume decides what the entry means; most entries say it all themselves. */
  looksUp(parsed: Type1Entry): boolean {
    if (this.#base !== "/" || parsed.loader.key !== "linux") return true;
    const { loader, initrd, devicetree, options } = parsed;
    if (loader.value.endsWith(".efi")) return true;
    return [loader.value, options, devicetree ?? "", ...initrd].some((value) => value.includes("$"));
  }

  plain({ loader, initrd, devicetree, overlays, options }: Type1Entry): EntryFiles {
    const file = (value: string): DeviceFile => ({ device: this.#volume.name, path: entryPath(value) });
    return {
      loader: file(loader.value),
      ...{ kind: "linux", reason: null, profile: null, addons: [] },
      initrd: initrd.map(file),
      devicetree: devicetree === null ? null : file(devicetree),
      overlays: overlays.map(file),
      options,
    };
  }

  async lookUp(parsed: Type1Entry, notes: DiagnosticSink): Promise<EntryFiles> {
    const { initrd, devicetree } = parsed;
    const refs: FileRef[] = [];
    for (const value of initrd) {
      // GRUB's blscfg takes several on a line, and that is where a variable comes from; systemd-boot takes one.
      const paths = value.includes("$") ? (await this.#variables.expand(value)).split(/[ \t]+/) : [value];
      for (const path of paths) if (path !== "") refs.push(await this.#file(path));
    }
    const overlays: FileRef[] = [];
    for (const path of parsed.overlays) overlays.push(await this.#file(path));
    const options = await this.#variables.expand(parsed.options);
    const loader = await this.#file(await this.#variables.expand(parsed.loader.value));
    return {
      loader,
      initrd: refs,
      devicetree: devicetree === null ? null : await this.#file(await this.#variables.expand(devicetree)),
      overlays,
      ...(await this.#startedBy(parsed, loader.path, options, notes)),
    };
  }

  #startedBy(parsed: Type1Entry, path: string, options: string, notes: DiagnosticSink): Promise<Program> {
    const isProgram = parsed.loader.key !== "linux" || path.toLowerCase().endsWith(".efi");
    if (isProgram && this.#volume.removable && ++this.#looked > MAX_PROGRAMS) {
      const reason = `more than ${MAX_PROGRAMS} entries start an EFI program; this one isn't looked into`;
      return Promise.resolve({ kind: "other", reason, options, profile: null, addons: [] });
    }
    return startedBy(parsed, path, options, this.#context, notes);
  }

  candidate(parsed: Type1Entry, files: EntryFiles, name: string, source: string): Candidate {
    const { id, title, sortKey, machineId, version, architecture, triesLeft, triesDone } = parsed;
    const { kind, reason } = files;
    const finish = (shown: string): ParsedEntry => ({
      nativeId: id.replace(/\.conf$/i, ""),
      title: shown,
      submenu: [],
      type: "bls",
      source,
      kind,
      linux: kind === "linux" ? files.loader : null,
      initrd: files.initrd,
      devicetree: files.devicetree,
      ...(files.overlays.length > 0 && { devicetreeOverlays: files.overlays }),
      ...(files.addons.length > 0 && { addons: files.addons }),
      ...(files.program !== undefined && { program: files.program }),
      modules: [],
      options: files.options,
      reason,
      writes: this.#writes(parsed, name),
      restricted: parsed.users,
      hotkey: parsed.hotkey,
      sortKey,
      version,
      machineId,
      architecture,
      triesLeft,
      triesDone,
      ...(files.profile === null ? {} : { profile: files.profile }),
    });
    // Only images that are read profile by profile stand together in the order.
    const profile = 0;
    return {
      id,
      shownId: id,
      ownTitle: title,
      sortKey,
      machineId,
      version,
      triesLeft,
      triesDone,
      profile,
      source,
      finish,
    };
  }

  #writes(parsed: Type1Entry, name: string): readonly StateWrite[] {
    const next = parsed.triesLeft === null || parsed.loader.key === "efi" ? null : nextCounterName(name);
    const { writesAtStart, savesEntry } = this.#settings;
    if (next === null && !savesEntry) return writesAtStart;
    const writes = [...writesAtStart];
    if (next !== null) {
      const folder = `${this.#base === "/" ? "" : this.#base}/loader/entries`;
      const file = (path: string): FileRef => ({ device: this.#volume.name, path: `${folder}/${path}` });
      writes.push({ rename: file(name), to: formatFileRef(file(next)) });
    }
    if (savesEntry) writes.push({ efivar: "LoaderEntryLastBooted", value: parsed.id.toLowerCase() });
    return writes;
  }

  /**
   * Paths are from the root of the volume. Entries below /boot of a root filesystem are a special case that the
   * specification doesn't know: kernel-install writes `/vmlinuz-…` where /boot was a volume of its own when it ran,
   * and `/boot/vmlinuz-…` where not. What exists decides; where nothing does, the specification.
   */
  async #file(value: string): Promise<DeviceFile> {
    const path = entryPath(value);
    let place = this.#places.get(path);
    if (!place) {
      place = this.#place(path);
      this.#places.set(path, place);
    }
    return { device: this.#volume.name, path: await place };
  }

  async #place(path: string): Promise<string> {
    if (this.#base === "/" || (await fileExists(this.#volume.reader, path))) return path;
    for (let base = this.#base; base !== "/"; base = folderOf(base)) {
      if (await fileExists(this.#volume.reader, base + path)) return base + path;
    }
    return path;
  }
}
