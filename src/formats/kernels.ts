/**
 * Kernels and initrds by their names, where no configuration puts them together. The rules for versions and initrds are
 * rEFInd's ("Methods of Booting Linux", EFI Stub Loader Support Technical Details); distributions name their files so.
 */

import type { FormatVolume } from "./format.ts";
import { isAbsence, type Lookup } from "./lookup.ts";
import { isKernel } from "./systemdboot/program.ts";
import { compareVersions } from "./systemdboot/version.ts";

const KERNEL = /^(vmlinuz|vmlinux|bzimage|kernel|zimage)|^(image|linux)$/i;
/** What lies beside a kernel and is named after it. */
const COMPANION = /\.(hmac|sig|sha[0-9]+|md5|p7[bs]|png|icns|jpg|conf|cfg|txt|pem|dtb|old)$/i;
const INITRD = /^(init|booster)/i;
const MAX_KERNELS = 64;

export interface KernelFile {
  /** On its volume. */
  readonly path: string;
  readonly name: string;
  /** From the first digit of its name to the last; null where it has none. */
  readonly version: string | null;
  /** The initrd of the same version beside it; null where there is none. */
  readonly initrd: string | null;
}

/**
 * The kernels in a folder, the newest version first. Symbolic links count only where there is nothing else.
 * @param extra texts that count as digits of a version (rEFInd's `extra_kernel_version_strings`).
 */
export async function kernelsIn(
  lookup: Lookup,
  volume: FormatVolume,
  folder: string,
  extra: readonly string[] = [],
): Promise<KernelFile[]> {
  const items = await lookup.list(folder);
  const named = items.filter(({ name, type }) => type !== "directory" && KERNEL.test(name) && !COMPANION.test(name));
  const real = named.filter(({ type }) => type === "file");
  const initrds = items.flatMap(({ name, type }) => (type !== "directory" && INITRD.test(name) ? [name] : []));
  const at = (name: string): string => `${folder === "/" ? "" : folder}/${name}`;
  const found: KernelFile[] = [];
  for (const { name } of (real.length > 0 ? real : named).slice(0, MAX_KERNELS)) {
    // Old Ubuntu has each kernel twice; rEFInd leaves the unsigned one out.
    if (named.some((other) => other.name === `${name}.efi.signed`)) continue;
    const isOne = await isKernelFile(volume, at(name)).catch((error: unknown) => {
      if (isAbsence(error)) return false;
      throw error;
    });
    if (!isOne) continue;
    const initrd = matchInitrd(name, initrds, extra);
    found.push({ path: at(name), name, version: versionIn(name, extra), initrd: initrd === null ? null : at(initrd) });
  }
  return found.sort((a, b) => compareVersions(b.version ?? "", a.version ?? "") || (a.name < b.name ? -1 : 1));
}

/** Kernels for arm64 are often packed as a whole, by gzip. */
async function isKernelFile(volume: FormatVolume, path: string): Promise<boolean> {
  const [first, second] = await volume.reader.readAt(path, 0, 2);
  return (first === 0x1f && second === 0x8b) || (await isKernel({ volume }, path));
}

/** The part of a name that tells versions apart, null where there is none. */
export function versionIn(name: string, extra: readonly string[] = []): string | null {
  const digits = /[0-9](?:.*[0-9])?/.exec(name);
  const text = extra.find((one) => one !== "" && name.includes(one));
  if (text === undefined) return digits === null ? null : digits[0];
  const start = Math.min(name.indexOf(text), digits?.index ?? Number.POSITIVE_INFINITY);
  const end = Math.max(name.indexOf(text) + text.length, digits === null ? 0 : digits.index + digits[0].length);
  return name.slice(start, end);
}

/** Of several that fit, the one whose name goes on like the kernel's. */
export function matchInitrd(kernel: string, initrds: readonly string[], extra: readonly string[] = []): string | null {
  const version = versionIn(kernel, extra);
  const rest = (name: string): string => {
    const part = versionIn(name, extra);
    return part === null ? name.replace(/^[^-._]*/, "") : name.slice(name.indexOf(part) + part.length);
  };
  const own = rest(kernel);
  let best: string | null = null;
  let bestLength = -1;
  for (const name of initrds.filter((one) => versionIn(one, extra) === version)) {
    const other = rest(name);
    let length = 0;
    while (length < own.length && own[length] === other[length]) length++;
    // `initramfs-linux.img` before `initramfs-linux-fallback.img`: what follows is the shorter, the plainer.
    const isBetter = length > bestLength || (length === bestLength && best !== null && name.length < best.length);
    if (!isBetter) continue;
    best = name;
    bestLength = length;
  }
  return best;
}

/** Why what was found by its name alone never boots by itself. */
export const FOUND_BY_NAME = "no configuration names it: it was found by the name of its file";
