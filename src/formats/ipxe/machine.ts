/** What an iPXE script has done so far, and the commands that change it. */

import type { FileRef } from "../../entry.ts";
import type { FormatResult } from "../format.ts";
import type { Script } from "./script.ts";
import { parseOptions } from "./script.ts";

/** What a script sees of the world. */
export interface IpxeHost {
  /** The file that a URI means, seen from the script that names it; null where it is none. */
  resolve(uri: string, from: FileRef): FileRef | null;
  /** False where a file is known not to be there. */
  exists(ref: FileRef): Promise<boolean>;
  /** The text of a file that may be a script; null where it can't be read here and now. */
  read(ref: FileRef): Promise<string | null>;
  /** True where scripts behind a menu's items are to be fetched only when they are chosen. */
  readonly defers?: boolean;
  /**
   * What another network loader would make of the tree that its program lies in; null where that is nothing, or can't be
   * known. Absent where there is no network.
   * @param settings options 209 and 210 as the script has set them
   */
  tree?(
    program: FileRef,
    settings: { readonly conf: string | null; readonly prefix: string | null },
  ): Promise<Pick<FormatResult, "entries" | "defaultIndex" | "timeout"> | null>;
  /** A setting that the script hasn't set itself: `net0/mac`, `buildarch`. */
  setting(name: string): string | null;
}

/** A file that has been fetched, under a name. */
export interface Image {
  readonly name: string;
  readonly ref: FileRef;
  readonly args: string;
}

export interface Item {
  /** Null for a gap. */
  readonly name: string | null;
  readonly text: string;
  readonly key: string | null;
}

export interface ItemMenu {
  readonly title: string;
  readonly items: readonly Item[];
  readonly default: string | null;
}

/** A script in the middle of its work; copied where a choice splits it. */
export interface Machine {
  readonly script: Script;
  /** The script's own file, from which names are resolved. */
  readonly base: FileRef;
  /** Index of the line, and in it of the command, that runs next. */
  line: number;
  segment: number;
  /** Whether the last command succeeded. */
  ok: boolean;
  readonly settings: Map<string, string>;
  images: readonly Image[];
  selected: string | null;
  readonly menus: Map<string, ItemMenu>;
  /** The script that called this one with `chain`; it goes on where it stood. */
  readonly caller: Machine | null;
}

export function startMachine(script: Script, base: FileRef, caller: Machine | null = null): Machine {
  return {
    ...{ script, base, caller, line: 0, segment: 0, ok: true },
    // A called script works on the same settings, images and menus.
    settings: caller?.settings ?? new Map(),
    menus: caller?.menus ?? new Map(),
    images: caller?.images ?? [],
    selected: caller?.selected ?? null,
  };
}

export function copyMachine(machine: Machine): Machine {
  const settings = new Map(machine.settings);
  const menus = new Map(machine.menus);
  const copy = (one: Machine): Machine => ({ ...one, settings, menus, caller: one.caller && copy(one.caller) });
  return copy(machine);
}

/** The image that `boot` starts: the one that was selected, else the only one. */
export function bootImage(machine: Machine, name: string | undefined): Image | null {
  const wanted = name ?? machine.selected;
  if (wanted !== null && wanted !== undefined) return machine.images.findLast((image) => image.name === wanted) ?? null;
  return machine.images.length === 1 ? machine.images[0]! : null;
}

/** More files than fit in memory: a script that fetches without end. */
const MAX_IMAGES = 100;

const FETCH_OPTIONS = { name: true, timeout: true, autofree: false };

/** `kernel`, `initrd`, `imgfetch`…: a file under a name, and its arguments. @returns null where it can't be read. */
export async function fetchImage(
  machine: Machine,
  words: readonly string[],
  host: IpxeHost,
  select: boolean,
): Promise<Image | null> {
  const options = parseOptions(words, FETCH_OPTIONS);
  if (typeof options === "string") return null;
  const [uri, ...args] = options.args;
  if (uri === undefined) return null;
  // `imgselect NAME` may mean an image that is there already.
  const known = select ? machine.images.findLast((image) => image.name === uri) : undefined;
  if (known !== undefined) {
    const image = args.length > 0 ? { ...known, args: args.join(" ") } : known;
    machine.images = machine.images.map((other) => (other === known ? image : other));
    machine.selected = image.name;
    return image;
  }
  if (machine.images.length >= MAX_IMAGES) return null;
  const ref = host.resolve(uri, machine.base);
  if (ref === null || !(await host.exists(ref))) return null;
  const name = options.given.get("name");
  const image = { name: typeof name === "string" ? name : lastPart(uri), ref, args: args.join(" ") };
  machine.images = [...machine.images, image];
  if (select) machine.selected = image.name;
  return image;
}

/** The last part of a URI's path, without query. */
export function lastPart(uri: string): string {
  const path = uri.replace(/[?#].*$/s, "");
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf(":")) + 1) || path;
}

/** Commands that succeed and change nothing that Baton lists. */
export const QUIET = new Set([
  ...["echo", "sleep", "dhcp", "ifconf", "ifopen", "ifclose", "ifstat", "iflinkwait", "autoboot-off", "route", "nstat"],
  ...["imgstat", "imgtrust", "imgverify", "imgdecrypt", "imgextract", "imgmem", "console", "colour", "color", "cpair"],
  ...["params", "param", "nslookup", "ping", "ntp", "vcreate", "vdestroy", "lotest", "neighbour", "nduid", "certstat"],
  ...["certstore", "certfree", "profstat", "pciscan", "usbscan", "cls", "sync", "fcstat", "fcels", "ipstat", "poweron"],
  ...["shim", "fdt", "gdbstub", "ibstat", "hubinfo", "login", "time-zone"],
]);

/** Commands that end the work with something that only iPXE or the firmware can do. */
export const LEAVING: Readonly<Record<string, string>> = {
  sanboot: "it boots from a network disk (sanboot), which needs iPXE's own drivers",
  sanhook: "it attaches a network disk (sanhook), which needs iPXE's own drivers",
  exit: "the script ends (exit): the firmware would go on with its next boot device",
  shell: "it opens iPXE's own shell",
  config: "it opens iPXE's own settings",
  reboot: "it restarts the machine: press R in Baton's menu",
  poweroff: "it switches the machine off: press P in Baton's menu",
  autoboot: "it boots by iPXE's own automatic search",
};
