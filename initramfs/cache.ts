/** Where everything that can be made again is kept, and how the image's makers speak. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Ignored by git; may be deleted at any time. */
export const cacheDirectory = join(projectRoot, ".cache");

export const distDirectory = join(projectRoot, "dist");

/** One line of progress, on stderr: stdout belongs to results. */
export function say(text: string): void {
  process.stderr.write(`image: ${text}\n`);
}
