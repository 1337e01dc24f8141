/**
 * Which configuration holds: the kernel command line's words, before the file that `baton.config=` names, before the
 * image's own. Loads what reads files only where there is one.
 */

import { existsSync, readFileSync } from "node:fs";
import { type Diagnostic, parseFileRef } from "../entry.ts";
import { BatonError, describeError } from "../errors.ts";
import { parseSelectedFile } from "../identity.ts";
import { log } from "../log.ts";
import { withNetworkUse } from "../policy/network.ts";
import { mergeSettings, type Settings } from "../policy/settings.ts";
import type { BootWords } from "../policy/words.ts";
import type { TrustSettings } from "../trust/policy.ts";

/** The image's own, the first that is there. */
const OWN = ["/etc/baton.yaml", "/etc/baton.yml", "/etc/baton.ini"];

/** The settings that make the policy of what may boot (trust/policy.ts). */
const TRUST_KEYS = ["trust", "trustkeys", "trustthreshold", "trustversion"] as const satisfies (keyof TrustSettings)[];

const trustOf = ({ trust, trustkeys, trustthreshold, trustversion }: Settings): TrustSettings => {
  return { trust, trustkeys, trustthreshold, trustversion };
};

/** Where the file speaks of trust and what it says can't be made out, nothing boots. @param isFaulty something in it is wrong */
function shutWhereUnclear(settings: Partial<Settings>, text: string, isFaulty: boolean): Partial<Settings> {
  const speaks = /(?:^|[\s"'{,])trust\w*["']?\s*[:=]/m.test(text.replace(/^\s*[#;].*$/gm, ""));
  const isUnclear = settings.trustkeys !== undefined || (isFaulty && speaks);
  return settings.trust === undefined && isUnclear ? { ...settings, trust: "require" } : settings;
}

/** Reads the file that `baton.config=` names; rejects where there is none. */
type FetchText = (name: string) => Promise<string>;

export class Configuration {
  readonly #words: Partial<Settings>;
  #own: Partial<Settings> = {};
  #named: Partial<Settings> = {};
  /** What the system asked for before it restarted: below what the owner says, and for this start alone above it. */
  #asked: { readonly usual: Partial<Settings>; readonly once: Partial<Settings> } = { usual: {}, once: {} };
  #diagnostics: Diagnostic[] = [];
  /** What has become of the file that `baton.config=` names. */
  #state: "awaited" | "failed" | "read" | "none";
  /** What holds now. */
  settings: Settings;

  private constructor({ settings, config }: BootWords) {
    this.#words = settings;
    this.#state = config === null ? "none" : "awaited";
    this.settings = this.#merged();
  }

  /**
   * Never rejects: what can't be read is a diagnostic, and what it would have settled stays as it is without.
   * @param own the image's own file; null where there is none to look for (a host)
   */
  static async load(words: BootWords, own: readonly string[] | null = OWN): Promise<Configuration> {
    const configuration = new Configuration(words);
    const path = own?.find((candidate) => existsSync(candidate));
    if (path !== undefined) {
      try {
        const text = readFileSync(path, "utf8");
        const settings = await configuration.#read(path, text);
        configuration.#own = shutWhereUnclear(settings, text, configuration.#diagnostics.length > 0);
      } catch (error) {
        configuration.#say(path, `${describeError(error)}; nothing boots, since it may have said trust: require`);
        configuration.#own = { trust: "require" };
      }
      configuration.settings = configuration.#merged();
    }
    return configuration;
  }

  /** Mistakes in the files, for the menu and the log. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  /** Reads the named file as well. Never rejects. */
  async loadNamed(name: string, fetch: FetchText): Promise<void> {
    try {
      this.#named = await this.#read(name, await fetch(name));
      const given = [...TRUST_KEYS, "remote" as const].filter((key) => key in this.#named);
      if (given.length > 0) this.#say(name, `${given.join(", ")}: counts in the image's own configuration alone`);
      this.#state = "read";
    } catch (error) {
      this.#state = "failed";
      this.settings = this.#merged();
      const shut = this.settings.lockdown ? " lockdown: editor, shell, URLs and removable devices stay shut." : "";
      this.#say(name, `the configuration can't be read: ${describeError(error)}${shut}`);
    }
    this.settings = this.#merged();
  }

  /** What the system asked for holds from now on. */
  ask(usual: Partial<Settings>, once: Partial<Settings>): void {
    this.#asked = { usual, once };
    this.settings = this.#merged();
  }

  async #read(source: string, text: string): Promise<Partial<Settings>> {
    const { readSettings, MAX_SETTINGS_SIZE } = await import("../policy/settingsfile.ts");
    if (text.length > MAX_SETTINGS_SIZE)
      throw new BatonError("too-large", `it is larger than ${MAX_SETTINGS_SIZE} bytes`);
    const { settings, diagnostics } = await readSettings(text, source);
    this.#diagnostics.push(...diagnostics);
    for (const { line, column, message } of diagnostics) log.warn(`${source}:${line}:${column}: ${message}`);
    log.info(`${source}: ${Object.keys(settings).join(", ") || "nothing"} settled`);
    return settings;
  }

  #say(source: string, message: string): void {
    log.error(`${source}: ${message}`);
    this.#diagnostics.push({ severity: "error", source, line: null, column: null, message });
  }

  /** Until the named file is read, and where it can't be, nothing is open that it might have shut. */
  #merged(): Settings {
    const layers = [this.#asked.usual, this.#own, this.#named, this.#words, this.#asked.once];
    // What judges a disk never comes from a disk.
    const own = mergeSettings(this.#own);
    const merged = { ...mergeSettings(...layers), ...trustOf(own), remote: own.remote };
    // A shell leads around what may boot: only the image itself may open one.
    if (own.trust === "require") merged.shell = own.shell ?? false;
    const shut = { ...merged, editor: false, shell: false };
    const locked: Settings = merged.lockdown ? { ...shut, removable: "never" } : shut;
    switch (this.#state) {
      case "awaited":
        return withNetworkUse(locked);
      case "failed":
        // Without lockdown an owner who can't read the file must still be able to mend it.
        return withNetworkUse(merged.lockdown ? { ...locked, network: ["never"] } : merged);
      default:
        return withNetworkUse(merged);
    }
  }
}

/**
 * Where a named configuration lies: a path in the image, a file on a device, or a URL.
 * @throws BatonError where the name is none of these
 */
export function configPlace(name: string): { path: string } | { device: string; path: string } | { url: string } {
  if (name.startsWith("/")) return { path: name };
  const ref = parseFileRef(name);
  if (ref !== null && "url" in ref) return ref;
  const file = ref !== null && "selector" in ref ? ref : parseSelectedFile(name);
  if (file !== null) return { device: file.selector, path: file.path };
  throw new BatonError("usage", `${name} is no DEVICE:/path, UUID=…:/path, LABEL=…:/path, /path in the image or URL`);
}
