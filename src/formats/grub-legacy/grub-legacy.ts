/**
 * GRUB legacy (0.97): `menu.lst`, which Red Hat called `grub.conf`, and GRUB4DOS's of the same name. The manual of the
 * one and the guide of the other are the specifications.
 */

import { Buffer } from "node:buffer";
import { join, normalize } from "node:path/posix";
import {
  type Diagnostic,
  type FileRef,
  formatFileRef,
  type ParsedEntry,
  parsedEntry,
  type StateWrite,
} from "../../entry.ts";
import { BatonError } from "../../errors.ts";
import { Breath, DiagnosticList, ListBudget } from "../budget.ts";
import type { Format, FormatContext, FormatResult, FormatVolume, LineSigns } from "../format.ts";
import type { Device } from "../grub/devices.ts";
import { decodeSource } from "../grub/source.ts";
import { efiFolders, fileExists, isAbsence, Lookup } from "../lookup.ts";
import { NamelessPasswords } from "../passwords.ts";
import { folderOf } from "../paths.ts";
import { readConfig } from "../readbeginning.ts";
import { type Draft, LegacyMenu, nothingIn } from "./menu.ts";
import { LegacyNames } from "./names.ts";

const NAMES = ["menu.lst", "grub.conf"];
/** GRUB4DOS's program: its menu lies beside it (guide, "menu.lst"). */
const GRUB4DOS = ["/grldr", "/grub.exe", "/grldr.mbr"];
/** Menus inside one another, and all that are read. */
const MAX_DEPTH = 8;
const MAX_MENUS = 100;
/** Bytes of one; they are written by hand. */
const MAX_SIZE = 1024 * 1024;
/** No shorter file `default` is written (`savedefault`). */
const SHORTEST_DEFAULT = 10;

/** What shows a text to be a menu.lst. */
const SIGNS: LineSigns = {
  line: /^\s*(title\s|root\s*\(|rootnoverify\s|kernel\s*[(/]|makeactive|savedefault|default[\s=]|timeout[\s=]|hiddenmenu|color\s|splashimage|find\s+--set-root)/,
  ownLine: /^\s*(title\s|kernel\s*[(/]|rootnoverify\s|root\s*\(hd|find\s+--set-root)/,
  fileName: /menu\.lst|grub\.conf/i,
  precedence: 2,
};

export const grubLegacy: Format = {
  name: "grub-legacy",
  signs: SIGNS,
  find: findMenus,
  parse: async (path, context) => new Reading(context).result(path),
};

async function findMenus({ reader }: FormatVolume): Promise<readonly string[]> {
  const lookup = new Lookup(reader);
  const inFolder = async (folder: string): Promise<string | null> => {
    // Beside GRUB 2's configuration it is a leftover.
    if ((await lookup.find(join(folder, "grub.cfg"))) !== null) return null;
    // Red Hat's menu.lst is a link to grub.conf: one of them is enough.
    for (const name of NAMES) {
      const path = await lookup.find(join(folder, name));
      if (path !== null) return path;
    }
    return null;
  };
  for (const program of GRUB4DOS) {
    const menu = (await lookup.find(program)) === null ? null : await lookup.find("/menu.lst");
    if (menu !== null) return [menu];
  }
  for (const folder of ["/boot/grub", "/grub"]) {
    const menu = await inFolder(folder);
    if (menu !== null) return [menu];
  }
  // Red Hat Enterprise Linux 6 keeps it beside its EFI program, GRUB4DOS for UEFI in /EFI/grub.
  for (const folder of await efiFolders(lookup)) {
    const menu = await inFolder(folder);
    if (menu !== null) return [menu];
  }
  return [];
}

/** The file `default`, in which `savedefault` leaves an entry's number. */
interface SavedDefault {
  readonly number: number;
  /** Null where there is none that could be written. */
  readonly file: FileRef | null;
}

async function savedDefault(volume: FormatVolume, path: string): Promise<SavedDefault> {
  const file = join(folderOf(path), "default");
  if (!(await fileExists(volume.reader, file))) return { number: 0, file: null };
  const text = Buffer.from(await volume.reader.readAt(file, 0, 64)).toString("latin1");
  return {
    number: Number(/^[0-9]{1,9}/.exec(text)?.[0] ?? 0),
    file: text.length < SHORTEST_DEFAULT ? null : { device: volume.name, path: file },
  };
}

/** A menu with those that it opens, as a list. */
interface Listed {
  readonly menu: LegacyMenu;
  /** For each title, its place in the list; null where it gave nothing. */
  readonly places: readonly (number | null)[];
  /** The default's. */
  readonly at: number | null;
  readonly isNamed: boolean;
}

/** The reading of one configuration, and of the menus that it opens. */
class Reading {
  readonly #context: FormatContext;
  readonly #names: LegacyNames;
  readonly #diagnostics = new DiagnosticList();
  readonly #budget: ListBudget;
  readonly #breath = new Breath(16);
  readonly #passwords = new NamelessPasswords();
  readonly #entries: ParsedEntry[] = [];
  #menus = 0;

  constructor(context: FormatContext) {
    this.#context = context;
    this.#names = new LegacyNames(context);
    this.#budget = ListBudget.of(context);
  }

  async result(path: string): Promise<FormatResult> {
    const { volume } = this.#context;
    const listed = await this.#list({ device: this.#names.own, path }, [], []);
    const none: Pick<Listed, "at" | "places"> = { at: null, places: [] };
    if (typeof listed === "string") this.#say(`${volume.name}:${path}`, listed);
    const { at, places } = typeof listed === "string" ? none : listed;
    const menu = typeof listed === "string" ? null : listed.menu;
    return {
      entries: this.#entries,
      diagnostics: this.#diagnostics.all,
      defaultIndex: at,
      defaultIsExplicit: typeof listed !== "string" && listed.isNamed,
      fallback: (menu?.fallback ?? []).flatMap((index) => places[index] ?? []),
      timeout: menu?.timeout ?? null,
      timeoutStyle: menu?.isHidden === true ? "hidden" : null,
      ...this.#passwords.fields,
    };
  }

  /**
   * Lists a menu's entries.
   * @param opened the menus around it, as FileRefs
   * @returns why there is nothing, in the words after the menu's name
   */
  async #list(
    { device, path }: { device: Device; path: string },
    submenu: readonly string[],
    opened: readonly string[],
  ): Promise<Listed | string> {
    if (device.kind !== "volume") return "is on no device that is attached";
    const file = normalize(path);
    const source = formatFileRef({ device: device.volume.name, path: file });
    if (opened.includes(source)) return "is one that leads here";
    if (opened.length >= MAX_DEPTH || this.#menus++ >= MAX_MENUS) return "is one menu too many";
    let read: Awaited<ReturnType<typeof readConfig>>;
    try {
      read = await readConfig({ ...device, share: this.#context.share }, file, MAX_SIZE);
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      // Of the configuration itself that is no answer.
      if (opened.length === 0) throw error;
      return isAbsence(error) ? "is not there" : error.message;
    }
    const { text, warnings } = decodeSource(read.bytes);
    const menu = new LegacyMenu(source, this.#names, opened.length === 0 ? this.#names.own : device, (diagnostic) =>
      this.#diagnostics.push(diagnostic),
    );
    for (const warning of warnings) menu.say("warning", null, warning);
    if (read.fault !== null) menu.say("error", null, read.fault);
    await menu.readText(text);
    this.#menuPassword(menu);
    const inside = [...opened, source];
    if (menu.opens !== null) {
      const listed = await this.#list(menu.opens, submenu, inside);
      if (typeof listed !== "string") return listed;
      menu.say("warning", null, nothingIn(this.#names.file(menu.opens.path, menu.opens.device), listed));
    }
    const saved = await savedDefault(device.volume, file);
    const places: (number | null)[] = [];
    for (const [index, draft] of menu.drafts.entries()) {
      places.push(await this.#add(menu, draft, index, opened.length === 0 ? saved.file : null, submenu, inside));
      await this.#breath.take();
      const end = this.#budget.sayEnd();
      if (end !== null) menu.say("error", null, end);
      if (this.#budget.isSpent) break;
    }
    return { menu, places, ...this.#default(menu, places, saved.number) };
  }

  #default(menu: LegacyMenu, places: readonly (number | null)[], saved: number): Pick<Listed, "at" | "isNamed"> {
    const wanted = menu.default === "saved" ? saved : (menu.default ?? 0);
    const isThere = wanted >= 0 && wanted < places.length;
    if (!isThere && places.length > 0) {
      menu.say(
        "warning",
        null,
        `the default is entry ${wanted}, which the menu doesn't have; GRUB takes the first one`,
      );
    }
    return { at: places[isThere ? wanted : 0] ?? null, isNamed: menu.default !== null && isThere };
  }

  /** @returns where it stands in the list: for a menu that it opens, that menu's default. */
  async #add(
    menu: LegacyMenu,
    draft: Draft,
    index: number,
    file: FileRef | null,
    submenu: readonly string[],
    opened: readonly string[],
  ): Promise<number | null> {
    if (draft.opens !== null && draft.kernel === null) {
      const before = this.#entries.length;
      const listed = await this.#list(draft.opens, [...submenu, draft.title], opened);
      if (typeof listed !== "string" && this.#entries.length > before) return listed.at;
      const why = typeof listed === "string" ? listed : "has no entries";
      draft.reason ??= nothingIn(this.#names.file(draft.opens.path, draft.opens.device), why);
    }
    const restricted = this.#passwordsOf(menu, draft, index);
    const entry = entryOf(draft, menu.source, submenu, restricted, writesOf(menu, draft, index, file));
    if (!this.#budget.admit(entry)) return null;
    return this.#entries.push(entry) - 1;
  }

  /** What opens an entry: its own password, or with `lock` the menu's. Nothing where it would ask for both, or has none. */
  #passwordsOf(menu: LegacyMenu, { isLocked, password }: Draft, index: number): readonly string[] | null {
    if (password === null && !isLocked) return null;
    if (isLocked) return password === null ? this.#menuPassword(menu) : [];
    return this.#passwords.add(`entry ${index + 1} of ${menu.source}`, password!.text, password!.isHash);
  }

  #menuPassword({ source, password }: LegacyMenu): readonly string[] {
    return password === null ? [] : this.#passwords.add(`password of ${source}`, password.text, password.isHash, true);
  }

  #say(source: string, message: string): void {
    const diagnostic: Diagnostic = { severity: "error", source, line: null, column: null, message };
    this.#diagnostics.push(diagnostic);
  }
}

function writesOf({ fallback }: LegacyMenu, { saves }: Draft, at: number, file: FileRef | null): StateWrite[] {
  const next = fallback[fallback.indexOf(at) + 1];
  const number = saves === "itself" ? at : saves === "fallback" ? next : saves;
  if (file === null || number === null || number === undefined || number < 0) return [];
  return [{ file, set: { default: String(number) }, unset: [], form: "default" }];
}

function entryOf(
  { title, kind, kernel, args, initrd, modules, reason, program }: Draft,
  source: string,
  submenu: readonly string[],
  restricted: readonly string[] | null,
  writes: readonly StateWrite[],
): ParsedEntry {
  const isMultiboot = kind === "multiboot" && kernel !== null;
  return parsedEntry({
    ...{ type: "grub-legacy", title, submenu, source, kind: kind ?? "other" },
    linux: kind === "linux" ? kernel : null,
    initrd: kind === "linux" ? initrd : [],
    // The hypervisor is the first of its modules, as for GRUB 2.
    modules: isMultiboot ? [{ file: kernel, args }, ...modules] : modules,
    options: kind === "linux" || isMultiboot ? args : "",
    reason: reason ?? (kernel === null ? "it names no kernel" : null),
    restricted,
    writes,
    ...(program !== null && kernel === null && { program }),
  });
}
