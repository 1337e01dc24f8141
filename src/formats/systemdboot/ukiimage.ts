/**
 * A unified kernel image: one EFI executable with kernel, initrd, command line and names of the system in it
 * (UAPI.5). Only its descriptive sections are read here; kernel and initrd are read when it is booted.
 */

import { findSection, type Pe, type PeSection, readPe } from "../../binary/pe.ts";
import { profileSections, sectionText, stubCmdline } from "../../binary/uki.ts";
import { BatonError } from "../../errors.ts";
import { keyValues } from "../lines.ts";
import type { Reader } from "../reader.ts";

/** Texts of all profiles together, in bytes; each has a few hundred. */
const MAX_TEXTS_SIZE = 1024 * 1024;

/** One way to boot it. An image without profiles has one, numbered 0. */
export interface UkiProfile {
  readonly number: number;
  readonly id: string | null;
  readonly title: string | null;
  /** Null where there is no `.cmdline`, and a command line may come from elsewhere. */
  readonly cmdline: string | null;
  /** `.osrel`, as text. */
  readonly osRelease: string | null;
  /** `.uname`: the kernel's version. */
  readonly uname: string | null;
  /** There is a kernel in it, and not only resources for one. */
  readonly hasKernel: boolean;
}

export interface Uki {
  /** As `uname -m`. */
  readonly machine: string;
  readonly profiles: readonly UkiProfile[];
}

/** An EFI executable that lies on a volume, its headers read. */
export interface Program {
  readonly pe: Pe;
  /** A section's content as text; null where there is no such section. */
  text(section: PeSection | null): Promise<string | null>;
}

/**
 * @returns null where the file is no EFI executable.
 * @throws BatonError where it is a broken one, or can't be read.
 */
export async function openProgram(reader: Reader, path: string): Promise<Program | null> {
  const { size } = await reader.stat(path);
  const readAt = (offset: number, length: number): Promise<Uint8Array> => reader.readAt(path, offset, length);
  const pe = await readPe(readAt, size);
  if (pe === null) return null;
  // The base's texts are asked for by each profile: they are read once.
  const texts = new Map<PeSection, Promise<string | null>>();
  let left = MAX_TEXTS_SIZE;
  const text = async (section: PeSection | null): Promise<string | null> => {
    if (section === null) return null;
    const known = texts.get(section);
    if (known !== undefined) return known;
    left -= section.size;
    if (left < 0)
      throw new BatonError("too-large", `${path}: its texts have more than ${MAX_TEXTS_SIZE} bytes together`);
    const read = sectionText(readAt, section);
    texts.set(section, read);
    return read;
  };
  return { pe, text };
}

/** As {@link openProgram}, with what it says of its profiles. */
export async function readUki(reader: Reader, path: string): Promise<Uki | null> {
  const program = await openProgram(reader, path);
  if (program === null) return null;
  const { pe, text } = program;
  const profiles: UkiProfile[] = [];
  for (const [number, own] of profileSections(pe).entries()) {
    const textOf = (name: string): Promise<string | null> => text(findSection(own, name));
    const values = new Map(keyValues((await textOf(".profile")) ?? "", "=").map(({ key, value }) => [key, value]));
    const cmdline = await textOf(".cmdline");
    profiles.push({
      number,
      id: values.get("ID") ?? null,
      title: values.get("TITLE") ?? null,
      cmdline: cmdline === null ? null : stubCmdline(cmdline),
      osRelease: await textOf(".osrel"),
      uname: (await textOf(".uname"))?.trim() || null,
      hasKernel: findSection(own, ".linux") !== null,
    });
  }
  return { machine: pe.machine, profiles };
}

/** What an addon brings. */
interface Addon {
  /** Null where it has none. */
  readonly cmdline: string | null;
  /** It has initrds or a devicetree: sections that are read when the image is booted. */
  readonly hasFiles: boolean;
}

const FILE_SECTIONS = [".ucode", ".initrd", ".dtb", ".dtbauto"];

/** An addon for this machine; null where the file is none. */
export async function readAddon(reader: Reader, path: string, machine: string): Promise<Addon | null> {
  const program = await openProgram(reader, path);
  if (program === null) return null;
  const { pe, text } = program;
  // An image with a kernel is no addon.
  if (pe.machine !== machine || findSection(pe, ".linux") !== null) return null;
  const cmdline = stubCmdline((await text(findSection(pe, ".cmdline"))) ?? "");
  return { cmdline: cmdline || null, hasFiles: FILE_SECTIONS.some((name) => findSection(pe, name) !== null) };
}
