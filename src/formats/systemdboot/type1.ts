/**
 * One Type #1 entry: a `.conf` file of `/loader/entries`, as the Boot Loader Specification (UAPI.1) describes it and
 * systemd-boot reads it.
 */

import type { Diagnostic } from "../../entry.ts";
import type { DiagnosticSink } from "../budget.ts";
import { keyValues } from "../lines.ts";
import { resolvePath } from "../paths.ts";

/** An entry file as written: paths are not yet looked for, variables not yet filled in. */
export interface Type1Entry {
  /** Identifies the entry: the file's name without boot counter, `fedora-6.9.conf`. */
  readonly id: string;
  readonly title: string | null;
  readonly version: string | null;
  readonly machineId: string | null;
  readonly sortKey: string | null;
  readonly architecture: string | null;
  readonly triesLeft: number | null;
  readonly triesDone: number | null;
  /** Which key names the program to start, its value, and its line. */
  readonly loader: { readonly key: LoaderKey; readonly value: string; readonly line: number };
  readonly initrd: readonly string[];
  readonly options: string;
  readonly devicetree: string | null;
  readonly overlays: readonly string[];
  /** Which profile of a unified kernel image, from 0; null where the entry doesn't say. */
  readonly profile: number | null;
  /** Fedora's additions for GRUB's blscfg. */
  readonly hotkey: string | null;
  readonly users: readonly string[] | null;
}

type LoaderKey = "linux" | "efi" | "uki" | "uki-url";

/** Keys of which the last line counts. */
const SINGLE_KEYS = new Set([
  ...["title", "version", "machine-id", "sort-key", "architecture", "devicetree", "profile", "grub_hotkey"],
]);

/** Known keys that change nothing that Baton lists or boots. */
const IGNORED_KEYS = new Set([
  ...["grub_class", "id", "linux-appendroot", "boot-counter"],
  // libostree's, for Android's and U-Boot's loaders.
  ...["aboot", "abootcfg", "fdtdir"],
]);

/**
 * @param text of the file.
 * @param name the file's name, with its boot counter.
 * @param source for diagnostics: `vda1:/loader/entries/fedora.conf`.
 * @returns null where nothing in it can be booted; `diagnostics` then says why.
 */
export function parseType1(text: string, name: string, source: string, diagnostics: DiagnosticSink): Type1Entry | null {
  const say = (severity: Diagnostic["severity"], line: number | null, message: string): void => {
    diagnostics.push({ severity, source, line, column: null, message });
  };
  const single: Partial<Record<string, string>> = {};
  const initrd: string[] = [];
  const options: string[] = [];
  const overlays: string[] = [];
  let users: string[] | null = null;
  let unrestricted = false;
  let loader: Type1Entry["loader"] | null = null;

  for (const { key, value, line } of keyValues(text)) {
    switch (key) {
      case "initrd":
        initrd.push(value);
        break;
      case "options":
        options.push(value);
        break;
      case "devicetree-overlay":
        overlays.push(...value.split(/[ \t]+/).filter((path) => path !== ""));
        break;
      case "linux":
      case "efi":
      case "uki":
      case "uki-url":
        if (loader === null || loader.key === key) loader = { key, value, line };
        else
          say("warning", line, `the entry names ${loader.key} already; this ${key} line is ignored: keep one of them`);
        break;
      case "extra":
        say("warning", line, `systemd-boot would hand ${value} to the system as well; Baton does not`);
        break;
      case "grub_users":
        users = value.split(/[\s,;|&]+/).filter((user) => user !== "" && user !== "$grub_users");
        break;
      case "grub_arg":
        if (value.split(/\s+/).includes("--unrestricted")) unrestricted = true;
        break;
      default:
        if (SINGLE_KEYS.has(key)) single[key] = value;
        else if (!IGNORED_KEYS.has(key)) say("warning", line, `'${printKey(key)}' is no key of a boot entry; ignored`);
    }
  }
  if (loader === null) {
    say("error", null, "the entry names nothing to boot: it needs a linux, efi or uki line");
    return null;
  }
  const counted = bootCounter(name);
  const profile = single.profile;
  return {
    id: counted.id,
    title: single.title ?? null,
    version: single.version ?? null,
    machineId: single["machine-id"] ?? null,
    sortKey: single["sort-key"] ?? null,
    architecture: single.architecture ?? null,
    triesLeft: counted.left,
    triesDone: counted.done,
    loader,
    initrd,
    options: options.join(" "),
    devicetree: single.devicetree ?? null,
    overlays,
    profile: profile !== undefined && /^[0-9]{1,3}$/.test(profile) ? Number(profile) : null,
    hotkey: single.grub_hotkey ?? null,
    users: unrestricted || users === null || users.length === 0 ? null : users,
  };
}

const printKey = (key: string): string => (key.length > 40 ? `${key.slice(0, 40)}…` : key);

/** More than any counter that software writes; systemd-boot takes no more either. */
const MAX_TRIES = 0x7fffffff;

/**
 * The boot counter in a file name: `name+LEFT-DONE.conf`, where `-DONE` may be missing.
 * @returns the name without it, and null for both where there is none.
 */
export function bootCounter(name: string): { id: string; left: number | null; done: number | null } {
  const match = /^(.*)\+([0-9]{1,10})(?:-([0-9]{1,10}))?(\.[A-Za-z]+)$/s.exec(name);
  if (match === null) return { id: name, left: null, done: null };
  const left = Number(match[2]);
  const done = Number(match[3] ?? 0);
  if (left > MAX_TRIES || done > MAX_TRIES) return { id: name, left: null, done: null };
  return { id: match[1]! + match[4]!, left, done };
}

/** The name that a file gets when its entry is booted: one try less, one done more (`a+3.conf` → `a+2-1.conf`). */
export function nextCounterName(name: string): string | null {
  const { left, done } = bootCounter(name);
  if (left === null || done === null) return null;
  const plus = name.lastIndexOf("+");
  const suffix = name.slice(name.lastIndexOf("."));
  return `${name.slice(0, plus)}+${Math.max(left - 1, 0)}-${Math.min(done + 1, MAX_TRIES)}${suffix}`;
}

/**
 * True where systemd-boot takes a file for a Type #1 entry. Names with `auto-` are its own: entries that it finds
 * by itself.
 */
export function isType1Name(name: string): boolean {
  const folded = name.toLowerCase();
  return folded.endsWith(".conf") && !folded.startsWith(".") && !folded.startsWith("auto-");
}

/**
 * A path of an entry: always from the root of the volume, with or without a slash in front; `\` counts as `/`, as
 * some write it for the firmware.
 */
export function entryPath(value: string): string {
  if (value.startsWith("/") && !/\\|\/\/|\/\.|\/$/.test(value)) return value;
  return resolvePath("/", value.replaceAll("\\", "/"));
}
