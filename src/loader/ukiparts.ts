/** What kexec loads of an entry's files: they themselves, or the parts of a unified kernel image and its addons. */

import { readFile } from "node:fs/promises";
import type { Image } from "../images/image.ts";
import { readUki, readUkiAddon } from "../images/uki.ts";
import type { KexecFile } from "../kexec/files.ts";
import { type OpenFile, plain, readAtOfFile } from "./openfiles.ts";

/** What kexec loads: whole files, or the parts of a unified kernel image. */
export async function kexecFiles(
  opened: readonly OpenFile[],
  image: Image,
  profile: number,
): Promise<{ kernel: KexecFile; initrds: KexecFile[]; devicetree: KexecFile | null }> {
  const [first, ...others] = opened.map(plain);
  const compatible = image.format === "UKI" ? await ownCompatible() : [];
  const uki = image.format === "UKI" ? await readUki(readAtOfFile(opened[0]!), first!.size, profile, compatible) : null;
  if (uki === null) return { kernel: first!, initrds: others, devicetree: null };
  const part = (section: string, extent: { offset: number; size: number }): KexecFile => ({
    size: extent.size,
    offset: opened[0]!.offset + extent.offset,
    fd: first!.fd,
    name: `${first!.name} (${section})`,
  });
  const { before, after, devicetree } = await addonFiles(opened.slice(1), compatible);
  return {
    kernel: part(".linux", uki.linux),
    initrds: [...before, ...uki.initrds.map((extent) => part(".initrd", extent)), ...after],
    devicetree: devicetree ?? (uki.devicetree && part(".dtb", uki.devicetree)),
  };
}

/** What the devicetree that this machine runs with calls it; nothing where there is none. */
async function ownCompatible(): Promise<string[]> {
  const text = await readFile("/proc/device-tree/compatible", "latin1").catch(() => "");
  return text.split("\0").filter((name) => name !== "");
}

/** What addons of a unified kernel image bring. */
interface AddonFiles {
  /** Microcode comes first of all. */
  readonly before: KexecFile[];
  readonly after: KexecFile[];
  /** The last one's that has any, in place of the image's own. */
  readonly devicetree: KexecFile | null;
}

/** Initrds as they are, and addons taken apart. */
async function addonFiles(opened: readonly OpenFile[], compatible: readonly string[]): Promise<AddonFiles> {
  let devicetree: KexecFile | null = null;
  const before: KexecFile[] = [];
  const after: KexecFile[] = [];
  for (const file of opened) {
    const addon = await readUkiAddon(readAtOfFile(file), file.size, compatible);
    if (addon === null) after.push(plain(file));
    const part = (section: string, { offset, size }: { offset: number; size: number }): KexecFile => ({
      ...{ fd: file.handle.fd, size, offset: file.offset + offset, name: `${file.name} (${section})` },
    });
    if (addon?.microcode) before.push(part(".ucode", addon.microcode));
    if (addon?.initrd) after.push(part(".initrd", addon.initrd));
    if (addon?.devicetree) devicetree = part(".dtb", addon.devicetree);
  }
  return { before, after, devicetree };
}
