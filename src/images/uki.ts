/**
 * Unified kernel images: kernel, initrd and command line as sections of one EFI program
 * (https://uapi-group.org/specifications/specs/unified_kernel_image/).
 */

import { readCompatible } from "../binary/fdtroot.ts";
import { findSection, type Pe, type PeSection, readPe, readSection } from "../binary/pe.ts";
import type { ReadAt } from "../binary/readat.ts";
import { type Image, image, START_SIZE, type Subject } from "./image.ts";

/** .cmdline, .osrel and .uname are texts of a few hundred bytes. */
const MAX_TEXT_SIZE = 64 * 1024;

/** A part of the file. */
export interface Extent {
  /** Bytes from the file's start. */
  readonly offset: number;
  readonly size: number;
}

/** What a unified kernel image holds, ready for kexec. */
export interface Uki {
  readonly arch: string;
  readonly linux: Extent;
  /** In the order in which the kernel gets them: `.ucode` (microcode) first. Empty where it has none. */
  readonly initrds: readonly Extent[];
  /** Without its line's end; null where the section is missing. */
  readonly cmdline: string | null;
  /** Release of the kernel (.uname); null where the section is missing. */
  readonly uname: string | null;
  /** Content of .osrel, as in os-release(5); null where the section is missing. */
  readonly osRelease: string | null;
  readonly devicetree: Extent | null;
}

/**
 * Takes a unified kernel image apart.
 * @param profile 0 for the first one; each `.profile` section begins another, whose sections stand before the base's
 * @param compatible what this machine's devicetree calls it: a `.dtbauto` section for the same wins over `.dtb`
 * @returns null where the file is no unified kernel image, or has no such profile
 * @throws BatonError `bad-format` for a broken one; what `readAt` rejects with
 */
export async function readUki(
  readAt: ReadAt,
  size: number,
  profile = 0,
  compatible: readonly string[] = [],
): Promise<Uki | null> {
  const pe = await readPe(readAt, size);
  if (pe === null || findSection(pe, ".linux") === null) return null;
  const profiles = splitProfiles(pe);
  const sections = profiles[profile];
  if (sections === undefined) return null;
  const find = (name: string): PeSection | null => sections.find((section) => section.name === name) ?? null;
  const extent = (name: string): Extent | null => {
    const section = find(name);
    return section === null ? null : { offset: section.offset, size: section.size };
  };
  const text = async (name: string): Promise<string | null> => {
    const section = find(name);
    if (section === null) return null;
    return Buffer.from(await readSection(readAt, section, MAX_TEXT_SIZE))
      .toString("utf8")
      .replace(/[\0\n\r\t ]+$/, "");
  };
  return {
    arch: pe.machine,
    linux: extent(".linux")!,
    initrds: [extent(".ucode"), extent(".initrd")].filter((part) => part !== null && part.size > 0) as Extent[],
    cmdline: (await text(".cmdline"))?.replace(/\s*\n\s*/g, " ") ?? null,
    uname: await text(".uname"),
    osRelease: await text(".osrel"),
    devicetree: (await findDtbauto(readAt, sections, compatible)) ?? extent(".dtb"),
  };
}

/** What an addon (`*.addon.efi`) brings for kexec: it stands beside the image's own parts. */
export interface UkiAddon {
  /** Before the image's own. */
  readonly microcode: Extent | null;
  /** After the image's own. */
  readonly initrd: Extent | null;
  /** In place of the image's own. */
  readonly devicetree: Extent | null;
}

/** @returns null where the file is no addon. @throws BatonError `bad-format`; what `readAt` rejects with */
export async function readUkiAddon(
  readAt: ReadAt,
  size: number,
  compatible: readonly string[] = [],
): Promise<UkiAddon | null> {
  const pe = await readPe(readAt, size);
  if (pe === null || findSection(pe, ".linux") !== null) return null;
  const extent = (name: string): Extent | null => {
    const section = findSection(pe, name);
    return section === null || section.size === 0 ? null : { offset: section.offset, size: section.size };
  };
  const devicetree = (await findDtbauto(readAt, pe.sections, compatible)) ?? extent(".dtb");
  return { microcode: extent(".ucode"), initrd: extent(".initrd"), devicetree };
}

/** The first `.dtbauto` section that is for this machine: that has the same first name, as systemd-stub compares. */
async function findDtbauto(
  readAt: ReadAt,
  sections: readonly PeSection[],
  [exact]: readonly string[],
): Promise<Extent | null> {
  if (exact === undefined) return null;
  for (const { name, offset, size } of sections) {
    if (name !== ".dtbauto") continue;
    const names = await readCompatible(readAtWithin(readAt, { offset, size }));
    if (names?.[0] === exact) return { offset, size };
  }
  return null;
}

/** The sections of each profile, its own before the base's; one list where there are no profiles. */
function splitProfiles(pe: Pe): readonly (readonly PeSection[])[] {
  const base: PeSection[] = [];
  const profiles: PeSection[][] = [];
  for (const section of pe.sections) {
    if (section.name === ".profile") profiles.push([]);
    (profiles.at(-1) ?? base).push(section);
  }
  return profiles.length === 0 ? [base] : profiles.map((own) => [...own, ...base]);
}

/** A part of a file as a file of its own. */
export function readAtWithin(readAt: ReadAt, { offset, size }: Extent): ReadAt {
  return async (at, length) => (at >= size ? new Uint8Array(0) : readAt(offset + at, Math.min(length, size - at)));
}

/** Recognises unified kernel images, by the kernel inside. */
export function probeUki(identifyInner: (subject: Subject) => Promise<Image>) {
  return async (subject: Subject): Promise<Image | null> => {
    const uki = await readUki(subject.readAt, subject.size).catch(() => null);
    if (uki === null) return null;
    const { linux } = uki;
    if (linux.offset + linux.size > subject.size) {
      const reason = `It is cut short: its kernel ends at byte ${linux.offset + linux.size}, and the file has ${subject.size} bytes. Copy it to the disk again.`;
      return image({ format: "UKI", description: "a unified kernel image, cut short", arch: uki.arch, reason });
    }
    const readAt = readAtWithin(subject.readAt, linux);
    const inner = await identifyInner({
      readAt,
      size: linux.size,
      start: Buffer.from(await readAt(0, Math.min(START_SIZE, linux.size))),
    });
    return {
      ...inner,
      format: "UKI",
      // What is packed inside is unpacked once it is taken out.
      ...(inner.isPacked ? { isPacked: false, classic: [...inner.fileLoad, ...inner.classic] } : {}),
      description: `a unified kernel image with ${inner.description}`,
      version: inner.version ?? uki.uname,
    };
  };
}
