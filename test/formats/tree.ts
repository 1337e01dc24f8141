/** A volume made of strings, for tests of formats. */

import { Buffer } from "node:buffer";
import { posix } from "node:path";
import type { Diagnostic } from "../../src/entry.ts";
import { BatonError } from "../../src/errors.ts";
import type { Format, FormatContext, FormatResult, FormatVolume, Platform } from "../../src/formats/format.ts";
import type { DirectoryItem, Reader } from "../../src/formats/reader.ts";
import { testPlatform, testVolume } from "./golden.ts";

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A Reader over `files`, by absolute path; folders are there where files are in them. */
export function treeReader(files: Files, options: { readonly caseInsensitive?: boolean } = {}): Reader {
  const fold = (path: string): string => (options.caseInsensitive ? path.toLowerCase() : path);
  const contents = new Map<string, Uint8Array>();
  const folders = new Map<string, Map<string, DirectoryItem>>([["/", new Map()]]);
  for (const [path, content] of Object.entries(files)) {
    contents.set(fold(path), typeof content === "string" ? Buffer.from(content) : content);
    let type: DirectoryItem["type"] = "file";
    for (let at = path; at !== "/"; at = posix.dirname(at)) {
      const folder = fold(posix.dirname(at));
      const items = folders.get(folder) ?? new Map<string, DirectoryItem>();
      folders.set(folder, items);
      items.set(posix.basename(at), { name: posix.basename(at), type });
      type = "directory";
    }
  }
  const content = (path: string): Uint8Array => {
    const found = contents.get(fold(posix.normalize(path)));
    if (found) return found;
    if (folders.has(fold(posix.normalize(path)))) throw new BatonError("not-a-file", `${path}: it is a directory`);
    throw new BatonError("not-found", `${path}: no such file or directory`);
  };
  return {
    async read(path, limit = 16 * 1024 * 1024) {
      const bytes = content(path);
      if (bytes.length > limit) throw new BatonError("too-large", `${path}: ${bytes.length} bytes`);
      return bytes;
    },
    async readAt(path, offset, length) {
      return content(path).subarray(offset, offset + length);
    },
    async list(path) {
      const items = folders.get(fold(posix.normalize(path).replace(/(.)\/$/, "$1")));
      if (!items) throw new BatonError("not-found", `${path}: no such file or directory`);
      return [...items.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async stat(path) {
      if (folders.has(fold(posix.normalize(path)))) return { type: "directory", size: 0, mtime: 0 };
      return { type: "file", size: content(path).length, mtime: 0 };
    },
  };
}

/** A volume of `files`; vfat and iso9660 fold case. */
export function treeVolume(files: Files, fields: Partial<FormatVolume> = {}): FormatVolume {
  const caseInsensitive = fields.type === "vfat" || fields.type === "iso9660";
  return testVolume(treeReader(files, { caseInsensitive }), fields);
}

export interface ReadOptions {
  readonly volume?: Partial<FormatVolume>;
  readonly others?: readonly FormatVolume[];
  readonly platform?: Partial<Platform>;
  readonly variables?: Readonly<Record<string, string>>;
}

/** What a format makes of the only configuration that it finds among `files`. */
export async function readTree(format: Format, files: Files, options: ReadOptions = {}): Promise<FormatResult> {
  const volume = treeVolume(files, options.volume);
  const found = await format.find(volume);
  if (found.length !== 1) throw new Error(`found ${found.length} configurations: ${found.join(", ")}`);
  return format.parse(found[0]!, contextOf(volume, options));
}

export function contextOf(volume: FormatVolume, options: ReadOptions = {}): FormatContext {
  const volumes = [volume, ...(options.others ?? [])];
  return { volume, volumes, platform: testPlatform(options.platform, options.variables) };
}

/** `3:1 TEXT without ENDTEXT…`, without the file's name. */
export function messages(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ line, column, message }) => `${line ?? "-"}:${column ?? "-"} ${message}`);
}
