/** Paths inside a volume, as configurations write them. Pure text: nothing here looks at a filesystem. */

import { dirname, normalize } from "node:path/posix";

/**
 * `name` seen from the folder `cwd`, absolute and normal: `..` stops at the root, `//` and `.` vanish.
 * @param cwd absolute.
 */
export function resolvePath(cwd: string, name: string): string {
  return normalize(name.startsWith("/") ? name : `${cwd}/${name}`).replace(/(.)\/$/, "$1");
}

/** The folder that holds `path`; `/` for a file in the root. */
export function folderOf(path: string): string {
  return dirname(path);
}

/** The last part of `path`. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
