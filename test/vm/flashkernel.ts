/** The kernel of Baton's own for flash, as tests and the benchmark take it: for virtual machines, of Linux 6.1. */

import { join } from "node:path";
import { CACHE, ROOT, run } from "./host.ts";

/** What a flash chip of 32 MiB leaves beside 4 MiB of firmware. */
const ROOM_MIB = "28";

/** The folder with baton-flash.bzImage and image.json. */
export const FLASH_FOLDER = join(CACHE, "flash-kernel");
export const FLASH_KERNEL = join(FLASH_FOLDER, "baton-flash.bzImage");

/** Builds it, which takes ten minutes the first time. */
export async function buildFlashKernel(): Promise<void> {
  await run("node", ["initramfs/setup.mjs", "kernel"], { cwd: ROOT });
  const words = ["--format", "flash", "--kernel-config", "qemu", "--suite", "bookworm", "--fits", ROOM_MIB];
  await run("npx", ["tsx", "initramfs/image.ts", "--quiet", ...words, "--output", FLASH_FOLDER], { cwd: ROOT });
}
