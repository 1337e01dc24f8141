/** What the reading of one configuration shares with those it leads to: files, budgets, diagnostics, and how names resolve. */

import { type Diagnostic, type EntryType, type FileRef, formatFileRef, type ParsedEntry } from "../../entry.ts";
import { BatonError, describeError } from "../../errors.ts";
import { Breath, DiagnosticList, ListBudget } from "../budget.ts";
import { findDevicetree } from "../devicetrees.ts";
import type { FormatContext, NetworkFacts, Place } from "../format.ts";
import { fileExists, isAbsence } from "../lookup.ts";
import { NamelessPasswords } from "../passwords.ts";
import { resolvePath } from "../paths.ts";
import { readConfig } from "../readbeginning.ts";
import { decodeText } from "../text.ts";
import { ADV_BYTES, type Adv, parseAdv } from "./adv.ts";
import { chainedSector } from "./chain.ts";
import type { CommandContext } from "./commands.ts";
import type { Label, Position } from "./config.ts";
import type { Dialect } from "./dialect.ts";
import type { IncludedFile } from "./directives.ts";
import { sysappendWords } from "./sysappend.ts";

/** A configuration may lead to others, those to more: so many files, so many bytes, and no further. */
const MAX_FILES = 500;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_REMOVABLE_BYTES = 2 * 1024 * 1024;
/** Bytes of one of them. */
const MAX_FILE_SIZE = 4 * 1024 * 1024;

export interface ListingOptions {
  /** For `pxelinux`, names are what they are over a network. */
  readonly type: EntryType;
  /** Where relative names start; the configuration's own folder except for PXELINUX. */
  readonly cwd: string;
  /** Null: by the file's name and content. */
  readonly dialect: Dialect | null;
  readonly network?: NetworkFacts;
}

export class SyslinuxRun {
  readonly diagnostics = new DiagnosticList();
  /** What its entries take, with those of the configurations that it leads to. */
  readonly budget: ListBudget;
  readonly breath = new Breath(64);
  readonly passwords = new NamelessPasswords();
  readonly context: FormatContext;
  readonly options: ListingOptions;
  readonly #warned = new Set<string>();
  readonly #devicetrees = new Map<string, Promise<string | null>>();
  /** Settled once the first file is read. */
  dialect: Dialect;
  #files = 0;
  /** No more files are read, which was said. */
  #isFull = false;
  #bytes = 0;

  constructor(context: FormatContext, options: ListingOptions) {
    this.context = context;
    this.options = options;
    this.budget = ListBudget.of(context);
    this.dialect = options.dialect ?? "syslinux";
  }

  /** A password as MENU PASSWD has it: one that begins with a dollar is a hash. As {@link NamelessPasswords.add}. */
  addPassword(what: string, text: string, opensAll = false): readonly string[] {
    return this.passwords.add(what, text, text.startsWith("$"), opensAll);
  }

  /** @param from where the file is named; null for the configuration itself */
  async read({ volume, path }: Place, from: Position | null): Promise<IncludedFile | null> {
    const source = nameOf({ volume, path });
    const say = (severity: Diagnostic["severity"], message: string): null =>
      this.#sayOnce(severity, from ?? { source, line: null, column: null }, message);
    const most = this.context.volume.removable ? MAX_REMOVABLE_BYTES : MAX_BYTES;
    if (this.#files++ >= MAX_FILES || this.#bytes > most) {
      if (this.#isFull) return null;
      this.#isFull = true;
      return say("error", "too many files are included; from here on they are not read");
    }
    try {
      const { bytes, fault } = await readConfig({ volume, share: this.context.share }, path, MAX_FILE_SIZE);
      if (fault !== null) say("error", fault);
      this.#bytes += bytes.length;
      const { text, problem } = decodeText(bytes);
      if (problem !== null) say("warning", problem);
      return { text, source };
    } catch (error) {
      const shown = volume === this.context.volume ? path : source;
      if (isAbsence(error) && from !== null) return say("warning", `${shown} is not there, and so not read`);
      if (from === null) throw error;
      if (error instanceof BatonError && error.code === "timeout") throw error;
      return say("error", describeError(error));
    }
  }

  /**
   * Where a configuration lies that is named by another.
   * @returns null, with a diagnostic, where it can't be reached from here
   */
  async place(name: string, cwd: Place, from: Position): Promise<Place | null> {
    const ref = this.#fileRef(name, cwd);
    if ("device" in ref) {
      const volume = [cwd.volume, ...this.context.volumes].find((one) => one.name === ref.device);
      if (volume !== undefined) return { volume, path: ref.path };
    }
    const { openUrl } = this.context;
    if ("url" in ref && openUrl !== undefined) {
      try {
        return await openUrl(ref.url);
      } catch (error) {
        if (error instanceof BatonError && error.code === "timeout") throw error;
        return this.#sayOnce("error", from, describeError(error));
      }
    }
    const why = "url" in ref ? "the configuration didn't come over the network" : "no attached disk is that one";
    return this.#sayOnce("warning", from, `${formatFileRef(ref)} can't be read: ${why}`);
  }

  /** What several configurations include says the same thing each time. */
  #sayOnce(
    severity: Diagnostic["severity"],
    { source, line, column }: Pick<Diagnostic, "source" | "line" | "column">,
    message: string,
  ): null {
    const key = `${source}:${line} ${message}`;
    if (!this.#warned.has(key)) {
      this.#warned.add(key);
      this.diagnostics.push({ severity, source, line, column, message });
    }
    return null;
  }

  /** False where a file on an attached volume is known to be missing. */
  async isThere(ref: FileRef): Promise<boolean> {
    if (!("device" in ref)) return true;
    const volume = this.context.volumes.find(({ name }) => name === ref.device);
    return volume === undefined || fileExists(volume.reader, ref.path);
  }

  /** This machine's devicetree among those of a folder (FDTDIR); null, with a warning, where that can't be told. */
  async devicetreeIn(folder: string, cwd: Place, label: Label): Promise<FileRef | null> {
    const at = await this.place(folder, cwd, { ...label, column: null });
    if (at === null) return null;
    const { volume, path } = at;
    const compatible = this.context.platform.compatible?.() ?? [];
    let found = this.#devicetrees.get(nameOf(at));
    if (found === undefined) {
      found = findDevicetree(volume.reader, path, compatible);
      this.#devicetrees.set(nameOf(at), found);
    }
    const file = await found;
    if (file !== null) return { device: volume.name, path: file };
    const why =
      compatible.length === 0
        ? "which file in it is this board's only U-Boot knows; name it with FDT"
        : `no file in it is for this machine (${compatible.slice(0, 3).join(", ")})`;
    const rest = "The devicetree that this machine runs with is passed on";
    this.#warnOnce(label, `FDTDIR ${folder}: ${why}. ${rest}`);
    return null;
  }

  #warnOnce({ source, line }: Label, message: string): void {
    // Once: what holds for one label mostly holds for all.
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.diagnostics.push({ severity: "warning", source, line, column: null, message });
  }

  /** What Syslinux has remembered on this volume; null where it isn't installed beside the configuration. */
  async adv(folder: Place): Promise<Adv | null> {
    if (this.dialect !== "syslinux" && this.dialect !== "extlinux") return null;
    const { reader } = folder.volume;
    const path = resolvePath(folder.path, "ldlinux.sys");
    try {
      const { size } = await reader.stat(path);
      return size < ADV_BYTES ? null : parseAdv(await reader.readAt(path, size - ADV_BYTES, ADV_BYTES));
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  }

  /** True where there is room for one more entry. */
  admit(entry: ParsedEntry): boolean {
    if (this.budget.admit(entry)) return true;
    const message = this.budget.sayEnd();
    const { source } = entry;
    if (message !== null) this.diagnostics.push({ severity: "error", source, line: null, column: null, message });
    return false;
  }

  /** What stands for the server's root: of a tree on a disk, its upper folder. */
  get #root(): string {
    return this.context.network === undefined ? this.options.cwd : "/";
  }

  get type(): EntryType {
    return this.options.type;
  }

  commandContext(cwd: Place): CommandContext {
    return {
      dialect: this.dialect,
      arch: this.context.platform.arch,
      resolve: (name) => this.#fileRef(name, cwd),
      // Over a network no disk is its own.
      chained: (args) => (this.context.network === undefined ? chainedSector(args, this.context) : null),
      sysappend: (mask) => {
        const { platform, volume } = this.context;
        return sysappendWords(mask, { network: this.options.network ?? null, platform, volumeUuid: volume.uuid });
      },
      warn: (label, message) => this.#warnOnce(label, message),
    };
  }

  #fileRef(name: string, cwd: Place): FileRef {
    const device = cwd.volume.name;
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return { url: name };
    if (this.type === "pxelinux") {
      // SERVER::PATH, and ::PATH for "from the root of the server that PXELINUX came from".
      const [, server, path] = /^([^/]*?)::(.*)$/s.exec(name) ?? [];
      if (server) return { url: `tftp://${server}/${path!.replace(/^\/+/, "")}` };
      if (path !== undefined) return { device: this.context.volume.name, path: resolvePath(this.#root, `./${path}`) };
      // Over a network a folder is text that stands before every other name (core/fs/pxe/pxe.c, pxe_chdir).
      return { device, path: resolvePath(cwd.path, `./${slashes(name)}`) };
    }
    // SYSLINUX 6.04 reads other partitions by GRUB's kind of name.
    const [, disk, number, rest] = /^\((hd[0-9]{1,3}),([0-9]{1,3})\)(.*)$/s.exec(name) ?? [];
    if (number !== undefined)
      return this.#onPartition(`${disk},${number}`, Number(number), resolvePath("/", slashes(rest!)));
    return { device, path: resolvePath(cwd.path, slashes(name)) };
  }

  /**
   * Which disk a number meant is known to the firmware of the day only: it is taken for the disk that the
   * configuration came from, and where even that can't be told, for the configuration's own volume.
   */
  #onPartition(selector: string, partition: number, path: string): FileRef {
    const { volume, volumes } = this.context;
    if (volume.disk === null) return { device: volume.name, path };
    const found = volumes.find((other) => other.disk === volume.disk && other.partition === partition);
    return found ? { device: found.name, path } : { selector, path };
  }
}

/** A file as diagnostics name it; no other has the same name. */
export const nameOf = ({ volume, path }: Place): string => `${volume.name}:${path}`;

/** SYSLINUX takes both kinds of slash, as DOS people write them. */
export const slashes = (name: string): string => name.replaceAll("\\", "/");
