/** What Baton's own kernel command line says (docs/interfaces.md, "The image"). Pure. */

import { SETTING_NAMES } from "./settings.ts";

/** Waits for a device by name, besides those present at start. */
export interface RootDelay {
  /** `UUID=…`, `LABEL=…`, `PARTUUID=…`, `PARTLABEL=…` or a device's name; null to wait for the time alone. */
  readonly device: string | null;
  readonly seconds: number;
}

export interface BootWords {
  /** Seconds; 0 boots without a menu, null leaves it to the configurations. Infinity waits for a person. */
  readonly timeout: number | null;
  readonly default: string | null;
  readonly url: string | null;
  readonly config: string | null;
  /** Names of terminals: `tty0`, `ttyS0`; null for the kernel's own consoles. */
  readonly console: readonly string[] | null;
  readonly rootdelay: RootDelay | null;
  readonly debug: boolean;
  /** Words that stand for a key of the configuration (settings.ts): `baton.ui=plain`. */
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** A sentence for each word that isn't understood. */
  readonly problems: readonly string[];
}

/** How long a device named by `baton.rootdelay=` is waited for unless it says. */
export const NAMED_DEVICE_SECONDS = 30;

/** Splits as the kernel does: at spaces, except inside double quotes, which are dropped from around a value. */
export function splitCmdline(cmdline: string): string[] {
  const words = cmdline.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  return words.map((word) => word.replace(/"/g, ""));
}

/** @param cmdline as in /proc/cmdline; the last of a repeated word wins. */
export function parseBootWords(cmdline: string): BootWords {
  let timeout: number | null = null;
  let defaultEntry: string | null = null;
  let url: string | null = null;
  let config: string | null = null;
  let consoles: string[] | null = null;
  let rootdelay: RootDelay | null = null;
  let debug = false;
  const settings: { name: string; value: string }[] = [];
  const problems: string[] = [];

  for (const word of splitCmdline(cmdline)) {
    if (!word.startsWith("baton.")) continue;
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(6) : word.slice(6, equals);
    const value = equals < 0 ? "" : word.slice(equals + 1);
    switch (name) {
      case "timeout": {
        const seconds = value === "-1" ? Infinity : parseSeconds(value);
        if (/^(never|menu-\w+)$/.test(value)) settings.push({ name, value });
        else if (seconds === null) {
          problems.push(`${word}: not a number of seconds (0 boots at once, -1 waits for a person)`);
        } else timeout = seconds;
        break;
      }
      case "default":
        defaultEntry = value || null;
        break;
      case "url":
        url = value || null;
        break;
      case "config":
        config = value || null;
        break;
      case "console":
        consoles = value.split(",").filter((name) => name !== "");
        if (consoles.length === 0) consoles = null;
        break;
      case "rootdelay": {
        const parsed = parseRootDelay(value);
        if (parsed === null) problems.push(`${word}: neither a number of seconds nor DEVICE[,SECONDS]`);
        else rootdelay = parsed;
        break;
      }
      case "debug":
        debug = value !== "0";
        break;
      default:
        if (SETTING_NAMES.some((known) => known === name)) settings.push({ name, value });
        else problems.push(`${word}: Baton has no such word`);
    }
  }
  return { timeout, default: defaultEntry, url, config, console: consoles, rootdelay, debug, settings, problems };
}

function parseSeconds(text: string): number | null {
  return /^\d{1,6}$/.test(text) ? Number(text) : null;
}

/** @returns null where the text is neither `SECONDS` nor `DEVICE[,SECONDS]` */
export function parseRootDelay(text: string): RootDelay | null {
  const alone = parseSeconds(text);
  if (alone !== null) return { device: null, seconds: alone };
  const comma = text.lastIndexOf(",");
  const device = (comma < 0 ? text : text.slice(0, comma)).replace(/^\/dev\//, "");
  const seconds = comma < 0 ? NAMED_DEVICE_SECONDS : parseSeconds(text.slice(comma + 1));
  return device === "" || seconds === null ? null : { device, seconds };
}
