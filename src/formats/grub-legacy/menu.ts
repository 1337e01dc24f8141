/**
 * One menu of GRUB legacy's (manual, chapter "Commands") or GRUB4DOS's, line by line. Commands before the first `title`
 * are the menu's own.
 */

import type { BootModule, Diagnostic, EntryKind, FileRef } from "../../entry.ts";
import { formatFileRef } from "../../entry.ts";
import { Breath } from "../budget.ts";
import type { Device } from "../grub/devices.ts";
import type { LegacyNames } from "./names.ts";

const MAX_ENTRIES = 10_000;
/** Files that one entry names. */
const MAX_FILES = 1000;
/** Lines of one command after which there may be a pause. */
const CONTINUED_AT_ONCE = 64;
/** It knows no more fallback entries. */
const MAX_FALLBACKS = 8;

/** Accepted without a word: they change nothing about what is listed or booted. */
const QUIET = new Set(
  (
    "background bootp cat clear cmp color debug device dhcp displayapm displaymem embed foreground geometry " +
    "gfxmenu help hide ifconfig impsprobe install ioprobe makeactive md5crypt pager partnew parttype pause quiet " +
    "rarp read serial setkey setup shade silent splash splashimage terminal terminfo testload testvbe " +
    "tftpserver unhide uppermem verbose viewport " +
    // GRUB4DOS's.
    "beep blocklist calc cdrom checktime chenxi command crc32 dd delay echo endtime errnum errorcheck font fstest " +
    "graphicsmode initscript insert insmod ls lz4 md5sum nand ntldr-hotkey outline pxe raw rtc setlba setmenu " +
    "timeout-hotkey usb vol vbeprobe write"
  ).split(" "),
);

/** What starts no kernel of a disk's, by command. */
const LEAVES: Readonly<Record<string, string>> = {
  halt: "it switches the machine off",
  reboot: "it restarts the machine",
  quit: "it leaves GRUB",
  exit: "it leaves GRUB",
  commandline: "it opens GRUB's command line",
};

/** `password [--md5] PASSWORD [FILE]`; `--encrypted` is the distributions' own, for crypt(3)'s other hashes. */
interface WrittenPassword {
  readonly text: string;
  readonly isHash: boolean;
}

function readPassword(argument: string): WrittenPassword {
  const words = argument.split(/\s+/);
  const isHash = words[0] === "--md5" || words[0] === "--encrypted";
  return { text: words[isHash ? 1 : 0] ?? "", isHash };
}

/** What one `title` has collected. */
export interface Draft {
  readonly title: string;
  root: Device;
  kind: EntryKind | null;
  kernel: FileRef | null;
  args: string;
  initrd: FileRef[];
  modules: BootModule[];
  reason: string | null;
  /** A boot sector that it starts. */
  program: FileRef | null;
  isLocked: boolean;
  password: WrittenPassword | null;
  /** What it writes into the file `default` when it is booted: its own number, its fallback's, or one that it names. */
  saves: "itself" | "fallback" | number | null;
  /** The menu that it opens. */
  opens: { readonly device: Device; readonly path: string } | null;
}

export class LegacyMenu {
  readonly source: string;
  readonly drafts: Draft[] = [];
  /** A number, or the file that has it: `saved` for the one beside the menu. */
  default: number | "saved" | null = null;
  fallback: readonly number[] = [];
  timeout: number | null = null;
  /** It opens editing, the command line and entries with `lock`. */
  password: WrittenPassword | null = null;
  isHidden = false;
  /** `configfile` before any title: that menu takes this one's place. */
  opens: Draft["opens"] = null;
  readonly #names: LegacyNames;
  readonly #report: (diagnostic: Diagnostic) => void;
  #root: Device;

  constructor(source: string, names: LegacyNames, root: Device, report: (diagnostic: Diagnostic) => void) {
    this.source = source;
    this.#names = names;
    this.#root = root;
    this.#report = report;
  }

  say(severity: Diagnostic["severity"], line: number | null, message: string): void {
    this.#report({ severity, source: this.source, line, column: null, message });
  }

  async readText(text: string): Promise<void> {
    const breath = new Breath(64);
    for (const { line, text: command } of commandLines(text)) {
      if (this.opens !== null || (command !== "" && !(await this.#read(command, line)))) return;
      await breath.take();
    }
  }

  /** @returns false where no more is read. */
  async #read(text: string, line: number): Promise<boolean> {
    const [, name, value] = /^([^\s=]*)[\s=]*([\s\S]*)$/.exec(text)!;
    const argument = value!.trim();
    if (name === "title") {
      if (this.drafts.length >= MAX_ENTRIES) {
        this.say("error", line, `more than ${MAX_ENTRIES} entries; the others are left out`);
        return false;
      }
      this.drafts.push({
        // GRUB4DOS shows what follows `\n` below the menu.
        ...{ title: argument.replace(/\\n.*$/s, ""), root: this.#root, kind: null, kernel: null, args: "" },
        ...{ initrd: [], modules: [], reason: null, program: null, isLocked: false, password: null },
        ...{ saves: null, opens: null },
      });
      return true;
    }
    const draft = this.drafts.at(-1);
    if (draft === undefined) await this.#readMenuCommand(name!, argument, line);
    else await this.#readEntryCommand(draft, name!, argument, line);
    return true;
  }

  async #readMenuCommand(name: string, argument: string, line: number): Promise<void> {
    switch (name) {
      case "default":
        // GRUB4DOS names a file: where it keeps it, there is no other.
        if (argument === "saved" || /^[(/]/.test(argument)) this.default = "saved";
        else this.default = this.#number(name, argument, line);
        return;
      case "fallback":
        this.fallback = argument
          .split(/\s+/)
          .filter((text) => /^[0-9]{1,9}$/.test(text))
          .map(Number)
          .slice(0, MAX_FALLBACKS);
        return;
      case "timeout": {
        const seconds = this.#number(name, argument, line);
        // Below 0 it waits.
        if (seconds !== null) this.timeout = seconds < 0 ? Number.POSITIVE_INFINITY : seconds;
        return;
      }
      case "hiddenmenu":
        this.isHidden = true;
        return;
      case "configfile":
        if (argument !== "") this.opens = this.#names.at(argument, this.#root);
        return;
      case "password":
        this.password = readPassword(argument);
        return;
      default:
        this.#root = (await this.#chooseRoot(name, argument, line, this.#root)) ?? this.#root;
        if (!ROOTS.has(name) && !QUIET.has(name))
          this.say("warning", line, `unknown command '${clip(name)}' before the first title: ignored`);
    }
  }

  async #readEntryCommand(draft: Draft, name: string, argument: string, line: number): Promise<void> {
    const words = argument.split(/\s+/).filter((word) => word !== "");
    const left = LEAVES[name];
    if (left !== undefined) {
      draft.kind = "other";
      draft.reason = left;
      return;
    }
    switch (name) {
      case "kernel": {
        // `--type=…` and `--no-mem-option` come before the file.
        const command = argument.replace(/^(?:--\S+\s+){1,20}/, "");
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
        draft.reason ??= this.#names.whyClosed(file!, draft.root);
        draft.args = args!;
        return;
      }
      case "initrd":
        draft.initrd = words.slice(0, MAX_FILES).map((word) => this.#file(draft, word));
        if (words.length > MAX_FILES)
          this.say("error", line, `it names more than ${MAX_FILES} files; they are left out`);
        return;
      case "module":
      case "modulenounzip": {
        const [, file, args] = /^(\S*)\s*([\s\S]*)$/.exec(argument)!;
        if (file === "") return;
        draft.kind = "multiboot";
        if (draft.modules.length >= MAX_FILES) {
          this.say("error", line, `it names more than ${MAX_FILES} modules; this one is left out`);
          return;
        }
        draft.modules.push({ file: this.#file(draft, file!), args: args! });
        return;
      }
      case "map": {
        const [file, device] = words.filter((word) => !word.startsWith("--"));
        const isImage = file !== undefined && /^(?:\([^)]*\))?\//.test(file);
        if (isImage && device !== undefined) await this.#names.map(file, device.replace(/[()]/g, ""), draft.root);
        return;
      }
      case "chainloader":
        draft.kind = "local";
        draft.reason = `it starts a boot sector (${clip(argument)}), which only the firmware's own loader can do`;
        draft.program = this.#names.bootSector(words.find((word) => !word.startsWith("--")) ?? "", draft.root);
        return;
      case "configfile":
        draft.kind = "local";
        draft.opens = argument === "" ? null : this.#names.at(argument, draft.root);
        return;
      case "lock":
        draft.isLocked = true;
        return;
      case "password":
        draft.password = readPassword(argument);
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
        draft.root = (await this.#chooseRoot(name, argument, line, draft.root)) ?? draft.root;
        if (!ROOTS.has(name) && !QUIET.has(name)) {
          this.say("warning", line, `unknown command '${clip(name)}' in "${clip(draft.title)}": ignored`);
        }
    }
  }

  /** What a command makes the root; null where it leaves it. */
  async #chooseRoot(name: string, argument: string, line: number, root: Device): Promise<Device | null> {
    switch (name) {
      case "find":
        return this.#find(argument, line, root);
      case "uuid":
        return argument === "" || argument.startsWith("(") ? null : this.#names.withUuid(argument);
      case "root":
      case "rootnoverify":
      case "findroot": {
        // Without a device it says what the root is.
        if (argument === "") return null;
        const device = this.#names.device(argument, root);
        if (device === null)
          this.say("warning", line, `'${name}' needs a device such as (hd0,0), not '${clip(argument)}': ignored`);
        return device;
      }
      default:
        return null;
    }
  }

  /** GRUB4DOS's `find --set-root [FILE] [CONDITION]`; without the option it only prints. */
  async #find(argument: string, line: number, root: Device): Promise<Device | null> {
    const words = argument.split(/\s+/);
    const isOption = (word: string): boolean => word.startsWith("--");
    if (!words.some((word) => /^--set-root\b/.test(word))) return null;
    const [first = "", ...rest] = words.filter((word) => !isOption(word));
    if (first.startsWith("/") && rest.length === 0) return this.#names.withFile(first);
    // `uuid () ID` holds on the volume that has it.
    const [device = "", id] = rest;
    if (first === "uuid" && device === "()" && id !== undefined) return this.#names.withUuid(id);
    this.say("warning", line, `'find ${clip(argument)}': Baton makes out only a file or 'uuid () ID'; the root stays`);
    return root;
  }

  #file(draft: Draft, text: string): FileRef {
    return this.#names.file(text, draft.root);
  }

  #number(name: string, argument: string, line: number): number | null {
    if (/^-?[0-9]{1,9}$/.test(argument)) return Number(argument);
    this.say("warning", line, `'${name}' needs a number, not '${clip(argument)}': ignored`);
    return null;
  }
}

/** Commands that choose the root. */
const ROOTS: ReadonlySet<string> = new Set(["root", "rootnoverify", "findroot", "uuid", "find", "map"]);

/** Lines, empty ones for comments and blanks, and within a long command; a backslash at a line's end continues it. */
function* commandLines(text: string): Iterable<{ line: number; text: string }> {
  let line = 0;
  for (let at = 0; at < text.length; ) {
    const first = ++line;
    const parts: string[] = [];
    for (;;) {
      const end = text.indexOf("\n", at);
      const part = text.slice(at, end < 0 ? text.length : end);
      at = end < 0 ? text.length : end + 1;
      const isContinued = part.endsWith("\\") && at < text.length;
      parts.push(isContinued ? part.slice(0, -1) : part);
      if (!isContinued) break;
      if (++line % CONTINUED_AT_ONCE === 0) yield { line, text: "" };
    }
    const command = parts.join("").trim();
    yield { line: first, text: command.startsWith("#") ? "" : command };
  }
}

function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Why a menu that an entry opens gives nothing. */
export function nothingIn(ref: FileRef, why: string): string {
  return `the menu that it opens, ${formatFileRef(ref)}, ${why}`;
}
