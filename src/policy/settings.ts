/**
 * What the owner of a machine may settle: Baton's own configuration (`configs/baton.yaml` shows every key). Types and
 * what holds without a configuration; how files are read is settingkeys.ts and settingsfile.ts, which are loaded
 * only where there is one. Pure.
 */

import type { RootDelay } from "./words.ts";

/** How long a person has until the default boots. */
export interface Timeout {
  /** 0 boots at once; Infinity waits for a person. */
  readonly seconds: number;
  /** Whether a key that is held during the start brings the menu where `seconds` is 0. */
  readonly keys: boolean;
}

/** What happens when everything that could boot has failed, and nobody is there. */
export type FinalAction = "menu" | "retry" | "reboot" | "poweroff";

export interface Settings {
  /** Null leaves it to the configuration whose default wins. */
  readonly timeout: Timeout | null;
  /** An id, a title, a submenu path, a number, a pattern with `*`, or `@saved`; null leaves it to the disks. */
  readonly default: string | null;
  /** What is tried after the default, in this order, named as `default` is. */
  readonly fallback: readonly string[];
  /** Where a default may come from, best first (policy/order.ts); empty: every fixed disk, in the order of devices. */
  readonly order: readonly string[];
  /** Whether what is on removable devices may boot by itself without being named. */
  readonly removable: boolean;
  readonly console: readonly string[] | null;
  /** Whether entries may be edited without a password. */
  readonly editor: boolean;
  /** Whether there is a shell without a password; null: as `editor`. */
  readonly shell: boolean | null;
  /** As `baton password` prints it; null: what needs a password is refused. */
  readonly password: string | null;
  /** Devices that are waited for before anything boots by itself. */
  readonly waitfor: readonly string[];
  readonly rootdelay: RootDelay | null;
  /** Folders in which ISO files are looked for on each volume; null: the usual ones. */
  readonly isofolders: readonly string[] | null;
  /** How often everything is tried again where `final` is `retry`. */
  readonly retries: number;
  readonly final: FinalAction;
  /** Seconds until the hardware resets the machine once nobody feeds its watchdog; null leaves it alone. */
  readonly watchdog: number | null;
  /** Words of petitboot's kind (`no`, `auto`, `MAC,dhcp`, `MAC,static,ADDRESS/BITS,GATEWAY`); null: not said. */
  readonly network: readonly string[] | null;
  readonly url: string | null;
  readonly writes: "none" | "bootloader-state";
  /** How many boots in a row an entry may go without `baton confirm` until it is passed over; 0 doesn't count. */
  readonly tries: number;
  readonly keymap: string | null;
  readonly ui: "screen" | "plain";
  /** Stands in the title line. */
  readonly title: string | null;
  /** The message of the day, below the title. */
  readonly message: string | null;
  /** Colours by what they are for (menu/theme.ts). */
  readonly theme: Readonly<Record<string, string>>;
  /** More keys for an action: `boot: [F10]`. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  readonly debug: boolean;
  /** Whether what Enter would boot is loaded while the menu is idle. */
  readonly stage: boolean;
  /** By which system call kernels are loaded. */
  readonly kexec: "auto" | "classic" | "file";
}

export const DEFAULT_SETTINGS: Settings = {
  timeout: null,
  default: null,
  fallback: [],
  order: [],
  removable: false,
  console: null,
  editor: true,
  shell: null,
  password: null,
  waitfor: [],
  rootdelay: null,
  isofolders: null,
  retries: 3,
  final: "menu",
  watchdog: null,
  network: null,
  url: null,
  writes: "none",
  tries: 0,
  keymap: null,
  ui: "screen",
  title: null,
  message: null,
  theme: {},
  keys: {},
  debug: false,
  stage: true,
  kexec: "auto",
};

export type SettingName = keyof Settings;

/** Every key, which is also a word of the kernel command line (`baton.ui=plain`); maps (`theme`, `keys`) are not. */
export const SETTING_NAMES = Object.keys(DEFAULT_SETTINGS) as readonly SettingName[];

/** Later ones win, key by key. */
export function mergeSettings(...layers: readonly Partial<Settings>[]): Settings {
  return Object.assign({}, DEFAULT_SETTINGS, ...layers);
}

/** Whether `c` opens a shell without a password. */
export const shellIsFree = (settings: Settings): boolean => settings.shell ?? settings.editor;
