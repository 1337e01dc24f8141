/** A plain directory that stands for a filesystem's root: `--disk` on any host, and tests. */

import { resolve } from "node:path";
import { syncFiles } from "./files.ts";
import { type HostReader, HostTree, type TreeOptions } from "./tree.ts";

/**
 * Opens nothing yet; a directory that isn't there fails at the first call with `not-found`.
 * @param dir host path; relative ones are taken from the current directory now.
 */
export function openDirectory(dir: string, options: TreeOptions = {}): HostReader {
  return new HostTree(resolve(dir), syncFiles, options);
}
