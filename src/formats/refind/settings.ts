/** What refind.conf says, read and not yet decided upon: settings and stanzas (rEFInd's "Configuring the Boot Manager"). */

import { isOn, listOf, slashed, type TokenLine } from "./tokens.ts";

/** `menuentry` or `submenuentry`. */
export interface Stanza {
  readonly title: string;
  readonly line: number;
  volume: string | null;
  loader: string | null;
  initrd: string | null;
  options: string;
  firmwareNumber: string | null;
  isDisabled: boolean;
  readonly submenu: Stanza[];
}

export interface RefindSettings {
  readonly stanzas: Stanza[];
  timeout: number | null;
  /** The last `default_selection`; null where there is none. */
  defaultSelection: readonly string[] | null;
  /** In which order what is found stands. */
  scanFor: readonly string[];
  alsoScan: readonly string[];
  skippedVolumes: readonly string[];
  skippedFolders: readonly string[];
  skippedFiles: readonly string[];
  /** Kernels whose name doesn't end in `.efi`, too. */
  scansAllKernels: boolean;
  extraVersions: readonly string[];
}

export const defaultSettings = (): RefindSettings => ({
  stanzas: [],
  timeout: null,
  defaultSelection: null,
  scanFor: ["internal", "external", "optical", "manual"],
  alsoScan: ["boot", "@/boot"],
  skippedVolumes: ["LRS_ESP"],
  skippedFolders: [],
  skippedFiles: [],
  scansAllKernels: true,
  extraVersions: [],
});

/** Words of one setting; nobody has more. */
const MAX_WORDS = 200;

type Say = (line: number | null, message: string) => void;

/** Reads lines into settings, one after the other. */
export class SettingsReader {
  readonly settings = defaultSettings();
  readonly #say: Say;
  #stanza: Stanza | null = null;
  #sub: Stanza | null = null;

  constructor(say: Say) {
    this.#say = say;
  }

  /** @returns the file that is to be read at this place (`include`), null for every other line */
  read({ words, line }: TokenLine): string | null {
    const key = words[0]!.toLowerCase();
    if (this.#stanza !== null) {
      this.#readInStanza(this.#stanza, key, words, line);
      return null;
    }
    if (key === "menuentry") {
      this.#stanza = newStanza(words, line, null);
      this.settings.stanzas.push(this.#stanza);
      return null;
    }
    if (key === "include") return words[1] ?? null;
    this.#readSetting(key, words, line);
    return null;
  }

  #readSetting(key: string, words: readonly string[], line: number): void {
    const { settings } = this;
    const all = listOf(words.slice(1)).slice(0, MAX_WORDS);
    /** `+` first: beside those that rEFInd has by itself. */
    const added = (own: readonly string[]): readonly string[] =>
      all[0] === "+" ? [...own, ...all.slice(1)].slice(0, MAX_WORDS) : all;
    switch (key) {
      case "timeout": {
        const seconds = Number(words[1]);
        // 0 waits for ever, -1 starts at once.
        if (Number.isInteger(seconds))
          settings.timeout = seconds === 0 ? Number.POSITIVE_INFINITY : Math.max(0, seconds);
        else this.#say(line, "timeout needs a number of seconds: ignored");
        return;
      }
      case "default_selection":
        if (words.length > 2 && words.slice(-2).every((word) => /^\d{1,2}:\d{2}$/.test(word))) {
          this.#say(line, "default_selection for some hours of the day is ignored: Baton doesn't go by the clock");
        } else settings.defaultSelection = all;
        return;
      case "scanfor":
        settings.scanFor = [...new Set(all.map((word) => word.toLowerCase()))];
        return;
      case "also_scan_dirs":
        settings.alsoScan = added(settings.alsoScan);
        return;
      case "dont_scan_volumes":
        settings.skippedVolumes = added(settings.skippedVolumes);
        return;
      case "dont_scan_dirs":
        settings.skippedFolders = added(settings.skippedFolders);
        return;
      case "dont_scan_files":
        settings.skippedFiles = added(settings.skippedFiles);
        return;
      case "scan_all_linux_kernels":
        settings.scansAllKernels = isOn(words);
        return;
      case "extra_kernel_version_strings":
        settings.extraVersions = all;
        return;
      default:
      // All else is about the looks of the menu, its tools and its drivers.
    }
  }

  #readInStanza(stanza: Stanza, key: string, words: readonly string[], line: number): void {
    const at = this.#sub ?? stanza;
    const value = words[1] ?? "";
    switch (key) {
      case "}":
        if (this.#sub === null) this.#stanza = null;
        else this.#sub = null;
        return;
      case "submenuentry":
        this.#sub = newStanza(words, line, stanza);
        stanza.submenu.push(this.#sub);
        return;
      case "volume":
        at.volume = value;
        return;
      case "loader":
        at.loader = slashed(value);
        return;
      case "initrd":
        at.initrd = value === "" ? null : slashed(value);
        return;
      case "options":
        at.options = value;
        return;
      case "add_options":
        // Not joined: a long line of options would be copied once for each word that is added.
        if (value !== "") at.options = at.options === "" ? value : `${at.options} ${value}`;
        return;
      case "firmware_bootnum":
        at.firmwareNumber = value;
        return;
      case "disabled":
        at.isDisabled = isOn(words);
        return;
      default:
    }
  }
}

/** A submenu's entry has what its stanza has so far. */
function newStanza(words: readonly string[], line: number, parent: Stanza | null): Stanza {
  const named = words[1] === undefined || words[1] === "{" ? "" : words[1].trim();
  const title = named || "untitled";
  const empty = { volume: null, loader: null, initrd: null, options: "", firmwareNumber: null };
  return { ...(parent ?? empty), title, line, isDisabled: false, submenu: [] };
}
