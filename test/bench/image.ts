/** How large the image is. */

import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../vm/host.ts";
import type { Figure, Group } from "./figures.ts";

async function measure(): Promise<Figure[]> {
  const size = async (name: string) => (await stat(join(ROOT, "dist", name))).size;
  const xz = await size("initramfs.cpio.xz");
  // Counted, not held: the archive has more than a hundred megabytes.
  const counted = await promisify(execFile)("sh", ["-c", 'xz -dc "$0" | wc -c', join(ROOT, "dist/initramfs.cpio.xz")]);
  const figure = (name: string, value: number, meaning: string): Figure => ({ name, value, meaning, target: null });
  return [
    figure("image.rawBytes", Number(counted.stdout), "the initramfs, uncompressed"),
    figure("image.zstdBytes", await size("initramfs.cpio.zst"), "the initramfs as zstd"),
    figure("image.xzBytes", xz, "the initramfs as xz"),
    figure("image.withKernelXzBytes", xz + (await size("vmlinuz")), "the initramfs as xz, and the kernel"),
  ];
}

export const imageGroup: Group = { prefixes: ["image."], measure };
