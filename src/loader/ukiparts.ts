/** What kexec loads of an entry's files: they themselves, or the parts of a unified kernel image and its addons. */

import { readFile } from "node:fs/promises";
import type { Image } from "../images/image.ts";
import { type Extent, readAddonParts, readUkiParts } from "../images/uki.ts";
import type { KexecFile } from "../kexec/files.ts";
import { type OpenFile, plain, readAtOfFile } from "./openfiles.ts";
import type { EntryFiles } from "./refs.ts";

interface KexecParts {
  readonly kernel: KexecFile;
  readonly initrds: readonly KexecFile[];
  /** The unified kernel image's own, or its addons'. */
  readonly devicetree: KexecFile | null;
}

/**
 * @param image what the kernel's file is
 * @param profile of a unified kernel image, 0 for its first
 */
export async function kexecParts(files: EntryFiles<OpenFile>, image: Image, profile: number): Promise<KexecParts> {
  const { kernel } = files;
  const initrds = files.initrds.map(({ file }) => plain(file));
  const compatible = image.format === "UKI" ? await ownCompatible() : [];
  const uki =
    image.format === "UKI" ? await readUkiParts(readAtOfFile(kernel), kernel.size, profile, compatible) : null;
  if (uki === null) return { kernel: plain(kernel), initrds, devicetree: null };
  const { microcode, initrds: more, devicetree } = await addonFiles(files.addons, compatible);
  const own = uki.initrds.map((extent) => part(kernel, ".initrd", extent));
  return {
    kernel: part(kernel, ".linux", uki.linux),
    // Microcode comes first of all.
    initrds: [...microcode, ...own, ...initrds, ...more],
    devicetree: devicetree ?? (uki.devicetree && part(kernel, ".dtb", uki.devicetree)),
  };
}

function part(file: OpenFile, section: string, { offset, size }: Extent): KexecFile {
  return { size, offset: file.offset + offset, fd: file.handle.fd, name: `${file.name} (${section})` };
}

/** What the devicetree that this machine runs with calls it; nothing where there is none. */
export async function ownCompatible(): Promise<string[]> {
  const text = await readFile("/proc/device-tree/compatible", "latin1").catch(() => "");
  return text.split("\0").filter((name) => name !== "");
}

/** What addons of a unified kernel image bring. */
interface AddonFiles {
  readonly microcode: readonly KexecFile[];
  readonly initrds: readonly KexecFile[];
  /** The last one's that has any, in place of the image's own. */
  readonly devicetree: KexecFile | null;
}

async function addonFiles(addons: readonly OpenFile[], compatible: readonly string[]): Promise<AddonFiles> {
  let devicetree: KexecFile | null = null;
  const microcode: KexecFile[] = [];
  const initrds: KexecFile[] = [];
  for (const file of addons) {
    const addon = await readAddonParts(readAtOfFile(file), file.size, compatible);
    if (addon?.microcode) microcode.push(part(file, ".ucode", addon.microcode));
    if (addon?.initrd) initrds.push(part(file, ".initrd", addon.initrd));
    if (addon?.devicetree) devicetree = part(file, ".dtb", addon.devicetree);
  }
  return { microcode, initrds, devicetree };
}
