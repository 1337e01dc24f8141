/** Where a unified kernel image (binary/uki.ts) has what kexec loads. Its texts are read by formats/systemdboot. */

import { readCompatible } from "../binary/fdtroot.ts";
import { findSection, type Pe, type PeSection, readPe } from "../binary/pe.ts";
import type { ReadAt } from "../binary/readat.ts";
import { profileSections, sectionText } from "../binary/uki.ts";
import { type Image, image, START_SIZE, type Subject } from "./image.ts";

/** A part of the file. */
export interface Extent {
  /** Bytes from the file's start. */
  readonly offset: number;
  readonly size: number;
}

interface UkiParts {
  readonly arch: string;
  readonly linux: Extent;
  /** In the order in which the kernel gets them: `.ucode` (microcode) first. Empty where it has none. */
  readonly initrds: readonly Extent[];
  /** Release of the kernel (.uname); null where the section is missing. */
  readonly uname: string | null;
  readonly devicetree: Extent | null;
}

/**
 * Takes a unified kernel image apart.
 * @param profile 0 for the first one
 * @param compatible what this machine's devicetree calls it: a `.dtbauto` section for the same wins over `.dtb`
 * @returns null where the file is no unified kernel image, or has no such profile
 * @throws BatonError `bad-format` for a broken one; what `readAt` rejects with
 */
export async function readUkiParts(
  readAt: ReadAt,
  size: number,
  profile = 0,
  compatible: readonly string[] = [],
): Promise<UkiParts | null> {
  const pe = await readPe(readAt, size);
  const own = pe === null ? undefined : profileSections(pe)[profile];
  const linux = own && extentOf(own, ".linux");
  if (pe === null || own === undefined || !linux) return null;
  const initrds = [extentOf(own, ".ucode"), extentOf(own, ".initrd")];
  return {
    arch: pe.machine,
    linux,
    initrds: initrds.flatMap((part) => (part !== null && part.size > 0 ? part : [])),
    uname: (await sectionText(readAt, findSection(own, ".uname")))?.trim() || null,
    devicetree: (await findDtbauto(readAt, own.sections, compatible)) ?? extentOf(own, ".dtb"),
  };
}

function extentOf(own: Pick<Pe, "sections">, name: string): Extent | null {
  const section = findSection(own, name);
  return section === null ? null : { offset: section.offset, size: section.size };
}

/** What an addon (`*.addon.efi`) brings for kexec: it stands beside the image's own parts. */
interface AddonParts {
  /** Before the image's own. */
  readonly microcode: Extent | null;
  /** After the image's own. */
  readonly initrd: Extent | null;
  /** In place of the image's own. */
  readonly devicetree: Extent | null;
}

/** @returns null where the file is no addon. @throws BatonError `bad-format`; what `readAt` rejects with */
export async function readAddonParts(
  readAt: ReadAt,
  size: number,
  compatible: readonly string[] = [],
): Promise<AddonParts | null> {
  const pe = await readPe(readAt, size);
  if (pe === null || findSection(pe, ".linux") !== null) return null;
  const extent = (name: string): Extent | null => {
    const found = extentOf(pe, name);
    return found?.size === 0 ? null : found;
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

/** A part of a file as a file of its own. */
export function readAtWithin(readAt: ReadAt, { offset, size }: Extent): ReadAt {
  return async (at, length) => (at >= size ? new Uint8Array(0) : readAt(offset + at, Math.min(length, size - at)));
}

/** Recognises unified kernel images, by the kernel inside. */
export function probeUki(identifyInner: (subject: Subject) => Promise<Image>) {
  return async (subject: Subject): Promise<Image | null> => {
    const uki = await readUkiParts(subject.readAt, subject.size).catch(() => null);
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
