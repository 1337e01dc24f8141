/** The kernel of Baton's own with everything inside: how large it is, and what its start takes. */

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { buildFlashKernel, FLASH_KERNEL } from "../vm/flashkernel.ts";
import { countFlash } from "./counts.ts";
import type { Figure, Group } from "./figures.ts";

const NAMES = ["image.flashBytes", "boot.flashGi", "boot.flashBlocks"];
const MAX_BYTES = 28_000_000;

async function measure(wanted: (name: string) => boolean, say: (text: string) => void): Promise<Figure[]> {
  if (!NAMES.some(wanted)) return [];
  // Every name begins with nothing only where no names are given.
  if (!existsSync(FLASH_KERNEL) && wanted("")) {
    say("no kernel for flash has been built; --only image.flash builds one, in about ten minutes");
    return [];
  }
  await buildFlashKernel();
  const size = { name: NAMES[0]!, value: (await stat(FLASH_KERNEL)).size, meaning: "kernel and initramfs in one file" };
  const figures: Figure[] = [{ ...size, target: MAX_BYTES }];
  if (NAMES.slice(1).some(wanted)) {
    const { gi, blocks } = await countFlash(FLASH_KERNEL);
    const start = "of that kernel, its start → menu ready";
    figures.push(
      { name: NAMES[1]!, value: gi, meaning: `10⁹ instructions ${start}`, target: 1.8 },
      { name: NAMES[2]!, value: blocks, meaning: `translated blocks ${start}`, target: null },
    );
  }
  return figures;
}

export const flashGroup: Group = { prefixes: ["image.flash", "boot.flash"], measure };
