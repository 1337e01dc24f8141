/**
 * GRUB legacy (0.97): `menu.lst`, which Red Hat called `grub.conf`. Its manual is the specification. Commands before
 * the first `title` are the menu's own; partitions count from 0.
 */

import { Buffer } from "node:buffer";
import {
  type BootModule,
  type Diagnostic,
  type EntryKind,
  type FileRef,
  type ParsedEntry,
  parsedEntry,
  type StateWrite,
} from "../entry.ts";
import { BatonError } from "../errors.ts";
import {
  EMPTY_RESULT,
  type Format,
  type FormatContext,
  type FormatResult,
  type FormatVolume,
  type LineSigns,
} from "./format.ts";
import { type Device, Devices } from "./grub/devices.ts";
import { Environment } from "./grub/environment.ts";
import { decodeSource } from "./grub/source.ts";
import { fileExists } from "./lookup.ts";
import { MAX_CONFIG_SIZE } from "./reader.ts";

const FOLDERS = ["/boot/grub", "/grub"];
const NAMES = ["menu.lst", "grub.conf"];
const MAX_ENTRIES = 10_000;
const MAX_DIAGNOSTICS = 200;
/** It knows no more fallback entries, and writes no shorter file than this (`savedefault`). */
const MAX_FALLBACKS = 8;
const SHORTEST_DEFAULT = 10;

/** What shows a text to be a menu.lst. */
const SIGNS: LineSigns = {
  line: /^\s*(title\s|root\s*\(|rootnoverify\s|kernel\s*[(/]|makeactive|savedefault|default[\s=]|timeout[\s=]|hiddenmenu|color\s|splashimage)/,
  ownLine: /^\s*(title\s|kernel\s*[(/]|rootnoverify\s|root\s*\(hd)/,
  fileName: /menu\.lst|grub\.conf/i,
  precedence: 2,
};

export const grubLegacy: Format = {
  name: "grub-legacy",
  signs: SIGNS,
  async find(volume) {
    for (const folder of FOLDERS) {
      // Beside GRUB 2's configuration it is a leftover.
      if (await fileExists(volume.reader, `${folder}/grub.cfg`)) continue;
      // Red Hat's menu.lst is a link to grub.conf: one of them is enough.
      for (const name of NAMES) if (await fileExists(volume.reader, `${folder}/${name}`)) return [`${folder}/${name}`];
    }
    return [];
  },
  parse: readLegacy,
};

/** Accepted without a word: they change nothing about what is listed or booted. */
const QUIET = new Set(
  (
    "background bootp cat clear cmp color debug device dhcp displayapm displaymem embed find foreground geometry " +
    "gfxmenu halt help hide ifconfig impsprobe install ioprobe makeactive map md5crypt pager partnew parttype pause quiet " +
    "rarp read reboot serial setkey setup shade silent splash splashimage terminal terminfo testload testvbe " +
    "tftpserver unhide uppermem verbose viewport"
  ).split(" "),
);

/** What one `title` has collected. */
interface Draft {
  readonly title: string;
  readonly line: number;
  root: Device;
  kind: EntryKind | null;
  kernel: FileRef | null;
  args: string;
  initrd: FileRef[];
  modules: BootModule[];
  reason: string | null;
  isLocked: boolean;
  /** What it writes into the file `default` when it is booted: its own number, its fallback's, or one that it names. */
  saves: "itself" | "fallback" | number | null;
}

async function readLegacy(path: string, context: FormatContext): Promise<FormatResult> {
  const { volume } = context;
  const source = `${volume.name}:${path}`;
  let bytes: Uint8Array;
  try {
    bytes = await volume.reader.read(path, MAX_CONFIG_SIZE);
  } catch (error) {
    if (!(error instanceof BatonError) || error.code !== "too-large") throw error;
    const diagnostic: Diagnostic = { severity: "error", source, line: null, column: null, message: error.message };
    return { ...EMPTY_RESULT, diagnostics: [diagnostic] };
  }
  const { text, warnings } = decodeSource(bytes);
  const menu = new LegacyMenu(source, context);
  for (const warning of warnings) menu.say("warning", null, warning);
  for (const { line, text: command } of commandLines(text)) if (!menu.read(command, line)) break;
  return menu.result(await savedDefault(volume, path));
}

/** Lines without comments and blanks; a backslash at a line's end continues it. */
function* commandLines(text: string): Iterable<{ line: number; text: string }> {
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1;
    const parts = [lines[i]!];
    while (parts.at(-1)!.endsWith("\\") && i + 1 < lines.length) parts.push(lines[++i]!);
    const command = parts
      .map((part, at) => (at < parts.length - 1 ? part.slice(0, -1) : part))
      .join("")
      .trim();
    if (command !== "" && !command.startsWith("#")) yield { line, text: command };
  }
}

/** The file `default`, in which `savedefault` leaves an entry's number. */
interface SavedDefault {
  readonly number: number;
  /** Null where there is none that could be written. */
  readonly file: FileRef | null;
}

async function savedDefault(volume: FormatVolume, path: string): Promise<SavedDefault> {
  const file = `${path.slice(0, path.lastIndexOf("/"))}/default`;
  if (!(await fileExists(volume.reader, file))) return { number: 0, file: null };
  const text = Buffer.from(await volume.reader.readAt(file, 0, 64)).toString("latin1");
  return {
    number: Number(/^[0-9]{1,9}/.exec(text)?.[0] ?? 0),
    file: text.length < SHORTEST_DEFAULT ? null : { device: volume.name, path: file },
  };
}

/** Reads the menu line by line. */
class LegacyMenu {
  readonly #source: string;
  readonly #devices: Devices;
  readonly #env = Environment.empty();
  readonly #diagnostics: Diagnostic[] = [];
  readonly #drafts: Draft[] = [];
  #root: Device;
  #default: number | "saved" | null = null;
  #fallback: readonly number[] = [];
  #timeout: number | null = null;
  #isHidden = false;

  constructor(source: string, context: FormatContext) {
    this.#source = source;
    this.#devices = new Devices(context);
    this.#root = { kind: "volume", volume: context.volume };
  }

  say(severity: Diagnostic["severity"], line: number | null, message: string): void {
    if (this.#diagnostics.length >= MAX_DIAGNOSTICS) return;
    this.#diagnostics.push({ severity, source: this.#source, line, column: null, message });
  }

  /** @returns false where no more is read. */
  read(text: string, line: number): boolean {
    const [, name, value] = /^([^\s=]*)[\s=]*([\s\S]*)$/.exec(text)!;
    const argument = value!.trim();
    if (name === "title") {
      if (this.#drafts.length >= MAX_ENTRIES) {
        this.say("error", line, `more than ${MAX_ENTRIES} entries; the others are left out`);
        return false;
      }
      this.#drafts.push({
        ...{ title: argument, line, root: this.#root, kind: null, kernel: null, args: "" },
        ...{ initrd: [], modules: [], reason: null, isLocked: false, saves: null },
      });
      return true;
    }
    const draft = this.#drafts.at(-1);
    if (draft === undefined) this.#readMenuCommand(name!, argument, line);
    else this.#readEntryCommand(draft, name!, argument, line);
    return true;
  }

  #readMenuCommand(name: string, argument: string, line: number): void {
    switch (name) {
      case "default":
        this.#default = argument === "saved" ? "saved" : this.#number(name, argument, line);
        return;
      case "fallback":
        this.#fallback = argument
          .split(/\s+/)
          .filter((text) => /^[0-9]{1,9}$/.test(text))
          .map(Number)
          .slice(0, MAX_FALLBACKS);
        return;
      case "timeout": {
        const seconds = this.#number(name, argument, line);
        // Below 0 it waits.
        if (seconds !== null) this.#timeout = seconds < 0 ? Number.POSITIVE_INFINITY : seconds;
        return;
      }
      case "hiddenmenu":
        this.#isHidden = true;
        return;
      case "root":
      case "rootnoverify":
      case "uuid":
        this.#root = this.#device(name, argument, line) ?? this.#root;
        return;
      case "password":
        return;
      default:
        if (!QUIET.has(name))
          this.say("warning", line, `unknown command '${clip(name)}' before the first title: ignored`);
    }
  }

  #readEntryCommand(draft: Draft, name: string, argument: string, line: number): void {
    const words = argument.split(/\s+/).filter((word) => word !== "");
    switch (name) {
      case "root":
      case "rootnoverify":
      case "uuid":
      case "findroot":
        draft.root = this.#device(name, argument, line) ?? draft.root;
        return;
      case "kernel": {
        // `--type=…` and `--no-mem-option` come before the file.
        const command = argument.replace(/^(?:--\S+\s+)+/, "");
        const [, file, args] = /^(\S*)\s*([\s\S]*)$/.exec(command)!;
        if (file === "") {
          draft.reason = "'kernel' names no file";
          this.say("warning", line, draft.reason);
          return;
        }
        const isOther = /--type=(?:netbsd|freebsd|openbsd)/.exec(argument);
        if (isOther !== null) draft.reason = `it starts another system's kernel (${isOther[0]}), which Baton can't`;
        draft.kind = isOther === null ? "linux" : "other";
        draft.kernel = this.#file(draft, file!);
        draft.args = args!;
        return;
      }
      case "initrd":
        draft.initrd = words.map((word) => this.#file(draft, word));
        return;
      case "module":
      case "modulenounzip": {
        const [, file, args] = /^(\S*)\s*([\s\S]*)$/.exec(argument)!;
        if (file === "") return;
        draft.kind = "multiboot";
        draft.modules.push({ file: this.#file(draft, file!), args: args! });
        return;
      }
      case "chainloader":
        draft.kind = "local";
        draft.reason = `it starts a boot sector (${clip(argument)}), which only the firmware's own loader can do`;
        return;
      case "configfile":
        draft.kind = "local";
        draft.reason = `it opens another menu (${clip(argument)})`;
        return;
      case "halt":
      case "reboot":
        draft.kind = "other";
        draft.reason = name === "halt" ? "it switches the machine off" : "it restarts the machine";
        return;
      case "lock":
      case "password":
        draft.isLocked = true;
        return;
      case "savedefault": {
        // Debian's `--wait=SECONDS` comes before the number.
        const [what = ""] = words.filter((word) => !word.startsWith("--"));
        if (what === "" || what === "fallback") draft.saves = what === "" ? "itself" : what;
        else draft.saves = this.#number(name, what, line);
        return;
      }
      case "boot":
      case "fallback":
      case "default":
        return;
      default:
        if (!QUIET.has(name)) {
          this.say("warning", line, `unknown command '${clip(name)}' in "${clip(draft.title)}": ignored`);
        }
    }
  }

  #number(name: string, argument: string, line: number): number | null {
    if (/^-?[0-9]{1,9}$/.test(argument)) return Number(argument);
    this.say("warning", line, `'${name}' needs a number, not '${clip(argument)}': ignored`);
    return null;
  }

  /** `(hd0,0)`: partitions count from 0 here and from 1 everywhere else. */
  #device(command: string, argument: string, line: number): Device | null {
    if (command === "uuid") {
      const found = this.#devices.withTag("UUID", argument)[0];
      return found === undefined
        ? { kind: "unresolved", selector: `UUID=${argument}` }
        : { kind: "volume", volume: found };
    }
    const name = /^\(([^)]+)\)/.exec(argument)?.[1];
    if (name === undefined) {
      this.say("warning", line, `'${command}' needs a device such as (hd0,0), not '${clip(argument)}': ignored`);
      return null;
    }
    const partition = /^hd([0-9]+),([0-9]{1,6})/.exec(name);
    if (partition === null) return this.#devices.find(name, this.#env);
    return this.#devices.find(`hd${partition[1]},${Number(partition[2]) + 1}`, this.#env);
  }

  #file(draft: Draft, text: string): FileRef {
    const end = text.startsWith("(") ? text.indexOf(")") : -1;
    const device = end === -1 ? null : this.#device("root", text, draft.line);
    return this.#devices.fileRef(device ?? draft.root, text.slice(end + 1));
  }

  result({ number, file }: SavedDefault): FormatResult {
    const entries = this.#drafts.map((draft, at) => this.#entry(draft, this.#writes(draft, at, file)));
    const wanted = this.#default === "saved" ? number : (this.#default ?? 0);
    const isThere = wanted >= 0 && wanted < entries.length;
    if (!isThere && entries.length > 0) {
      this.say(
        "warning",
        null,
        `the default is entry ${wanted}, which the menu doesn't have; GRUB takes the first one`,
      );
    }
    return {
      entries,
      diagnostics: this.#diagnostics,
      defaultIndex: entries.length === 0 ? null : isThere ? wanted : 0,
      defaultIsExplicit: this.#default !== null && isThere,
      fallback: this.#fallback.filter((index) => index < entries.length),
      timeout: this.#timeout,
      timeoutStyle: this.#isHidden ? "hidden" : null,
    };
  }

  #writes({ saves }: Draft, at: number, file: FileRef | null): StateWrite[] {
    const next = this.#fallback[this.#fallback.indexOf(at) + 1];
    const number = saves === "itself" ? at : saves === "fallback" ? next : saves;
    if (file === null || number === null || number === undefined || number < 0) return [];
    return [{ file, set: { default: String(number) }, unset: [], form: "default" }];
  }

  #entry(draft: Draft, writes: readonly StateWrite[]): ParsedEntry {
    const { title, kind, kernel, args, initrd, modules, reason } = draft;
    const isMultiboot = kind === "multiboot" && kernel !== null;
    return parsedEntry({
      ...{ type: "grub-legacy", title, source: this.#source, kind: kind ?? "other" },
      linux: kind === "linux" ? kernel : null,
      initrd: kind === "linux" ? initrd : [],
      // The hypervisor is the first of its modules, as for GRUB 2.
      modules: isMultiboot ? [{ file: kernel, args }, ...modules] : modules,
      options: kind === "linux" || isMultiboot ? args : "",
      reason: reason ?? (kernel === null ? "it names no kernel" : null),
      restricted: draft.isLocked ? [] : null,
      writes,
    });
  }
}

function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
