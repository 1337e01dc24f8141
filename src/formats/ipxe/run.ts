/**
 * Runs an iPXE script as far as it goes without a person: to what it boots, or to a menu, each of whose items is then
 * followed in a copy of the script's state. What it asks for becomes entries.
 */

import type { Diagnostic, FileRef, ParsedEntry } from "../../entry.ts";
import { formatFileRef, parsedEntry } from "../../entry.ts";
import {
  bootImage,
  copyMachine,
  fetchImage,
  type Image,
  type IpxeHost,
  type Item,
  LEAVING,
  lastPart,
  type Machine,
  QUIET,
  startMachine,
} from "./machine.ts";
import { kindByName, LOADER, looksLikeKernel, reasonAgainst, SCRIPT_NAME } from "./names.ts";
import { expandSettings, isScript, type Options, parseOptions, parseScript } from "./script.ts";

const MAX_STEPS = 20_000;
/** Of one menu; more than anybody could read. */
const MAX_ITEMS = 2000;
const MAX_ENTRIES = 5000;
const MAX_MENU_DEPTH = 8;
const MAX_CHAIN_DEPTH = 16;
const MAX_CHAINED = 200;

/** What a run comes to. */
export interface IpxeListing {
  readonly entries: ParsedEntry[];
  readonly defaultIndex: number | null;
  readonly defaultIsExplicit: boolean;
  /** Seconds, as in FormatResult. */
  readonly timeout: number | null;
}

/** Where a run is: titles around it, the item that led here, and the menus passed on the way. */
interface Way {
  readonly submenu: readonly string[];
  readonly item: Item | null;
  readonly passed: readonly string[];
  /** What is missing has failed, and that is all: see {@link IpxeRun} on missing files. */
  readonly strict?: boolean;
  /** A person has chosen to see what is there: of the menu behind the door nothing boots by itself. */
  readonly isOpened?: boolean;
  /** What boots without a person lies on this way, or a person has chosen it: nothing on it is put off. */
  readonly isChosen: boolean;
}

type Step = "next" | "jumped" | "failed" | IpxeListing;

const NOTHING: IpxeListing = { entries: [], defaultIndex: null, defaultIsExplicit: false, timeout: null };

export class IpxeRun {
  readonly diagnostics: Diagnostic[] = [];
  /** What was put off, by `ParsedEntry.opens`. One at a time. */
  readonly doors = new Map<string, () => Promise<IpxeListing>>();
  /** Scripts that have been read: going back to one of them costs nothing. */
  readonly #read = new Set<string>();
  readonly #host: IpxeHost;
  readonly #title: string;
  #steps = 0;
  #entries = 0;
  #chained = 0;

  /** @param title of an entry that no menu names. */
  constructor(host: IpxeHost, title: string) {
    this.#host = host;
    this.#title = title;
  }

  run(text: string, source: string, base: FileRef): Promise<IpxeListing> {
    const way: Way = { submenu: [], item: null, passed: [], isChosen: true };
    this.#read.add(source);
    return this.#go(startMachine(parseScript(text, source), base), way);
  }

  async #go(start: Machine, way: Way): Promise<IpxeListing> {
    let machine = start;
    for (;;) {
      const line = machine.script.lines[machine.line];
      const segment = line?.segments[machine.segment];
      if (segment === undefined) {
        const failed = line !== undefined && line.segments.length > 0 && !machine.ok;
        if (line !== undefined && !failed) {
          machine.line++;
          machine.segment = 0;
          machine.ok = true;
          continue;
        }
        // The end of the script, or a line that failed: back to whoever called it, with that result.
        if (machine.caller === null) return this.#ended(machine, way, failed);
        machine = returned(machine, machine.caller, !failed);
        continue;
      }
      if (this.#steps++ > MAX_STEPS) return this.#outOfSteps(machine, way);
      const before = machine.segment === 0 ? null : line!.segments[machine.segment - 1]!.next;
      machine.segment++;
      if ((before === "&&" && !machine.ok) || (before === "||" && machine.ok)) continue;
      const words = segment.tokens.map((token) => expandSettings(token, (name) => this.#setting(machine, name)));
      const step = await this.#command(machine, words, way, line!.number);
      if (typeof step === "object") return step;
      if (step === "jumped") machine = this.#called ?? machine;
      else machine.ok = step === "next";
      this.#called = null;
    }
  }

  /** Set by `chain` of a script and by `exit` from one: what runs next. */
  #called: Machine | null = null;

  #setting(machine: Machine, name: string): string | null {
    return machine.settings.get(name) ?? this.#host.setting(name);
  }

  async #command(machine: Machine, words: readonly string[], way: Way, line: number): Promise<Step> {
    const [name, ...args] = words;
    if (name === undefined || QUIET.has(name)) return "next";
    switch (name) {
      case "set": {
        const [setting, ...value] = args;
        if (setting === undefined) return "failed";
        machine.settings.set(untyped(setting), value.join(" "));
        return "next";
      }
      case "clear":
        machine.settings.set(untyped(args[0] ?? ""), "");
        return "next";
      case "inc": {
        const setting = untyped(args[0] ?? "");
        const by = Number(args[1] ?? 1);
        machine.settings.set(setting, String((Number(this.#setting(machine, setting)) || 0) + (by || 0)));
        return "next";
      }
      case "isset":
        return args[0] ? "next" : "failed";
      case "iseq":
        return args.length === 2 && args[0] === args[1] ? "next" : "failed";
      case "cpuid":
        // `cpuid --ext 29`: can the processor run 64-bit code?
        return args.at(-1) === "29" && this.#setting(machine, "buildarch") !== "x86_64" ? "failed" : "next";
      case "goto":
        return this.#goto(machine, args[0] ?? "", line);
      case "read":
        this.#say(
          machine,
          line,
          `'read ${args[0] ?? ""}' asks for a text; the script goes on with what is set already`,
        );
        return "next";
      case "time":
        return this.#command(machine, args, way, line);
      case "menu":
      case "item":
        return this.#menuWord(machine, name, args);
      case "choose":
        return this.#choose(machine, args, way, line);
      case "prompt":
        return this.#prompt(machine, args, way);
      case "imgfetch":
      case "module":
      case "initrd":
        return this.#fetch(machine, args, way, false);
      case "kernel":
      case "imgselect":
      case "imgload":
        return this.#fetch(machine, args, way, true);
      case "imgargs": {
        const image = machine.images.findLast((candidate) => candidate.name === args[0]);
        if (image === undefined) return "failed";
        const changed = { ...image, args: args.slice(1).join(" ") };
        machine.images = machine.images.map((other) => (other === image ? changed : other));
        return "next";
      }
      case "imgfree":
        machine.images = args[0] === undefined ? [] : machine.images.filter((image) => image.name !== args[0]);
        if (args[0] === undefined || machine.selected === args[0]) machine.selected = null;
        return "next";
      case "boot":
      case "imgexec":
      case "chain":
        return this.#boot(machine, words, way, line);
      default:
        break;
    }
    if (name === "exit" && machine.caller !== null) {
      this.#called = returned(machine, machine.caller, Number(args[0] ?? 0) === 0);
      return "jumped";
    }
    const leaving = LEAVING[name];
    if (leaving !== undefined) return name === "sanhook" ? "next" : this.#unbootable(machine, way, leaving, "local");
    this.#say(machine, line, `'${name}' is no command of iPXE that Baton knows; it counts as failed`);
    return "failed";
  }

  /**
   * A file that is missing makes its command fail, and the script goes on from there; where that leads to something
   * that boots, so be it. Where it doesn't, the entry stays with the file that it names, so that a person sees which
   * one is missing.
   */
  async #fetch(machine: Machine, args: readonly string[], way: Way, select: boolean): Promise<Step> {
    if ((await fetchImage(machine, args, this.#host, select)) !== null) return "next";
    if (way.strict) return "failed";
    const named = copyMachine(machine);
    if ((await fetchImage(named, args, { ...this.#host, exists: async () => true }, select)) === null) return "failed";
    const said = this.diagnostics.length;
    const entries = this.#entries;
    machine.ok = false;
    const failed = await this.#go(machine, { ...way, strict: true });
    if (failed.entries.some(({ reason }) => reason === null)) return failed;
    this.diagnostics.length = said;
    this.#entries = entries;
    named.ok = true;
    return this.#go(named, way);
  }

  #goto(machine: Machine, label: string, line: number): Step {
    const target = machine.script.labels.get(label);
    if (target === undefined) {
      this.#say(machine, line, `goto ${label}: there is no such label`);
      return "failed";
    }
    machine.line = target;
    machine.segment = 0;
    machine.ok = true;
    return "jumped";
  }

  #menuWord(machine: Machine, word: "menu" | "item", args: readonly string[]): Step {
    if (word === "menu") {
      const options = parseOptions(args, { name: true, delete: false });
      if (typeof options === "string") return "failed";
      const name = textOption(options, "name") ?? "";
      if (options.given.has("delete")) machine.menus.delete(name);
      else machine.menus.set(name, { title: options.args.join(" "), items: [], default: null });
      return "next";
    }
    const options = parseOptions(args, { menu: true, key: true, default: false, gap: false });
    if (typeof options === "string") return "failed";
    const menuName = textOption(options, "menu") ?? "";
    const menu = machine.menus.get(menuName);
    if (menu === undefined || menu.items.length >= MAX_ITEMS) return "failed";
    const isGap = options.given.has("gap") || options.args.length === 0;
    const name = isGap ? null : options.args[0]!;
    const text = options.args.slice(isGap ? 0 : 1).join(" ");
    const item = { name, text, key: keyOf(textOption(options, "key")) };
    const isDefault = name !== null && options.given.has("default");
    machine.menus.set(menuName, { ...menu, items: [...menu.items, item], default: isDefault ? name : menu.default });
    return "next";
  }

  /** Each item in a copy of its own. */
  async #choose(machine: Machine, args: readonly string[], way: Way, line: number): Promise<Step> {
    const options = parseOptions(args, { menu: true, default: true, timeout: true, keep: false });
    if (typeof options === "string" || options.args.length !== 1) return "failed";
    const menu = machine.menus.get(textOption(options, "menu") ?? "");
    if (menu === undefined || menu.items.every((item) => item.name === null)) return "failed";
    const site = `${machine.script.source}:${line}:${menu.items.map((item) => item.name).join(" ")}`;
    // Back to a menu that led here: the way back, not another entry.
    if (way.passed.includes(site) || way.passed.length >= MAX_MENU_DEPTH) return NOTHING;
    const submenu = way.item === null ? way.submenu : [...way.submenu, itemTitle(way.item)];
    const wanted = textOption(options, "default") ?? menu.default;
    const items = menu.items.filter((item) => item.name !== null);
    const entries: ParsedEntry[] = [];
    let defaultIndex: number | null = null;
    let isExplicit = false;
    for (const [index, item] of items.entries()) {
      const copy = copyMachine(machine);
      copy.settings.set(untyped(options.args[0]!), item.name!);
      copy.ok = true;
      const isWanted = wanted === null ? index === 0 : item.name === wanted;
      const isChosen = way.isChosen && !way.isOpened && isWanted;
      const listed = await this.#go(copy, { submenu, item, passed: [...way.passed, site], isChosen });
      const at = listed.defaultIndex === null ? null : entries.length + listed.defaultIndex;
      for (const entry of listed.entries) entries.push(entry);
      const isNamed = item.name === wanted;
      if (at !== null && (isNamed ? !isExplicit : index === 0)) {
        defaultIndex = at;
        isExplicit = isNamed;
      }
    }
    const timeout = milliseconds(textOption(options, "timeout"));
    return { entries, defaultIndex, defaultIsExplicit: isExplicit, timeout: timeout ?? Number.POSITIVE_INFINITY };
  }

  /** A key that leads elsewhere: what happens without it is the script's way, the rest stands below the question. */
  async #prompt(machine: Machine, args: readonly string[], way: Way): Promise<Step> {
    const options = parseOptions(args, { key: true, timeout: true, set: true });
    if (typeof options === "string") return "failed";
    const timeout = milliseconds(textOption(options, "timeout"));
    const site = `${machine.script.source}:${machine.line}:prompt`;
    if ((!options.given.has("key") && timeout === null) || way.passed.includes(site)) return "next";
    const pressed = copyMachine(machine);
    pressed.ok = true;
    machine.ok = false;
    const passed = [...way.passed, site];
    const without = await this.#go(machine, { ...way, passed });
    const question: Item = {
      name: "prompt",
      text: options.args.join(" ") || "Press a key",
      key: keyOf(textOption(options, "key")),
    };
    const outer = way.item === null ? way.submenu : [...way.submenu, itemTitle(way.item)];
    const asked = await this.#go(pressed, { submenu: outer, item: question, passed, isChosen: false });
    const more = asked.entries.filter((entry) => entry.reason === null);
    return { ...without, entries: [...without.entries, ...more], timeout: without.timeout ?? timeout };
  }

  /** `boot`, `chain`, `imgexec`: an image that is there, or a file. */
  async #boot(machine: Machine, whole: readonly string[], way: Way, line: number): Promise<Step> {
    const args = whole.slice(1);
    const options = parseOptions(args, { name: true, timeout: true, autofree: false, replace: false });
    if (typeof options === "string") return "failed";
    const [target, ...words] = options.args;
    const known = bootImage(machine, target);
    if (known === null && target === undefined) return "failed";
    if (known === null && this.#isPutOff(machine, target!, way)) return this.#door(machine, whole, way, line);
    const image =
      known ??
      (await fetchImage(
        machine,
        args.filter((word) => !/^(--replace|-r)$/.test(word)),
        this.#host,
        true,
      ));
    if (image === null) return this.#fetched(machine, line, whole, null);
    const booted = known !== null && words.length > 0 ? { ...image, args: words.join(" ") } : image;
    const tree = LOADER.test(booted.name) ? await this.#tree(machine, booted, way) : null;
    if (tree !== null) return tree;
    const text = looksLikeKernel(booted.name) ? null : await this.#host.read(booted.ref);
    if (text !== null && isScript(text)) return this.#call(machine, booted, text, options.given.has("replace"));
    return this.#bootable(machine, booted, way, text === null);
  }

  /** Another network loader is not started: what it would read is. */
  async #tree(machine: Machine, { ref }: Image, way: Way): Promise<IpxeListing | null> {
    const [conf, prefix] = ["209", "210"].map((name) => machine.settings.get(name) || null);
    const tree = await this.#host.tree?.(ref, { conf: conf!, prefix: prefix! });
    if (!tree || tree.entries.length === 0) return null;
    const outer = way.item === null ? way.submenu : [...way.submenu, itemTitle(way.item)];
    const room = Math.max(0, MAX_ENTRIES - this.#entries);
    this.#entries += tree.entries.length;
    const entries = tree.entries.slice(0, room).map((entry) => ({ ...entry, submenu: [...outer, ...entry.submenu] }));
    return { entries, defaultIndex: tree.defaultIndex, defaultIsExplicit: true, timeout: tree.timeout };
  }

  /** A menu may lead to hundreds of scripts: what no way without a person leads to is fetched when it is chosen. */
  #isPutOff(machine: Machine, uri: string, way: Way): boolean {
    if (!this.#host.defers || way.isChosen || way.item === null) return false;
    const name = lastPart(uri);
    if (looksLikeKernel(name) || (name.includes(".") && !SCRIPT_NAME.test(name) && !LOADER.test(name))) return false;
    const ref = this.#host.resolve(uri, machine.base);
    return ref !== null && !this.#read.has(formatFileRef(ref));
  }

  #door(machine: Machine, words: readonly string[], way: Way, line: number): IpxeListing {
    const name = String(this.doors.size + 1);
    const state = copyMachine(machine);
    this.doors.set(name, async () => {
      this.#steps = 0;
      this.#chained = 0;
      let here = copyMachine(state);
      const inside = { ...way, isChosen: true, isOpened: true };
      const step = await this.#command(here, words, inside, line);
      if (typeof step === "object") return step;
      if (step === "jumped") here = this.#called ?? here;
      else here.ok = step === "next";
      this.#called = null;
      return this.#go(here, inside);
    });
    return this.#one(machine, way, { kind: "other", opens: name });
  }

  /** A script mostly goes on after what it can't fetch, and ends somewhere else: that is why. */
  #fetched(machine: Machine, line: number, words: readonly string[], image: Image | null): Step {
    if (image !== null) return "next";
    this.#say(
      machine,
      line,
      `'${words.join(" ").slice(0, 200)}' fails: there is no such file, or it can't be read here`,
    );
    return "failed";
  }

  /** Another script goes on; afterwards this one, unless it is replaced. */
  #call(machine: Machine, image: Image, text: string, replace: boolean): Step {
    let depth = 0;
    for (let at = machine.caller; at !== null; at = at.caller) depth++;
    if (depth >= MAX_CHAIN_DEPTH || this.#chained++ >= MAX_CHAINED) return "failed";
    // The script itself is no initrd of what it boots.
    machine.images = machine.images.filter((other) => other !== image);
    if (machine.selected === image.name) machine.selected = null;
    this.#read.add(formatFileRef(image.ref));
    const script = parseScript(text, formatFileRef(image.ref));
    this.#called = startMachine(script, image.ref, replace ? machine.caller : machine);
    if (replace) Object.assign(this.#called, { images: machine.images, selected: machine.selected });
    return "jumped";
  }

  #bootable(machine: Machine, image: Image, way: Way, isUnread: boolean): IpxeListing {
    const reason = reasonAgainst(image, isUnread);
    if (reason !== null) return this.#unbootable(machine, way, reason, kindByName(image.name));
    const initrd = machine.images.filter((other) => other.name !== image.name).map((other) => other.ref);
    return this.#one(machine, way, { linux: image.ref, initrd, options: image.args });
  }

  #unbootable(machine: Machine, way: Way, reason: string, kind: ParsedEntry["kind"]): IpxeListing {
    return this.#one(machine, way, { kind, reason });
  }

  #ended(machine: Machine, way: Way, failed: boolean): IpxeListing {
    const number = machine.script.lines[machine.line]?.number;
    const reason = failed ? `the script fails in line ${number}` : "the script ends without booting anything";
    return this.#unbootable(machine, way, reason, "other");
  }

  #outOfSteps(machine: Machine, way: Way): IpxeListing {
    const number = machine.script.lines[machine.line]?.number ?? null;
    if (this.#steps === MAX_STEPS + 2) {
      this.#say(machine, number, `more than ${MAX_STEPS} commands were run; the script may have no end`, "error");
    }
    return this.#unbootable(machine, way, "the script was stopped: it ran too long", "other");
  }

  #one(machine: Machine, way: Way, fields: Partial<ParsedEntry>): IpxeListing {
    if (this.#entries++ >= MAX_ENTRIES) {
      const message = `more than ${MAX_ENTRIES} entries; the rest is not listed`;
      if (this.#entries === MAX_ENTRIES + 1) this.#say(machine, null, message, "error");
      return NOTHING;
    }
    const title = way.item === null ? this.#title : itemTitle(way.item);
    const { source } = machine.script;
    const nativeId = way.item?.name ?? null;
    const hotkey = way.item?.key ?? null;
    const entry = parsedEntry({ title, nativeId, submenu: way.submenu, type: "ipxe", source, hotkey, ...fields });
    return { entries: [entry], defaultIndex: 0, defaultIsExplicit: way.item === null, timeout: null };
  }

  #say(machine: Machine, line: number | null, message: string, severity: Diagnostic["severity"] = "warning"): void {
    const { source } = machine.script;
    const isNew = this.diagnostics.every((d) => d.line !== line || d.message !== message || d.source !== source);
    if (isNew && this.diagnostics.length < 200)
      this.diagnostics.push({ severity, source, line, column: null, message });
  }
}

/** The script that called this one, with what this one leaves behind. */
function returned(from: Machine, caller: Machine, ok: boolean): Machine {
  return Object.assign(caller, { ok, images: from.images, selected: from.selected });
}

const untyped = (setting: string): string => setting.replace(/:[a-z0-9]+$/, "");

function textOption(options: Options, name: string): string | null {
  const value = options.given.get(name);
  return typeof value === "string" && value !== "" ? value : null;
}

/** iPXE names keys by a character or a number (0x02 is Ctrl-B); only characters are keys of a menu here. */
const keyOf = (text: string | null): string | null => (text !== null && [...text].length === 1 ? text : null);

/** Seconds; null where there is no timeout (none, or zero). */
function milliseconds(text: string | null): number | null {
  const value = Number(text ?? 0);
  return value > 0 && Number.isFinite(value) ? value / 1000 : null;
}

const itemTitle = (item: Item): string => item.text.trim() || item.name || "Item";
