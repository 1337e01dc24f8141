/**
 * What grub-install and grub-mkimage build into GRUB, from which it finds its configuration: a prefix, and a script that is
 * run first (GRUB's include/grub/kernel.h). In an EFI program it stands in the section `mods`.
 */

import { findSection } from "../../binary/pe.ts";
import { parseSelector, type Tag } from "../../identity.ts";
import type { Reader } from "../reader.ts";
import { openProgram } from "../systemdboot/ukiimage.ts";

/** "mimg", and the header behind it: offset and size, on a machine of 64 bits after padding and of 8 bytes each. */
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
  /** GRUB's name for what isn't a plain partition: `lvmid/…/…`, `mduuid/…,gpt2`; left out where it is one. */
  readonly alias?: string;
  /** Of the program's own disk, from 1; null where `tag` or `alias` says it, or where it is the program's own partition. */
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
  return placeIn(async (at, length) => {
    const bytes = await reader.readAt(path, section.offset + at, Math.max(0, Math.min(length, section.size - at)));
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  });
}

/**
 * @param view reads from where the modules' header should be; fewer bytes than asked for at the end
 * @returns null where there is none, or nothing is built in that can be told without running it
 */
export async function placeIn(view: (at: number, length: number) => Promise<DataView>): Promise<GrubPlace | null> {
  const header = await view(0, HEADER_SIZE);
  if (header.byteLength < HEADER_SIZE || header.getUint32(0, true) !== MAGIC) return null;
  const is64 = header.getUint32(4, true) === 0;
  const number = (at: number): number =>
    is64 ? Number(header.getBigUint64(2 * at, true)) : header.getUint32(at, true);
  const texts: { config?: string; prefix?: string } = {};
  let at = number(4);
  const end = at + number(8);
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
/** `(hd0,gpt2)/boot/grub`, `(,gpt2)/boot/grub`, `(lvmid/…/…)/boot/grub`, `/EFI/debian`; servers have names of other forms. */
const PREFIX_TEXT =
  /^(?:\((?:(?:hd\d+)?,(?:gpt|msdos)?(\d+)|((?:lvm|lvmid|md|mduuid|cryptouuid)\/[^()\s]+))\))?(\/\S*)$/;

/** A first script that does anything else than search (Debian's signed GRUB runs one of its own) says nothing here. */
export function placeOf(prefix: string, config: string): GrubPlace | null {
  const set = SET_PREFIX.exec(config)?.[1];
  if (set !== undefined) {
    const tag = searched(config);
    return tag === null ? null : { tag, partition: null, folder: folder(set) };
  }
  const [, partition, alias, path] = PREFIX_TEXT.exec(prefix) ?? [];
  if (path === undefined) return null;
  return {
    ...{ tag: null, partition: partition === undefined ? null : Number(partition), folder: folder(path) },
    ...(alias !== undefined && { alias }),
  };
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
