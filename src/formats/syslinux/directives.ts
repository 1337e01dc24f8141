/**
 * The language of SYSLINUX, ISOLINUX, EXTLINUX and PXELINUX: one directive a line, collected into menus and labels
 * (syslinux.cfg(5), menu.txt). What a label then boots is decided in commands.ts.
 *
 * U-Boot's extlinux.conf is the same language with fewer words and some of its own (FDT, FDTDIR, …); it is read
 * here too.
 */

import type { Diagnostic } from "../../entry.ts";
import { Breath, type DiagnosticSink } from "../budget.ts";
import type { Config, Label, LabelType, Menu, Position } from "./config.ts";
import { shorten, splitRaw, splitWord, toMask, toNumber } from "./words.ts";

const IMAGE_TYPES: ReadonlySet<string> = new Set<LabelType>([
  ...(["kernel", "linux", "boot", "bss", "pxe", "fdimage", "comboot", "com32", "config", "localboot"] as const),
]);

/** Reads a file that the configuration includes: its lines, or null (with a diagnostic given) where it can't be. */
type IncludeReader = (name: string, from: Position) => Promise<IncludedFile | null>;

export interface IncludedFile {
  readonly text: string;
  readonly source: string;
}

/** SYSLINUX itself nests 16 deep. */
const MAX_INCLUDE_DEPTH = 16;
/** Deeper than anybody would find an entry in. */
const MAX_MENU_DEPTH = 32;
/** Longer lines than any command line that a kernel takes. */
const MAX_LINE_LENGTH = 65_536;
const MAX_LABELS = 50_000;

/** Directives that change only looks and consoles. */
const COSMETIC = new Set([
  ...["display", "font", "kbdmap", "serial", "console", "say", "path", "nohalt", "nocomplete", "sendcookies"],
  // Whether command lines may be edited is for Baton's own policy to say.
  ...["allowoptions", "pxeretry", "localdir", "background", "kaslrseed", "title"],
]);

type Tree = "fdt" | "fdtdir" | "fdtoverlays";
const DEVICETREE_WORDS = new Map<string, Tree>(
  Object.entries<Tree>({
    ...{ fdt: "fdt", devicetree: "fdt", fdtdir: "fdtdir", devicetreedir: "fdtdir" },
    ...{ fdtoverlays: "fdtoverlays", "devicetree-overlay": "fdtoverlays" },
  }),
);

/** What follows MENU within a LABEL, and what that makes of it. */
type Flag = "hidden" | "disabled" | "navigates";
const LABEL_FLAGS = new Map<string, Flag>(
  Object.entries<Flag>({
    ...{ hide: "hidden", disable: "disabled", disabled: "disabled" },
    ...{ goto: "navigates", exit: "navigates", quit: "navigates" },
  }),
);

export class DirectiveParser {
  readonly #include: IncludeReader;
  readonly #diagnostics: DiagnosticSink;
  readonly #breath: Breath;
  readonly #labels: Label[] = [];
  readonly config: Config;
  #menu: Menu;
  #label: Label | null = null;
  #append: string | null = null;
  #sysappend = 0;
  #full = false;
  #tooDeep = 0;

  constructor(include: IncludeReader, diagnostics: DiagnosticSink, breath = new Breath(64)) {
    this.#include = include;
    this.#diagnostics = diagnostics;
    this.#breath = breath;
    const root: Menu = { tag: "", title: "", label: null, parent: null, depth: 0, items: [], defaultItem: null };
    this.#menu = root;
    this.config = {
      ...{ root, labels: this.#labels, default: null, ui: null, ontimeout: null, onerror: null },
      ...{ timeout: null, totaltimeout: null, prompt: null, noescape: false, implicit: true },
      ...{
        menuHidden: false,
        hasMenuWords: false,
        saves: false,
        masterPasswd: null,
        hasUbootWords: false,
        start: null,
      },
    };
  }

  /** Reads one more file, as if it were appended to those before it. */
  async read(file: IncludedFile): Promise<void> {
    await this.#lines(file, 1);
  }

  /** The end of the last file. */
  finish(): Config {
    this.#endLabel();
    return this.config;
  }

  async #lines(file: IncludedFile, depth: number): Promise<void> {
    // CR ends a line for SYSLINUX, NUL for anything written in C.
    const lines = file.text.split("\n");
    for (let at = 0; at < lines.length; at++) {
      const breath = this.#breath.take();
      if (breath !== undefined) await breath;
      let text = lines[at]!;
      const end = text.search(/[\r\0]/);
      if (end >= 0) text = text.slice(0, end);
      const line = at + 1;
      const column = text.search(/[^ \t\v\f]/) + 1;
      if (column === 0 || text[column - 1] === "#") continue;
      const place = { source: file.source, line, column };
      if (text.length > MAX_LINE_LENGTH) {
        this.#say("error", place, `a line of ${text.length} characters; it is ignored`);
        continue;
      }
      const [word, rest] = splitWord(text.slice(column - 1));
      if (word === "text") {
        at = await this.#helpText(lines, at, place);
        continue;
      }
      if (word === "include" || (word === "menu" && splitWord(rest)[0] === "include")) {
        await this.#includeFile(word === "menu" ? splitWord(rest)[1] : rest, word === "menu", place, depth);
        continue;
      }
      if (word === "append") {
        // Blanks at its end count: what is added to the command line comes after them.
        this.#appendDirective(text.slice(column + 5).replace(/^[ \t\v\f]+/, ""));
        continue;
      }
      this.#directive(word, rest, place);
      if (this.#full) return;
    }
  }

  /** TEXT HELP … ENDTEXT. @returns the index of its last line. */
  async #helpText(lines: readonly string[], start: number, place: Position): Promise<number> {
    for (let at = start + 1; at < lines.length; at++) {
      await this.#breath.take();
      if (splitWord(lines[at]!.replace(/\r.*/s, "").trim())[0] === "endtext") return at;
    }
    // SYSLINUX swallows the rest of the file here. Labels that are lost that way would be missed: read on instead.
    this.#say("error", place, "TEXT without ENDTEXT: everything after it is help text; add the line ENDTEXT");
    const next = lines.findIndex((text, at) => at > start && /^\s*label\s/i.test(text));
    return next < 0 ? lines.length : next - 1;
  }

  async #includeFile(rest: string, fromMenu: boolean, place: Position, depth: number): Promise<void> {
    const [name, tag] = splitRaw(rest);
    if (fromMenu) this.config.hasMenuWords = true;
    if (name === "") return this.#say("error", place, "INCLUDE names no file");
    if (depth >= MAX_INCLUDE_DEPTH) {
      return this.#say(
        "error",
        place,
        `INCLUDE ${name}: files include one another more than ${MAX_INCLUDE_DEPTH} deep`,
      );
    }
    const file = await this.#include(name, place);
    if (file === null) return;
    // MENU INCLUDE with a tag: the file's items go into a submenu of that name.
    const tagged = fromMenu && tag !== "";
    if (tagged) this.#beginMenu(tag, place);
    await this.#lines(file, depth + 1);
    if (tagged) this.#endMenu();
  }

  #appendDirective(value: string): void {
    if (this.#label) this.#label.append = value;
    else this.#append = value;
  }

  #directive(word: string, rest: string, place: Position): void {
    const config = this.config;
    const label = this.#label;
    if (IMAGE_TYPES.has(word)) {
      if (label) {
        label.type = word as LabelType;
        label.image = rest;
      } else this.#say("warning", place, `${word.toUpperCase()} outside a LABEL does nothing`);
      return;
    }
    const tree = DEVICETREE_WORDS.get(word);
    if (tree !== undefined) {
      config.hasUbootWords = true;
      if (label) label[tree] ??= rest;
      return;
    }
    switch (word) {
      case "label":
        this.#beginLabel(rest, place);
        break;
      case "menu":
        config.hasMenuWords = true;
        this.#menuDirective(rest, place);
        break;
      case "initrd":
        // SYSLINUX ignores it outside a label.
        if (label) label.initrd = rest;
        break;
      case "ipappend":
      case "sysappend":
        if (label) label.sysappend = toMask(rest);
        else this.#sysappend = toMask(rest);
        break;
      case "default":
        config.default = { text: rest, source: place.source, line: place.line };
        break;
      case "ui":
      case "ontimeout":
      case "onerror":
        config[word] = rest;
        break;
      case "timeout":
      case "totaltimeout":
      case "prompt":
        config[word] = toNumber(rest);
        break;
      case "noescape":
      case "implicit":
        config[word] = toNumber(rest) !== 0;
        break;
      default:
        if (COSMETIC.has(word) || /^f[0-9]{1,2}$/.test(word)) break;
        this.#say("warning", place, `'${shorten(word)}' is no directive; the line is ignored`);
    }
  }

  #menuDirective(text: string, place: Position): void {
    const [word, rest] = splitWord(text);
    const label = this.#label;
    const menu = this.#menu;
    const flag = LABEL_FLAGS.get(word);
    if (flag !== undefined && label) label[flag] = true;
    switch (word) {
      case "label":
        if (label) label.menuLabel = rest;
        else if (menu.parent) {
          menu.label = rest;
          menu.title ||= rest.replaceAll("^", "");
        }
        break;
      case "title":
        menu.title = rest;
        break;
      case "default":
        if (label) menu.defaultItem = label;
        else if (menu.parent) menu.parent.defaultItem = menu;
        break;
      case "hidden":
        this.config.menuHidden = true;
        break;
      case "passwd":
        if (label) label.passwd = rest;
        break;
      case "master": {
        const [what, password] = splitWord(rest);
        if (what === "passwd") this.config.masterPasswd = password;
        break;
      }
      case "save":
        this.config.saves = true;
        break;
      case "separator":
        this.#endLabel();
        break;
      case "begin":
        this.#beginMenu(rest, place);
        break;
      case "end":
        if (menu.parent === null) this.#say("warning", place, "MENU END without MENU BEGIN");
        this.#endMenu();
        break;
      case "start":
        this.config.start = menu;
        break;
      case "onerror":
        this.config.onerror = rest;
        break;
    }
    // Whatever else follows MENU is about colours, sizes and messages.
  }

  #beginLabel(name: string, place: Position): void {
    this.#endLabel();
    if (this.#labels.length >= MAX_LABELS) {
      this.#full = true;
      this.#say("error", place, `more than ${MAX_LABELS} labels; those from here on are not read`);
      return;
    }
    if (name === "") this.#say("error", place, "LABEL without a name; it is ignored");
    const [first] = splitRaw(name);
    this.#label = {
      name,
      source: place.source,
      line: place.line,
      menu: this.#menu,
      sysappend: this.#sysappend,
      ...{ type: "kernel", image: first, append: null, globalAppend: null, initrd: null, menuLabel: null },
      ...{ hidden: false, disabled: false, passwd: null, navigates: false },
      ...{ fdt: null, fdtdir: null, fdtoverlays: null },
    };
  }

  /** A label ends where the next begins, and where the menu around it changes. */
  #endLabel(): void {
    const label = this.#label;
    this.#label = null;
    if (label === null || label.name === "") return;
    label.globalAppend = this.#append;
    this.#labels.push(label);
    label.menu.items.push(label);
  }

  #beginMenu(tag: string, place: Position): void {
    this.#endLabel();
    const parent = this.#menu;
    if (parent.depth >= MAX_MENU_DEPTH) {
      this.#tooDeep++;
      if (this.#tooDeep === 1)
        this.#say("error", place, `menus are nested more than ${MAX_MENU_DEPTH} deep; from here on they are not`);
      return;
    }
    const menu: Menu = { tag, title: "", label: null, parent, depth: parent.depth + 1, items: [], defaultItem: null };
    parent.items.push(menu);
    this.#menu = menu;
  }

  #endMenu(): void {
    this.#endLabel();
    if (this.#tooDeep > 0) {
      this.#tooDeep--;
      return;
    }
    this.#menu = this.#menu.parent ?? this.#menu;
  }

  #say(severity: Diagnostic["severity"], { source, line, column }: Position, message: string): void {
    this.#diagnostics.push({ severity, source, line, column, message });
  }
}
