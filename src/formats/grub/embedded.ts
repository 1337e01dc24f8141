/**
 * What grub-install and grub-mkimage build into GRUB's EFI program, from which it finds its configuration: a prefix, and a
 * script that is run first. It stands in the section `mods` (GRUB's include/grub/kernel.h).
 */

import { findSection } from "../../binary/pe.ts";
import { parseSelector, type Tag } from "../../identity.ts";
import type { Reader } from "../reader.ts";
import { openProgram } from "../systemdboot/ukiimage.ts";

/** "mimg", and the header behind it on a machine of 64 bits: magic, padding, offset and size of 8 bytes each. */
const MAGIC = 0x676d696d;
const HEADER_SIZE = 24;
const OBJECT_HEADER_SIZE = 8;
const CONFIG = 2;
const PREFIX = 3;
/** Modules stand before the texts: so many a person's GRUB has at most. */
const MAX_OBJECTS = 1024;
/** Longer than any prefix or first script. */
const MAX_TEXT_SIZE = 4096;

/** Where GRUB's configuration lies. */
export interface GrubPlace {
  /** The filesystem by what it says of itself; null where it is on the program's own disk. */
  readonly tag: { readonly tag: Tag; readonly value: string } | null;
  /** Of the program's own disk, from 1; null where `tag` says it, or where it is the program's own partition. */
  readonly partition: number | null;
  /** The folder of `grub.cfg`. */
  readonly folder: string;
}

/**
 * @returns null where nothing is built in that can be told without running it
 * @throws BatonError where the file can't be read, or is a broken program
 */
export async function embeddedPlace(reader: Reader, path: string): Promise<GrubPlace | null> {
  const program = await openProgram(reader, path);
  const section = program === null ? null : findSection(program.pe, "mods");
  if (section === null) return null;
  const view = async (at: number, length: number): Promise<DataView> => {
    const bytes = await reader.readAt(path, section.offset + at, Math.max(0, Math.min(length, section.size - at)));
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const header = await view(0, HEADER_SIZE);
  if (header.byteLength < HEADER_SIZE || header.getUint32(0, true) !== MAGIC) return null;
  const texts: { config?: string; prefix?: string } = {};
  let at = Number(header.getBigUint64(8, true));
  const end = at + Number(header.getBigUint64(16, true));
  for (let count = 0; count < MAX_OBJECTS && at + OBJECT_HEADER_SIZE <= end; count++) {
    const object = await view(at, OBJECT_HEADER_SIZE);
    const size = object.byteLength < OBJECT_HEADER_SIZE ? 0 : object.getUint32(4, true);
    if (size < OBJECT_HEADER_SIZE) break;
    const type = object.getUint32(0, true);
    if (type === CONFIG || type === PREFIX) {
      const text = await view(at + OBJECT_HEADER_SIZE, Math.min(size - OBJECT_HEADER_SIZE, MAX_TEXT_SIZE));
      const name = type === CONFIG ? "config" : "prefix";
      texts[name] ??= Buffer.from(text.buffer, text.byteOffset, text.byteLength)
        .toString("utf8")
        .replace(/\0[\s\S]*$/, "");
    }
    at += size;
  }
  return placeOf(texts.prefix ?? "", texts.config ?? "");
}

/** `search.fs_uuid UUID root …`, `search --fs-uuid --set=root UUID`, and the same for labels. */
const SEARCH = /^\s*search(?:\.(fs_uuid|fs_label)\s+(\S+)\s+root\b|\s(.*))/m;
/** `set prefix=($root)'/boot/grub'`: quoted in any way, or not at all. */
const SET_PREFIX = /^\s*set\s+prefix=["']?\(\$root\)["']*(\/[^\s"']*)/m;
/** `(hd0,gpt2)/boot/grub`, `(,gpt2)/boot/grub`, `/EFI/debian`; RAID, LVM and servers have names of other forms. */
const PREFIX_TEXT = /^(?:\((?:hd\d+)?,(?:gpt|msdos)?(\d+)\))?(\/\S*)$/;

/** A first script that does anything else than search (Debian's signed GRUB runs one of its own) says nothing here. */
export function placeOf(prefix: string, config: string): GrubPlace | null {
  const set = SET_PREFIX.exec(config)?.[1];
  if (set !== undefined) {
    const tag = searched(config);
    return tag === null ? null : { tag, partition: null, folder: folder(set) };
  }
  const [, partition, path] = PREFIX_TEXT.exec(prefix) ?? [];
  if (path === undefined) return null;
  return { tag: null, partition: partition === undefined ? null : Number(partition), folder: folder(path) };
}

const folder = (path: string): string => path.replace(/\/+$/, "");

function searched(config: string): GrubPlace["tag"] {
  const [, command, value, options = ""] = SEARCH.exec(config) ?? [];
  if (command !== undefined) return parseSelector(`${command === "fs_uuid" ? "UUID" : "LABEL"}=${value}`);
  const tag = /(^|\s)(--fs-uuid|-u)(\s|$)/.test(options)
    ? "UUID"
    : /(^|\s)(--label|-l)(\s|$)/.test(options)
      ? "LABEL"
      : null;
  const words = options
    .split(/\s+/)
    .filter((word) => word !== "" && !word.startsWith("-") && !/^(hd|ahci|ieee)/.test(word));
  return tag === null || words.length === 0 ? null : parseSelector(`${tag}=${words.at(-1)}`);
}
