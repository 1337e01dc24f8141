/** What the GRUB tests share: trees in memory, and short ways to read a configuration. */

import { formatDiagnostic, formatFileRef, type ParsedEntry } from "../../../src/entry.ts";
import { BatonError } from "../../../src/errors.ts";
import type { FormatContext, FormatResult, FormatVolume, Platform } from "../../../src/formats/format.ts";
import { LIMITS, type Limits } from "../../../src/formats/grub/budget.ts";
import { grubCommands } from "../../../src/formats/grub/commands/commands.ts";
import { Environment } from "../../../src/formats/grub/environment.ts";
import { readConfiguration } from "../../../src/formats/grub/grub.ts";
import { Interpreter } from "../../../src/formats/grub/interpreter.ts";
import { SourceText } from "../../../src/formats/grub/source.ts";
import type { DirectoryItem, FileStat, Reader } from "../../../src/formats/reader.ts";
import { testVolume } from "../golden.ts";

/** Files by absolute path; directories are those that paths need. */
export type Tree = Readonly<Record<string, string | Uint8Array>>;

/** A filesystem in memory, without symlinks. */
export class MemoryReader implements Reader {
  readonly #files = new Map<string, Uint8Array>();
  /** How often each method was asked. */
  readonly asked = { read: 0, readAt: 0, list: 0, stat: 0 };

  constructor(tree: Tree) {
    for (const [path, content] of Object.entries(tree)) {
      this.#files.set(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    }
  }

  static normal(path: string): string {
    return `/${path
      .split("/")
      .filter((name) => name !== "" && name !== ".")
      .join("/")}`;
  }

  #isDirectory(path: string): boolean {
    if (path === "/") return true;
    return [...this.#files.keys()].some((file) => file.startsWith(`${path}/`));
  }

  #file(path: string): Uint8Array {
    const content = this.#files.get(MemoryReader.normal(path));
    if (content !== undefined) return content;
    if (this.#isDirectory(MemoryReader.normal(path))) throw new BatonError("not-a-file", `${path} is a directory`);
    throw new BatonError("not-found", `${path} is not there`);
  }

  async read(path: string, limit = 16 << 20): Promise<Uint8Array> {
    this.asked.read++;
    const content = this.#file(path);
    if (content.length > limit) throw new BatonError("too-large", `${path} has more than ${limit} bytes`);
    return content;
  }

  async readAt(path: string, offset: number, length: number): Promise<Uint8Array> {
    this.asked.readAt++;
    return this.#file(path).subarray(offset, offset + length);
  }

  async list(path: string): Promise<readonly DirectoryItem[]> {
    this.asked.list++;
    const directory = MemoryReader.normal(path);
    if (!this.#isDirectory(directory)) throw new BatonError("not-found", `${path} is not there`);
    const prefix = directory === "/" ? "/" : `${directory}/`;
    const names = new Map<string, DirectoryItem["type"]>();
    for (const file of this.#files.keys()) {
      if (!file.startsWith(prefix)) continue;
      const [name, ...rest] = file.slice(prefix.length).split("/");
      names.set(name!, rest.length === 0 ? "file" : "directory");
    }
    return [...names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, type]) => ({ name, type }));
  }

  async stat(path: string): Promise<FileStat> {
    this.asked.stat++;
    const normal = MemoryReader.normal(path);
    const content = this.#files.get(normal);
    if (content !== undefined) return { type: "file", size: content.length, mtime: 1_700_000_000 };
    if (this.#isDirectory(normal)) return { type: "directory", size: 0, mtime: 1_700_000_000 };
    throw new BatonError("not-found", `${path} is not there`);
  }
}

export function memoryVolume(tree: Tree, fields: Partial<FormatVolume> = {}): FormatVolume {
  return testVolume(new MemoryReader(tree), { type: "ext4", ...fields });
}

export interface ReadOptions {
  /** Where the configuration lies; `/boot/grub/grub.cfg` unless given. */
  readonly path?: string;
  /** Other files of its volume. */
  readonly files?: Tree;
  readonly volume?: Partial<FormatVolume>;
  readonly others?: readonly FormatVolume[];
  readonly platform?: Partial<Platform>;
  readonly devicesMayCome?: boolean;
  readonly partitions?: FormatContext["partitions"];
  readonly limits?: Partial<Limits>;
}

/** Reads a configuration that lies on `vda1`. */
export function read(config: string | Uint8Array, options: ReadOptions = {}): Promise<FormatResult> {
  const path = options.path ?? "/boot/grub/grub.cfg";
  const volume = memoryVolume({ ...options.files, [path]: config }, options.volume);
  const context: FormatContext = {
    volume,
    volumes: [volume, ...(options.others ?? [])],
    platform: { firmware: "efi", arch: "x86_64", ...options.platform },
    devicesMayCome: options.devicesMayCome ?? false,
    ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
  };
  return readConfiguration(path, context, { ...LIMITS, ...options.limits });
}

/** Title of each entry with its submenus: `Advanced > Debian 6.1`. */
export function titles(result: FormatResult): string[] {
  return result.entries.map(({ submenu, title }) => [...submenu, title].join(" > "));
}

/** `LINE:COLUMN: message` of each diagnostic. */
export function problems(result: FormatResult): string[] {
  return result.diagnostics.map((d) => formatDiagnostic(d).replace(/^[^:]*:[^:]*:?\s*/, ""));
}

/** The only entry, which must be there. */
export function only(result: FormatResult): ParsedEntry {
  const [entry, ...rest] = result.entries;
  if (entry === undefined || rest.length > 0) throw new Error(`${result.entries.length} entries instead of one`);
  return entry;
}

export function kernelOf(entry: ParsedEntry): string | null {
  return entry.linux === null ? null : formatFileRef(entry.linux);
}

export function initrdsOf(entry: ParsedEntry): string[] {
  return entry.initrd.map(formatFileRef);
}

/** What a script prints with `echo`. `$root` is the volume on which `files` lie. */
export async function echoes(script: string, files: Tree = {}, fields: Partial<FormatVolume> = {}): Promise<string[]> {
  const volume = memoryVolume(files, fields);
  const context: FormatContext = { volume, volumes: [volume], platform: { firmware: "efi", arch: "x86_64" } };
  const source = SourceText.file("vda1:/test.cfg", script);
  const run = new Interpreter(context, grubCommands(), Environment.empty(), source);
  run.env.set("root", run.devices.nameOf(volume));
  run.env.export("root");
  let printed = "";
  run.onEcho = (text) => {
    printed += text;
  };
  await run.runText(source);
  return printed.split("\n").slice(0, -1);
}
