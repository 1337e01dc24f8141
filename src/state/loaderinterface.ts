/**
 * What a boot loader and systemd tell each other in EFI variables
 * (https://systemd.io/BOOT_LOADER_INTERFACE/): bootctl, `systemctl reboot --boot-loader-entry=` and systemd-analyze go by
 * them. Baton runs after the firmware's boot services, when no volatile variable can be made any more: its own are kept
 * in flash. LoaderDevicePartUUID is left to systemd-stub and systemd-boot, which set it for one start: one that stayed
 * would name the wrong disk after the next. Pure.
 */

import type { StateWrite } from "../entry.ts";

/** Bits of LoaderFeatures: what a system may ask of Baton. */
const FEATURES = {
  configTimeout: 0,
  configTimeoutOneShot: 1,
  entryDefault: 2,
  entryOneShot: 3,
  bootCounting: 4,
  xbootldr: 5,
  sortKey: 8,
  devicetree: 10,
} as const;

/** Firmware has little room: characters of LoaderEntries. */
const MAX_ENTRIES_LENGTH = 2048;
/** systemd takes an entry's name only where it could be a file's. */
const MAX_NAME_LENGTH = 255;

/** What stands for the commonest characters that names of entries can't have. */
const SHORT: Readonly<Record<string, string>> = { ":": "+.", "/": "+_", " ": "+-" };
const LONG = new Map(Object.entries(SHORT).map(([char, short]) => [short[1]!, char]));

/**
 * An entry's id as systemd takes names: letters, digits, `-`, `_`, `.` and `+`, which stands before two characters for
 * one that is none of these (`+.` is `:`), or before the two hexadecimal digits of each of its bytes in UTF-8.
 * @returns null where the name would be too long
 */
export function entryName(id: string): string | null {
  const name = id.replace(
    /[^A-Za-z0-9._-]/gu,
    (char) =>
      SHORT[char] ?? [...Buffer.from(char, "utf8")].map((byte) => `+${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  // No file is called so.
  const safe = name === "." || name === ".." ? name.replaceAll(".", "+2e") : name;
  return safe === "" || safe.length > MAX_NAME_LENGTH ? null : safe;
}

/** The id behind a name; a name that isn't one of {@link entryName}'s stays what it is. */
export function entryId(name: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < name.length; ) {
    const [all, code] = /^\+([._-]|[0-9a-f]{2})/.exec(name.slice(at, at + 3)) ?? [];
    const text = code === undefined ? String.fromCodePoint(name.codePointAt(at)!) : (LONG.get(code) ?? null);
    bytes.push(...(text === null ? [Number.parseInt(code!, 16)] : Buffer.from(text, "utf8")));
    at += all?.length ?? text!.length;
  }
  const id = Buffer.from(bytes).toString("utf8");
  return entryName(id) === name ? id : name;
}

/** When Baton's kernel was started and when it hands over, in microseconds since the firmware began. */
export interface LoaderTimes {
  readonly init: number;
  readonly exec: number;
}

/** What Baton writes of itself; each is taken away by `baton uninstall`. */
export const OWN_VARIABLES = [
  ...["LoaderInfo", "LoaderFeatures", "LoaderEntries", "LoaderEntrySelected"],
  ...["LoaderTimeInitUSec", "LoaderTimeExecUSec"],
] as const;

/** LoaderInfo starts with it. */
export const LOADER_NAME = "Baton";

/**
 * What Baton says of itself when it hands over.
 * @param ids      of the entries that a system may ask for, the most wanted first
 * @param selected id of the entry that boots
 */
export function interfaceWrites(
  version: string,
  ids: readonly string[],
  selected: string,
  times: LoaderTimes,
): StateWrite[] {
  const names: string[] = [];
  let length = 0;
  for (const id of [selected, ...ids.filter((one) => one !== selected)]) {
    const name = entryName(id);
    if (name === null || length + name.length + 1 > MAX_ENTRIES_LENGTH) continue;
    length += name.length + 1;
    names.push(name);
  }
  // The order of the list, not of the choice: another choice alone changes nothing here.
  const listed = [...ids, ...(ids.includes(selected) ? [] : [selected])];
  const inOrder = listed.flatMap((id) => entryName(id) ?? []).filter((name) => names.includes(name));
  const features = Buffer.alloc(8);
  features.writeBigUInt64LE(Object.values(FEATURES).reduce((all, bit) => all | (1n << BigInt(bit)), 0n));
  const name = entryName(selected);
  return [
    { efivar: "LoaderInfo", value: `${LOADER_NAME} ${version}` },
    { efivar: "LoaderFeatures", value: features.toString("latin1"), isBytes: true },
    { efivar: "LoaderEntries", value: inOrder.length === 0 ? null : inOrder.join("\0") },
    { efivar: "LoaderEntrySelected", value: name },
    { efivar: "LoaderTimeInitUSec", value: String(Math.round(times.init)) },
    { efivar: "LoaderTimeExecUSec", value: String(Math.round(times.exec)) },
  ];
}

/** What the system asked of the boot loader before it restarted; null and left out where it asked nothing. */
export interface Requests {
  /** For this start alone. */
  readonly once: { readonly entry: string | null; readonly timeout: string | null };
  /** For each start, until the system says otherwise. */
  readonly usual: { readonly entry: string | null; readonly timeout: string | null };
  /** What could not be taken away, and so isn't obeyed: it would hold for ever. */
  readonly problems: readonly string[];
}

/**
 * Reads what the system asked for, and takes away what holds for one start.
 * @param read   text of a variable, null where there is none
 * @param remove throws where it can't
 */
export function takeRequests(read: (name: string) => string | null, remove: (name: string) => void): Requests {
  const problems: string[] = [];
  const take = (name: string): string | null => {
    const value = read(name) || null;
    if (value === null) return null;
    try {
      remove(name);
      return value;
    } catch (error) {
      problems.push(`${name} is not obeyed, or it would be at each start: ${(error as Error).message}`);
      return null;
    }
  };
  const id = (name: string | null): string | null => (name === null ? null : entryId(name));
  const once = { entry: id(take("LoaderEntryOneShot")), timeout: take("LoaderConfigTimeoutOneShot") };
  const usual = { entry: id(read("LoaderEntryDefault") || null), timeout: read("LoaderConfigTimeout") || null };
  return { once, usual, problems };
}
