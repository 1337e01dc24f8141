/** Says what a file is that should be a kernel, and who can load it. */

import type { ReadAt } from "../binary/readat.ts";
import { type Image, START_SIZE } from "./image.ts";
import { identifySubject } from "./imagetypes.ts";

/**
 * Says what a file is that should be a kernel. It is read in a few places only, never whole.
 * @param size of the file in bytes
 * @throws only what `readAt` rejects with
 */
export async function identifyImage(readAt: ReadAt, size: number): Promise<Image> {
  const start = Buffer.from(await readAt(0, Math.min(START_SIZE, size)));
  return identifySubject({ readAt, size, start });
}

/**
 * Why Baton can't load an image on this machine, by either system call.
 * @param arch of this machine, as `uname -m`
 * @returns a sentence or two, or null where it can; of what is packed, whether that holds is known once it is unpacked
 */
export function loadRefusal(found: Image, arch: string): string | null {
  if (found.fileLoad.includes(arch) || found.classic.includes(arch)) return null;
  if (found.isPacked && found.arch === null) return null;
  const makers = [...new Set([...found.fileLoad, ...found.classic])];
  if (makers.length > 0) return `It is a kernel for ${makers.join(" and ")}, and this machine is ${arch}.`;
  return found.reason ?? `It is ${found.description}.`;
}
