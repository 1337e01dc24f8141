/**
 * What systemd-boot is told beyond its entries: `/loader/loader.conf` (loader.conf(5)) and the EFI variables of the
 * Boot Loader Interface, which win over the file.
 */

import type { StateWrite } from "../../entry.ts";
import type { DiagnosticSink } from "../budget.ts";
import type { Platform } from "../format.ts";
import { keyValues, parseBoolean } from "../lines.ts";

export interface LoaderSettings {
  /** Seconds, as in FormatResult. */
  readonly timeout: number | null;
  readonly timeoutStyle: "menu" | "hidden" | null;
  /** Patterns that pick the default, the first that matches an entry wins. */
  readonly choices: readonly DefaultChoice[];
  /** Where loader.conf lies: `vda1:/loader/loader.conf`; empty where there is none. */
  readonly source: string;
  readonly editor: boolean;
  readonly autoEntries: boolean;
  /** What systemd-boot writes at its start, before any entry is booted: one-shot variables are used up. */
  readonly writesAtStart: readonly StateWrite[];
  /** The default is the entry that was booted last: booting one writes its id to LoaderEntryLastBooted. */
  readonly savesEntry: boolean;
}

interface DefaultChoice {
  /** A glob for the entry's id, in lower case. */
  readonly pattern: string;
  /** Entries without tries left don't count (`preferred`; `default` takes them too). */
  readonly skipBad: boolean;
  /** What names it, for messages. */
  readonly from: string;
}

/** The lines of loader.conf that matter here. */
interface LoaderFile {
  timeout: number | "menu-force" | "menu-hidden" | "menu-disabled" | null;
  default: string | null;
  preferred: string | null;
  editor: boolean;
  autoEntries: boolean;
}

/** Keys that change nothing here: looks, firmware, Secure Boot enrolment. */
const COSMETIC = new Set([
  ...["console-mode", "beep", "auto-firmware", "auto-poweroff", "auto-reboot", "random-seed-mode", "log-level"],
  ...["secure-boot-enroll", "secure-boot-enroll-action", "secure-boot-enroll-timeout-sec", "secure-boot-enrollment"],
  ...["reboot-for-bitlocker", "reboot-on-error"],
]);

/** systemd-boot stores a 32-bit number of seconds; the last two values have meanings of their own. */
const TIMEOUT_FORCE = 0xffffffff;
const TIMEOUT_UNSET = 0xfffffffe;

/**
 * @param text of loader.conf, or null where there is none.
 * @param source the file's name for diagnostics: `vda1:/loader/loader.conf`.
 */
export function loaderSettings(
  text: string | null,
  source: string,
  platform: Platform,
  diagnostics: DiagnosticSink,
): LoaderSettings {
  const file = parseLoaderConf(text ?? "", source, diagnostics);
  const variable = (name: string): string | null => platform.loaderVariable?.(name)?.replace(/\0+$/, "") || null;
  const oneShotTimeout = variable("LoaderConfigTimeoutOneShot");
  const oneShotEntry = variable("LoaderEntryOneShot");
  const saved = variable("LoaderEntryLastBooted");
  const defaultVariable = variable("LoaderEntryDefault");
  const preferredVariable = variable("LoaderEntryPreferred");

  const choices: DefaultChoice[] = [];
  const choose = (from: string, pattern: string | null, skipBad = false): void => {
    const wanted = pattern?.toLowerCase() === "@saved" ? saved : pattern;
    if (wanted) choices.push({ pattern: wanted.toLowerCase(), skipBad, from });
  };
  choose("LoaderEntryOneShot", oneShotEntry);
  choose("LoaderEntryPreferred", preferredVariable, true);
  choose("preferred", file.preferred, true);
  choose("LoaderEntryDefault", defaultVariable);
  choose("default", file.default);

  const writesAtStart: StateWrite[] = [];
  if (oneShotEntry !== null) writesAtStart.push({ efivar: "LoaderEntryOneShot", value: null });
  if (oneShotTimeout !== null) writesAtStart.push({ efivar: "LoaderConfigTimeoutOneShot", value: null });
  return {
    ...timeouts(file.timeout, variable("LoaderConfigTimeout"), oneShotTimeout),
    choices,
    source,
    editor: file.editor,
    autoEntries: file.autoEntries,
    writesAtStart,
    savesEntry: [file.default, file.preferred, defaultVariable, preferredVariable].some(
      (pattern) => pattern?.toLowerCase() === "@saved",
    ),
  };
}

type Timeout = Pick<LoaderSettings, "timeout" | "timeoutStyle">;

function timeouts(file: LoaderFile["timeout"], variable: string | null, oneShot: string | null): Timeout {
  const once = oneShot === null ? null : parseTimeout(oneShot);
  if (once !== null) {
    // Asking for a timeout for one boot means asking for the menu: there a zero is not "hidden" but "no timeout".
    const seconds = typeof once === "number" && once > 0 ? once : Number.POSITIVE_INFINITY;
    return { timeout: seconds, timeoutStyle: "menu" };
  }
  const always = variable === null ? null : parseTimeout(variable);
  const chosen = always ?? file;
  if (chosen === null) return { timeout: null, timeoutStyle: null };
  if (chosen === "menu-force") return { timeout: Number.POSITIVE_INFINITY, timeoutStyle: "menu" };
  if (chosen === "menu-hidden" || chosen === "menu-disabled" || chosen === 0) {
    return { timeout: 0, timeoutStyle: "hidden" };
  }
  return { timeout: chosen, timeoutStyle: "menu" };
}

/** @returns null where the text is no timeout, or stands for "not set". */
function parseTimeout(text: string): LoaderFile["timeout"] {
  if (text === "menu-force" || text === "menu-hidden" || text === "menu-disabled") return text;
  if (!/^[0-9]{1,20}$/.test(text)) return null;
  const seconds = Number(text);
  if (seconds >= TIMEOUT_FORCE) return "menu-force";
  return seconds === TIMEOUT_UNSET ? null : seconds;
}

function parseLoaderConf(text: string, source: string, diagnostics: DiagnosticSink): LoaderFile {
  const file: LoaderFile = { timeout: null, default: null, preferred: null, editor: true, autoEntries: true };
  for (const { key, value, line } of keyValues(text)) {
    const warn = (message: string): void => {
      diagnostics.push({ severity: "warning", source, line, column: null, message });
    };
    const flag = (was: boolean): boolean => {
      const parsed = parseBoolean(value);
      if (parsed === null) warn(`${key} is yes or no, not '${value}'; the line is ignored`);
      return parsed ?? was;
    };
    if (key === "timeout") {
      const timeout = parseTimeout(value);
      if (timeout === null) {
        warn(`timeout is a number of seconds, menu-force, menu-hidden or menu-disabled, not '${value}'; ignored`);
      } else file.timeout = timeout;
    } else if (key === "default" || key === "preferred") {
      if (value.startsWith("@") && value.toLowerCase() !== "@saved") {
        warn(`${key} '${value}': the only name with @ is @saved; the line is ignored`);
      } else file[key] = value;
    } else if (key === "editor") file.editor = flag(file.editor);
    else if (key === "auto-entries") file.autoEntries = flag(file.autoEntries);
    else if (!COSMETIC.has(key)) warn(`'${key}' is no key of loader.conf; the line is ignored`);
  }
  return file;
}
