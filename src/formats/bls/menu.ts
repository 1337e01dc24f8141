/** systemd-boot's menu: entries read, filtered, sorted and titled, and which of them is the default. */

import type { Diagnostic, FileRef, ParsedEntry, StateWrite } from "../../entry.ts";
import { formatFileRef, parsedEntry } from "../../entry.ts";
import { BatonError, describeError } from "../../errors.ts";
import type { FormatContext, FormatResult, FormatVolume, Platform } from "../format.ts";
import { globMatches } from "../glob.ts";
import { type LoaderSettings, loaderSettings } from "../loaderconf.ts";
import { fileExists, isAbsence, Lookup } from "../lookup.ts";
import { folderOf } from "../paths.ts";
import { CONFIG_LIMIT } from "../reader.ts";
import { decodeText } from "../text.ts";
import { GrubVariables } from "./grubvars.ts";
import { compareEntries, type Sortable, uniqueTitles } from "./order.ts";
import { entryPath, isType1Name, nextCounterName, parseType1, type Type1Entry } from "./type1.ts";

/** systemd-boot's own limit. */
const MOST_ENTRIES = 32_767;
/** No entry is anywhere near this long; a folder of huge files must not fill memory. */
const ENTRY_LIMIT = 1024 * 1024;
const TOTAL_LIMIT = 64 * 1024 * 1024;
/** Files in flight: enough to keep a disk's queue busy. */
const AT_ONCE = 64;

/** An entry on its way into the menu. */
interface Candidate extends Sortable {
  readonly title: string | null;
  readonly entry: ParsedEntry;
}

/** @param folder of Type #1 entries. */
export async function readMenu(
  folder: string,
  context: FormatContext,
  diagnostics: Diagnostic[],
): Promise<FormatResult> {
  const { volume, platform } = context;
  const base = folderOf(folderOf(folder));
  const settings = await readSettings(base, context, diagnostics);
  const candidates = await readType1(folder, base, volume, platform, settings, diagnostics);
  candidates.sort(compareEntries);
  const titles = uniqueTitles(candidates.map((c) => ({ ...c, title: c.title || c.id })));
  const entries = candidates.map(({ entry }, index) => ({ ...entry, title: titles[index]! }));
  const chosen = chooseDefault(candidates, settings);
  return {
    entries,
    diagnostics,
    defaultIndex: chosen ?? (entries.length > 0 ? 0 : null),
    defaultIsExplicit: chosen !== null,
    fallback: [],
    timeout: settings.timeout,
    timeoutStyle: settings.timeoutStyle,
  };
}

/** The first pattern that matches an entry picks the first entry that it matches. */
function chooseDefault(candidates: readonly Candidate[], settings: LoaderSettings): number | null {
  for (const { pattern, skipBad } of settings.choices) {
    const index = candidates.findIndex(
      (c) => !(skipBad && c.triesLeft === 0) && idsOf(c).some((id) => globMatches(pattern, id)),
    );
    if (index >= 0) return index;
  }
  return null;
}

/**
 * systemd-boot compares the file's name; with a counter in it that name changes at each boot, so a pattern may mean
 * it with or without.
 */
function idsOf(candidate: Candidate): string[] {
  const source = candidate.entry.source;
  return [candidate.id.toLowerCase(), source.slice(source.lastIndexOf("/") + 1).toLowerCase()];
}

/**
 * loader.conf lies on the ESP. Where the entries are on another volume (XBOOTLDR), the ESP is the other volume of
 * the same disk that has one.
 */
async function readSettings(base: string, context: FormatContext, diagnostics: Diagnostic[]): Promise<LoaderSettings> {
  const { volume, volumes, platform } = context;
  const own = await readLoaderConf(volume, `${base === "/" ? "" : base}/loader/loader.conf`, diagnostics);
  if (own !== null) return loaderSettings(own.text, own.source, platform, diagnostics);
  const found: { text: string; source: string }[] = [];
  for (const other of volumes) {
    if (other === volume || other.name === volume.name || other.disk !== volume.disk) continue;
    if (other.type !== null && other.type !== "vfat") continue;
    try {
      const conf = await readLoaderConf(other, "/loader/loader.conf", diagnostics);
      if (conf !== null) found.push(conf);
    } catch {
      // A volume that can't be read is said so where it is read for its own sake.
    }
  }
  // With two ESPs on a disk nobody can tell which one's systemd-boot would be running.
  const only = found.length === 1 ? found[0]! : null;
  return loaderSettings(only?.text ?? null, only?.source ?? "", platform, diagnostics);
}

async function readLoaderConf(
  volume: FormatVolume,
  path: string,
  diagnostics: Diagnostic[],
): Promise<{ text: string; source: string } | null> {
  const found = await new Lookup(volume.reader).find(path);
  if (found === null) return null;
  const source = `${volume.name}:${found}`;
  const text = await readText(volume, found, source, CONFIG_LIMIT, diagnostics);
  return text === null ? null : { text, source };
}

/** The text of a file; null, with a diagnostic, where that one file can't be read. */
async function readText(
  volume: FormatVolume,
  path: string,
  source: string,
  limit: number,
  diagnostics: Diagnostic[],
): Promise<string | null> {
  try {
    const { text, problem } = decodeText(await volume.reader.read(path, limit));
    if (problem !== null) diagnostics.push({ severity: "warning", source, line: null, column: null, message: problem });
    return text;
  } catch (error) {
    if (error instanceof BatonError && error.code === "timeout") throw error;
    diagnostics.push({ severity: "error", source, line: null, column: null, message: describeError(error) });
    return null;
  }
}

async function readType1(
  folder: string,
  base: string,
  volume: FormatVolume,
  platform: Platform,
  settings: LoaderSettings,
  diagnostics: Diagnostic[],
): Promise<Candidate[]> {
  const folderSource = `${volume.name}:${folder}`;
  let names: string[];
  try {
    names = (await volume.reader.list(folder))
      .filter((i) => i.type !== "directory" && isType1Name(i.name))
      .map((i) => i.name);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
  if (names.length > MOST_ENTRIES) {
    const message = `${names.length} entries; only the first ${MOST_ENTRIES} are read. Remove those that are not needed.`;
    diagnostics.push({ severity: "error", source: folderSource, line: null, column: null, message });
    names.length = MOST_ENTRIES;
  }
  const builder = new Builder(base, volume, platform, settings);
  const candidates: Candidate[] = [];
  let total = 0;
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const batch = names.slice(at, at + AT_ONCE);
    // Each its own diagnostics, so that they come in the order of names whatever the disk answers first.
    const read = await Promise.all(
      batch.map(async (name) => {
        const own: Diagnostic[] = [];
        const source = `${folderSource}/${name}`;
        return { name, source, own, text: await readText(volume, `${folder}/${name}`, source, ENTRY_LIMIT, own) };
      }),
    );
    for (const { name, source, own, text } of read) {
      total += text?.length ?? 0;
      const parsed = text === null ? null : parseType1(text, name, source, own);
      diagnostics.push(...own);
      const candidate = parsed && (await builder.build(parsed, name, source, diagnostics));
      if (candidate) candidates.push(candidate);
    }
    if (total > TOTAL_LIMIT) {
      const message = `the entries are longer than ${TOTAL_LIMIT / 1024 / 1024} MiB together; the rest is not read`;
      diagnostics.push({ severity: "error", source: folderSource, line: null, column: null, message });
      break;
    }
  }
  return candidates;
}

/** Turns entry files into entries of one menu. */
class Builder {
  readonly #base: string;
  readonly #volume: FormatVolume;
  readonly #settings: LoaderSettings;
  readonly #architecture: string;
  readonly #efi: boolean;
  readonly #variables: GrubVariables;
  readonly #places = new Map<string, Promise<string>>();

  constructor(base: string, volume: FormatVolume, platform: Platform, settings: LoaderSettings) {
    this.#base = base;
    this.#volume = volume;
    this.#settings = settings;
    this.#architecture = efiArchitecture(platform.arch);
    this.#efi = platform.firmware === "efi";
    this.#variables = new GrubVariables(volume);
  }

  /** @returns null for an entry that the menu doesn't show on this machine. */
  async build(parsed: Type1Entry, name: string, source: string, diagnostics: Diagnostic[]): Promise<Candidate | null> {
    // "If specified and it does not match the local system architecture this entry should be hidden."
    if (parsed.architecture !== null && parsed.architecture.toLowerCase() !== this.#architecture) return null;
    // "If this key is set, and the system is not an EFI system, this entry should be hidden."
    if (parsed.loader.key === "efi" && !this.#efi) return null;

    const isKernel = parsed.loader.key === "linux" || parsed.loader.key === "uki";
    const initrd: FileRef[] = [];
    for (const value of parsed.initrd) {
      for (const path of await this.#initrdPaths(value)) initrd.push(await this.#file(path));
    }
    const entry = parsedEntry({
      title: "",
      nativeId: parsed.id.replace(/\.conf$/i, ""),
      type: "bls",
      source,
      kind: isKernel ? "linux" : parsed.loader.key === "efi" ? "efi" : "other",
      linux: isKernel ? await this.#file(await this.#expand(parsed.loader.value)) : null,
      initrd,
      devicetree: parsed.devicetree === null ? null : await this.#file(await this.#expand(parsed.devicetree)),
      options: await this.#expand(parsed.options),
      reason: this.#reason(parsed),
      writes: this.#writes(parsed, name, source),
      restricted: parsed.users,
      hotkey: parsed.hotkey,
    });
    if (parsed.overlays.length > 0) {
      const message = "the devicetree-overlay line is not applied: Baton passes the devicetree on as it is";
      diagnostics.push({ severity: "warning", source, line: null, column: null, message });
    }
    const { id, title, sortKey, machineId, version, architecture, triesLeft, triesDone } = parsed;
    return {
      ...{ id, title, sortKey, machineId, version, triesLeft, triesDone, profile: parsed.profile ?? 0 },
      entry: { ...entry, sortKey, version, machineId, architecture, triesLeft, triesDone },
    };
  }

  #reason({ loader }: Type1Entry): string | null {
    if (loader.key === "efi") return `it starts the EFI program ${loader.value}, which only the firmware can do`;
    if (loader.key === "uki-url")
      return `it fetches a unified kernel image from ${loader.value}, which Baton does not do`;
    return null;
  }

  #writes(parsed: Type1Entry, name: string, source: string): readonly StateWrite[] {
    const next = parsed.loader.key === "efi" ? null : nextCounterName(name);
    const { writesAtStart, savesEntry } = this.#settings;
    if (next === null && !savesEntry) return writesAtStart;
    const writes = [...writesAtStart];
    if (next !== null) {
      const path = source.slice(this.#volume.name.length + 1);
      const file = { device: this.#volume.name, path };
      writes.push({ rename: file, to: formatFileRef({ ...file, path: `${folderOf(path)}/${next}` }) });
    }
    if (savesEntry) writes.push({ efivar: "LoaderEntryLastBooted", value: parsed.id.toLowerCase() });
    return writes;
  }

  async #expand(value: string): Promise<string> {
    return value.includes("$") ? this.#variables.expand(value) : value;
  }

  /** GRUB's blscfg takes several on a line, and that is where a variable comes from; systemd-boot takes one. */
  async #initrdPaths(value: string): Promise<string[]> {
    if (!value.includes("$")) return [value];
    return (await this.#variables.expand(value)).split(/[ \t]+/).filter((path) => path !== "");
  }

  /**
   * Paths are from the root of the volume. Entries below /boot of a root filesystem are a special case that the
   * specification doesn't know: kernel-install writes `/vmlinuz-…` where /boot was a volume of its own when it ran,
   * and `/boot/vmlinuz-…` where not. What exists decides; where nothing does, the specification.
   */
  async #file(value: string): Promise<FileRef> {
    const path = entryPath(value);
    if (this.#base === "/") return { device: this.#volume.name, path };
    let place = this.#places.get(path);
    if (!place) {
      place = this.#place(path);
      this.#places.set(path, place);
    }
    return { device: this.#volume.name, path: await place };
  }

  async #place(path: string): Promise<string> {
    if (await fileExists(this.#volume.reader, path)) return path;
    for (let base = this.#base; base !== "/"; base = folderOf(base)) {
      if (await fileExists(this.#volume.reader, base + path)) return base + path;
    }
    return path;
  }
}

/** uname's name of an architecture in the vocabulary of the EFI specification, in lower case. */
export function efiArchitecture(machine: string): string {
  if (machine === "x86_64") return "x64";
  if (/^i[3-6]86$/.test(machine)) return "ia32";
  if (machine.startsWith("aarch64")) return "aa64";
  if (machine.startsWith("arm")) return "arm";
  return machine.toLowerCase();
}
